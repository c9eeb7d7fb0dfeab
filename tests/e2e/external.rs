//! What needs more than Rust: the real grpcurl, Python with the providers' own SDKs, PostgreSQL, `SoftHSM`. Run
//! by `.ci/run`, which installs them; a tool that is missing fails the test.

mod admin;
mod alerts;
mod audit;
mod campaign;
mod clients;
mod compose;
mod deploy;
mod edges;
mod envelope;
mod feed;
mod four_routers;
mod grpcurl;
mod key_news;
mod ledger_away;
mod nats_away;
mod postgres_away;
mod postgres_restore;
mod postgres_rotation;
mod postgres_tls;
mod readiness;
mod relay;
mod relay_tls;
mod revocation;
mod rolling;
mod runbooks;
mod sdk;
mod shared_spend;
mod sixth;
mod synced;
mod token;
mod tour;
mod two_vaults;
