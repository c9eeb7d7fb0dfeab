//! Page tokens: a position in a list, bound to the question that was asked.
//!
//! A page token holds only for the same RPC, workspace, filter and order: a caller can't carry it
//! to another list or make one up.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;

use crate::PageKey;

/// Makes a page token of a position. `question` is what it is bound to: the RPC's name, the
/// workspace, the filter, the order. The position can be read by its holder.
pub fn write(key: &PageKey, question: &[&str], position: &[u8]) -> String {
    let mut bytes = position.to_vec();
    bytes.extend_from_slice(&mac(key, question, position));
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads the position out of a page token made by [`write()`] for the same question.
pub fn read(key: &PageKey, question: &[&str], token: &str) -> Result<Vec<u8>, PageTokenInvalid> {
    if token.len() > MAX_LENGTH {
        return Err(PageTokenInvalid);
    }
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_form| PageTokenInvalid)?;
    let (position, given) = bytes.split_last_chunk::<MAC>().ok_or(PageTokenInvalid)?;
    if bool::from(mac(key, question, position).ct_eq(given)) {
        Ok(position.to_vec())
    } else {
        Err(PageTokenInvalid)
    }
}

/// Not a page token of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the page token is not one of this list; start again without it")]
pub struct PageTokenInvalid;

fn mac(key: &PageKey, question: &[&str], position: &[u8]) -> [u8; MAC] {
    let parts: Vec<&[u8]> = std::iter::once(position)
        .chain(question.iter().map(|part| part.as_bytes()))
        .collect();
    let full = key.bytes().mac(&parts);
    let mut cut = [0; MAC];
    cut.copy_from_slice(full.split_at(MAC).0);
    cut
}

/// 128 bits are enough for a tag that can only be guessed online.
const MAC: usize = 16;
const MAX_LENGTH: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataKey, OsRandom};

    fn key() -> PageKey {
        PageKey::derive(&DataKey::generate(&mut OsRandom).unwrap())
    }

    #[test]
    fn a_page_token_reads_back_for_the_same_question_only() {
        let key = key();
        let question = ["KeyService/ListKeys", "workspaces/acme", "filter"];
        let token = write(&key, &question, b"after-this");
        assert_eq!(read(&key, &question, &token).unwrap(), b"after-this");
        for other in [
            &["KeyService/ListKeys", "workspaces/other", "filter"][..],
            &["KeyService/ListKeys", "workspaces/acmef", "ilter"],
            &["KeyService/ListKeys", "workspaces/acme"],
            &[],
        ] {
            assert_eq!(read(&key, other, &token), Err(PageTokenInvalid));
        }
        assert_eq!(read(&self::key(), &question, &token), Err(PageTokenInvalid));
    }

    #[test]
    fn a_page_token_with_any_character_changed_or_cut_is_refused() {
        let key = key();
        let token = write(&key, &["q"], b"position");
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(read(&key, &["q"], &changed), Err(PageTokenInvalid));
            assert_eq!(
                read(&key, &["q"], token.get(..at).unwrap()),
                Err(PageTokenInvalid)
            );
        }
        let long = "A".repeat(MAX_LENGTH + 1);
        assert_eq!(read(&key, &["q"], &long), Err(PageTokenInvalid));
    }

    #[test]
    fn the_longest_page_token_is_read_and_a_longer_one_is_not_even_if_it_is_ours() {
        let key = key();
        let longest = write(&key, &["q"], &[7; 1520]);
        assert_eq!(longest.len(), 2048);
        assert_eq!(read(&key, &["q"], &longest).unwrap(), [7; 1520]);
        let longer = write(&key, &["q"], &[7; 1521]);
        assert_eq!(read(&key, &["q"], &longer), Err(PageTokenInvalid));
    }
}
