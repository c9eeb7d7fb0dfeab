//! Lines of a file, each with its number and within a bound.

use std::io::{self, BufRead, BufReader, Read};

use zeroize::Zeroizing;

/// Most bytes of a line: what the vault takes as one message.
const LONGEST: usize = 64 << 10;

/// A line that is not blank.
pub(super) struct Line {
    /// From 1, as editors count.
    pub(super) number: u64,
    /// Its bytes, which hold a secret and are wiped.
    pub(super) text: Result<Zeroizing<Vec<u8>>, TooLong>,
}

/// A line that is longer than any key needs.
#[derive(Debug, thiserror::Error)]
#[error("the line is longer than 64 KiB")]
pub(super) struct TooLong;

/// The lines of a file, without blank ones.
pub(super) struct Lines<R: Read> {
    from: BufReader<R>,
    number: u64,
    ended: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from: BufReader::new(from),
            number: 0,
            ended: false,
        }
    }

    /// The next line's bytes without its end; `None` after the last.
    fn read(&mut self) -> io::Result<Option<Result<Zeroizing<Vec<u8>>, TooLong>>> {
        let mut text = Zeroizing::new(Vec::with_capacity(512));
        let (mut is_too_long, mut any) = (false, false);
        loop {
            let piece = self.from.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            any = true;
            let end = piece.iter().position(|byte| *byte == b'\n');
            let taken = piece.get(..end.unwrap_or(piece.len())).unwrap_or_default();
            if text.len() + taken.len() > LONGEST {
                is_too_long = true;
            } else {
                grow(&mut text, taken);
            }
            let used = end.map_or(piece.len(), |end| end + 1);
            self.from.consume(used);
            if end.is_some() {
                break;
            }
        }
        Ok(any.then_some(if is_too_long { Err(TooLong) } else { Ok(text) }))
    }
}

/// Appends without leaving an unwiped copy behind where the bytes have to move.
fn grow(text: &mut Zeroizing<Vec<u8>>, piece: &[u8]) {
    if text.capacity() - text.len() < piece.len() {
        let mut larger = Zeroizing::new(Vec::with_capacity((text.len() + piece.len()) * 2));
        larger.extend_from_slice(text);
        *text = larger;
    }
    text.extend_from_slice(piece);
}

impl<R: Read> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            self.number += 1;
            match self.read() {
                Ok(None) => self.ended = true,
                Ok(Some(Ok(text))) if text.iter().all(u8::is_ascii_whitespace) => {}
                Ok(Some(text)) => {
                    let number = self.number;
                    return Some(Ok(Line { number, text }));
                }
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, Option<Vec<u8>>)> {
        Lines::new(text)
            .map(|line| line.unwrap())
            .map(|line| (line.number, line.text.ok().map(|text| text.to_vec())))
            .collect()
    }

    #[test]
    fn lines_are_counted_as_editors_count_and_blank_ones_are_none() {
        assert_eq!(
            lines(b"one\n\n  \r\ntwo\r\nthree"),
            [
                (1, Some(b"one".to_vec())),
                (4, Some(b"two\r".to_vec())),
                (5, Some(b"three".to_vec()))
            ]
        );
        assert!(lines(b"").is_empty() && lines(b"\n").is_empty());
    }

    #[test]
    fn a_line_beyond_the_bound_is_named_and_the_rest_is_read() {
        let mut text = vec![b'x'; LONGEST + 1];
        text.extend_from_slice(b"\ngood\n");
        text.extend(vec![b'y'; LONGEST]);
        let found = lines(&text);
        assert_eq!(found[0], (1, None));
        assert_eq!(found[1], (2, Some(b"good".to_vec())));
        assert_eq!(found[2].1.as_ref().unwrap().len(), LONGEST);
    }
}
