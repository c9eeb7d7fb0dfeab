//! What the vault's readiness is made of, beside what every process has.

use keyway_chassis::operations::Condition;

/// The schema is that of this build.
pub(crate) const MIGRATIONS: Condition = Condition::needed("migrations");
/// The database answers.
pub(crate) const DATABASE: Condition = Condition::needed("database");
/// The database is not an older copy of itself.
pub(crate) const DATABASE_HISTORY: Condition = Condition::needed("database_history");
/// What holds the master key answers.
pub(crate) const MASTER_KEY: Condition = Condition::needed("master_key");
/// The audit trail takes rows.
pub(crate) const AUDIT: Condition = Condition::needed("audit");

/// All of them.
pub(crate) const CONDITIONS: &[Condition] =
    &[MIGRATIONS, DATABASE, DATABASE_HISTORY, MASTER_KEY, AUDIT];
