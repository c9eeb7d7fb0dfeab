//! Who a client certificate says it is: its only URI name.
//!
//! Two names would make two callers of one certificate, so they are as bad as none. The chain was
//! verified before; what is asked here is what the verification leaves open.

use keyway_words::Timestamp;
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use super::files::seconds;
use crate::access::PeerIdentity;

/// Why a verified certificate names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoIdentity {
    /// It can't be read.
    #[error("the client certificate can't be read")]
    Unreadable,
    /// It does not say what it is for, or says something else.
    #[error("the client certificate has no extended key usage of client authentication")]
    Purpose,
    /// No name that counts.
    #[error("the client certificate has no URI name (SAN); exactly one is needed")]
    NoName,
    /// More than one.
    #[error("the client certificate has {0} URI names (SAN); exactly one is needed")]
    Names(usize),
}

impl NoIdentity {
    /// For metrics.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Purpose => "purpose",
            Self::NoName => "no_uri",
            Self::Names(_) => "several_uris",
        }
    }
}

/// Reads the identity out of the DER bytes of a leaf certificate.
pub(super) fn identity(certificate: &[u8]) -> Result<PeerIdentity, NoIdentity> {
    let (_rest, leaf) =
        X509Certificate::from_der(certificate).map_err(|_form| NoIdentity::Unreadable)?;
    let usage = leaf
        .extended_key_usage()
        .map_err(|_twice| NoIdentity::Unreadable)?;
    if !usage.is_some_and(|usage| usage.value.client_auth) {
        return Err(NoIdentity::Purpose);
    }
    let names = leaf
        .subject_alternative_name()
        .map_err(|_twice| NoIdentity::Unreadable)?;
    let names = names.map_or(&[][..], |names| names.value.general_names.as_slice());
    let uris: Vec<&str> = names.iter().filter_map(uri).collect();
    match uris.as_slice() {
        [] | [""] => Err(NoIdentity::NoName),
        [uri] => Ok(PeerIdentity {
            uri: (*uri).into(),
            expire_time: expiry(&leaf),
        }),
        several => Err(NoIdentity::Names(several.len())),
    }
}

fn uri<'a>(name: &GeneralName<'a>) -> Option<&'a str> {
    match name {
        GeneralName::URI(uri) => Some(uri),
        _ => None,
    }
}

fn expiry(leaf: &X509Certificate<'_>) -> Timestamp {
    seconds(leaf.validity().not_after.timestamp())
}
