//! What bindings bind: a role, and who has it.

use super::{Member, References, Wanted, items};

const RBAC: &str = "rbac.authorization.k8s.io";

impl References<'_, '_, '_, '_> {
    pub(super) fn check_binding(&mut self, member: &Member) {
        let role = &member.manifest["roleRef"];
        let kind = role["kind"].as_str().unwrap_or_default();
        let namespace = if kind == "ClusterRole" { "" } else { member.namespace() };
        let name = role["name"].as_str().unwrap_or_default();
        self.want(member, &["roleRef", "name"], Wanted { group: RBAC, kind, namespace, name });
        for (position, subject) in items(&member.manifest["subjects"]) {
            if subject["kind"] == "ServiceAccount" {
                let wanted = Wanted {
                    group: "",
                    kind: "ServiceAccount",
                    namespace: subject["namespace"].as_str().unwrap_or(member.namespace()),
                    name: subject["name"].as_str().unwrap_or_default(),
                };
                self.want(member, &["subjects", &position, "name"], wanted);
            }
        }
    }
}
