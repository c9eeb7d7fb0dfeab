//! The vault as its callers see it: real listeners on loopback, a real SQLite file, the real layers.

mod access;
mod audit;
mod damage;
mod ending;
mod feed;
mod harness;
mod health;
mod idp;
mod idp_trouble;
pub(crate) mod issuer;
mod keys;
mod lease;
mod lists;
mod load;
mod people;
mod plans;
mod service_accounts;
mod sign_in;
mod start;
mod unknown;
mod workspaces;
