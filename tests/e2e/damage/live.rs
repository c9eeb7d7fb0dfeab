//! The vault's database, opened beside the running vault as anybody with the file could.

use std::collections::BTreeSet;

use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};

use super::columns::Table;
use crate::harness::Product;

/// The live database.
pub(crate) struct Live(DatabaseConnection);

impl Live {
    pub(crate) async fn open(product: &Product) -> Self {
        let file = product.running.site.state.vault_database();
        let url = format!("sqlite://{}?mode=rw", file.display());
        Self(Database::connect(url).await.expect("the database"))
    }

    /// Names of a table's columns.
    pub(super) async fn columns(&self, table: &str) -> BTreeSet<String> {
        let names = self
            .texts(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .await;
        names.into_iter().collect()
    }

    /// Runs a statement that changes one row or more.
    pub(crate) async fn change(&self, sql: &str) {
        let done = self.0.execute_unprepared(sql).await;
        let done = done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(done.rows_affected() > 0, "{sql}: nothing changed");
    }

    /// Sets a column of all rows of an owner.
    pub(super) async fn set(&self, table: &Table, owner: &str, column: &str, value: &str) {
        let table = table.name;
        let sql = format!("UPDATE {table} SET {column} = {value} WHERE owner = '{owner}'");
        self.change(&sql).await;
    }

    /// Flips a bit of a column, `table.column`, at so many eighths of its length.
    pub(super) async fn flip(&self, column: &str, owner: &str, eighth: usize) {
        let (table, column) = column.split_once('.').expect("table.column");
        let row = format!("FROM {table} WHERE owner = '{owner}'");
        let text = self.text(&format!("SELECT hex({column}) {row}")).await;
        let mut bytes = hex::decode(text).expect("hex");
        let at = ((bytes.len() - 1) * eighth) / 8;
        let byte = bytes.get_mut(at).expect("a byte");
        *byte ^= 1;
        let changed = hex::encode(bytes);
        let sql = format!("UPDATE {table} SET {column} = x'{changed}' WHERE owner = '{owner}'");
        self.change(&sql).await;
    }

    /// A column of one row, as an SQL literal.
    pub(super) async fn literal(&self, row: &str, column: &str) -> String {
        self.text(&format!(
            "SELECT quote({column}) FROM keys WHERE rowid = {row}"
        ))
        .await
    }

    /// The only value of a query.
    pub(super) async fn text(&self, sql: &str) -> String {
        let texts = self.texts(sql).await;
        assert_eq!(texts.len(), 1, "{sql}");
        texts.concat()
    }

    async fn texts(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(DbBackend::Sqlite, sql);
        let rows = self.0.query_all_raw(statement).await;
        let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let texts = rows
            .iter()
            .map(|row| row.try_get_by_index(0).expect("a text"));
        texts.collect()
    }
}
