//! The router's database.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use crate::schema::{self, Step, Steps};
use crate::{DatabaseAddress, SchemaError};

/// The router's steps.
pub(crate) struct Router;

impl MigratorTrait for Router {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Step {
                name: "router_0001_start",
                sqlite: include_str!("router/0001_start.sqlite.sql"),
                postgres: include_str!("router/0001_start.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0004_roll_ups",
                sqlite: include_str!("router/0004_roll_ups.sqlite.sql"),
                postgres: include_str!("router/0004_roll_ups.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0005_corrections",
                sqlite: include_str!("router/0005_corrections.sqlite.sql"),
                postgres: include_str!("router/0005_corrections.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0010_relay",
                sqlite: include_str!("router/0010_relay.sqlite.sql"),
                postgres: include_str!("router/0010_relay.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0012_shared_keys",
                sqlite: include_str!("router/0012_shared_keys.sqlite.sql"),
                postgres: include_str!("router/0012_shared_keys.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0013_spend",
                sqlite: include_str!("router/0013_spend.sqlite.sql"),
                postgres: include_str!("router/0013_spend.postgres.sql"),
            }),
            Box::new(Step {
                name: "router_0014_rate",
                sqlite: include_str!("router/0014_rate.sqlite.sql"),
                postgres: include_str!("router/0014_rate.postgres.sql"),
            }),
        ]
    }
}

impl Steps for Router {
    const DATABASE: &'static str = "router";
}

/// Applies every missing step, all or none.
pub async fn migrate(database: &DatabaseConnection) -> Result<(), SchemaError> {
    schema::migrate::<Router>(database).await
}

/// Refuses a database whose steps are not exactly those of this build. Changes nothing.
pub async fn check(database: &DatabaseConnection) -> Result<(), SchemaError> {
    schema::check::<Router>(database).await
}

/// The same of a database that nobody has opened yet, without a lock: its schema, and whether a server
/// answers within `bound` ([`SchemaError::is_away`]). Whatever else is wrong is left to its opening.
pub async fn look(address: &DatabaseAddress, bound: Duration) -> Result<(), SchemaError> {
    schema::look::<Router>(address, bound).await
}
