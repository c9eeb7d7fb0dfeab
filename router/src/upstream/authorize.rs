//! The only place that takes a provider key out of its `Secret`: into a header, and to take it
//! out of what a provider says.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use keyway_router_providers::Credential;
use keyway_words::Secret;
use zeroize::Zeroizing;

use super::scrub::{scrub, scrub_whole};

/// The key can't stand in a header. The vault takes printable ASCII only, so this is a bug or a
/// damaged key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyUnusable;

/// Puts the key where the provider wants it, marked so that nothing prints it.
pub(super) fn authorize(
    headers: &mut HeaderMap,
    credential: Credential,
    key: &Secret,
) -> Result<(), KeyUnusable> {
    let (name, mut value) = match credential {
        Credential::Bearer => {
            let bearer = Zeroizing::new(format!("Bearer {}", key.expose()));
            (header::AUTHORIZATION, HeaderValue::from_str(&bearer))
        }
        Credential::Header(name) => (
            HeaderName::from_static(name),
            HeaderValue::from_str(key.expose()),
        ),
    };
    if let Ok(value) = &mut value {
        value.set_sensitive(true);
    }
    headers.insert(name, value.map_err(|_form| KeyUnusable)?);
    Ok(())
}

/// What a provider said, without any trace of the key, at most 2 KiB.
pub fn without_key(message: &str, key: &Secret) -> String {
    scrub(message, key.expose())
}

/// The same of all that it said, which the caller has bounded.
pub fn without_key_whole(message: &str, key: &Secret) -> String {
    scrub_whole(message, key.expose())
}
