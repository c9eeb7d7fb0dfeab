//! Why a handshake with NATS failed, with what to do about it.

use std::error::Error as _;
use std::io;

use async_nats::ConnectError;
use async_nats::rustls::{AlertDescription, CertificateError, Error};

/// A connection that was not made, in words for the log. They name no secret.
pub(super) fn told(error: &ConnectError) -> String {
    match cause(error).and_then(remedy) {
        Some(remedy) => format!("{error}; {remedy}"),
        None => error.to_string(),
    }
}

/// What rustls said, if it was a handshake that failed.
fn cause(error: &ConnectError) -> Option<&Error> {
    let io = error.source()?.downcast_ref::<io::Error>()?;
    io.get_ref()?.downcast_ref()
}

fn remedy(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::InvalidCertificate(why) => match why {
            // A CA with the name of ours and another key makes bad signatures.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "relay.tls.ca must hold the CA that signed the server's certificate"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the hosts of relay.url must be names of the servers' certificates"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server needs a new certificate"
            }
            _ => return None,
        },
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a certificate; set relay.tls.certificate and relay.tls.key"
        }
        Error::AlertReceived(_) => {
            "the server does not accept this router's TLS; check relay.tls.certificate"
        }
        Error::InvalidMessage(_) => "the server does not speak TLS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use async_nats::ConnectErrorKind;

    use super::*;

    #[test]
    fn a_handshake_that_failed_is_told_with_its_remedy_and_another_failure_as_it_is() {
        let of = |error: Error| {
            let io = io::Error::new(io::ErrorKind::InvalidData, error);
            told(&ConnectError::with_source(ConnectErrorKind::Io, io))
        };
        let invalid = Error::InvalidCertificate;
        let alert = Error::AlertReceived;
        for (error, words) in [
            (invalid(CertificateError::UnknownIssuer), "relay.tls.ca"),
            (invalid(CertificateError::NotValidForName), "relay.url"),
            (invalid(CertificateError::Expired), "a new certificate"),
            (
                alert(AlertDescription::CertificateRequired),
                "relay.tls.key",
            ),
            (
                alert(AlertDescription::UnknownCA),
                "check relay.tls.certificate",
            ),
        ] {
            let (plain, said) = (error.to_string(), of(error));
            assert!(said.contains(&plain) && said.contains(words), "{said}");
        }
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let refused = ConnectError::with_source(ConnectErrorKind::Io, refused);
        assert_eq!(told(&refused), refused.to_string());
    }
}
