//! A transaction on a server that may fall silent in the middle of it. The server bounds its own
//! statements; what it can't bound is the answer that never comes, and background work has no
//! caller whose deadline would end the wait.

use std::time::Duration;

use sea_orm::prelude::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr,
    Statement,
};

/// A transaction in which nothing is waited for longer than the server itself may take.
pub(crate) struct PatientTransaction {
    transaction: DatabaseTransaction,
    /// Longest that one statement takes; `None` where nothing is far away.
    patience: Option<Duration>,
}

impl PatientTransaction {
    pub(super) const fn new(transaction: DatabaseTransaction, patience: Option<Duration>) -> Self {
        Self {
            transaction,
            patience,
        }
    }

    /// Makes it all durable. Without an answer nobody knows whether it is.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        wait(self.patience, Box::pin(self.transaction.commit())).await
    }

    /// Undoes it all, and waits until it is undone.
    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        wait(self.patience, Box::pin(self.transaction.rollback())).await
    }

    async fn within<T>(&self, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        wait(self.patience, answer).await
    }
}

async fn wait<T>(
    patience: Option<Duration>,
    answer: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    let Some(patience) = patience else {
        return answer.await;
    };
    let silent = || DbErr::Conn(RuntimeErr::Internal(format!("silent for {patience:?}")));
    let late = |_elapsed| Err(silent());
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(late)
}

#[async_trait::async_trait]
impl ConnectionTrait for PatientTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.within(self.transaction.execute_raw(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.within(self.transaction.execute_unprepared(sql)).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.within(self.transaction.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.within(self.transaction.query_all_raw(statement)).await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_never_comes_is_waited_for_as_long_as_the_server_may_take() {
        let silent = wait(Some(Duration::from_secs(20)), pending::<Result<(), _>>()).await;
        assert!(matches!(silent, Err(DbErr::Conn(_))));
        let answered = wait(Some(Duration::from_secs(20)), async { Ok(1) }).await;
        assert_eq!(answered.unwrap(), 1);
    }
}
