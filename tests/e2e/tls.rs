//! TLS and certificates of clients, between real processes.

mod bounds;
mod bytes;
mod clients;
mod identity;
mod optional;
mod reload;

use std::net::SocketAddr;

use keyway::Part;
use keyway_proto::billing::v1::Source;
use tempfile::TempDir;

use crate::harness::pki::{Authority, Files, Leaf};
use crate::harness::{Logs, Product, Setup, ask};

/// The router's name in its certificate.
const ROUTER: &str = "spiffe://keyway/router/local";
const MODEL: &str = "anthropic/claude-haiku-4-5";

/// A product whose router reaches the vault over mutual TLS and has no token.
pub(crate) struct Pair {
    authority: Authority,
    files: Files,
    data: SocketAddr,
    setup: Setup,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let (authority, files) = (Authority::new(), Files::new());
        let ca = files.put("ca.pem", &authority.pem());
        let (vault, vault_key) = files.put_pair("vault", &authority.server());
        let (router, router_key) = files.put_pair("router", &authority.client(ROUTER));
        let setup = Setup::new();
        let data = setup.chosen("KEYWAY_VAULT__DATA__LISTEN");
        let setup = setup
            .with("KEYWAY_VAULT__DATA__TLS__CERTIFICATE", &vault)
            .with("KEYWAY_VAULT__DATA__TLS__KEY", &vault_key)
            .with("KEYWAY_VAULT__DATA__TLS__CLIENT_AUTH", "required")
            .with("KEYWAY_VAULT__DATA__TLS__CLIENT_CA", &ca)
            .with("KEYWAY_VAULT__TLS__RELOAD_EVERY", "200ms")
            .with("KEYWAY_VAULT__ROUTERS", &format!("local={ROUTER}"))
            .with("KEYWAY_ROUTER__VAULT__ENDPOINT", &format!("https://{data}"))
            .with("KEYWAY_ROUTER__VAULT__TLS__CA", &ca)
            .with("KEYWAY_ROUTER__VAULT__TLS__CERTIFICATE", &router)
            .with("KEYWAY_ROUTER__VAULT__TLS__KEY", &router_key)
            .with("KEYWAY_ROUTER__TLS__RELOAD_EVERY", "200ms")
            .with("KEYWAY_ROUTER__VAULT__TOKEN_FILE", "");
        Self {
            authority,
            files,
            data: data.parse().expect("an address"),
            setup,
        }
    }

    fn with(mut self, variable: &str, value: &str) -> Self {
        self.setup = self.setup.with(variable, value);
        self
    }

    /// The same where certificates are optional, these routers are listed, and the router has a token
    /// and no certificate.
    fn optional(mut self, routers: &str) -> Self {
        for variable in [
            "VAULT__TOKEN_FILE",
            "VAULT__TLS__CERTIFICATE",
            "VAULT__TLS__KEY",
        ] {
            self.setup = self.setup.without(&format!("KEYWAY_ROUTER__{variable}"));
        }
        self.with("KEYWAY_VAULT__DATA__TLS__CLIENT_AUTH", "optional")
            .with("KEYWAY_VAULT__ROUTERS", routers)
    }

    pub(crate) async fn start(self) -> Started {
        self.start_in(tempfile::tempdir().expect("a folder")).await
    }

    async fn start_in(self, folder: TempDir) -> Started {
        let product = self.setup.start_in(folder).await;
        Started {
            product: product.unwrap_or_else(|error| panic!("no start: {error:#}")),
            authority: self.authority,
            files: self.files,
            data: self.data,
        }
    }
}

/// The same, running.
pub(crate) struct Started {
    authority: Authority,
    files: Files,
    data: SocketAddr,
    pub(crate) product: Product,
}

impl Started {
    fn put_pair(&self, name: &str, leaf: &Leaf) {
        let _paths = self.files.put_pair(name, leaf);
    }
}

#[tokio::test]
async fn a_router_with_a_listed_certificate_needs_no_token() {
    let started = Pair::new().start().await;
    let _logs = Logs(&started.product);
    let caller = started.product.caller();
    let answer = caller.chat(ask(MODEL)).await.expect("an answer");
    let receipt = answer.receipt.expect("a receipt");
    assert_eq!(receipt.attempts[0].source(), Source::Hosted);
    let log = started.product.log(Part::Vault);
    assert!(log.contains("with TLS"), "{log}");
}

#[tokio::test]
async fn a_running_service_can_leave_no_core() {
    let mut product = Setup::new().start().await;
    for part in [Part::Vault, Part::Router] {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", product.id(part)));
        let limits = limits.expect("linux");
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let words: Vec<&str> = core.expect("a line").split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{part:?}");
    }
}
