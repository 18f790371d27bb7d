//! Pods have a service account of their own, and a token only if it is good for something.

use serde_json::Value;

use super::{Fault, Faults, Pods, View};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods() {
        let spec = pods.spec();
        let account = spec["serviceAccountName"].as_str().or(spec["serviceAccount"].as_str());
        match account.filter(|account| *account != "default") {
            None => {
                faults.add(pods.member, &pods.at(&["serviceAccountName"]), Fault::DefaultAccount);
            }
            Some(account)
                if has_token(view, &pods, account) && !has_rights(view, &pods, account) =>
            {
                let path = pods.at(&["automountServiceAccountToken"]);
                faults.add(pods.member, &path, Fault::Token { account: account.to_owned() });
            }
            Some(_) => {}
        }
    }
}

/// Returns whether a token is mounted: the pod says, else its account, else it is.
fn has_token(view: &View<'_>, pods: &Pods<'_>, account: &str) -> bool {
    let account = view.find("", "ServiceAccount", pods.member.namespace(), account);
    let account = account.and_then(|it| it.manifest["automountServiceAccountToken"].as_bool());
    pods.spec()["automountServiceAccountToken"].as_bool().or(account).unwrap_or(true)
}

/// Returns whether the release gives the account any rights.
fn has_rights(view: &View<'_>, pods: &Pods<'_>, account: &str) -> bool {
    let bindings =
        view.of_kind(RBAC, "RoleBinding").chain(view.of_kind(RBAC, "ClusterRoleBinding"));
    let is_subject = |subject: &Value, binding_namespace: &str| {
        let namespace = subject["namespace"].as_str().unwrap_or(binding_namespace);
        subject["kind"] == "ServiceAccount"
            && subject["name"] == account
            && namespace == pods.member.namespace()
    };
    bindings.into_iter().any(|binding| {
        let mut subjects = binding.manifest["subjects"].as_array().into_iter().flatten();
        subjects.any(|subject| is_subject(subject, binding.namespace()))
    })
}
