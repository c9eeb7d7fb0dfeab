//! The RPCs that this build knows, by path; names from the network are never logged or counted.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Names of the standard services that every process has.
pub(crate) const HEALTH: &str = "grpc.health.v1.Health/";
pub(crate) const REFLECTION: [&str; 2] = [
    "grpc.reflection.v1.ServerReflection/",
    "grpc.reflection.v1alpha.ServerReflection/",
];

/// Streams that stay open until somebody leaves: no cap on their deadline, and cut at drain.
const WATCHES: [&str; 3] = [
    "grpc.health.v1.Health/Watch",
    "keyway.vault.v1.LeaseService/WatchChanges",
    "keyway.billing.v1.BillingService/StreamUsage",
];

/// Streams that live longer than a look at their caller's credential may hold.
const HELD: [&str; 3] = [
    "keyway.vault.v1.LeaseService/WatchChanges",
    "keyway.vault.v1.AuditService/Export",
    "keyway.billing.v1.BillingService/StreamUsage",
];

static KNOWN: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let standard = [
        "grpc.health.v1.Health/Check",
        "grpc.health.v1.Health/Watch",
        "grpc.health.v1.Health/List",
        "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    ];
    standard
        .into_iter()
        .chain(keyway_proto::RPCS.iter().copied())
        .collect()
});

/// The full name (`package.Service/Method`) of a path of this build's RPCs.
pub(crate) fn name(path: &str) -> Option<&'static str> {
    KNOWN.get(path.strip_prefix('/')?).copied()
}

pub(crate) fn is_watch(path: &str) -> bool {
    name(path).is_some_and(|name| WATCHES.contains(&name))
}

pub(crate) fn is_held(path: &str) -> bool {
    name(path).is_some_and(|name| HELD.contains(&name))
}

pub(crate) fn is_health(path: &str) -> bool {
    name(path).is_some_and(|name| name.starts_with(HEALTH))
}

pub(crate) fn is_reflection(path: &str) -> bool {
    name(path).is_some_and(|name| REFLECTION.iter().any(|service| name.starts_with(service)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_paths_have_a_name() {
        assert_eq!(
            name("/keyway.vault.v1.KeyService/PutKey"),
            Some("keyway.vault.v1.KeyService/PutKey")
        );
        assert_eq!(name("/keyway.vault.v1.KeyService/Nothing"), None);
        assert_eq!(name("keyway.vault.v1.KeyService/PutKey"), None);
        assert!(WATCHES.iter().chain(&HELD).all(|name| KNOWN.contains(name)));
    }
}
