//! A connection that comes back from whoever served it, to be closed without a reset.
//!
//! A socket that is closed while its peer still writes answers with a reset, and a client that
//! meets the reset first loses the answer that waits in its own buffer: a call that was done looks
//! as if it had failed. So the end of a connection is told, and what still comes is read and
//! dropped until the peer has closed too, for a moment at most.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::oneshot;

/// How long the peer has to close its side.
const LINGER: Duration = Duration::from_millis(500);

/// A connection on loan.
pub(super) struct Lent<IO> {
    /// There until the drop.
    io: Option<IO>,
    back: Option<oneshot::Sender<IO>>,
}

/// Where the connection comes back to.
pub(super) struct Returned<IO>(oneshot::Receiver<IO>);

/// Lends a connection.
pub(super) fn lend<IO>(io: IO) -> (Lent<IO>, Returned<IO>) {
    let (back, returned) = oneshot::channel();
    let lent = Lent {
        io: Some(io),
        back: Some(back),
    };
    (lent, Returned(returned))
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Returned<IO> {
    /// Closes the connection once it is back.
    pub(super) async fn close(self) {
        let Ok(mut io) = self.0.await else { return };
        let close = async {
            // It may be told already, or the peer may be gone.
            drop(io.shutdown().await);
            let mut rest = [0; 1024];
            while io.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        };
        drop(tokio::time::timeout(LINGER, close).await);
    }
}

impl<IO> Drop for Lent<IO> {
    fn drop(&mut self) {
        if let (Some(io), Some(back)) = (self.io.take(), self.back.take()) {
            // Nobody waits for it: then it is closed here.
            drop(back.send(io));
        }
    }
}

impl<IO: Unpin> Lent<IO> {
    fn io(&mut self) -> io::Result<Pin<&mut IO>> {
        let io = self.io.as_mut().map(Pin::new);
        io.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Lent<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io()?.poll_read(context, buffer)
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Lent<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io()?.poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io()?.poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_the_peer_still_writes_is_read_until_it_closes() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let (lent, returned) = lend(ours);
        drop(lent);
        let peer = async {
            let mut end = Vec::new();
            theirs.read_to_end(&mut end).await.unwrap();
            theirs.write_all(&[7; 64]).await.unwrap();
            drop(theirs);
        };
        tokio::join!(peer, returned.close());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_never_closes_is_waited_for_a_moment_only() {
        let (ours, _theirs) = tokio::io::duplex(16);
        let (lent, returned) = lend(ours);
        drop(lent);
        let begun = tokio::time::Instant::now();
        returned.close().await;
        assert_eq!(begun.elapsed(), LINGER);
    }
}
