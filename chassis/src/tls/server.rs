//! The server's side of a handshake.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, ServerConfig,
    SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::files::{self, Contents, certified, provider};
use super::identity::identity;
use super::reload::{Followed, Made, Source, follow};
use super::{ClientAuth, FileRules, ServerTls, TlsError, Upkeep};
use crate::access::PeerIdentity;
use crate::clock::Clock;

/// What a listener needs to speak TLS. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TlsServer {
    config: Followed<ServerConfig>,
    clock: Arc<dyn Clock>,
}

/// Who is at the other end, and for how long that holds.
pub(crate) struct Shown {
    pub(crate) identity: PeerIdentity,
    pub(crate) holds: Duration,
}

impl TlsServer {
    /// Reads the files and follows them. `name` is what the listener is called in logs.
    pub fn start(name: &'static str, files: ServerTls, upkeep: &Upkeep) -> Result<Self, TlsError> {
        let source = ServerSource {
            name,
            files,
            rules: upkeep.rules,
            clock: Arc::clone(&upkeep.clock),
        };
        Ok(Self {
            config: follow(source, upkeep)?,
            clock: Arc::clone(&upkeep.clock),
        })
    }

    /// Makes the handshake with the files as they were last read.
    pub(crate) async fn accept(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.current()).accept(tcp).await
    }

    /// Who showed a certificate in a handshake that succeeded, and therefore verified it.
    pub(crate) fn shown(&self, stream: &TlsStream<TcpStream>) -> Option<Shown> {
        let (_tcp, session) = stream.get_ref();
        let leaf = session.peer_certificates()?.first()?;
        let identity = identity(leaf).ok()?;
        let left = identity.expire_time.0.saturating_sub(self.clock.now().0);
        let holds = Duration::from_micros(u64::try_from(left).unwrap_or(0));
        Some(Shown { identity, holds })
    }
}

struct ServerSource {
    name: &'static str,
    files: ServerTls,
    rules: FileRules,
    clock: Arc<dyn Clock>,
}

impl Source for ServerSource {
    type Made = ServerConfig;

    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let authorities = self.files.clients.authorities();
        Contents::read(Some(&self.files.pair), authorities, self.rules)
    }

    fn make(&self, contents: &Contents) -> Result<Made<ServerConfig>, TlsError> {
        let pair = &self.files.pair;
        let own = certified(contents, pair, self.clock.now())?;
        let refused = |error: Error| TlsError::refused(&pair.certificate, &error);
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(refused)?
            .with_client_cert_verifier(verifier(contents, &self.files.clients)?)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(own.key)));
        config.alpn_protocols = vec![b"h2".to_vec()];
        if self.files.http1 {
            config.alpn_protocols.push(b"http/1.1".to_vec());
        }
        // A resumed session would skip the verification of the client.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Made {
            value: config,
            validity: Some((own.begins, own.ends)),
        })
    }
}

fn verifier(
    contents: &Contents,
    clients: &ClientAuth,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let Some(path) = clients.authorities() else {
        return Ok(WebPkiClientVerifier::no_client_auth());
    };
    let roots = files::roots(contents, path)?;
    let chain = WebPkiClientVerifier::builder_with_provider(roots, provider());
    let chain = match clients {
        ClientAuth::Optional(_) => chain.allow_unauthenticated(),
        ClientAuth::Required(_) | ClientAuth::Off => chain,
    };
    let chain = chain
        .build()
        .map_err(|error| TlsError::refused(path, &error))?;
    Ok(Arc::new(OneName(chain)))
}

/// Verifies the chain, and then that the certificate names exactly one caller.
#[derive(Debug)]
struct OneName(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for OneName {
    fn offer_client_auth(&self) -> bool {
        self.0.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.0.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.0.verify_client_cert(leaf, intermediates, now)?;
        let named = identity(leaf).map(|_identity| verified);
        named.map_err(|why| CertificateError::Other(OtherError(Arc::new(why))).into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
