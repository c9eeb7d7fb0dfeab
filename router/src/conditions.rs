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

/// Events get their place in the billing stream.
pub(crate) const STREAM: Condition = Condition::useful("stream");
/// The file of prices can be used as it is.
pub(crate) const PRICES: Condition = Condition::useful("prices");
/// The file of switches can be used as it is.
pub(crate) const SWITCHES: Condition = Condition::useful("switches");

/// All of them.
pub(crate) const CONDITIONS: &[Condition] = &[
    MIGRATIONS, LEDGER, VAULT_FEED, RELAY, STREAM, PRICES, SWITCHES,
];
