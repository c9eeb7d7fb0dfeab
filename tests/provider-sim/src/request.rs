//! A request that was read whole.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::account::Account;
use crate::google;
use crate::provider::Provider;

/// A request to one of the providers.
#[derive(Debug)]
pub(crate) struct Request {
    /// Number of the request in the journal; also part of the ids in its reply.
    pub(crate) number: u64,
    pub(crate) provider: Provider,
    pub(crate) method: Method,
    /// Path below the provider's prefix, without the query.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
    /// The body; null if it is no JSON.
    pub(crate) body: Value,
    /// `--token-factor`.
    pub(crate) factor: u64,
    /// What the caller's key left at the provider.
    pub(crate) account: Account,
}

impl Request {
    /// The value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The credential and what carried it. A header of the provider's own wins over the common ones.
    pub(crate) fn credential(&self) -> Option<(&'static str, &str)> {
        let own = || {
            let name = self.provider.key_header()?;
            Some((name, self.header(name)?))
        };
        let google = self.provider == Provider::Google;
        let bearer = || self.header("authorization")?.strip_prefix("Bearer ");
        let found = own().or_else(|| {
            if google {
                Some(("?key=", text(&self.query, "key")?))
            } else {
                Some(("authorization", bearer()?))
            }
        });
        found.filter(|(_, key)| !key.trim().is_empty())
    }

    /// The model that the body or the path names, or "".
    pub(crate) fn model(&self) -> &str {
        match self.provider {
            Provider::Google => google::target(&self.path).0,
            _ => self.body["model"].as_str().unwrap_or_default(),
        }
    }

    /// The same request with another body.
    pub(crate) fn with_body(&self, body: Value) -> Self {
        Self {
            number: self.number,
            provider: self.provider,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            headers: self.headers.clone(),
            bytes: self.bytes.clone(),
            body,
            factor: self.factor,
            account: self.account.clone(),
        }
    }

    /// The body's fields; none if it is no object.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.body.as_object().into_iter().flatten()
    }

    /// The field is there and not null.
    pub(crate) fn has(&self, field: &str) -> bool {
        !self.body[field].is_null()
    }

    pub(crate) fn streams(&self) -> bool {
        match self.provider {
            Provider::Google => google::target(&self.path).1 == google::STREAM,
            _ => self.body["stream"] == true,
        }
    }
}

/// A value in a query, as `alt=sse`.
pub(crate) fn text<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .next()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A good request: a key that ends in 0001, and the headers of the provider.
    pub(crate) fn of(provider: Provider, path: &str, body: &str) -> Request {
        let mut headers = HeaderMap::new();
        let (name, key) = match provider {
            Provider::OpenAi | Provider::Mistral => ("authorization", "Bearer sk-keyway-test-0001"),
            Provider::Google => ("x-goog-api-key", "sk-keyway-test-0001"),
            Provider::Anthropic | Provider::Exa => ("x-api-key", "sk-keyway-test-0001"),
        };
        headers.insert(name, key.parse().unwrap());
        headers.insert("anthropic-version", "2026-10-21".parse().unwrap());
        Request {
            number: 7,
            provider,
            method: if body.is_empty() {
                Method::GET
            } else {
                Method::POST
            },
            path: path.to_owned(),
            query: String::new(),
            headers,
            bytes: Bytes::copy_from_slice(body.as_bytes()),
            body: serde_json::from_str(body).unwrap_or_default(),
            factor: 1,
            account: Account::default(),
        }
    }

    pub(crate) fn openai(path: &str, body: &str) -> Request {
        of(Provider::OpenAi, path, body)
    }

    #[test]
    fn the_credential_is_found_in_the_provider_s_header() {
        assert_eq!(
            openai("/v1/models", "").credential(),
            Some(("authorization", "sk-keyway-test-0001"))
        );
        let mut request = of(Provider::Anthropic, "/v1/models", "");
        request
            .headers
            .insert("authorization", "Bearer other-key".parse().unwrap());
        assert_eq!(
            request.credential(),
            Some(("x-api-key", "sk-keyway-test-0001"))
        );
        request.headers.remove("x-api-key");
        assert_eq!(request.credential(), Some(("authorization", "other-key")));
        request.headers.remove("authorization");
        assert_eq!(request.credential(), None);
        request.provider = Provider::Google;
        request.query = "alt=sse&key=AIza-1".to_owned();
        assert_eq!(request.credential(), Some(("?key=", "AIza-1")));
    }
}
