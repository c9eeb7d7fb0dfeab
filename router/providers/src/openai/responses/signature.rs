//! The signature of a reasoning part: the item's id and its encrypted content, `{id}:{content}`.

use crate::checks;
use crate::wire::EncodeError;

/// Where the signature stands in the neutral schema.
const FIELD: &str = "messages.parts.reasoning.signature";

/// The signature; empty if the item can't be given back.
pub(super) fn write(id: &str, encrypted: Option<&str>) -> Vec<u8> {
    match encrypted {
        Some(content) if is_id(id) && !content.is_empty() => format!("{id}:{content}").into_bytes(),
        _nothing_to_give_back => Vec::new(),
    }
}

/// Id and encrypted content. Both are demanded: an id alone would name an object at the provider.
pub(super) fn read(signature: &[u8]) -> Result<(&str, &str), EncodeError> {
    checks::opaque(signature, FIELD)?
        .split_once(':')
        .filter(|(id, content)| is_id(id) && !content.is_empty())
        .ok_or(EncodeError::Invalid {
            field: FIELD,
            accepted: "as the provider gave it",
        })
}

fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=128).contains(&id.len()) && id.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_as_it_was_and_an_id_alone_is_none() {
        assert_eq!(
            read(&write("rs_1", Some("gAA:A=="))),
            Ok(("rs_1", "gAA:A=="))
        );
        for (id, content) in [
            ("rs_1", None),
            ("rs_1", Some("")),
            ("", Some("x")),
            ("a b", Some("x")),
        ] {
            assert!(write(id, content).is_empty(), "{id} {content:?}");
        }
        for bad in ["", "rs_1", "rs_1:", ":x", "r/s:x"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(read(b"rs:\xff").is_err());
    }
}
