//! The id of a tool call, with what its provider needs to get back beside it.
//!
//! `OpenAI`'s chat completions have no place for signatures of reasoning, but every client gives back the id of
//! a call. So the id that a caller sees holds the provider's own id, the call's signature and the
//! reasoning that led to it, under an HMAC of a key that all routers of one ledger share and for one
//! workspace. Nothing is kept here, and no provider sees it. Shapes with a place for reasoning have the
//! same seal there, and in the id the call's signature alone.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keyway_proto::Fault;
use keyway_router_providers::chat::ReasoningPart;
use keyway_words::{ProviderId, WorkspaceId};
use prost::Message as _;
use sha2::Sha256;

/// What an id of ours begins with.
const MARK: &str = "kwtc1_";
const TAG: usize = 16;

/// What stands in an id. Offsets count bytes of the turn's text that came before.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Carried {
    #[prost(string, tag = "1")]
    pub(super) id: String,
    #[prost(string, tag = "2")]
    pub(super) provider: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) signature: Vec<u8>,
    #[prost(uint64, tag = "4")]
    pub(super) offset: u64,
    #[prost(message, repeated, tag = "5")]
    pub(super) reasoning: Vec<Thought>,
}

/// A block of reasoning before the call.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Thought {
    #[prost(string, tag = "1")]
    pub(super) text: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) signature: Vec<u8>,
    #[prost(bool, tag = "3")]
    pub(super) redacted: bool,
    #[prost(uint64, tag = "4")]
    pub(super) offset: u64,
}

impl Thought {
    pub(super) fn new(part: ReasoningPart, offset: usize) -> Self {
        Self {
            text: part.text,
            signature: part.signature,
            redacted: part.redacted,
            offset: u64::try_from(offset).unwrap_or(u64::MAX),
        }
    }
}

/// The key that ids are sealed with. Clones are the same.
#[derive(Clone)]
pub struct SealKey(Hmac<Sha256>);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

impl SealKey {
    /// A key of these bytes; `None` without any.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// The same for one workspace.
    pub(super) fn of(&self, workspace: &WorkspaceId) -> Seal {
        let mut mac = self.0.clone();
        mac.update(DOMAIN);
        mac.update(workspace.to_string().as_bytes());
        mac.update(&[0]);
        Seal(mac)
    }
}

/// Seals and opens the ids of one workspace's calls.
#[derive(Clone)]
pub(super) struct Seal(Hmac<Sha256>);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

impl Seal {
    /// The id that a caller sees: the provider's own where there is nothing to carry.
    pub(super) fn seal(&self, carried: &Carried) -> String {
        let nothing = carried.signature.is_empty() && carried.reasoning.is_empty();
        if nothing && !carried.id.starts_with(MARK) {
            return carried.id.clone();
        }
        self.sealed(carried)
    }

    fn sealed(&self, carried: &Carried) -> String {
        let payload = carried.encode_to_vec();
        let tag = self
            .0
            .clone()
            .chain_update(&payload)
            .finalize()
            .into_bytes();
        let mut sealed = tag.get(..TAG).unwrap_or_default().to_vec();
        sealed.extend_from_slice(&payload);
        format!("{MARK}{}", URL_SAFE_NO_PAD.encode(sealed))
    }

    /// What an id carries; an id that is none of ours carries itself.
    pub(super) fn open(&self, path: &str, id: &str) -> Result<Carried, Fault> {
        let Some(sealed) = id.strip_prefix(MARK) else {
            return Ok(Carried {
                id: id.to_owned(),
                ..Carried::default()
            });
        };
        self.opened(sealed).ok_or_else(|| {
            let form = "must be as it was given: it was changed, or given to another workspace or \
                        by routers of another ledger";
            Fault::field(path, form)
        })
    }

    fn opened(&self, sealed: &str) -> Option<Carried> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (tag, payload) = sealed.split_at_checked(TAG)?;
        let mac = self.0.clone().chain_update(payload);
        mac.verify_truncated_left(tag).ok()?;
        Carried::decode(payload).ok()
    }
}

/// Seals what one provider made.
#[derive(Debug, Clone)]
pub(super) struct Sealing {
    pub(super) seal: Seal,
    pub(super) provider: ProviderId,
}

impl Sealing {
    /// The id of a call that carries nothing but its own signature.
    pub(super) fn call(&self, id: String, signature: &[u8]) -> String {
        self.seal.seal(&Carried {
            id,
            provider: self.provider.as_str().to_owned(),
            signature: signature.to_vec(),
            ..Carried::default()
        })
    }

    /// A block of reasoning, in a shape that has a place for it. It is sealed with or without a
    /// signature, since only the provider that made it may get it back.
    pub(super) fn thought(&self, part: &ReasoningPart) -> String {
        self.seal.sealed(&Carried {
            provider: self.provider.as_str().to_owned(),
            reasoning: vec![Thought::new(part.clone(), 0)],
            ..Carried::default()
        })
    }
}

impl Carried {
    /// Whether it was sealed by us.
    pub(super) fn is_ours(&self) -> bool {
        !self.provider.is_empty()
    }

    /// Whether its signatures are of this provider. Another one can make nothing of them.
    pub(super) fn is_of(&self, provider: ProviderId) -> bool {
        self.provider == provider.as_str()
    }
}

const DOMAIN: &[u8] = b"keyway.compatible.tool-call.v1\0";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(key: &[u8], workspace: &str) -> Seal {
        SealKey::new(key).unwrap().of(&workspace.parse().unwrap())
    }

    fn carried() -> Carried {
        let thought = ReasoningPart {
            text: "I think".to_owned(),
            signature: b"signed".to_vec(),
            redacted: false,
        };
        Carried {
            id: "toolu_1".to_owned(),
            provider: "anthropic".to_owned(),
            signature: Vec::new(),
            offset: 3,
            reasoning: vec![Thought::new(thought, 0)],
        }
    }

    #[test]
    fn a_sealed_id_opens_only_with_its_key_and_in_its_workspace() {
        let ours = seal(b"key", "demo");
        let id = ours.seal(&carried());
        assert_eq!(ours.open("id", &id).unwrap(), carried());
        for other in [seal(b"other", "demo"), seal(b"key", "demo2")] {
            let fault = other.open("messages[1].tool_calls[0].id", &id).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("messages[1].tool_calls[0].id"));
        }
    }

    #[test]
    fn what_carries_nothing_keeps_its_id_and_what_looks_like_ours_is_sealed() {
        let ours = seal(b"key", "demo");
        let plain = |id: &str| Carried {
            id: id.to_owned(),
            ..Carried::default()
        };
        assert_eq!(ours.seal(&plain("call_1")), "call_1");
        assert_eq!(ours.open("id", "call_1").unwrap().id, "call_1");
        let id = ours.seal(&plain("kwtc1_x"));
        assert_ne!(id, "kwtc1_x");
        assert_eq!(ours.open("id", &id).unwrap().id, "kwtc1_x");
    }

    #[test]
    fn an_id_has_only_characters_that_every_client_takes() {
        let id = seal(b"key", "demo").seal(&carried());
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        assert!(id.bytes().all(plain), "{id}");
    }

    proptest! {
        #[test]
        fn no_changed_id_opens(at in any::<prop::sample::Index>(), flip in 1_u8..=255) {
            let ours = seal(b"key", "demo");
            let id = ours.seal(&carried());
            let text = id.strip_prefix(MARK).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(text).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            let changed = format!("{MARK}{}", URL_SAFE_NO_PAD.encode(bytes));
            prop_assert!(ours.open("id", &changed).is_err());
        }

        #[test]
        fn nothing_that_is_sent_as_an_id_does_harm(text in ".{0,80}") {
            let ours = seal(b"key", "demo");
            let opened = ours.open("id", &format!("{MARK}{text}"));
            prop_assert!(opened.is_err());
        }
    }
}
