//! Connections that only read. Those to a server that fell silent are left behind: the driver asks a
//! connection that comes back for a sign of life and waits for it without a bound, so that one whose
//! other end is gone without a word would keep its place for as long as the system believes in it.

use std::sync::{Arc, PoisonError, RwLock};

use sea_orm::prelude::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, Statement,
};

use crate::config::LedgerConfig;
use crate::database;

/// Connections that read; clones are the same. No statement takes longer than a server may.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    config: Arc<LedgerConfig>,
    current: Arc<RwLock<Used>>,
}

/// Connections, and how many were left behind before them.
#[derive(Debug, Clone)]
struct Used {
    connections: DatabaseConnection,
    left_behind: u64,
}

impl Readers {
    /// Opens them, and finds out whether the database is there.
    pub(crate) async fn open(config: &LedgerConfig) -> Result<Self, DbErr> {
        let used = Used {
            connections: database::connect(config, config.readers, true).await?,
            left_behind: 0,
        };
        Ok(Self {
            config: Arc::new(config.clone()),
            current: Arc::new(RwLock::new(used)),
        })
    }

    /// The connections themselves, for checks at the start.
    pub(crate) fn connections(&self) -> DatabaseConnection {
        self.used().connections
    }

    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        database::bounded(&self.config, self.connections().close_by_ref()).await
    }

    fn used(&self) -> Used {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for an answer no longer than the server may take for it, and leaves connections behind on
    /// which there was none.
    async fn within<T>(
        &self,
        used: &Used,
        answer: impl Future<Output = Result<T, DbErr>>,
    ) -> Result<T, DbErr> {
        let answer = database::bounded(&self.config, answer).await;
        if answer.as_ref().is_err_and(database::is_silence) {
            self.leave(used).await?;
        }
        answer
    }

    async fn leave(&self, silent: &Used) -> Result<(), DbErr> {
        let Some(connections) = database::reading_again(&self.config).await? else {
            return Ok(()); // a file, which is never away
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.left_behind == silent.left_behind {
            *current = Used {
                connections,
                left_behind: silent.left_behind + 1,
            };
        }
        Ok(())
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        self.used().connections.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let used = self.used();
        let answer = used.connections.execute_raw(statement);
        self.within(&used, answer).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        let used = self.used();
        let answer = used.connections.execute_unprepared(sql);
        self.within(&used, answer).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        let used = self.used();
        let answer = used.connections.query_one_raw(statement);
        self.within(&used, answer).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let used = self.used();
        let answer = used.connections.query_all_raw(statement);
        self.within(&used, answer).await
    }
}
