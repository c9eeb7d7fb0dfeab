//! A way to a listener that can swallow what is sent, with every socket left open: what a network
//! does that drops packets, and what nobody is told of.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A forwarding listener.
pub(crate) struct Way {
    address: SocketAddr,
    swallows: watch::Sender<bool>,
}

impl Way {
    /// Listens on a free port and forwards to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let swallows = watch::Sender::new(false);
        let told = swallows.subscribe();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(join(near, target, told.clone()));
            }
        });
        Self { address, swallows }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing passes. What is open stays open, and is dead for ever.
    pub(crate) fn swallow(&self) {
        self.swallows.send_replace(true);
    }

    /// New connections pass again.
    pub(crate) fn mend(&self) {
        self.swallows.send_replace(false);
    }
}

async fn join(near: TcpStream, target: SocketAddr, swallows: watch::Receiver<bool>) {
    let Ok(far) = TcpStream::connect(target).await else {
        return;
    };
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(
        pass(near_read, far_write, swallows.clone()),
        pass(far_read, near_write, swallows),
    );
}

/// Passes bytes on until the end; after the first swallowed byte, or end, nothing any more.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut swallows: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 << 10];
    let mut dead = *swallows.borrow();
    loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            // A connection that was open in a hole does not come back.
            Ok(()) = swallows.changed() => {
                dead |= *swallows.borrow();
                continue;
            }
        };
        let count = read.unwrap_or(0);
        if count == 0 && dead {
            std::future::pending::<()>().await;
        }
        if count == 0 {
            return;
        }
        if !dead && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
