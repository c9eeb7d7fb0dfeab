//! A certificate authority that is thrown away with the test, and clients that speak TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

/// A day.
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// An authority that signs what a test asks for.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its key, PEM.
#[derive(Clone)]
pub(crate) struct Leaf {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// What a certificate says.
pub(crate) struct Says<'a> {
    /// Its URI names.
    pub(crate) uris: &'a [&'a str],
    /// What it is for.
    pub(crate) purpose: Option<ExtendedKeyUsagePurpose>,
    /// When it ends, from now; `None`: it ended an hour ago.
    pub(crate) ends: Option<Duration>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "throw-away");
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// Its certificate.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server on 127.0.0.1.
    pub(crate) fn server(&self) -> Leaf {
        self.sign(&Says {
            uris: &[],
            purpose: Some(ExtendedKeyUsagePurpose::ServerAuth),
            ends: Some(DAY),
        })
    }

    /// A client with one URI name.
    pub(crate) fn client(&self, uri: &str) -> Leaf {
        self.sign(&Says {
            uris: &[uri],
            purpose: Some(ExtendedKeyUsagePurpose::ClientAuth),
            ends: Some(DAY),
        })
    }

    /// A server of a name.
    pub(crate) fn server_named(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Leaf {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    pub(crate) fn sign(&self, says: &Says<'_>) -> Leaf {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.subject_alt_names = vec![
            SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            SanType::DnsName("localhost".try_into().expect("a name")),
        ];
        for uri in says.uris {
            let name = SanType::URI((*uri).try_into().expect("a URI"));
            params.subject_alt_names.push(name);
        }
        params.extended_key_usages = says.purpose.iter().cloned().collect();
        #[expect(
            clippy::disallowed_methods,
            reason = "certificates are of the real time"
        )]
        let now = SystemTime::now();
        let hour = Duration::from_hours(1);
        params.not_before = (now - 2 * hour).into();
        params.not_after = says.ends.map_or(now - hour, |ends| now + ends).into();
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Leaf {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Leaf {
    /// The certificate as it goes over the wire.
    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).expect("a certificate")
    }
}

/// Files of one test.
pub(crate) struct Files(tempfile::TempDir);

impl Files {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in place at once, as a careful operator does. Private, whatever it is.
    pub(crate) fn put(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let (path, new) = (self.path(name), self.path(&format!("{name}.new")));
        std::fs::write(&new, text).expect("a file");
        let private = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&new, private).expect("private");
        std::fs::rename(&new, &path).expect("in place");
        spelled(&path)
    }

    /// Both files of a pair, `NAME.pem` and `NAME.key`.
    pub(crate) fn put_pair(&self, name: &str, leaf: &Leaf) -> (String, String) {
        let key = self.put(&format!("{name}.key"), &leaf.key);
        (self.put(&format!("{name}.pem"), &leaf.certificate), key)
    }
}

fn spelled(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// A client that trusts an authority, and shows a certificate if it has one.
pub(crate) fn config(authority: &Authority, shows: Option<&Leaf>) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem().as_bytes());
    roots.add(root.expect("a certificate")).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(leaf) => {
            let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
            let chain = vec![leaf.der()];
            builder.with_client_auth_cert(chain, key).expect("a pair")
        }
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    Arc::new(config)
}

/// Makes a handshake.
pub(crate) async fn connect(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    let name = ServerName::from(address.ip());
    TlsConnector::from(config).connect(name, tcp).await
}

/// The certificate that a listener shows now.
pub(crate) async fn shown(
    address: SocketAddr,
    config: Arc<ClientConfig>,
) -> CertificateDer<'static> {
    let stream = connect(address, config).await.expect("a handshake");
    let chain = stream.get_ref().1.peer_certificates().expect("a chain");
    chain[0].clone().into_owned()
}

/// A channel over TLS.
pub(crate) fn channel(address: SocketAddr, config: Arc<ClientConfig>) -> Channel {
    let endpoint = Endpoint::from_shared(format!("https://{address}")).expect("an endpoint");
    endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
        let config = Arc::clone(&config);
        async move { connect(address, config).await.map(TokioIo::new) }
    }))
}
