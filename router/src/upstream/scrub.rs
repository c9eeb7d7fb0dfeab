//! Takes a key out of a provider's words, however it is spelled there.
//!
//! A provider may echo the key it refuses: whole or in pieces, plain, percent-encoded,
//! JSON-escaped, as base64 or hex. Any piece of eight characters goes.

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// Longest message that is passed on, in bytes.
const MAX_MESSAGE: usize = 2 * 1024;
const PIECE: usize = 8;
const MARK: &str = "[key]";

/// The message without the key, cut to 2 KiB.
pub(super) fn scrub(message: &str, key: &str) -> String {
    bounded(&scrub_whole(message, key))
}

/// The message without the key.
pub(super) fn scrub_whole(message: &str, key: &str) -> String {
    let mut hidden = vec![false; message.len()];
    hide(&plain(message), &pieces(key.as_bytes()), &mut hidden);
    let decoded = decoded(message);
    hide(&decoded, &pieces(key.as_bytes()), &mut hidden);
    let encoded = encodings(key);
    hide(&plain(message), &encoded, &mut hidden);
    hide(&decoded, &encoded, &mut hidden);
    without(message, &hidden)
}

/// One byte of a text as it reads, and the bytes of the message that spell it.
struct Spelled {
    byte: u8,
    from: usize,
    to: usize,
}

fn plain(message: &str) -> Vec<Spelled> {
    let spelled = |(at, byte)| Spelled {
        byte,
        from: at,
        to: at + 1,
    };
    message.bytes().enumerate().map(spelled).collect()
}

/// The message with `%41`, `\u0041` and `\/` read as what they stand for.
fn decoded(message: &str) -> Vec<Spelled> {
    let bytes = message.as_bytes();
    let mut read = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(first) = bytes.get(at).copied() {
        let (byte, length) = match first {
            b'%' => hex(bytes, at + 1, 2).map_or((first, 1), |byte| (byte, 3)),
            b'\\' => escape(bytes, at).unwrap_or((first, 1)),
            other => (other, 1),
        };
        read.push(Spelled {
            byte,
            from: at,
            to: at + length,
        });
        at += length;
    }
    read
}

fn escape(bytes: &[u8], at: usize) -> Option<(u8, usize)> {
    match bytes.get(at + 1)? {
        b'u' => Some((hex(bytes, at + 2, 4)?, 6)),
        other @ (b'/' | b'"' | b'\\') => Some((*other, 2)),
        _ => None,
    }
}

fn hex(bytes: &[u8], from: usize, digits: usize) -> Option<u8> {
    let text = std::str::from_utf8(bytes.get(from..from + digits)?).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(text, 16)
        .ok()
        .filter(|_| plain)
        .and_then(|code| code.try_into().ok())
}

fn pieces(text: &[u8]) -> HashSet<&[u8]> {
    text.windows(PIECE).collect()
}

/// Every piece of the key's base64 (at each of the three alignments) and hex spellings.
fn encodings(key: &str) -> HashSet<Vec<u8>> {
    let mut texts = vec![hex::encode(key), hex::encode_upper(key)];
    for skipped in 0..3 {
        let shifted = key.as_bytes().get(skipped..).unwrap_or_default();
        // Whole groups only: what follows the key may change the last one.
        let whole = shifted.get(..shifted.len() / 3 * 3).unwrap_or_default();
        texts.push(STANDARD.encode(whole));
        texts.push(URL_SAFE.encode(whole));
    }
    texts
        .iter()
        .flat_map(|text| text.as_bytes().windows(PIECE).map(<[u8]>::to_vec))
        .collect()
}

fn hide<P: std::borrow::Borrow<[u8]> + Eq + std::hash::Hash>(
    read: &[Spelled],
    pieces: &HashSet<P>,
    hidden: &mut [bool],
) {
    for window in read.windows(PIECE) {
        let text: Vec<u8> = window.iter().map(|spelled| spelled.byte).collect();
        if !pieces.contains(text.as_slice()) {
            continue;
        }
        let from = window.first().map_or(0, |spelled| spelled.from);
        let to = window.last().map_or(0, |spelled| spelled.to);
        for byte in hidden.get_mut(from..to).into_iter().flatten() {
            *byte = true;
        }
    }
}

fn without(message: &str, hidden: &[bool]) -> String {
    let mut text = String::with_capacity(message.len());
    let mut in_key = false;
    for (at, character) in message.char_indices() {
        let hide = hidden
            .get(at..at + character.len_utf8())
            .unwrap_or_default()
            .contains(&true);
        if hide && !in_key {
            text.push_str(MARK);
        } else if !hide {
            text.push(character);
        }
        in_key = hide;
    }
    text
}

fn bounded(text: &str) -> String {
    let mut end = text.len().min(MAX_MESSAGE);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-keyway-test-Zx9+/Qw~42";

    #[test]
    fn a_key_goes_however_it_is_spelled() {
        let each = |spell: fn(u8) -> String| KEY.bytes().map(spell).collect::<Vec<_>>().concat();
        let percent = each(|byte| format!("%{byte:02x}"));
        let escaped = each(|byte| format!("\\u{byte:04X}"));
        let reserved = KEY.replace('+', "%2B").replace('/', "%2F");
        for spelled in [
            KEY.to_owned(),
            percent,
            escaped,
            reserved,
            KEY.replace('/', "\\/"),
            STANDARD.encode(KEY),
            STANDARD.encode(format!("x{KEY}")),
            STANDARD.encode(format!("xy{KEY}")),
            URL_SAFE.encode(format!("abc{KEY}")),
            hex::encode(KEY),
            hex::encode_upper(KEY),
        ] {
            let clean = scrub(&format!("bad key {spelled}!"), KEY);
            assert!(
                clean.starts_with("bad key ") && clean.contains(MARK),
                "{clean}"
            );
            for piece in spelled.as_bytes().windows(12) {
                assert!(
                    !clean.contains(std::str::from_utf8(piece).unwrap()),
                    "{clean}"
                );
            }
        }
    }

    #[test]
    fn every_piece_of_eight_characters_goes_and_the_rest_stays() {
        for piece in KEY.as_bytes().windows(PIECE) {
            let piece = std::str::from_utf8(piece).unwrap();
            assert_eq!(
                scrub(&format!("incorrect: {piece}…"), KEY),
                "incorrect: [key]…"
            );
        }
        assert_eq!(
            scrub("the model is overloaded", KEY),
            "the model is overloaded"
        );
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let clean = scrub(&"ä".repeat(3_000), KEY);
        assert_eq!(clean.len(), MAX_MESSAGE);
    }
}
