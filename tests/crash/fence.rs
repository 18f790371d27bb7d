//! The fence, by which the API server refuses what an overtaken command creates late.

use std::time::Duration;

use a4co_cluster::{Client, FIELD_MANAGER, install_fence};
use serde_json::json;
use tokio::sync::Mutex;

use crate::{
    cluster::{Cluster, Result},
    site::Site,
};

const BINDINGS: &str =
    "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/a4co-fence";

/// How often it is asked whether the fence is closed, and with what pauses. The API server takes
/// note of a new one within a second or two.
const ATTEMPTS: usize = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Whether the fence of a place that no run uses has been installed. It stays: once no binding is
/// left for a second, the API server never again reads the `ConfigMaps` that a policy names
/// (kubernetes#130887).
static HAS_KEEPER: Mutex<bool> = Mutex::const_new(false);

/// Installs the fence of `site`.
pub(crate) async fn install(client: &Client, site: &Site) -> Result<()> {
    let mut has_keeper = HAS_KEEPER.lock().await;
    if !*has_keeper {
        let (app, namespace) = ("keeper".into(), "default".into());
        install_fence(client, &Site { app, namespace }.place()).await?;
        *has_keeper = true;
    }
    Ok(install_fence(client, &site.place()).await?)
}

/// Deletes the part that is this place's own. The policy stays for the others.
pub(crate) async fn remove(cluster: &Cluster, site: &Site) -> Result<()> {
    let Site { app, namespace } = site;
    cluster.delete(&format!("{BINDINGS}.{namespace}.{app}")).await
}

/// Waits until nothing of `epoch` can be created any more.
pub(crate) async fn until_closed(cluster: &Cluster, site: &Site, epoch: u64) -> Result<()> {
    let mut object = site.config_map("fenced", "").1;
    object["metadata"]["annotations"] = json!({ "a4co.dev/epoch": epoch.to_string() });
    let collection = crate::objects::collection(&object);
    let path = format!("{collection}?dryRun=All&fieldManager={FIELD_MANAGER}");
    for _ in 0..ATTEMPTS {
        match cluster.create(&path, &object).await {
            Err(error) if error.to_string().contains("a4co-fence") => return Ok(()),
            Err(error) => return Err(error),
            Ok(()) => tokio::time::sleep(PAUSE).await,
        }
    }
    Err(format!("the fence never closes behind epoch {epoch}").into())
}
