//! Texts that look like secrets: keys, and tokens that the vault has never made, or that its settings
//! name.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits that a seed decides on, no two seeds alike.
pub(crate) fn scramble(seed: u64, length: usize) -> String {
    let digest = |block: usize| Sha256::digest(format!("{seed} {block}").as_bytes());
    let bytes = (0..length).map(|at| digest(at / 32)[at % 32]);
    bytes
        .map(|byte| char::from(BASE62[usize::from(byte) % 62]))
        .collect()
}

/// A token as the documents describe it, which the vault has never made: prefix, 43 digits, and six
/// for the CRC-32 of what stands before.
pub(crate) fn mint(prefix: &str, seed: u64) -> String {
    let body = format!("{prefix}0{}", scramble(seed, 42));
    let crc = !body.bytes().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    });
    let mut checksum = Vec::new();
    let mut rest = crc as usize;
    for _ in 0..6 {
        checksum.push(char::from(BASE62[rest % 62]));
        rest /= 62;
    }
    body + &checksum.iter().rev().collect::<String>()
}

/// Puts a router's token into a folder where a product will start: the launcher takes the one that it
/// finds.
pub(crate) fn keep_router_token(folder: &Path, token: &str) {
    let state = folder.join(".keyway");
    std::fs::create_dir_all(&state).expect("a folder");
    let mut file = std::fs::OpenOptions::new();
    let file = file
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(state.join("router.token"));
    let mut file = file.expect("a file");
    file.write_all(token.as_bytes()).expect("written");
}

/// A router's token as the vault's setting `routers` names it.
pub(crate) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
