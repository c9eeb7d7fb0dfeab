//! The call token, wherever an SDK puts its API key.

use http::{HeaderMap, HeaderValue, header};
use keyway_router_providers::native::NativeApi;
use keyway_router_providers::{Credential, registry};
use keyway_words::ProviderId;

use super::route::api;

/// Where keys stand. A header of another provider's SDK is taken too: it can be nothing else.
fn key_headers() -> impl Iterator<Item = &'static str> {
    let adapters = ProviderId::ALL.into_iter().filter_map(registry::adapter);
    adapters.filter_map(|adapter| match adapter.credential() {
        Credential::Header(name) => Some(name),
        Credential::Bearer => None,
    })
}

/// Takes the credential out of headers and query: the query without it, and `Bearer …`; `None` if
/// there are several that differ, or one that can't be a token. No credential at all is left for the
/// authentication to refuse.
pub(super) fn take(
    headers: &mut HeaderMap,
    provider: ProviderId,
    query: &str,
) -> (String, Option<HeaderValue>) {
    let mut found: Vec<HeaderValue> = Vec::new();
    found.extend(headers.get_all(header::AUTHORIZATION).iter().cloned());
    headers.remove(header::AUTHORIZATION);
    for name in key_headers() {
        found.extend(headers.get_all(name).iter().filter_map(bearer));
        headers.remove(name);
    }
    let parameter = api(provider).and_then(NativeApi::key_parameter);
    let query = parameter.map_or_else(
        || query.to_owned(),
        |name| {
            let key = |pair: &str| {
                pair.strip_prefix(name)?
                    .strip_prefix('=')
                    .map(str::to_owned)
            };
            let keys = query.split('&').filter_map(key);
            let keys = keys.filter_map(|key| HeaderValue::from_str(&key).ok());
            found.extend(keys.filter_map(|key| bearer(&key)));
            let rest = query.split('&').filter(|pair| key(pair).is_none());
            rest.collect::<Vec<_>>().join("&")
        },
    );
    let first = found.first().cloned();
    let differ = found.iter().any(|other| Some(other) != first.as_ref());
    let token = first.filter(|_| !differ).map(|mut token| {
        token.set_sensitive(true);
        token
    });
    (query, token)
}

fn bearer(key: &HeaderValue) -> Option<HeaderValue> {
    HeaderValue::from_bytes(&[b"Bearer ", key.as_bytes()].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(
        given: &[(&'static str, &str)],
        provider: ProviderId,
        query: &str,
    ) -> (String, Option<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        let (query, token) = take(&mut headers, provider, query);
        assert!(headers.is_empty());
        (query, token.map(|token| token.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_token_is_found_wherever_an_sdk_puts_its_key() {
        for (given, provider) in [
            (&[("authorization", "Bearer t")][..], ProviderId::OpenAi),
            (&[("x-api-key", "t")], ProviderId::Anthropic),
            (&[("x-goog-api-key", "t")], ProviderId::Google),
            (
                &[("x-api-key", "t"), ("authorization", "Bearer t")],
                ProviderId::Anthropic,
            ),
        ] {
            assert_eq!(taken(given, provider, "").1.as_deref(), Some("Bearer t"));
        }
        let (query, token) = taken(&[], ProviderId::Google, "alt=sse&key=t");
        assert_eq!(
            (query.as_str(), token.as_deref()),
            ("alt=sse", Some("Bearer t"))
        );
    }

    #[test]
    fn two_tokens_that_differ_are_none() {
        let given = [("x-api-key", "a"), ("authorization", "Bearer b")];
        assert_eq!(taken(&given, ProviderId::Exa, "").1, None);
        let (_, token) = taken(&[("x-goog-api-key", "a")], ProviderId::Google, "key=b");
        assert_eq!(token, None);
    }

    #[test]
    fn a_key_in_the_query_of_another_provider_is_no_credential() {
        let (query, token) = taken(&[], ProviderId::OpenAi, "key=t");
        assert_eq!((query.as_str(), token), ("key=t", None));
    }
}
