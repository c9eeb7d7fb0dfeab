//! The schemas of both databases: a service never changes a schema, it only checks that it has the
//! one it was built for.
//!
//! `keyway-migrate vault|router [status]` is the one way to change one, under a lock: a SQLite file's
//! is held by a running service too, a PostgreSQL server's is its own.

mod address;
mod command;
mod lock;
pub mod router;
mod schema;
mod unsettled;
pub mod vault;

pub use address::{
    ACCEPTED as ADDRESS_ACCEPTED, AddressError, ChoiceError, DatabaseAddress, NotReady,
    ServerAddress, read_line,
};
pub use command::run;
pub use lock::{DatabaseLock, LockError};
pub use schema::{MIGRATION_LOCK, SchemaError};
pub use unsettled::close_unsettled;
