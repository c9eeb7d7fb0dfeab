//! The words that every part of Keyway shares: ids, names, usage, money, secrets.
//!
//! A value of one of these types is valid: they are parsed at the edge and never checked again.
//! This crate knows no wire format, no database and no clock.

pub mod access;
pub mod money;
pub mod names;
pub mod providers;
pub mod secret;
pub mod time;
pub mod usage;

pub use access::{Act, Aim, Role};
pub use money::Usd;
pub use names::{CallId, InvalidName, KeyName, KeyPath, Owner, WorkspaceId};
pub use providers::ProviderId;
pub use secret::Secret;
pub use time::Timestamp;
pub use usage::{Basis, EventKind, Outcome, Source, Usage};
