//! What is wrong with the files: each with its path, the setting that names it and, where there is one, the remedy.

use std::io;

use super::TlsFile;

/// Why files do not make a TLS configuration.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system refused.
    #[error("can't read {file}: {cause}")]
    Io {
        /// The file.
        file: TlsFile,
        /// What the system said.
        cause: io::Error,
    },
    /// Others than those allowed may read a private key.
    #[error(
        "the private key file {0} can be read by others; run `chmod 600 {path}`, or set \
         tls.key_group_readable=true where its group must read it, and make it 440",
        path = .0.path.display()
    )]
    Exposed(TlsFile),
    /// More than any certificate file has.
    #[error("{0} is larger than 1 MiB; that is no PEM file of certificates or keys")]
    TooLarge(TlsFile),
    /// No such PEM section, or a broken one.
    #[error("{file} holds no {wanted} in PEM form")]
    NotPem {
        /// The file.
        file: TlsFile,
        /// What should be there.
        wanted: &'static str,
    },
    /// A certificate that can't be read or used.
    #[error("the certificate in {file} can't be used: {why}")]
    Certificate {
        /// The file.
        file: TlsFile,
        /// Why.
        why: &'static str,
    },
    /// The key is of another certificate, or of a kind that is not supported.
    #[error(
        "the private key in {key} can't be used with the certificate in {certificate}, whose first one must be the \
         key's own: {cause}"
    )]
    Pair {
        /// The file of the certificate.
        certificate: TlsFile,
        /// The file of the key.
        key: TlsFile,
        /// What rustls said.
        cause: Box<rustls::Error>,
    },
    /// The certificate's time is over or has not come.
    #[error("the certificate in {file} {why}")]
    Time {
        /// The file.
        file: TlsFile,
        /// Which of them, with the time.
        why: String,
    },
    /// The name of the other end is no host name or address.
    #[error("{0:?} is no name that a certificate can have; accepted: a host name or an IP address")]
    ServerName(String),
    /// rustls refuses the whole.
    #[error("no TLS configuration can be made of {file}: {why}")]
    Refused {
        /// The file that it is about.
        file: TlsFile,
        /// What rustls said.
        why: String,
    },
}

impl TlsError {
    pub(super) fn refused(file: &TlsFile, why: &dyn std::error::Error) -> Self {
        Self::Refused {
            file: file.clone(),
            why: why.to_string(),
        }
    }
}
