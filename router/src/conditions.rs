//! What the router's readiness is made of, beside what every process has.

use keyway_chassis::operations::Condition;

/// The ledger's schema is that of this build.
pub(crate) const MIGRATIONS: Condition = Condition::needed("migrations");
/// The ledger takes writes.
pub(crate) const LEDGER: Condition = Condition::needed("ledger");
/// The vault's changes come.
pub(crate) const VAULT_FEED: Condition = Condition::needed("vault_feed");
/// NATS takes the billing stream.
pub(crate) const RELAY: Condition = Condition::useful("relay");

/// All of them.
pub(crate) const CONDITIONS: &[Condition] = &[MIGRATIONS, LEDGER, VAULT_FEED, RELAY];
