//! The vault's database as it was before an operation, to be put back for every death.

use std::fs;
use std::path::{Path, PathBuf};

use super::World;
use crate::harness::Setup;
#[cfg(feature = "external")]
use crate::harness::VaultDatabase;

/// Where the vault keeps its rows.
pub(super) enum Database {
    /// SQLite.
    File,
    /// PostgreSQL.
    #[cfg(feature = "external")]
    Server(VaultDatabase),
}

/// A copy of it, taken while no vault ran.
pub(super) enum Before {
    File {
        path: PathBuf,
        content: Vec<u8>,
    },
    #[cfg(feature = "external")]
    Server(VaultDatabase),
}

impl Database {
    #[cfg(feature = "external")]
    pub(super) async fn server(name: &'static str) -> Self {
        Self::Server(VaultDatabase::migrated(name).await)
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::File => "SQLite",
            #[cfg(feature = "external")]
            Self::Server(_) => "PostgreSQL",
        }
    }

    pub(super) fn settings(&self, setup: Setup) -> Setup {
        match self {
            Self::File => setup,
            #[cfg(feature = "external")]
            Self::Server(database) => setup.on(database),
        }
    }

    /// Copies what is there now.
    #[cfg_attr(
        not(feature = "external"),
        expect(clippy::unused_async, reason = "PostgreSQL waits")
    )]
    pub(super) async fn keep(&self, world: &World) -> Before {
        match self {
            Self::File => {
                let path = world.product.state().join("vault.db");
                let content = fs::read(&path).expect("the database");
                Before::File { path, content }
            }
            #[cfg(feature = "external")]
            Self::Server(database) => {
                database.keep().await;
                Before::Server(database.clone())
            }
        }
    }
}

impl Before {
    #[cfg_attr(
        not(feature = "external"),
        expect(clippy::unused_async, reason = "PostgreSQL waits")
    )]
    pub(super) async fn put_back(&self) {
        match self {
            Self::File { path, content } => put_back_file(path, content),
            #[cfg(feature = "external")]
            Self::Server(database) => database.put_back().await,
        }
    }
}

fn put_back_file(path: &Path, content: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let beside = format!("{}{suffix}", path.display());
        if Path::new(&beside).exists() {
            fs::remove_file(beside).expect("it can be removed");
        }
    }
    fs::write(path, content).expect("the database");
}
