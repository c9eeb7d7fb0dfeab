//! Service accounts of a cluster that are routers: `namespace:account=router`, perhaps with the
//! workspaces that it may see.

use std::str::FromStr;
use std::sync::Arc;

use keyway_words::WorkspaceId;

/// A service account and the router that runs under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceAccount {
    /// As the cluster names it in `sub`.
    subject: String,
    /// The router's name.
    pub(crate) router: String,
    /// Its allow-list; `None` means every workspace.
    pub(crate) listed: Option<Arc<[WorkspaceId]>>,
}

/// Not a service account's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidServiceAccount;

impl ServiceAccount {
    /// Whether a token's subject is this account.
    pub(super) fn is(&self, subject: &str) -> bool {
        self.subject == subject
    }
}

impl FromStr for ServiceAccount {
    type Err = InvalidServiceAccount;

    fn from_str(text: &str) -> Result<Self, InvalidServiceAccount> {
        let (account, router) = text.split_once('=').ok_or(InvalidServiceAccount)?;
        let (namespace, name) = account.split_once(':').ok_or(InvalidServiceAccount)?;
        let (router, listed) = match router.split_once(':') {
            None => (router, None),
            Some((router, listed)) => (router, Some(listed)),
        };
        // Names of namespaces have no dots, those of service accounts may.
        let is_account = is_name(namespace, 63) && is_name(&name.replace('.', "-"), 253);
        if !is_account || !is_name(router, 63) {
            return Err(InvalidServiceAccount);
        }
        let ids = |listed: &str| {
            let ids: Result<Arc<[WorkspaceId]>, _> = listed.split('+').map(str::parse).collect();
            ids.map_err(|_name| InvalidServiceAccount)
        };
        Ok(Self {
            subject: format!("system:serviceaccount:{namespace}:{name}"),
            router: router.to_owned(),
            listed: listed.map(ids).transpose()?,
        })
    }
}

fn is_name(text: &str, most: usize) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=most).contains(&text.len()) && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_exactly_its_namespace_and_name() {
        let account: ServiceAccount = "keyway:router=eu-1:acme+globex".parse().unwrap();
        assert!(account.is("system:serviceaccount:keyway:router"));
        for other in [
            "system:serviceaccount:keyway:router2",
            "system:serviceaccount:default:router",
            "keyway:router",
        ] {
            assert!(!account.is(other), "{other}");
        }
        assert_eq!(account.listed.unwrap().len(), 2);
        let account: ServiceAccount = "keyway:router=eu-1".parse().unwrap();
        assert_eq!((account.router.as_str(), account.listed), ("eu-1", None));
        for bad in [
            "",
            "router=eu-1",
            "keyway:=eu-1",
            "keyway:router",
            "keyway:router=",
            "keyway:router=EU",
            "keyway:router=eu-1:",
            "keyway:router=eu-1:acme,globex",
            "key:way:router=eu-1",
            "keyway:ro*=eu-1",
        ] {
            assert!(bad.parse::<ServiceAccount>().is_err(), "{bad}");
        }
    }
}
