//! What a process is told about TLS, and how the settings of one section fit together.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{ConfigError, Kind, Values};

/// What a setting `{section}.client_auth` accepts.
pub const CLIENT_AUTH: Kind = Kind::Choice(&["off", "optional", "required"]);

/// How files are read.
#[derive(Debug, Clone, Copy)]
pub struct FileRules {
    /// Whether the group of a private key's file may read it.
    pub group_reads: bool,
    /// How often the files are looked at.
    pub reload_every: Duration,
}

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The chain, leaf first, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Whether clients show a certificate, and the file of the CAs that sign them.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not asked for.
    Off,
    /// Verified if one is shown.
    Optional(PathBuf),
    /// No connection without one.
    Required(PathBuf),
}

impl ClientAuth {
    pub(super) fn authorities(&self) -> Option<&PathBuf> {
        match self {
            Self::Off => None,
            Self::Optional(path) | Self::Required(path) => Some(path),
        }
    }
}

/// TLS of a listener.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// What it shows.
    pub pair: KeyPair,
    /// What it wants to see.
    pub clients: ClientAuth,
    /// Whether HTTP/1 is spoken too.
    pub http1: bool,
}

/// TLS of the way to another service.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// File of the CAs that sign the other end.
    pub authorities: PathBuf,
    /// What is shown if the other end asks.
    pub pair: Option<KeyPair>,
}

/// The pair of the settings `{section}.certificate` and `{section}.key`: both or none.
pub fn key_pair(values: &Values, section: &str) -> Result<Option<KeyPair>, ConfigError> {
    let (certificate, key) = (format!("{section}.certificate"), format!("{section}.key"));
    match (values.get(&certificate)?, values.get(&key)?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(KeyPair { certificate, key })),
        (Some(_), None) => Err(values.refuse(&certificate, format!("together with {key}"))),
        (None, Some(_)) => Err(values.refuse(&key, format!("together with {certificate}"))),
    }
}

/// The settings `{section}.client_auth` and `{section}.client_ca`, which need each other.
pub fn client_auth(values: &Values, section: &str) -> Result<Option<ClientAuth>, ConfigError> {
    let (mode, path) = (
        format!("{section}.client_auth"),
        format!("{section}.client_ca"),
    );
    let word: Option<String> = values.get(&mode)?;
    let authorities: Option<PathBuf> = values.get(&path)?;
    match (word.as_deref(), authorities) {
        (None, None) => Ok(None),
        (Some("off"), None) => Ok(Some(ClientAuth::Off)),
        (Some("optional"), Some(path)) => Ok(Some(ClientAuth::Optional(path))),
        (Some("required"), Some(path)) => Ok(Some(ClientAuth::Required(path))),
        (None | Some("off"), Some(_)) => {
            Err(values.refuse(&path, format!("together with {mode} optional or required")))
        }
        (Some(_), _) => Err(values.refuse(&mode, format!("off, or together with {path}"))),
    }
}
