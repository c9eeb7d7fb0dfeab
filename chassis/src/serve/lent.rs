//! A connection that comes back from whoever served it, to be closed without a reset, and whose end
//! is noticed while nothing is read.
//!
//! A socket that is closed while its peer still writes answers with a reset, and a client that
//! meets the reset first loses the answer that waits in its own buffer: a call that was done looks
//! as if it had failed. So the end of a connection is told, and what still comes is read and
//! dropped until the peer has closed too, for a moment at most.
//!
//! hyper looks for the end of a connection of HTTP/1 while it waits for an answer only if it has read
//! nothing behind the request. A client that sent one byte more and hung up would be missed until the
//! next write, so what comes meanwhile is read ahead here, up to a bound.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::oneshot;

use super::preface::Spoken;

/// How long the peer has to close its side.
const LINGER: Duration = Duration::from_millis(500);
/// What is read ahead at most. The end behind more than that is noticed by the next write.
const AHEAD: usize = 64 << 10;
/// What one look ahead reads.
const LOOK: usize = 1 << 10;

/// A connection on loan.
pub(super) struct Lent<IO> {
    /// There until the drop.
    io: Option<IO>,
    back: Option<oneshot::Sender<IO>>,
    /// What was read before it was asked for; `None` if nothing is to be read ahead.
    ahead: Option<BytesMut>,
}

/// Where the connection comes back to.
pub(super) struct Returned<IO>(oneshot::Receiver<IO>);

/// Lends a connection of a protocol.
pub(super) fn lend<IO>(io: IO, spoken: Spoken) -> (Lent<IO>, Returned<IO>) {
    let (back, returned) = oneshot::channel();
    let lent = Lent {
        io: Some(io),
        back: Some(back),
        // HTTP/2 reads all the time.
        ahead: (spoken == Spoken::Http1).then(BytesMut::new),
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

impl<IO: AsyncRead + Unpin> Lent<IO> {
    /// Looks for the end of the connection behind what nobody has asked for yet.
    fn look_ahead(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let (Some(io), Some(ahead)) = (self.io.as_mut(), self.ahead.as_mut()) else {
            return Ok(());
        };
        let mut look = [MaybeUninit::uninit(); LOOK];
        while ahead.len() < AHEAD {
            let mut read = ReadBuf::uninit(&mut look);
            match Pin::new(&mut *io).poll_read(context, &mut read) {
                Poll::Pending => break,
                Poll::Ready(looked) => looked?,
            }
            if read.filled().is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            ahead.extend_from_slice(read.filled());
        }
        Ok(())
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Lent<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(ahead) = self.ahead.as_mut().filter(|ahead| !ahead.is_empty()) {
            let piece = ahead.split_to(ahead.len().min(buffer.remaining()));
            buffer.put_slice(&piece);
            return Poll::Ready(Ok(()));
        }
        self.io()?.poll_read(context, buffer)
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lent<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io()?.poll_write(context, bytes)
    }

    /// Comes after every look of hyper at its connection, when all that was written is out.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.io()?.poll_flush(context))?;
        Poll::Ready(self.look_ahead(context))
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
        let (lent, returned) = lend(ours, Spoken::Http1);
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
        let (lent, returned) = lend(ours, Spoken::Http1);
        drop(lent);
        let begun = tokio::time::Instant::now();
        returned.close().await;
        assert_eq!(begun.elapsed(), LINGER);
    }
    #[tokio::test]
    async fn what_was_read_ahead_is_read_once_and_in_order() {
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (mut lent, _returned) = lend(ours, Spoken::Http1);
        theirs.write_all(b"one").await.unwrap();
        lent.flush().await.unwrap();
        theirs.write_all(b"two").await.unwrap();
        let mut read = [0; 6];
        lent.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"onetwo");
    }

    #[tokio::test]
    async fn the_end_behind_what_nobody_reads_fails_the_flush_of_http_1_only() {
        for spoken in [Spoken::Http1, Spoken::Http2] {
            let (ours, mut theirs) = tokio::io::duplex(1 << 10);
            let (mut lent, _returned) = lend(ours, spoken);
            theirs.write_all(b"more").await.unwrap();
            drop(theirs);
            let flushed = lent.flush().await;
            assert_eq!(flushed.is_err(), spoken == Spoken::Http1, "{spoken:?}");
        }
    }

    #[tokio::test]
    async fn no_more_than_the_bound_is_read_ahead() {
        let (ours, mut theirs) = tokio::io::duplex(4 * AHEAD);
        let (mut lent, _returned) = lend(ours, Spoken::Http1);
        theirs.write_all(&vec![7; 3 * AHEAD]).await.unwrap();
        lent.flush().await.unwrap();
        let ahead = lent.ahead.as_ref().unwrap().len();
        assert!((AHEAD..AHEAD + LOOK).contains(&ahead), "{ahead}");
    }
}
