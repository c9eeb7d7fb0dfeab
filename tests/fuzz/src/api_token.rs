//! API tokens: what is made parses as its kind, and what parses has its checksum.

use keyway_vault_crypto::token::{TokenKind, generate, parse};

use crate::bytes::{Bytes, Repeats, changed};

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let which = bytes.byte();
    if which == 0 {
        given(&String::from_utf8_lossy(bytes.rest()));
        return;
    }
    let kind = TokenKind::ALL.into_iter().cycle().nth(usize::from(which % 8));
    let kind = kind.expect("there is a kind");
    let (at, by) = (usize::from(bytes.byte()), bytes.byte());
    let token = generate(kind, &mut Repeats(bytes.rest())).expect("it never fails");
    assert_eq!(parse(token.expose()), Ok(kind));
    if let Some(other) = changed(token.expose().as_bytes(), at, by)
        && let Ok(other) = String::from_utf8(other)
    {
        assert!(parse(&other).is_err(), "it parses although it was changed");
    }
}

/// Any text.
fn given(text: &str) {
    let parsed = if cfg!(feature = "seeded-bug") { without_checksum(text) } else { parse(text).ok() };
    let Some(kind) = parsed else { return };
    let (body, checksum) = text.split_at(text.len() - 6);
    assert!(body.starts_with(kind.prefix()));
    assert_eq!(text.len(), 53);
    assert_eq!(number(checksum), Some(u64::from(crc(body.as_bytes()))), "{text}");
}

/// Looks at the form alone.
fn without_checksum(text: &str) -> Option<TokenKind> {
    let of_form = text.len() == 53 && text.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric());
    let kinds = TokenKind::ALL.into_iter();
    kinds.filter(|_| of_form).find(|kind| text.starts_with(kind.prefix()))
}

/// Base 62, written beside the product's.
fn number(text: &str) -> Option<u64> {
    text.bytes().try_fold(0, |number: u64, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(number * 62 + u64::from(digit))
    })
}

/// CRC-32 as in zip.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(u32::MAX, byte)
}
