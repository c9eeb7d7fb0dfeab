//! What is wrong with the files: each with the path and, where there is one, the remedy.

use std::io;
use std::path::{Path, PathBuf};

/// Why files do not make a TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system refused.
    #[error("can't read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// Others than those allowed may read a private key.
    #[error(
        "the private key file {path} can be read by others; run `chmod 600 {path}`, or set \
         tls.key_group_readable=true where its group must read it, and make it 440",
        path = .0.display()
    )]
    Exposed(PathBuf),
    /// More than any certificate file has.
    #[error("{} is larger than 1 MiB; that is no PEM file of certificates or keys", .0.display())]
    TooLarge(PathBuf),
    /// No such PEM section, or a broken one.
    #[error("{} holds no {wanted} in PEM form", path.display())]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What should be there.
        wanted: &'static str,
    },
    /// A certificate that can't be read or used.
    #[error("the certificate in {} can't be used: {why}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// The key is of another certificate, or of a kind that is not supported.
    #[error(
        "the private key in {} can't be used with the certificate in {}: {cause}",
        key.display(),
        certificate.display()
    )]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// What rustls said.
        cause: rustls::Error,
    },
    /// The certificate's time is over or has not come.
    #[error("the certificate in {} {why}", path.display())]
    Time {
        /// The file.
        path: PathBuf,
        /// Which of them, with the time.
        why: String,
    },
    /// The name of the other end is no host name or address.
    #[error("{0:?} is no name that a certificate can have; accepted: a host name or an IP address")]
    ServerName(String),
    /// rustls refuses the whole.
    #[error("no TLS configuration can be made of {}: {why}", path.display())]
    Refused {
        /// The file that it is about.
        path: PathBuf,
        /// What rustls said.
        why: String,
    },
}

impl TlsError {
    pub(super) fn refused(path: &Path, why: &dyn std::error::Error) -> Self {
        Self::Refused {
            path: path.to_owned(),
            why: why.to_string(),
        }
    }
}
