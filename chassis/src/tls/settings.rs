//! What a process is told about TLS, and how the settings of one section fit together.

use std::fmt;
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

/// A file, and what names it.
#[derive(Debug, Clone)]
pub struct TlsFile {
    /// Where it is.
    pub path: PathBuf,
    /// The setting, for those who read what is wrong with it.
    pub setting: String,
}

impl fmt::Display for TlsFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.setting)
    }
}

/// Where a certificate and its key are.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The chain, leaf first, PEM.
    pub certificate: TlsFile,
    /// Its private key, PEM.
    pub key: TlsFile,
}

/// Whether clients show a certificate, and the file of the CAs that sign them.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// Not asked for.
    Off,
    /// Verified if one is shown.
    Optional(TlsFile),
    /// No connection without one.
    Required(TlsFile),
}

impl ClientAuth {
    pub(super) fn authorities(&self) -> Option<&TlsFile> {
        match self {
            Self::Off => None,
            Self::Optional(file) | Self::Required(file) => Some(file),
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
    pub authorities: TlsFile,
    /// What is shown if the other end asks.
    pub pair: Option<KeyPair>,
}

/// The pair of the settings `{section}.certificate` and `{section}.key`: both or none.
pub fn key_pair(values: &Values, section: &str) -> Result<Option<KeyPair>, ConfigError> {
    let (certificate, key) = (format!("{section}.certificate"), format!("{section}.key"));
    match (file(values, &certificate)?, file(values, &key)?) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(KeyPair { certificate, key })),
        (Some(_), None) => Err(values.refuse(&certificate, format!("together with {key}"))),
        (None, Some(_)) => Err(values.refuse(&key, format!("together with {certificate}"))),
    }
}

/// The file that a setting names, if it is set.
pub fn file(values: &Values, setting: &str) -> Result<Option<TlsFile>, ConfigError> {
    let path: Option<PathBuf> = values.get(setting)?;
    Ok(path.map(|path| TlsFile {
        path,
        setting: setting.to_owned(),
    }))
}

/// The settings `{section}.client_auth` and `{section}.client_ca`, which need each other.
pub fn client_auth(values: &Values, section: &str) -> Result<Option<ClientAuth>, ConfigError> {
    let (mode, path) = (
        format!("{section}.client_auth"),
        format!("{section}.client_ca"),
    );
    let word: Option<String> = values.get(&mode)?;
    let authorities = file(values, &path)?;
    match (word.as_deref(), authorities) {
        (None, None) => Ok(None),
        (Some("off"), None) => Ok(Some(ClientAuth::Off)),
        (Some("optional"), Some(file)) => Ok(Some(ClientAuth::Optional(file))),
        (Some("required"), Some(file)) => Ok(Some(ClientAuth::Required(file))),
        (None | Some("off"), Some(_)) => {
            Err(values.refuse(&path, format!("together with {mode} optional or required")))
        }
        (Some(_), _) => Err(values.refuse(&mode, format!("off, or together with {path}"))),
    }
}
