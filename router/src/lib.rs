//! The router: runs calls with the right key, measures them, and reports every attempt.
//!
//! # One call, file by file
//!
//! 1. `keyway_chassis::serve` accepts the connection; its layers log, catch panics, refuse while
//!    draining, read the deadline, and authenticate: [`callers::VerdictCache`] knows the token's
//!    verdict or asks the vault for it, [`callers::Grants`] decides by it.
//! 2. [`service`] decodes the message into a [`call::Call`], valid by construction; a slip ends
//!    here as one field error. It gives the call its id.
//! 3. [`execute::Execution::start`] admits it ([`admission`]) and runs it in a task of its own.
//!    `execute::run::Run::attempts` is the paragraph to read.
//! 4. [`keys::LeaseCache`] has the lease of workspace and provider, or fills it through
//!    [`keys::VaultClient`]; [`keys::Feed`] ends leases and verdicts when the vault changes.
//! 5. [`resolver::resolve`] decides which keys may be tried, and with them the `Source`.
//! 6. `execute::attempt` takes a settlement slot, opens the attempt in the ledger
//!    ([`meter::Meter`]), and checks the lease once more.
//! 7. `execute::exchange` lets the pure adapter write the request; [`upstream`] checks the host,
//!    adds the key (`upstream::authorize`, the only place that takes one out) and sends.
//! 8. Bytes come back through the adapter's decoder; deltas go to the caller as they arrive.
//! 9. [`meter::Meter`] settles exactly once, priced by [`price`]; on a hosted key the end of the
//!    answer waits for the disk.
//! 10. `keyway_router_billing` gives the event its place; `service::billing` streams it.
//! 11. A failure becomes an `execute::failure::Failure`, `execute::plan` says what is tried next,
//!     and what is left becomes a `keyway_proto::Fault`, the only thing that callers learn.

pub mod admission;
mod app;
pub mod call;
pub mod callers;
mod cli;
mod conditions;
mod counters;
pub mod edge;
pub mod execute;
pub mod keys;
mod ledger_watch;
mod media_type;
pub mod meter;
mod observed;
pub mod price;
pub mod probe;
mod relay;
pub mod resolver;
pub mod route;
pub mod service;
pub mod settings;
pub mod spend;
pub mod switches;
pub mod upstream;

pub use cli::run;
