//! The product with everybody in it: three workspaces, every role, and every kind of credential
//! that is not one any more.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use tonic::transport::{Channel, Endpoint};

use super::cells::Standing;
use super::people::People;
use super::requests::Handles;
use crate::harness::mint::{hash, keep_router_token, mint};
use crate::harness::pki::{self, Authority, Files};
use crate::harness::{ISSUER, Issuer, Product, Setup};
use crate::leaks::search::Search;

/// Somebody who calls.
#[derive(Debug, Clone)]
pub(super) struct Credential {
    pub(super) name: String,
    /// Values of the `authorization` header.
    pub(super) headers: Vec<String>,
    /// A client that shows its certificate.
    pub(super) shows: Option<Arc<ClientConfig>>,
    /// What the vault knows it as; `None` is nobody.
    pub(super) standing: Option<Standing>,
}

/// The product and what the test knows of it.
pub(super) struct World {
    pub(super) product: Product,
    pub(super) credentials: Vec<Credential>,
    pub(super) handles: Handles,
    pub(super) search: Search,
    authority: Authority,
    /// Its keys are read again when a token names one that is not known.
    _issuer: Issuer,
    /// Certificates are read again too.
    _files: Files,
}

/// A listener of the product.
#[derive(Debug, Clone)]
pub(super) struct Door {
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    /// A client without a certificate, if it speaks TLS.
    pub(super) tls: Option<Arc<ClientConfig>>,
    /// The vault knows its routers; to a router another router is nobody.
    pub(super) knows_routers: bool,
}

impl World {
    /// Starts it and lets everybody in.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tokens = [1, 2, 3].map(|seed| mint("kwr_", seed));
        keep_router_token(folder.path(), &tokens[0]);
        let (issuer, authority, files) = (Issuer::new(), Authority::new(), Files::new());
        let setup = trusting(Setup::new(), &issuer);
        let setup = with_certificates(setup, &authority, &files)
            .with("KEYWAY_VAULT__ROUTERS", &routers(&tokens));
        let product = setup.start_in(folder).await.expect("a start");
        let mut people = People::new(&product);
        for ((_, list), token) in ROUTERS.iter().zip(&tokens) {
            people.router(token, *list);
        }
        people.workspaces().await;
        people.system().await;
        people.signed_in(&issuer).await;
        people.certified(&authority);
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
            authority,
            _issuer: issuer,
            _files: files,
        }
    }

    /// Every listener with RPCs.
    pub(super) fn doors(&self) -> Vec<Door> {
        let addresses = &self.product.running.site.addresses;
        let tls = Some(pki::config(&self.authority, None));
        let doors = [
            ("vault", addresses.vault, None, true),
            ("vault data plane", addresses.vault_data, tls, true),
            ("router", addresses.router, None, false),
        ];
        let open = |(name, address, tls, knows_routers)| Door {
            name,
            address,
            tls,
            knows_routers,
        };
        doors.into_iter().map(open).collect()
    }
}

impl Door {
    /// A connection of its own, made with the first call, on which no certificate is shown.
    pub(super) fn open_to_all(&self) -> Channel {
        if let Some(config) = &self.tls {
            return pki::channel(self.address, Arc::clone(config));
        }
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address));
        let endpoint = endpoint.expect("an address");
        endpoint.tcp_nodelay(true).connect_lazy()
    }

    /// One on which a certificate is shown, where there is TLS.
    pub(super) fn open_showing(&self, certificate: &Arc<ClientConfig>) -> Option<Channel> {
        let _tls = self.tls.as_ref()?;
        Some(pki::channel(self.address, Arc::clone(certificate)))
    }
}

/// Routers and the workspace that each is for; without one, every workspace.
const ROUTERS: [(&str, Option<&str>); 3] = [
    ("local", None),
    ("of-acme", Some("acme")),
    ("of-globex", Some("globex")),
];

/// The setting: each router by its token, and by its certificate.
fn routers(tokens: &[String; 3]) -> String {
    let entries = ROUTERS
        .iter()
        .zip(tokens)
        .flat_map(|((name, list), token)| {
            let behind =
                |separator| list.map_or(String::new(), |list| format!("{separator}{list}"));
            let (hash, uri) = (hash(token), certificate_of(name));
            [
                format!("{name}:{hash}{}", behind(":")),
                format!("{name}={uri}{}", behind(" ")),
            ]
        });
    entries.collect::<Vec<_>>().join(",")
}

/// The name in the certificate of a router.
pub(super) fn certificate_of(router: &str) -> String {
    format!("spiffe://keyway/router/{router}")
}

/// A data plane that speaks TLS, and takes certificates from those who show one.
fn with_certificates(setup: Setup, authority: &Authority, files: &Files) -> Setup {
    let ca = files.put("ca.pem", &authority.pem());
    let (certificate, key) = files.put_pair("vault", &authority.server());
    let data = setup.chosen("KEYWAY_VAULT__DATA__LISTEN");
    setup
        .with("KEYWAY_VAULT__DATA__TLS__CERTIFICATE", &certificate)
        .with("KEYWAY_VAULT__DATA__TLS__KEY", &key)
        .with("KEYWAY_VAULT__DATA__TLS__CLIENT_AUTH", "optional")
        .with("KEYWAY_VAULT__DATA__TLS__CLIENT_CA", &ca)
        .with("KEYWAY_ROUTER__VAULT__ENDPOINT", &format!("https://{data}"))
        .with("KEYWAY_ROUTER__VAULT__TLS__CA", &ca)
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
            "apps=workspaces/acme:call,admins=workspaces/acme:admin,operators=operator,auditors=auditor",
        )
        .with(
            "KEYWAY_VAULT__KUBERNETES__EU__ROUTERS",
            "keyway:router=eu-1,keyway:router-acme=eu-2:acme,keyway:router-globex=eu-3:globex",
        )
}
