//! TLS for the listeners and for the way to the vault: files in, rustls configurations out.
//!
//! The files are read again while the process runs. A new certificate, key or CA counts for the
//! next handshake; what can't be used is logged with its reason and the old one stays. Sessions
//! are never resumed, so every connection shows its certificate and is checked against the CA of
//! that moment.

mod client;
mod error;
mod files;
mod identity;
mod refusal;
mod reload;
mod server;
mod settings;

use std::sync::Arc;

pub use client::{TlsClient, TlsConnection, TlsFiles};
pub use error::TlsError;
pub(crate) use refusal::TlsRefusal;
pub use server::TlsServer;
pub use settings::{
    CLIENT_AUTH, ClientAuth, ClientTls, FileRules, KeyPair, ServerTls, TlsFile, client_auth, file,
    key_pair,
};

use crate::clock::Clock;
use crate::lifecycle::{Shutdown, Tasks};

/// What reading files again needs of the process.
#[derive(Debug, Clone)]
pub struct Upkeep {
    /// How files of keys are read, and how often.
    pub rules: FileRules,
    /// The wall clock, for what expires.
    pub clock: Arc<dyn Clock>,
    /// Owns the task that reads.
    pub tasks: Tasks,
    /// Ends it.
    pub shutdown: Shutdown,
}
