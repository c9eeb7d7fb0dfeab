//! Looks for secrets in bytes, however they are spelled, and for every piece of twelve bytes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

/// Bytes of a piece.
const PIECE: usize = 12;
/// Characters of base64 that spell a piece.
const PIECE_BASE64: usize = 16;

type Spell = fn(&[u8]) -> BTreeSet<Vec<u8>>;

/// How a secret can be spelled.
pub(super) const SPELLINGS: [(&str, Spell); 6] = [
    ("raw", |secret| pieces(secret, |piece| vec![piece.to_vec()])),
    ("hex", |secret| pieces(secret, hex_both)),
    ("base64", base64),
    ("percent", |secret| pieces(secret, percent)),
    ("JSON", |secret| pieces(secret, json)),
    ("JSON, all escaped", |secret| pieces(secret, json_all)),
];

/// What is looked for.
#[derive(Default)]
pub(crate) struct Search {
    /// By length, so that a window of the haystack is looked up at once.
    needles: BTreeMap<usize, HashMap<Vec<u8>, (String, &'static str)>>,
    /// Which first bytes some needle has.
    starts: BTreeSet<[u8; 3]>,
    begins: Vec<bool>,
}

impl Search {
    /// Plants a secret: from now on it is looked for under this name.
    pub(crate) fn plant(&mut self, name: &str, secret: &[u8]) {
        assert!(
            secret.len() >= PIECE,
            "{name} is too short to be looked for"
        );
        for (spelling, spell) in SPELLINGS {
            for needle in spell(secret) {
                let [first, second, third, ..] = needle.as_slice() else {
                    panic!("a piece is longer");
                };
                self.starts.insert([*first, *second, *third]);
                let of_length = self.needles.entry(needle.len()).or_default();
                of_length
                    .entry(needle)
                    .or_insert((name.to_owned(), spelling));
            }
        }
        self.begins = vec![false; 1 << 24];
        for start in &self.starts {
            if let Some(begins) = self.begins.get_mut(index(*start)) {
                *begins = true;
            }
        }
    }

    /// Names of the secrets that stand in `bytes`, each with one spelling that was found.
    pub(crate) fn find(&self, bytes: &[u8]) -> BTreeMap<String, &'static str> {
        let mut found = BTreeMap::new();
        for at in 0..bytes.len() {
            let Some([first, second, third]) = bytes.get(at..at + 3) else {
                break;
            };
            if !self
                .begins
                .get(index([*first, *second, *third]))
                .is_some_and(|begins| *begins)
            {
                continue;
            }
            for (length, needles) in &self.needles {
                let window = bytes.get(at..at + length);
                if let Some((name, spelling)) = window.and_then(|window| needles.get(window)) {
                    found.entry(name.clone()).or_insert(*spelling);
                }
            }
        }
        found
    }
}

fn index([first, second, third]: [u8; 3]) -> usize {
    usize::from(first) << 16 | usize::from(second) << 8 | usize::from(third)
}

fn pieces(secret: &[u8], spell: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    secret.windows(PIECE).flat_map(spell).collect()
}

fn hex_both(piece: &[u8]) -> Vec<Vec<u8>> {
    vec![hex::encode(piece).into(), hex::encode_upper(piece).into()]
}

fn percent(piece: &[u8]) -> Vec<Vec<u8>> {
    let usual = percent_encode(piece, NON_ALPHANUMERIC).to_string();
    vec![
        usual.to_lowercase().into(),
        usual.into(),
        each("%", &hex::encode(piece)),
        each("%", &hex::encode_upper(piece)),
    ]
}

/// Two digits of hex at a time, each with the same sign before it.
fn each(sign: &str, hex: &str) -> Vec<u8> {
    let bytes = hex.as_bytes().chunks(2);
    bytes
        .flat_map(|two| [sign.as_bytes(), two].concat())
        .collect()
}

fn json(piece: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(piece);
    let quoted = serde_json::to_string(&text).expect("JSON");
    let inside = quoted.get(1..quoted.len() - 1);
    vec![inside.unwrap_or_default().into()]
}

fn json_all(piece: &[u8]) -> Vec<Vec<u8>> {
    vec![
        each("\\u00", &hex::encode(piece)),
        each("\\u00", &hex::encode_upper(piece)),
    ]
}

/// The three ways in which base64 can fall on the secret, without the characters that depend on
/// what stands around it.
fn base64(secret: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    for before in 0..3 {
        let shifted = [&vec![0; before], secret].concat();
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let text = engine.encode(&shifted);
            let from = (before * 8).div_ceil(6);
            let to = shifted.len() * 8 / 6;
            let whole = text.as_bytes().get(from..to).unwrap_or_default();
            found.extend(whole.windows(PIECE_BASE64).map(<[u8]>::to_vec));
        }
    }
    found
}
