//! Hosted spend of this router's calls: each reserves what it may cost from a slice of what remains of
//! its workspace's month, in memory, and gives back what it did not. The ledger leases the slices
//! ([`keyway_router_billing::Ledger::lease_spend`]); what lies idle goes back to it.
//!
//! A call of a workspace without a limit never comes here.

mod book;
mod slice;
#[cfg(test)]
mod tests;

pub use book::{LeaseSpend, SpendBook};
pub use slice::Reservation;
