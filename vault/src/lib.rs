//! The vault: owns encrypted provider keys, who may manage them, and the record of who did what.
//!
//! A secret enters by `PutKey`, is sealed before anything is written, and leaves only by
//! `ResolveKeys`, to a router that the configuration names, after its audit row is on disk.
//!
//! Where to look: [`run`] is the command line; `app` puts the process together; `service` holds
//! the RPCs; `resolve` says which keys a call may use; `keys` seals and opens rows; `store` is the
//! only module that speaks SQL.

mod app;
mod audit;
mod authenticate;
mod authority;
mod blocks;
mod bootstrap;
mod callers;
mod cli;
mod conditions;
mod counters;
mod denials;
mod failpoints;
mod fields;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod generations;
mod health;
mod idempotent;
mod issuers;
pub mod jwt;
mod key_check;
mod keyring;
mod keys;
pub mod master_key;
mod networks;
mod providers;
mod pulse;
mod purge;
mod resolve;
mod restore;
mod rollback;
mod rotation;
pub mod router_token;
mod routers;
mod service;
mod settings;
mod start;
mod store;
#[cfg(test)]
mod tests;
mod wire;

pub use cli::run;
