//! The vault's database.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::schema::{self, Step, Steps};
use crate::{DatabaseAddress, SchemaError};

/// The vault's steps.
pub(crate) struct Vault;

impl MigratorTrait for Vault {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Step {
                name: "vault_0001_start",
                sqlite: include_str!("vault/0001_start.sqlite.sql"),
                postgres: include_str!("vault/0001_start.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0002_keys",
                sqlite: include_str!("vault/0002_keys.sqlite.sql"),
                postgres: include_str!("vault/0002_keys.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0003_audit",
                sqlite: include_str!("vault/0003_audit.sqlite.sql"),
                postgres: include_str!("vault/0003_audit.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0004_admin",
                sqlite: include_str!("vault/0004_admin.sqlite.sql"),
                postgres: include_str!("vault/0004_admin.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0005_feed",
                sqlite: include_str!("vault/0005_feed.sqlite.sql"),
                postgres: include_str!("vault/0005_feed.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0006_members_by_subject",
                sqlite: include_str!("vault/0006_members_by_subject.sqlite.sql"),
                postgres: include_str!("vault/0006_members_by_subject.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0014_lists",
                sqlite: include_str!("vault/0014_lists.sqlite.sql"),
                postgres: include_str!("vault/0014_lists.postgres.sql"),
            }),
            Box::new(Step {
                name: "vault_0015_versions",
                sqlite: include_str!("vault/0015_versions.sqlite.sql"),
                postgres: include_str!("vault/0015_versions.postgres.sql"),
            }),
        ]
    }
}

impl Steps for Vault {
    const DATABASE: &'static str = "vault";
}

/// Applies every missing step, all or none.
pub async fn migrate(database: &DatabaseConnection) -> Result<(), SchemaError> {
    schema::migrate::<Vault>(database).await
}

/// Refuses a database whose steps are not exactly those of this build. Changes nothing.
pub async fn check(database: &DatabaseConnection) -> Result<(), SchemaError> {
    schema::check::<Vault>(database).await
}

/// The same of a database that nobody has opened yet, without a lock: its schema, and whether a server
/// answers within `bound` ([`SchemaError::is_away`]). Whatever else is wrong is left to its opening.
pub async fn look(address: &DatabaseAddress, bound: Duration) -> Result<(), SchemaError> {
    schema::look::<Vault>(address, bound).await
}
