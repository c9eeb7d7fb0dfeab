//! Ids of tool calls. Mistral's own are nine letters and digits, and some of its models refuse
//! others, so ids of a conversation that began elsewhere are replaced on the way out.

use std::borrow::Cow;

const LENGTH: usize = 9;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The id as Mistral takes it: its own unchanged, any other as nine characters that depend on it
/// alone, so that a call and its result still belong together.
pub(super) fn accepted(id: &str) -> Cow<'_, str> {
    if id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Cow::Borrowed(id);
    }
    let mut rest = fnv_1a(id.as_bytes());
    let mut short = String::with_capacity(LENGTH);
    for _ in 0..LENGTH {
        let digit = usize::try_from(rest % 62).unwrap_or_default();
        short.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'0')));
        rest /= 62;
    }
    Cow::Owned(short)
}

/// FNV-1a of 64 bits: it only has to spread the few ids of one conversation.
fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_of_mistral_stays_and_a_foreign_one_is_always_the_same_nine_characters() {
        assert_eq!(accepted("D681PevKs"), "D681PevKs");
        let foreign = accepted("call_abc123");
        assert_eq!(foreign, accepted("call_abc123"));
        assert_ne!(foreign, accepted("call_abc124"));
        assert_ne!(accepted(""), accepted("a"));
    }

    proptest! {
        #[test]
        fn whatever_the_id_mistral_accepts_what_is_made_of_it(id in ".{0,80}") {
            let accepted = accepted(&id);
            prop_assert!(accepted.len() == 9 && accepted.bytes().all(|b| b.is_ascii_alphanumeric()));
        }
    }
}
