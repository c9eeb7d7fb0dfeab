//! The product with everybody in it: three workspaces, every role, and every kind of credential
//! that is not one any more.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tonic::transport::{Channel, Endpoint};

use super::cells::Standing;
use super::mint::mint;
use super::people::People;
use super::requests::Handles;
use crate::harness::{ISSUER, Issuer, Product, Setup};
use crate::leaks::search::Search;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) name: String,
    /// Values of the `authorization` header.
    pub(super) headers: Vec<String>,
    /// What the vault knows it as; `None` is nobody.
    pub(super) standing: Option<Standing>,
}

/// The product and what the test knows of it.
pub(super) struct World {
    pub(super) product: Product,
    pub(super) credentials: Vec<Credential>,
    pub(super) handles: Handles,
    pub(super) search: Search,
    /// Its keys are read again when a token names one that is not known.
    _issuer: Issuer,
}

/// A listener of the product.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) name: &'static str,
    /// `http://…`.
    pub(super) address: String,
    /// The vault knows its routers; to a router another router is nobody.
    pub(super) knows_routers: bool,
}

impl World {
    /// Starts it and lets everybody in.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let routers = [
            ("local", 1, ""),
            ("of-acme", 2, ":acme"),
            ("of-globex", 3, ":globex"),
        ];
        let tokens = routers.map(|(_, seed, _)| mint("kwr_", seed));
        keep_router_token(&folder.path().join(".keyway"), &tokens[0]);
        let entries = routers.iter().zip(&tokens).map(|((name, _, list), token)| {
            format!(
                "{name}:{}{list}",
                hex::encode(Sha256::digest(token.as_bytes()))
            )
        });
        let issuer = Issuer::new();
        let setup = trusting(Setup::new(), &issuer).with(
            "KEYWAY_VAULT__ROUTERS",
            &entries.collect::<Vec<_>>().join(","),
        );
        let product = setup.start_in(folder).await.expect("a start");
        let mut people = People::new(&product);
        for (name, (_, _, list)) in tokens.iter().zip(&routers) {
            people.router(name, list.strip_prefix(':'));
        }
        people.workspaces().await;
        people.system().await;
        people.signed_in(&issuer).await;
        people.nobodies().await;
        let People {
            credentials,
            handles,
            search,
            ..
        } = people;
        Self {
            product,
            credentials,
            handles,
            search,
            _issuer: issuer,
        }
    }

    /// Every listener with RPCs.
    pub(super) fn doors(&self) -> Vec<Door> {
        let addresses = &self.product.running.site.addresses;
        let doors = [
            ("vault", addresses.vault, true),
            ("vault data plane", addresses.vault_data, true),
            ("router", addresses.router, false),
        ];
        let open = |(name, address, knows_routers)| Door {
            name,
            address: format!("http://{address}"),
            knows_routers,
        };
        doors.into_iter().map(open).collect()
    }
}

impl Door {
    /// A connection of its own, made with the first call.
    pub(super) fn open(&self) -> Channel {
        let endpoint = Endpoint::from_shared(self.address.clone()).expect("an address");
        endpoint.tcp_nodelay(true).connect_lazy()
    }
}

/// A vault that takes an issuer's word for people, for groups and for a router.
fn trusting(setup: Setup, issuer: &Issuer) -> Setup {
    let keys = issuer.keys();
    let mut setup = setup;
    for (part, audience) in [("OIDC__CORP", "keyway"), ("KUBERNETES__EU", "keyway-vault")] {
        for (name, value) in [
            ("ISSUER", ISSUER),
            ("AUDIENCE", audience),
            ("ALGORITHMS", "ES256"),
            ("KEYS", &keys),
        ] {
            setup = setup.with(&format!("KEYWAY_VAULT__{part}__{name}"), value);
        }
    }
    setup
        .with(
            "KEYWAY_VAULT__OIDC__CORP__GROUPS",
            "admins=workspaces/acme:admin,operators=operator",
        )
        .with(
            "KEYWAY_VAULT__KUBERNETES__EU__ROUTERS",
            "keyway:router=eu-1:acme",
        )
}

/// The launcher takes the router's token that it finds.
fn keep_router_token(state: &Path, token: &str) {
    std::fs::create_dir_all(state).expect("a folder");
    let mut file = std::fs::OpenOptions::new();
    let file = file
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(state.join("router.token"));
    std::io::Write::write_all(&mut file.expect("a file"), token.as_bytes()).expect("written");
}
