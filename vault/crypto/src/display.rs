//! What people may see of a secret: a keyed fingerprint and a mask.

use keyway_words::Secret;

use crate::FingerprintKey;

/// Tells whether two stored secrets of one owner are the same, without being a way to test guesses:
/// it is keyed. 16 hex characters. The same secret of two owners has two fingerprints.
pub fn fingerprint(key: &FingerprintKey, owner: &str, secret: &Secret) -> String {
    let [a, b, c, d, e, f, g, h, ..] =
        *key.mac(&[owner.as_bytes(), secret.expose().as_bytes()]);
    hex::encode([a, b, c, d, e, f, g, h])
}

/// `…` and the last 4 characters of a secret of 20 characters or more; `…` alone for a shorter one,
/// of which 4 characters would be too much.
pub fn mask(secret: &Secret) -> String {
    let text = secret.expose();
    if text.chars().count() < SHORTEST_SHOWN {
        return ELLIPSIS.to_owned();
    }
    let start = text.char_indices().rev().nth(SHOWN - 1).map_or(text.len(), |(at, _)| at);
    format!("{ELLIPSIS}{}", text.get(start..).unwrap_or_default())
}

const ELLIPSIS: &str = "…";
const SHORTEST_SHOWN: usize = 20;
const SHOWN: usize = 4;
