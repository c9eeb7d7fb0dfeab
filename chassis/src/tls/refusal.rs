//! Why a handshake failed, in words for the log and in one word for the metric.

use std::io;

use rustls::{AlertDescription, CertificateError, Error};

use super::identity::NoIdentity;

/// A handshake that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsRefusal {
    /// For metrics: one of a few words.
    pub(crate) label: &'static str,
    /// For people: which check failed.
    pub(crate) why: String,
}

impl TlsRefusal {
    /// Reads what rustls put into an IO error; `None` if the network failed, not a check.
    pub(crate) fn of(error: &io::Error) -> Option<Self> {
        let cause = error.get_ref()?.downcast_ref::<Error>()?;
        let (label, why) = reason(cause);
        Some(Self { label, why })
    }
}

fn reason(error: &Error) -> (&'static str, String) {
    let fixed = |label, why: &str| (label, why.to_owned());
    match error {
        Error::InvalidMessage(_) | Error::InappropriateMessage { .. } => fixed(
            "not_tls",
            "the bytes are no TLS handshake; perhaps plain text on a port of TLS",
        ),
        Error::NoCertificatesPresented => fixed(
            "no_certificate",
            "no client certificate was shown, and this listener needs one",
        ),
        Error::NoApplicationProtocol => fixed(
            "protocol",
            "the client offers no protocol (ALPN) that is spoken here",
        ),
        Error::PeerIncompatible(why) => (
            "incompatible",
            format!("no version or cipher in common: {why:?}"),
        ),
        Error::AlertReceived(alert) => alert_received(*alert),
        Error::InvalidCertificate(why) => certificate(why),
        other => ("malformed", format!("the handshake is malformed: {other}")),
    }
}

/// The client ended it.
fn alert_received(alert: AlertDescription) -> (&'static str, String) {
    (
        "alert",
        format!("the client does not accept this server's certificate or offer: {alert:?}"),
    )
}

fn certificate(why: &CertificateError) -> (&'static str, String) {
    let fixed = |label, why: &str| (label, why.to_owned());
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            fixed("expired", "the client certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            fixed("not_yet", "the client certificate is not valid yet")
        }
        // A CA with the name of ours and another key makes bad signatures.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => fixed(
            "other_ca",
            "the client certificate is not signed by a CA of client_ca",
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            (NoIdentity::Purpose.label(), NoIdentity::Purpose.to_string())
        }
        CertificateError::Other(other) => other.0.downcast_ref::<NoIdentity>().map_or_else(
            || fixed("certificate", "the client certificate is refused"),
            |why| (why.label(), why.to_string()),
        ),
        other => (
            "certificate",
            format!("the client certificate is refused: {other}"),
        ),
    }
}
