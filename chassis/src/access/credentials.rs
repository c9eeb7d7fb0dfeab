//! What a call shows of who makes it: a token on the call, an address and perhaps a verified
//! certificate on its connection.

use std::net::SocketAddr;
use std::sync::Arc;

use keyway_words::{Secret, Timestamp};

/// Everything that a call shows of who makes it.
#[derive(Debug)]
pub struct Credentials {
    /// The token of `authorization: Bearer …`.
    pub bearer: Option<Secret>,
    /// The other end of the connection.
    pub peer: Peer,
}

impl Credentials {
    /// The same once more, for a caller who is looked at again.
    pub(super) fn again(&self) -> Self {
        let bearer = self.bearer.as_ref();
        Self {
            bearer: bearer.map(|bearer| Secret::new(bearer.expose().to_owned())),
            peer: self.peer.clone(),
        }
    }
}

/// The other end of a connection; in the extensions of every request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address, where the listener knows it.
    pub address: Option<SocketAddr>,
    /// Who its certificate says it is, where it showed one that was verified.
    pub identity: Option<PeerIdentity>,
}

/// The identity in a certificate that the TLS handshake verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerIdentity {
    /// The certificate's only URI name, `spiffe://keyway/router/eu-1`.
    pub uri: Arc<str>,
    /// When the certificate ends; a connection may live longer.
    pub expire_time: Timestamp,
}
