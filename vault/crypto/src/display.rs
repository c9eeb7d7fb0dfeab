//! What people may see of a secret: a keyed fingerprint and a mask.

use keyway_words::Secret;

use crate::FingerprintKey;

/// Tells whether two stored secrets of one owner are the same, without being a way to test guesses:
/// it is keyed. 16 hex characters. The same secret of two owners has two fingerprints.
pub fn fingerprint(key: &FingerprintKey, owner: &str, secret: &Secret) -> String {
    key.bytes()
        .short_mac(&[owner.as_bytes(), secret.expose().as_bytes()])
}

/// `…` and the last 4 characters of a secret of 20 characters or more; `…` alone for a shorter one,
/// of which 4 characters would be too much.
pub fn mask(secret: &Secret) -> String {
    let text = secret.expose();
    if text.chars().count() < SHORTEST_SHOWN {
        return ELLIPSIS.to_owned();
    }
    let start = text
        .char_indices()
        .rev()
        .nth(SHOWN - 1)
        .map_or(text.len(), |(at, _)| at);
    format!("{ELLIPSIS}{}", text.get(start..).unwrap_or_default())
}

const ELLIPSIS: &str = "…";
const SHORTEST_SHOWN: usize = 20;
const SHOWN: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DataKey, OsRandom};

    fn key() -> FingerprintKey {
        FingerprintKey::derive(&DataKey::generate(&mut OsRandom).unwrap())
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }

    #[test]
    fn a_mask_shows_the_last_four_of_twenty_characters_and_nothing_of_fewer() {
        assert_eq!(mask(&secret("sk-keyway-test-wxyz1")), "…xyz1");
        assert_eq!(mask(&secret("sk-keyway-test-wxyz")), "…");
        assert_eq!(mask(&secret("")), "…");
    }

    #[test]
    fn a_fingerprint_is_the_same_only_for_the_same_key_owner_and_secret() {
        let (key, text) = (key(), secret("sk-keyway-test-1"));
        let print = fingerprint(&key, "workspaces/acme", &text);
        assert_eq!(print.len(), 16);
        assert_eq!(
            print,
            fingerprint(&key, "workspaces/acme", &secret("sk-keyway-test-1"))
        );
        for other in [
            fingerprint(&key, "workspaces/acm", &secret("esk-keyway-test-1")),
            fingerprint(&key, "workspaces/other", &text),
            fingerprint(&key, "workspaces/acme", &secret("sk-keyway-test-2")),
            fingerprint(&self::key(), "workspaces/acme", &text),
        ] {
            assert_ne!(print, other);
        }
    }

    proptest! {
        #[test]
        fn a_mask_never_reveals_more_than_four_characters(text in "\\PC{0,80}") {
            let shown = mask(&secret(&text));
            let tail = shown.strip_prefix('…').unwrap();
            prop_assert!(text.ends_with(tail));
            let expected = if text.chars().count() < 20 { 0 } else { 4 };
            prop_assert_eq!(tail.chars().count(), expected);
        }
    }
}
