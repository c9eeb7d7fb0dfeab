//! Getting overwritten bytes out of the files, as far as a database can.

use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::{Store, StoreError};

impl Store {
    /// SQLite: moves everything from the write-ahead log into the database file and empties the log;
    /// `secure_delete` has overwritten the old bytes there. PostgreSQL: frees the old row versions,
    /// whose bytes stay in the files until their place is used again.
    pub(crate) async fn scrub(&self) -> Result<(), StoreError> {
        let _turn = self.writer.turn().await?;
        let writer = self.writer.connection();
        if self.writer.backend() == DbBackend::Postgres {
            writer.execute_unprepared("VACUUM data_keys").await?;
            return Ok(());
        }
        let checkpoint = Statement::from_string(DbBackend::Sqlite, CHECKPOINT);
        let row = writer.query_one_raw(checkpoint).await?;
        let is_busy = match row {
            Some(row) => row.try_get_by_index::<i64>(0)? != 0,
            None => true,
        };
        if is_busy {
            return Err(StoreError::LogInUse);
        }
        Ok(())
    }
}

const CHECKPOINT: &str = "PRAGMA wal_checkpoint(TRUNCATE)";
