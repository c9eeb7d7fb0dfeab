//! A listener: an address, and whether TLS is spoken on it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tracing::warn;

use super::ServeError;
use crate::tls::TlsServer;

/// An open listener for RPCs.
#[derive(Debug)]
pub struct Listener {
    /// What it is called in logs and metrics.
    pub(super) name: &'static str,
    pub(super) tcp: TcpListener,
    pub(super) tls: Option<TlsServer>,
}

/// Opens a listener for RPCs. Without TLS it is on loopback, or `insecure` says that it need not
/// be, which leaves a warning. `name` is what it is called in logs and metrics.
pub async fn bind(
    name: &'static str,
    address: SocketAddr,
    tls: Option<TlsServer>,
    insecure: bool,
) -> Result<Listener, ServeError> {
    if tls.is_none() && !address.ip().is_loopback() {
        if !insecure {
            return Err(ServeError::PlainText(address));
        }
        warn!(%address, "{address} speaks plain text beyond loopback, as server.insecure asks");
    }
    let bound = TcpListener::bind(address).await;
    let tcp = bound.map_err(|source| ServeError::Bind { address, source })?;
    Ok(Listener { name, tcp, tls })
}

impl Listener {
    /// Where it listens.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// The same socket once more: whoever asks first has the next connection.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let socket = self.tcp.as_fd().try_clone_to_owned()?;
        Ok(Self {
            name: self.name,
            tcp: TcpListener::from_std(socket.into())?,
            tls: self.tls.clone(),
        })
    }

    /// The next connection. An error of one connection, or a process without free descriptors,
    /// does not end the listener.
    pub(super) async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            match self.tcp.accept().await {
                Ok(accepted) => return accepted,
                Err(error) if of_one_connection(&error) => {}
                Err(error) => {
                    warn!(%error, "no connection can be taken now: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

fn of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

/// Time for connections to end and free what is missing.
const PAUSE: Duration = Duration::from_millis(200);
