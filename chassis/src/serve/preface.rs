//! The first bytes of a connection say what is spoken on it. They are read before anything is
//! served, so that a connection that never says is bounded like a handshake.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::refusals::Refusal;

/// How every HTTP/2 connection begins (RFC 9113, section 3.4).
const HTTP2: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    Http1,
    Http2,
}

/// Reads so much that it is clear what is spoken; `http1` says whether that is welcome here.
pub(super) async fn read<IO: AsyncRead + Unpin>(
    mut io: IO,
    http1: bool,
) -> Result<(Spoken, Rewound<IO>), Refusal> {
    let mut bytes = [0; HTTP2.len()];
    let mut length = 0;
    let spoken = loop {
        let free = bytes.get_mut(length..).unwrap_or_default();
        match io.read(free).await {
            Ok(0) | Err(_) => return Err(Refusal::Left),
            Ok(read) => length = length.saturating_add(read),
        }
        let seen = bytes.get(..length).unwrap_or_default();
        match seen.first() {
            _ if seen == HTTP2 => break Spoken::Http2,
            _ if HTTP2.starts_with(seen) => {}
            Some(first) if http1 && first.is_ascii_alphabetic() => break Spoken::Http1,
            _ => return Err(Refusal::Protocol(looks_like(seen))),
        }
    };
    let rewound = Rewound {
        read: bytes,
        length,
        given: 0,
        io,
    };
    Ok((spoken, rewound))
}

fn looks_like(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x16, 0x03, ..] | [0x16] => "a TLS handshake on a port of plain text",
        [first, ..] if first.is_ascii_uppercase() => "an HTTP/1 request",
        _ => "unknown bytes",
    }
}

/// A connection whose preface is still to be read by whom it is handed to.
#[derive(Debug)]
pub(super) struct Rewound<IO> {
    read: [u8; HTTP2.len()],
    length: usize,
    given: usize,
    io: IO,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Rewound<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = self.read.get(self.given..self.length).unwrap_or_default();
        if left.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let fits = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..fits).unwrap_or_default());
        self.given = self.given.saturating_add(fits);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Rewound<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn told(
        bytes: &[u8],
        http1: bool,
    ) -> Result<(Spoken, Rewound<tokio::io::DuplexStream>), Refusal> {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(bytes).await.unwrap();
        drop(client);
        read(server, http1).await
    }

    #[tokio::test]
    async fn what_was_looked_at_is_read_again_by_who_comes_after_and_the_rest_follows() {
        let mut http2 = HTTP2.to_vec();
        http2.extend_from_slice(b"rest");
        let http1 = b"P / HTTP/1.1\r\n\r\n".to_vec();
        for (bytes, speaks) in [(http2, Spoken::Http2), (http1, Spoken::Http1)] {
            let (spoken, mut rewound) = told(&bytes, true).await.unwrap();
            let mut read = Vec::new();
            rewound.read_to_end(&mut read).await.unwrap();
            assert_eq!((spoken, read), (speaks, bytes));
        }
    }

    #[tokio::test]
    async fn what_is_not_spoken_here_is_told_apart_at_its_first_wrong_byte() {
        for (bytes, looks) in [
            (&b"GET / HTTP/1.1\r\n"[..], "an HTTP/1 request"),
            (&[0x16, 3, 1][..], "a TLS handshake on a port of plain text"),
            (&b"\0"[..], "unknown bytes"),
            (&b"PRI * HTTP/1"[..], "an HTTP/1 request"),
        ] {
            let refusal = told(bytes, false).await.unwrap_err();
            assert_eq!(refusal, Refusal::Protocol(looks));
        }
        for bytes in [&[0x16, 3, 1][..], b"\0", b"\r\nGET / HTTP/1.1"] {
            assert!(matches!(
                told(bytes, true).await.unwrap_err(),
                Refusal::Protocol(_)
            ));
        }
    }

    #[tokio::test]
    async fn half_a_preface_is_a_client_that_left() {
        assert_eq!(told(b"PRI * HT", false).await.unwrap_err(), Refusal::Left);
        assert_eq!(told(b"", true).await.unwrap_err(), Refusal::Left);
    }

    proptest! {
        #[test]
        fn no_first_bytes_break_it(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let taken = runtime.block_on(told(&bytes, false)).is_ok();
            prop_assert_eq!(taken, bytes.starts_with(HTTP2));
        }
    }
}
