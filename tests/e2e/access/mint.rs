//! Texts that look like secrets: keys, and tokens that the vault has never made.

use sha2::{Digest as _, Sha256};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Letters and digits that a seed decides on, no two seeds alike.
pub(super) fn scramble(seed: u64, length: usize) -> String {
    let digest = |block: usize| Sha256::digest(format!("{seed} {block}").as_bytes());
    let bytes = (0..length).map(|at| digest(at / 32)[at % 32]);
    bytes
        .map(|byte| char::from(BASE62[usize::from(byte) % 62]))
        .collect()
}

/// A token as the documents describe it, which the vault has never made: prefix, 43 digits, and six
/// for the CRC-32 of what stands before.
pub(super) fn mint(prefix: &str, seed: u64) -> String {
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
