//! Black-box tests of the product, one module per promise. Each starts its own processes in its
//! own folder on its own ports, and ends them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on says so and ends"
)]

mod abandon;
mod access;
mod acknowledge;
mod admin;
mod audit;
mod breaker;
mod budget;
mod config;
mod crash;
mod damage;
mod deadlines;
mod docs;
mod doors;
mod drain;
mod drain_load;
mod edges;
mod egress;
mod ending;
mod estimates;
mod exhausted;
#[cfg(feature = "external")]
mod external;
mod failures;
mod features;
mod feed;
mod google_and_mistral;
mod half_open;
mod harness;
mod hosted_state;
mod import;
mod key_health;
mod launcher;
mod layering;
mod leaks;
mod ledger_full;
mod lost_files;
mod models;
mod monitoring;
mod own_and_hosted;
mod pieces;
mod protection;
mod rating;
mod read_on;
mod readiness;
mod request_ids;
mod resolver_table;
mod responses;
mod retention;
mod revoke;
mod rolled_back;
mod rotation;
mod sign_in;
mod soak;
mod spend;
mod start_states;
mod stream_embed;
mod switches;
mod test_key;
mod tls;
mod tools;
mod traces;
mod unreadable;
mod upgrade;
mod vault_down;
mod warm;
mod writers;
