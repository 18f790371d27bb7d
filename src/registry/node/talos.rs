//! The machine configuration of Talos Linux: documents of the kinds `RegistryMirrorConfig` and
//! `RegistryTLSConfig` (Talos 1.12, reference of the machine configuration).

use std::{collections::BTreeSet, fmt::Write as _};

use crate::{address::Address, name::Host, node::certificate::Certificates};

/// Returns a patch that adds a mirror for each registry.
pub(crate) fn patch(
    registries: &BTreeSet<Host>,
    site: &Address,
    ca: Option<&Certificates>,
) -> String {
    let mut documents: Vec<_> = registries.iter().map(|it| mirror(it, site)).collect();
    documents.extend(ca.map(|ca| trust(site, ca)));
    documents.join("---\n")
}

fn mirror(registry: &Host, site: &Address) -> String {
    let path = if site.prefix().is_empty() { "" } else { "    overridePath: true\n" };
    format!(
        "apiVersion: v1alpha1\nkind: RegistryMirrorConfig\nname: \"{registry}\"\nendpoints:\n  \
         - url: \"{}\"\n{path}skipFallback: true\n",
        site.api()
    )
}

fn trust(site: &Address, ca: &Certificates) -> String {
    let mut text = format!(
        "apiVersion: v1alpha1\nkind: RegistryTLSConfig\nname: \"{}\"\nca: |-\n",
        site.authority()
    );
    for line in ca.to_string().lines() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {line}");
    }
    text
}
