//! SQLite connections whose commit failed.

use sea_orm::ConnectOptions;
use sea_orm::sqlx::Connection as _;

/// Closes a connection that comes back to its pool within a transaction.
///
/// After a commit that failed, as on a full disk, the driver goes on counting a transaction that SQLite
/// has ended. What comes next then runs within another one that nobody commits, and is answered as done.
pub fn close_unsettled(options: &mut ConnectOptions) {
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.after_release(|connection, _metadata| {
            Box::pin(async move {
                // Answered behind what undoes a transaction that was dropped.
                connection.ping().await?;
                Ok(!connection.is_in_transaction())
            })
        })
    });
}

#[cfg(test)]
mod tests {
    use sea_orm::{
        ConnectionTrait as _, Database, DatabaseConnection, DbErr, Statement, TransactionTrait as _,
    };

    use super::*;

    async fn put(database: &DatabaseConnection, number: i64) -> Result<(), DbErr> {
        let transaction = database.begin().await?;
        // A refusal ends the transaction itself, as SQLite does when a commit finds the disk full.
        let insert = format!("INSERT OR ROLLBACK INTO numbers VALUES ({number})");
        transaction.execute_unprepared(&insert).await?;
        transaction.commit().await
    }

    #[tokio::test]
    async fn what_is_answered_as_done_is_on_disk_after_a_transaction_that_sqlite_ended_itself() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("db").display());
        let mut options = ConnectOptions::new(url.clone());
        options.max_connections(1).test_before_acquire(false);
        close_unsettled(&mut options);
        let database = Database::connect(options).await.unwrap();
        let create = "CREATE TABLE numbers (number INTEGER PRIMARY KEY)";
        database.execute_unprepared(create).await.unwrap();
        put(&database, 1).await.unwrap();
        put(&database, 1).await.unwrap_err();
        // Undone, which leaves a savepoint open where the driver counts wrong.
        database.begin().await.unwrap().rollback().await.unwrap();
        put(&database, 2).await.unwrap();

        let other = Database::connect(url).await.unwrap();
        let count = "SELECT COUNT(*) FROM numbers";
        let count = Statement::from_string(other.get_database_backend(), count);
        let row = other.query_one_raw(count).await.unwrap().unwrap();
        assert_eq!(row.try_get_by_index::<i64>(0).unwrap(), 2);
    }
}
