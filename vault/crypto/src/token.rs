//! Tokens: `kwc_`, 43 base62 characters of 256 random bits, 6 base62 characters of checksum.
//!
//! The checksum lets clients and secret scanners tell a token from a typing error without asking
//! the vault. It protects nothing: what a token may do is looked up by [`hash`].

use keyway_words::Secret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{NoRandomness, Random, TokenHashKey};

/// What a token says of itself by its first four characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// `kwo_`: operator or auditor.
    Operator,
    /// `kwa_`: reader or admin of a workspace.
    Member,
    /// `kwc_`: calls the router for a workspace.
    Call,
    /// `kwr_`: a router.
    Router,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Operator, Self::Member, Self::Call, Self::Router];

    /// The first four characters.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "kwo_",
            Self::Member => "kwa_",
            Self::Call => "kwc_",
            Self::Router => "kwr_",
        }
    }
}

/// A new token.
pub fn generate(kind: TokenKind, random: &mut dyn Random) -> Result<Secret, NoRandomness> {
    let mut number = Zeroizing::new([0; 32]);
    random.fill(&mut number[..])?;
    // Reserved whole: growing would leave copies behind.
    let mut text = String::with_capacity(LENGTH);
    text.push_str(kind.prefix());
    push_base62(&mut text, &mut number[..], RANDOM_DIGITS);
    let mut checksum = crc32(text.as_bytes()).to_be_bytes();
    push_base62(&mut text, &mut checksum, CHECKSUM_DIGITS);
    Ok(Secret::new(text))
}

/// Reads the kind of a token of the right form whose checksum fits. Every text of the right length
/// takes the same steps, whichever character is wrong.
pub fn parse(text: &str) -> Result<TokenKind, TokenMalformed> {
    if text.len() != LENGTH || !text.is_ascii() {
        return Err(TokenMalformed);
    }
    let (body, checksum) = text.split_at(LENGTH - CHECKSUM_DIGITS);
    let (prefix, random) = body.split_at(PREFIX_LENGTH);
    let mut expected = String::with_capacity(CHECKSUM_DIGITS);
    push_base62(
        &mut expected,
        &mut crc32(body.as_bytes()).to_be_bytes(),
        CHECKSUM_DIGITS,
    );
    let checks = expected.as_bytes().ct_eq(checksum.as_bytes());
    let digits = random
        .bytes()
        .fold(true, |all, byte| all & byte.is_ascii_alphanumeric());
    TokenKind::ALL
        .into_iter()
        .find(|kind| kind.prefix() == prefix)
        .filter(|_kind| bool::from(checks) & digits)
        .ok_or(TokenMalformed)
}

/// What is stored of a token and looked up: a keyed hash, so that a stolen database neither shows
/// tokens nor lets guesses be tested. One fast hash is enough for 256 random bits.
pub fn hash(key: &TokenHashKey, token: &str) -> [u8; 32] {
    *key.bytes().mac(&[token.as_bytes()])
}

/// Whether two hashes are equal, in constant time.
pub fn same_hash(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// The text is not a token. The text itself is never repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token: its form or its checksum is wrong")]
pub struct TokenMalformed;

/// Appends the number as `digits` base62 digits, most significant first, and leaves zero behind.
fn push_base62(text: &mut String, number: &mut [u8], digits: usize) {
    let mut reversed = Zeroizing::new([0; RANDOM_DIGITS]);
    for digit in reversed.iter_mut().take(digits) {
        *digit = divide_by_62(number);
    }
    for digit in reversed.iter().take(digits).rev() {
        text.push(char::from(
            *BASE62.get(usize::from(*digit)).unwrap_or(&b'0'),
        ));
    }
}

/// Divides a big-endian number in place; returns the remainder.
fn divide_by_62(number: &mut [u8]) -> u8 {
    let mut remainder = 0_u16;
    for byte in number {
        let value = remainder * 256 + u16::from(*byte);
        // The remainder before is under 62, so the quotient fits a byte.
        *byte = (value / 62).to_be_bytes()[1];
        remainder = value % 62;
    }
    remainder.to_be_bytes()[1]
}

/// CRC-32 as in zip and PNG (polynomial 0x04C11DB7, reflected).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _bit| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX_LENGTH: usize = 4;
/// 62^43 is just over 2^256.
const RANDOM_DIGITS: usize = 43;
/// 62^6 is over 2^32.
const CHECKSUM_DIGITS: usize = 6;
const LENGTH: usize = PREFIX_LENGTH + RANDOM_DIGITS + CHECKSUM_DIGITS;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DataKey, OsRandom};

    fn token(kind: TokenKind) -> String {
        generate(kind, &mut OsRandom).unwrap().expose().to_owned()
    }

    struct Bytes(u8);

    impl Random for Bytes {
        fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn the_checksum_is_the_crc_32_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_token_has_the_documented_form() {
        for kind in TokenKind::ALL {
            let text = token(kind);
            assert_eq!(text.len(), 53);
            assert!(text.starts_with(kind.prefix()));
            assert!(
                text.bytes()
                    .skip(4)
                    .all(|byte| byte.is_ascii_alphanumeric())
            );
            assert_eq!(parse(&text), Ok(kind));
        }
    }

    #[test]
    fn the_random_bits_are_written_as_one_number_in_base_62() {
        let lowest = generate(TokenKind::Call, &mut Bytes(0)).unwrap();
        assert_eq!(lowest.expose().get(4..47), Some("0".repeat(43).as_str()));
        // 2^256 - 1, worked out with another program.
        let highest = generate(TokenKind::Call, &mut Bytes(255)).unwrap();
        assert_eq!(highest.expose().get(4..47), Some(HIGHEST));
    }

    const HIGHEST: &str = "yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

    #[test]
    fn a_token_with_any_character_changed_is_refused() {
        let text = token(TokenKind::Call);
        for at in 0..text.len() {
            for other in b'!'..=b'~' {
                let mut changed = text.clone().into_bytes();
                if changed[at] != other {
                    changed[at] = other;
                    let changed = String::from_utf8(changed).unwrap();
                    assert_eq!(parse(&changed), Err(TokenMalformed), "{at}");
                }
            }
        }
    }

    #[test]
    fn a_token_with_something_before_or_after_is_refused() {
        let text = token(TokenKind::Member);
        let cut = text.get(..52).unwrap();
        for bad in [
            "",
            cut,
            &format!(" {text}"),
            &format!("{text}\n"),
            &format!("{cut}é"),
        ] {
            assert_eq!(parse(bad), Err(TokenMalformed));
        }
    }

    #[test]
    fn a_character_that_is_no_digit_is_refused_although_the_checksum_fits() {
        for other in ["-", " ", "_", "/"] {
            let mut text = format!("kwc_{}{other}", "0".repeat(42));
            let checksum = &mut crc32(text.as_bytes()).to_be_bytes();
            push_base62(&mut text, checksum, CHECKSUM_DIGITS);
            assert_eq!(parse(&text), Err(TokenMalformed), "{text}");
            assert_eq!(parse(&text.replace(other, "0")), Err(TokenMalformed));
        }
    }

    #[test]
    fn a_hash_depends_on_key_and_token_and_compares() {
        let key = || TokenHashKey::derive(&DataKey::generate(&mut OsRandom).unwrap());
        let (one, other) = (key(), key());
        assert!(same_hash(&hash(&one, "kwc_a"), &hash(&one, "kwc_a")));
        assert!(!same_hash(&hash(&one, "kwc_a"), &hash(&one, "kwc_b")));
        assert!(!same_hash(&hash(&one, "kwc_a"), &hash(&other, "kwc_a")));
    }

    proptest! {
        #[test]
        fn text_of_the_right_shape_is_a_token_only_with_its_checksum(
            prefix in "kw[oacrx]_",
            random in "[0-9A-Za-z]{43}",
            checksum in "[0-9A-Za-z]{6}",
        ) {
            let body = prefix + &random;
            let mut right = String::new();
            push_base62(&mut right, &mut crc32(body.as_bytes()).to_be_bytes(), CHECKSUM_DIGITS);
            let known = !body.starts_with("kwx_");
            prop_assert_eq!(parse(&format!("{body}{right}")).is_ok(), known);
            prop_assert_eq!(parse(&format!("{body}{checksum}")).is_ok(), known && checksum == right);
        }

        #[test]
        fn any_text_at_all_is_refused_without_panic(text in "\\PC{0,80}") {
            prop_assert!(parse(&text).is_err());
        }
    }
}
