//! The audit trail on PostgreSQL, checked as it is on SQLite.

use crate::audit::every_case_on;
use crate::harness::VaultDatabase;

#[tokio::test]
async fn what_sql_does_to_the_rows_on_postgresql_is_found_without_a_key() {
    every_case_on(&VaultDatabase::migrated("audit_cases").await).await;
}
