//! The schemas of both databases: a service never changes a schema, it only checks that it has the
//! one it was built for.
//!
//! `keyway-migrate vault|router --database FILE [status]` is the one way to change one, under a
//! lock that a running service holds too.

mod command;
mod lock;
pub mod router;
mod schema;
pub mod vault;

pub use command::run;
pub use lock::{DatabaseLock, LockError};
pub use schema::SchemaError;
