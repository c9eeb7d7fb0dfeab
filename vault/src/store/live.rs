//! The connections that are used now. Those to a server that fell silent are left behind: the
//! driver asks a connection that comes back for a sign of life and waits for it without a bound,
//! so that one whose other end is gone without a word keeps its place for as long as the system
//! believes in it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keyway_migrations::ServerAddress;
use sea_orm::{DatabaseConnection, DbErr};

use super::counters;

/// How to connect to a server again.
pub(super) struct Remote {
    pub(super) address: ServerAddress,
    pub(super) connections: u32,
    pub(super) bound: Duration,
}

impl Remote {
    async fn connect(&self) -> Result<DatabaseConnection, DbErr> {
        self.address.pool(self.connections, self.bound).await
    }
}

/// Connections of one kind; clones are the same.
#[derive(Clone)]
pub(super) struct Live {
    current: Arc<RwLock<Used>>,
    /// `None` for a file, which is never away.
    remote: Option<Arc<Remote>>,
}

/// Connections, and how many were left behind before them.
#[derive(Clone)]
pub(super) struct Used {
    pub(super) connections: DatabaseConnection,
    left_behind: u64,
}

impl Used {
    fn counted(mut connections: DatabaseConnection, left_behind: u64) -> Self {
        counters::count(&mut connections);
        Self {
            connections,
            left_behind,
        }
    }
}

impl Live {
    /// Connections to a file.
    pub(super) fn file(connections: DatabaseConnection) -> Self {
        Self {
            current: Arc::new(RwLock::new(Used::counted(connections, 0))),
            remote: None,
        }
    }

    /// Connections to a server, made when they are needed.
    pub(super) async fn server(remote: Remote) -> Result<Self, DbErr> {
        let connections = remote.connect().await?;
        Ok(Self {
            current: Arc::new(RwLock::new(Used::counted(connections, 0))),
            remote: Some(Arc::new(remote)),
        })
    }

    /// The connections to use now.
    pub(super) fn get(&self) -> Used {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leaves behind the connections on which nobody answered. Transactions that run on them go on.
    pub(super) async fn leave(&self, silent: &Used) -> Result<(), DbErr> {
        let Some(remote) = &self.remote else {
            return Ok(());
        };
        if self.get().left_behind != silent.left_behind {
            return Ok(());
        }
        let next = Used::counted(remote.connect().await?, silent.left_behind + 1);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.left_behind == silent.left_behind {
            *current = next;
        }
        Ok(())
    }
}
