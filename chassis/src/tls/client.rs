//! The client's side of a handshake: a connector for tonic's channels.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::client::Resumption;
use rustls::sign::SingleCertAndKey;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, Error};
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower::Service;

use super::files::{self, Contents, certified, provider};
use super::reload::{Followed, Made, Source, follow};
use super::{ClientTls, FileRules, TlsError, Upkeep};
use crate::clock::Clock;

/// A connection that a [`TlsClient`] made.
pub type TlsConnection = TokioIo<TlsStream<TcpStream>>;

/// Makes TLS connections with the files as they were last read. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TlsClient {
    config: Followed<ClientConfig>,
    server_name: ServerName<'static>,
}

impl TlsClient {
    /// Reads the files and follows them. `host` is the name that the other end's certificate must
    /// have; `name` is what the way is called in logs.
    pub fn start(
        name: &'static str,
        host: &str,
        files: ClientTls,
        upkeep: &Upkeep,
    ) -> Result<Self, TlsError> {
        let server_name = ServerName::try_from(host.to_owned())
            .map_err(|_form| TlsError::ServerName(host.to_owned()))?;
        let source = ClientSource {
            name,
            files,
            rules: upkeep.rules,
            clock: Arc::clone(&upkeep.clock),
        };
        Ok(Self {
            config: follow(source, upkeep)?,
            server_name,
        })
    }

    /// The files as they are now, for a protocol that is agreed on in another way than by the
    /// handshake.
    pub fn without_protocols(&self) -> ClientConfig {
        let mut config = self.config.current().as_ref().clone();
        config.alpn_protocols.clear();
        config
    }

    /// Whether both speak with the same files, so that a connection of one serves the other.
    pub fn files(&self) -> TlsFiles {
        TlsFiles(self.config.current())
    }
}

/// The files that connections are made with now. Equal as long as nothing changed.
#[derive(Debug, Clone)]
pub struct TlsFiles(Arc<ClientConfig>);

impl PartialEq for TlsFiles {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Service<Uri> for TlsClient {
    type Response = TlsConnection;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<TlsConnection>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = TlsConnector::from(self.config.current());
        let name = self.server_name.clone();
        Box::pin(async move {
            let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
            let tcp = TcpStream::connect((host, uri.port_u16().unwrap_or(443))).await?;
            tcp.set_nodelay(true)?;
            connector.connect(name, tcp).await.map(TokioIo::new)
        })
    }
}

struct ClientSource {
    name: &'static str,
    files: ClientTls,
    rules: FileRules,
    clock: Arc<dyn Clock>,
}

impl Source for ClientSource {
    type Made = ClientConfig;

    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self) -> Result<Contents, TlsError> {
        let pair = self.files.pair.as_ref();
        Contents::read(pair, Some(&self.files.authorities), self.rules)
    }

    fn make(&self, contents: &Contents) -> Result<Made<ClientConfig>, TlsError> {
        let authorities = &self.files.authorities;
        let roots = files::roots(contents, authorities)?;
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(|error: Error| TlsError::refused(authorities, &error))?
            .with_root_certificates(roots);
        let (mut config, validity) = match &self.files.pair {
            None => (builder.with_no_client_auth(), None),
            Some(pair) => {
                let own = certified(contents, pair, self.clock.now())?;
                let validity = Some((own.begins, own.ends));
                let shown = Arc::new(SingleCertAndKey::from(own.key));
                (builder.with_client_cert_resolver(shown), validity)
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.resumption = Resumption::disabled();
        Ok(Made {
            value: config,
            validity,
        })
    }
}
