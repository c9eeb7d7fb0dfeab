//! The product with its vault on PostgreSQL, and with a second vault beside the first.

use std::net::SocketAddr;
use std::process::Command;

use keyway::Part;
use keyway_test_servers::Postgres;
use sea_orm::{ConnectionTrait as _, Database};

use super::beside::Beside;
use super::{Product, Setup, Speaker, ports};

/// A database of a test's own.
#[derive(Clone)]
pub(crate) struct VaultDatabase {
    /// Its URL, password included.
    pub(crate) url: String,
    /// The URL of the server's own database.
    maintenance: String,
    name: &'static str,
}

impl VaultDatabase {
    /// A new database of this process's private server, migrated by the command that operators use.
    pub(crate) async fn migrated(name: &'static str) -> Self {
        Self::migrated_on(Postgres::shared().expect("PostgreSQL"), name).await
    }

    /// The same of a server of the test's own, which can be ended.
    pub(crate) async fn migrated_on(server: &Postgres, name: &'static str) -> Self {
        Self::made_on(server, name, "vault").await
    }

    /// A router's, on a server of the test's own.
    pub(crate) async fn ledger_on(server: &Postgres, name: &'static str) -> Self {
        Self::made_on(server, name, "router").await
    }

    async fn made_on(server: &Postgres, name: &'static str, schema: &str) -> Self {
        let made = Self::empty_on(server, name).await;
        made.migrate(schema);
        made
    }

    /// One without any table.
    pub(crate) async fn empty_on(server: &Postgres, name: &'static str) -> Self {
        let (url, maintenance) = (server.url(name), server.url("postgres"));
        administer(&maintenance, &[&format!("CREATE DATABASE {name}")]).await;
        Self {
            url,
            maintenance,
            name,
        }
    }

    /// Brings it to the schema of `vault` or `router`, by the command that operators use.
    pub(crate) fn migrate(&self, schema: &str) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("url");
        std::fs::write(&file, &self.url).expect("written");
        let migrated = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
            .args(["--as", "migrate", schema, "--url-file"])
            .arg(&file)
            .output()
            .expect("it runs");
        assert!(migrated.status.success(), "{migrated:?}");
    }

    /// Its URL by another way to the server.
    pub(crate) fn url_by(&self, way: SocketAddr) -> String {
        let (login, _) = self.url.split_once('@').expect("a login");
        format!("{login}@{way}/{}", self.name)
    }

    /// What lets PostgreSQL's own tools in.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let parts = self.url.trim_start_matches("postgres://");
        let parts: Vec<&str> = parts.split([':', '@', '/']).collect();
        let names = ["PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE"];
        assert_eq!(parts.len(), names.len(), "a URL of the harness");
        let parts = parts.into_iter().map(str::to_owned);
        names.into_iter().zip(parts).collect()
    }

    /// Copies it, while nobody is connected.
    pub(crate) async fn keep(&self) {
        let name = self.name;
        let copy = format!("CREATE DATABASE {name}_kept TEMPLATE {name}");
        administer(&self.maintenance, &[&copy]).await;
    }

    /// Puts the copy in its place.
    pub(crate) async fn put_back(&self) {
        let name = self.name;
        let statements = [
            &*format!("DROP DATABASE {name} WITH (FORCE)"),
            &*format!("CREATE DATABASE {name} TEMPLATE {name}_kept"),
        ];
        administer(&self.maintenance, &statements).await;
    }
}

/// Runs statements that no transaction takes, in the server's own database.
pub(crate) async fn administer(maintenance: &str, statements: &[&str]) {
    let maintenance = Database::connect(maintenance).await;
    let maintenance = maintenance.expect("a connection");
    for statement in statements {
        let done = maintenance.execute_unprepared(statement).await;
        done.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    maintenance.close().await.expect("closed");
}

impl Setup {
    /// The same with the vault on PostgreSQL.
    pub(crate) fn on(self, database: &VaultDatabase) -> Self {
        self.with("KEYWAY_VAULT__DATABASE__PATH", "")
            .with("KEYWAY_VAULT__DATABASE__URL", &database.url)
    }

    /// The same with the router's ledger on PostgreSQL.
    pub(crate) fn ledger_on(self, database: &VaultDatabase) -> Self {
        self.with("KEYWAY_ROUTER__LEDGER__PATH", "")
            .with("KEYWAY_ROUTER__LEDGER__URL", &database.url)
    }
}

/// A second vault on the first one's database.
pub(crate) struct Replica {
    process: Beside,
    /// Where people call it.
    pub(crate) admin: SocketAddr,
    /// Where routers call it.
    pub(crate) data: SocketAddr,
}

impl Product {
    /// Starts a second vault with the settings of the first, but for its addresses.
    pub(crate) async fn replica(&self) -> Replica {
        self.replica_with(&[]).await
    }

    /// The same with other settings too, by their variables.
    pub(crate) async fn replica_with(&self, settings: &[(&str, &str)]) -> Replica {
        let site = &self.running.site;
        let mut environment = site.environment.clone();
        for (variable, value) in settings {
            environment.insert(variable.into(), value.into());
        }
        let mut listen = |listener: &str| -> SocketAddr {
            let address = format!("127.0.0.1:{}", ports::free());
            let variable = format!("KEYWAY_VAULT__{listener}__LISTEN");
            environment.insert(variable.into(), address.clone().into());
            address.parse().expect("an address")
        };
        let (admin, data, operations) = (listen("ADMIN"), listen("DATA"), listen("OPERATIONS"));
        Replica {
            process: Beside::start(self, Part::Vault, environment, operations).await,
            admin,
            data,
        }
    }
}

impl Replica {
    /// Speaks with any token, to this vault.
    pub(crate) fn speaker(&self, product: &Product, token: &str) -> Speaker {
        Speaker::new(self.admin, product.running.site.addresses.router, token)
    }

    /// Kills it as the kernel would.
    pub(crate) async fn kill(&mut self) {
        self.process.kill().await;
    }

    /// Asks it to stop and waits; whether it ended well.
    pub(crate) async fn stop(&mut self) -> bool {
        self.process.stop().await
    }

    /// Starts it again after it ended.
    pub(crate) async fn start_again(&mut self) {
        self.process.start_again().await;
    }
}
