//! Servers of others that tests need, each private to one test process: nothing of the machine's own
//! servers is used or touched, and nothing is left when the process ends, however it ends.

mod account;
mod nats;
mod postgres;
mod programs;
mod wait;

pub use nats::Nats;
pub use postgres::Postgres;
