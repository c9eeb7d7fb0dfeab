//! A listener: an address, and whether TLS is spoken on it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;

use socket2::{SockFilter, SockRef};
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
    /// Whether somebody else takes connections from the same socket, and goes on with it.
    shared: bool,
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
    Ok(Listener {
        name,
        tcp,
        tls,
        shared: false,
    })
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
            shared: true,
        })
    }

    /// The last moment of the listener, over when nobody stands in its queue any more. Whoever is
    /// in the queue of a socket that closes is reset, and can't tell that nothing was done. So the
    /// beginnings of connections are dropped from now on: their senders repeat them, and meet a
    /// closed port, or whoever listens there next.
    pub(super) async fn empties(&self) {
        if self.shared {
            return;
        }
        // A system that knows no filters has the shorter moment between the last look and the end.
        drop(SockRef::from(&self.tcp).attach_filter(&NO_BEGINNINGS));
        tokio::time::sleep(HALF_OPEN).await;
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

/// A packet filter for the segments of a socket: those with SYN and without ACK are dropped.
const NO_BEGINNINGS: [SockFilter; 5] = {
    const LOAD_BYTE: u16 = 0x30; // BPF_LD | BPF_B | BPF_ABS
    const AND: u16 = 0x54; // BPF_ALU | BPF_AND | BPF_K
    const IF_EQUAL: u16 = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const FLAGS: u32 = 13; // RFC 9293, section 3.1
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
};

/// Time for connections that have begun to be made, and to be taken: a round trip and more.
const HALF_OPEN: Duration = Duration::from_millis(250);
/// Time for connections to end and free what is missing.
const PAUSE: Duration = Duration::from_millis(200);
