//! Cursors: a place in one stream, as opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::LedgerError;

/// The place after an event of the stream; a page token is the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    position: i64,
}

impl Cursor {
    pub(crate) const fn after(position: i64) -> Self {
        Self { position }
    }

    pub(crate) const fn position(self) -> i64 {
        self.position
    }

    /// As text: version, id of the stream, position. The id is a random number that stands only
    /// in this database and in its cursors, so a made-up or foreign text is refused.
    pub(crate) fn to_text(self, stream_id: i64) -> String {
        let mut bytes = [0; LENGTH];
        let (version, rest) = bytes.split_at_mut(1);
        let (id, position) = rest.split_at_mut(8);
        version.fill(VERSION);
        id.copy_from_slice(&stream_id.to_be_bytes());
        position.copy_from_slice(&self.position.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(crate) fn parse(text: &str, stream_id: i64) -> Result<Self, LedgerError> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_form| LedgerError::CursorInvalid)?;
        let bytes: [u8; LENGTH] = bytes
            .try_into()
            .map_err(|_form| LedgerError::CursorInvalid)?;
        let [version, rest @ ..] = bytes;
        let number = |part: &[u8]| part.try_into().map_or(-1, i64::from_be_bytes);
        let (id, position) = rest.split_at(8);
        let (id, position) = (number(id), number(position));
        if version != VERSION || id != stream_id || position < 0 {
            return Err(LedgerError::CursorInvalid);
        }
        Ok(Self { position })
    }
}

const VERSION: u8 = 1;
const LENGTH: usize = 17;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_in_its_own_stream_only() {
        let text = Cursor::after(42).to_text(7);
        assert_eq!(Cursor::parse(&text, 7).unwrap(), Cursor::after(42));
        assert!(matches!(
            Cursor::parse(&text, 8),
            Err(LedgerError::CursorInvalid)
        ));
        let longer = format!("{text}A");
        for bad in [
            "",
            "42",
            "!!",
            text.trim_start_matches('A'),
            longer.as_str(),
        ] {
            assert!(
                matches!(Cursor::parse(bad, 7), Err(LedgerError::CursorInvalid)),
                "{bad}"
            );
        }
        assert!(Cursor::parse(&Cursor::after(-1).to_text(7), 7).is_err());
    }
}
