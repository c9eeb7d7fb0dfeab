//! Whole events of a stream as they were written: an event passes the moment it is complete, and
//! the bytes in their order are the bytes that came.

use bytes::Bytes;

use crate::sse::{MAX_EVENT_BYTES, SseError};

/// Cuts a stream where its events end.
#[derive(Debug)]
pub struct Frames {
    held: Vec<u8>,
    /// Nothing stands on the current line.
    blank: bool,
    /// The last byte was a carriage return.
    after_return: bool,
    /// An event has ended, but for the line feed that follows.
    ends_with_feed: bool,
}

impl Default for Frames {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            blank: true,
            after_return: false,
            ends_with_feed: false,
        }
    }
}

impl Frames {
    /// Takes the next bytes; gives the events that they complete, each with the empty line at its
    /// end. What is held is bounded.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Bytes>, SseError> {
        let mut frames = Vec::new();
        let mut from = 0;
        for (at, byte) in bytes.iter().enumerate() {
            let next = at.saturating_add(1);
            let alone = self.held.is_empty() && from == at;
            if self.ends(*byte, bytes.get(next).copied(), alone) {
                let piece = bytes.get(from..next).unwrap_or_default();
                self.held.extend_from_slice(piece);
                frames.push(Bytes::from(std::mem::take(&mut self.held)));
                from = next;
            }
        }
        let rest = bytes.get(from..).unwrap_or_default();
        if self.held.len().saturating_add(rest.len()) > MAX_EVENT_BYTES {
            return Err(SseError::TooLong {
                limit: MAX_EVENT_BYTES,
            });
        }
        self.held.extend_from_slice(rest);
        Ok(frames)
    }

    /// What came after the last whole event.
    pub fn rest(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.held))
    }

    /// Whether an event ends with this byte. A return and a feed that come together are not parted;
    /// the feed that comes late goes on its own, so that nobody waits for it.
    fn ends(&mut self, byte: u8, next: Option<u8>, alone: bool) -> bool {
        let pair = std::mem::replace(&mut self.after_return, byte == b'\r') && byte == b'\n';
        if pair {
            return std::mem::take(&mut self.ends_with_feed) || alone;
        }
        if !matches!(byte, b'\n' | b'\r') {
            self.blank = false;
            return false;
        }
        let ends = std::mem::replace(&mut self.blank, true);
        if byte == b'\r' && next == Some(b'\n') {
            self.ends_with_feed = ends;
            return false;
        }
        ends
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(pieces: &[&str]) -> (Vec<String>, String) {
        let mut cutter = Frames::default();
        let mut frames = Vec::new();
        for piece in pieces {
            frames.extend(cutter.push(piece.as_bytes()).unwrap());
        }
        let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
        (frames.into_iter().map(text).collect(), text(cutter.rest()))
    }

    #[test]
    fn an_event_ends_with_its_empty_line_whatever_ends_a_line() {
        for (stream, cut) in [
            (
                "data: a\n\ndata: b\n\n",
                &["data: a\n\n", "data: b\n\n"][..],
            ),
            ("a\r\n\r\nb\r\n\r\n", &["a\r\n\r\n", "b\r\n\r\n"]),
            ("a\r\rb\r\r", &["a\r\r", "b\r\r"]),
            ("a\nb\n\n", &["a\nb\n\n"]),
        ] {
            let (frames, rest) = frames(&[stream]);
            assert_eq!(
                (frames, rest.as_str()),
                (cut.iter().map(|frame| (*frame).to_owned()).collect(), "")
            );
        }
        let (frames, rest) = frames(&["a\r\n\r", "\nb\r", "\n\r\n", "c"]);
        assert_eq!(
            (frames.concat(), rest.as_str()),
            ("a\r\n\r\nb\r\n\r\n".to_owned(), "c")
        );
        assert_eq!(frames.first().unwrap(), "a\r\n\r");
    }

    #[test]
    fn an_event_without_an_end_is_bounded() {
        let mut cutter = Frames::default();
        let piece = vec![b'x'; MAX_EVENT_BYTES];
        assert!(cutter.push(&piece).unwrap().is_empty());
        assert!(matches!(cutter.push(b"x"), Err(SseError::TooLong { .. })));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_moved_and_no_whole_event_is_held(
            pieces in proptest::collection::vec("[ab\r\n]{0,9}", 0..9),
        ) {
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (frames, rest) = frames(&pieces);
            prop_assert_eq!(frames.concat() + &rest, pieces.concat());
            for end in ["\n\n", "\r\r", "\r\n\r\n"] {
                prop_assert!(!rest.contains(end), "{rest:?}");
            }
        }
    }
}
