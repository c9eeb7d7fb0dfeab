//! A call in a provider's own words: bytes that pass, changed only by the adapter's closed list.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use keyway_proto::vault::v1 as vault;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::native::{
    Endpoint, Found, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter,
};
use keyway_router_providers::{EncodeError, WireRequest};
use keyway_words::{ProviderId, Source};

use super::{Call, Common, Origin, Work};

/// A request as its sender wrote it, without credential and Keyway's own headers.
#[derive(Debug)]
pub struct NativeRequest {
    /// The provider.
    pub provider: ProviderId,
    /// Method.
    pub method: Method,
    /// Path below the provider's base URL.
    pub path: String,
    /// Query, without the `?` and without a credential; may be empty.
    pub query: String,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// The sender's id of the request; empty if not given.
    pub request_id: String,
}

/// What passes to a provider.
#[derive(Debug, Clone)]
pub struct NativeCall {
    api: &'static dyn NativeApi,
    /// `None` for a path that is not listed.
    endpoint: Option<&'static Endpoint>,
    method: Method,
    /// With its query.
    path: String,
    headers: HeaderMap,
    model: String,
    body: Payload,
}

#[derive(Clone)]
enum Payload {
    Json(NativeBody),
    Bytes(Bytes),
}

impl fmt::Debug for Payload {
    /// Never what is asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payload")
    }
}

impl Call {
    /// Parses a request in a provider's own words.
    pub fn native(
        origin: Origin,
        request: NativeRequest,
        api: &'static dyn NativeApi,
    ) -> Result<Self, Fault> {
        let found = api.find(&request.method, &request.path);
        let (body, model) = match &found {
            Some(found) => read(found, request.body)?,
            None => (Payload::Bytes(request.body), UNLISTED.to_owned()),
        };
        let endpoint = found.map(|found| found.endpoint);
        super::fits("model", &model)?;
        let mode = match endpoint {
            Some(_) => vault::CredentialMode::Unspecified,
            // Never on the platform's key.
            None => vault::CredentialMode::OwnOnly,
        };
        let common = Common {
            request_id: request.request_id,
            mode,
            ..Common::default()
        };
        let native = NativeCall {
            api,
            endpoint,
            path: with_query(&request.path, &request.query, endpoint)?,
            headers: headers(api, endpoint, request.headers),
            method: request.method,
            model: model.clone(),
            body,
        };
        Self::new(
            origin,
            common,
            (request.provider, model),
            Work::Native(native),
        )
    }
}

impl NativeCall {
    /// As it stands in usage events.
    pub fn endpoint(&self) -> &'static str {
        match self.endpoint.map(|endpoint| endpoint.kind) {
            Some(Kind::Chat) if self.streams() => "stream_chat",
            Some(Kind::Chat) => "chat",
            Some(Kind::Embed) => "embed",
            Some(Kind::Search) => "search",
            Some(Kind::Models) => "models",
            Some(Kind::Count) => "count_tokens",
            None => UNLISTED,
        }
    }

    /// Whether the provider charges for it.
    pub fn is_priced(&self) -> bool {
        self.endpoint
            .is_none_or(|endpoint| endpoint.kind.is_priced())
    }

    /// Refuses a path that is not listed, unless the workspace allows such on its own keys.
    pub fn allowed(&self, policy: &vault::Policy) -> Result<(), Fault> {
        if self.endpoint.is_some() || policy.unlisted_paths() == vault::UnlistedPaths::Allow {
            return Ok(());
        }
        let path = self.path.split('?').next().unwrap_or_default();
        Err(unlisted(&self.method, path))
    }

    /// Whether the answer is asked for in events.
    pub fn streams(&self) -> bool {
        let asked = self.json().is_some_and(|body| body.is_true("stream"));
        self.endpoint.is_some_and(|endpoint| endpoint.streams) || asked
    }

    /// Whether its SDK takes an error that stands in a stream as plain JSON for one.
    pub fn sdk_reads_bare_errors(&self) -> bool {
        self.api.sdk_reads_bare_errors()
    }

    /// A meter for one answer; `None` for a path whose answers nobody knows.
    pub fn meter(&self) -> Option<Box<dyn NativeMeter>> {
        let endpoint = self.endpoint?;
        Some(self.api.meter(endpoint, &self.model, self.json()))
    }

    /// Writes the request of one attempt. What a hosted key may not do is refused here.
    pub fn encode(&self, source: Source) -> Result<WireRequest, EncodeError> {
        let hosted = matches!(source, Source::Hosted);
        if hosted {
            self.stateless()?;
        }
        let body = match (&self.body, self.endpoint) {
            (Payload::Json(body), Some(endpoint)) => {
                body.edited(&self.api.edits(endpoint, body, hosted))
            }
            (Payload::Json(body), None) => body.bytes().clone(),
            (Payload::Bytes(bytes), _) => bytes.clone(),
        };
        let mut headers = self.headers.clone();
        if hosted {
            for name in self.api.account_headers() {
                headers.remove(*name);
            }
        }
        // What is read on its way is read as it is written.
        let identity = HeaderValue::from_static("identity");
        headers.insert(header::ACCEPT_ENCODING, identity);
        Ok(WireRequest {
            method: self.method.clone(),
            path: self.path.clone(),
            headers,
            body,
        })
    }

    fn json(&self) -> Option<&NativeBody> {
        match &self.body {
            Payload::Json(body) => Some(body),
            Payload::Bytes(_) => None,
        }
    }

    /// Refuses what would be kept or found at the provider, in the platform's account.
    fn stateless(&self) -> Result<(), EncodeError> {
        let needs_own_key = |what: String| EncodeError::NeedsOwnKey { what };
        let endpoint = self
            .endpoint
            .ok_or_else(|| needs_own_key(self.path.clone()))?;
        if let Some(body) = self.json() {
            let json = std::str::from_utf8(body.bytes()).unwrap_or_default();
            let refused = endpoint.hosted.refused(json.trim_ascii());
            refused.map_err(|place| needs_own_key(format!("`{place}` of the body")))?;
        }
        let Some((name, allowed)) = self.api.features() else {
            return Ok(());
        };
        let values = self.headers.get_all(name);
        let named = values
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        for feature in named {
            let feature = feature.trim_ascii();
            if !allowed
                .iter()
                .any(|begin| feature.starts_with(begin.as_bytes()))
            {
                return Err(needs_own_key(format!("a feature that {name} switches on")));
            }
        }
        Ok(())
    }
}

/// The fault of a path that is not listed.
pub fn unlisted(method: &Method, path: &str) -> Fault {
    let path: String = path.chars().take(128).collect();
    let special = SPECIAL.iter().find(|(part, _)| path.contains(part));
    let why = special.map_or("is not one of the paths that pass", |(_, why)| why);
    let message = format!(
        "{method} {path} {why}; on an own key an admin may let unlisted paths pass with \
         policy.unlisted_paths of keyway.vault.v1.WorkspaceService/Update"
    );
    Fault::new(Reason::FieldUnsupported, message).at_field("path")
}

/// What is often asked for, and why it does not pass.
const SPECIAL: [(&str, &str); 12] = [
    (
        "/realtime",
        "is a lasting connection, which can't be metered",
    ),
    ("/audio", "is speech, which has no price here"),
    (
        "/files",
        "keeps files at the provider, which nobody but their owner may see",
    ),
    (
        "/upload",
        "keeps files at the provider, which nobody but their owner may see",
    ),
    (
        "/batch",
        "keeps jobs at the provider, whose usage comes after the call",
    ),
    ("/assistants", "keeps objects at the provider"),
    ("/threads", "keeps objects at the provider"),
    ("/vector_stores", "keeps objects at the provider"),
    ("/conversations", "keeps objects at the provider"),
    ("/cachedContents", "keeps objects at the provider"),
    ("/fine_tun", "keeps models at the provider"),
    ("/images", "is pictures, which have no price here"),
];

/// The body as far as it must be understood, and the model.
fn read(found: &Found, bytes: Bytes) -> Result<(Payload, String), Fault> {
    let endpoint = found.endpoint;
    if endpoint.method != Method::POST {
        if !bytes.is_empty() {
            return Err(Fault::field("body", "must be empty"));
        }
        let model = match endpoint.model {
            ModelPlace::Path => found.model.clone(),
            _ => String::new(),
        };
        return Ok((Payload::Bytes(bytes), model));
    }
    let body = NativeBody::parse(bytes).map_err(|error| Fault::field("body", error.to_string()))?;
    let model = match endpoint.model {
        ModelPlace::Path => found.model.clone(),
        ModelPlace::Fixed(model) => model.to_owned(),
        ModelPlace::Type(otherwise) => {
            let kind = body.text("type");
            kind.unwrap_or_else(|| otherwise.to_owned())
        }
        ModelPlace::Body => body
            .text("model")
            .filter(|model| !model.is_empty())
            .ok_or_else(|| Fault::field("model", "must name a model"))?,
    };
    Ok((Payload::Json(body), model))
}

/// Path and query. Of a listed path only the parameters that pass; of another all.
fn with_query(path: &str, query: &str, endpoint: Option<&Endpoint>) -> Result<String, Fault> {
    let clean = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#')
    };
    if endpoint.is_none() && !is_plain(path) {
        let form = "must be plain segments, none of them empty or of dots only";
        return Err(Fault::field("path", form));
    }
    if query.is_empty() {
        return Ok(path.to_owned());
    }
    for pair in query.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let passes = match endpoint {
            Some(endpoint) => endpoint.query.contains(&name),
            None => !is_credential(name),
        };
        if !passes || !clean(pair) {
            let name: String = name.chars().take(64).collect();
            return Err(Fault::new(
                Reason::FieldUnsupported,
                format!("`{name}` is no parameter that passes to this path"),
            )
            .at_field("query"));
        }
    }
    Ok(format!("{path}?{query}"))
}

/// Another credential than the key, which Google takes in a query, or a name that may hide one.
fn is_credential(name: &str) -> bool {
    name.contains('%') || ["access_token", "oauth_token"].contains(&name)
}

/// Nothing that could be read as another path.
fn is_plain(path: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:~".contains(&byte);
    let mut segments = path.strip_prefix('/').unwrap_or_default().split('/');
    segments.all(|segment| {
        !segment.is_empty()
            && segment.bytes().all(allowed)
            && segment.bytes().any(|byte| byte != b'.')
    })
}

/// The headers that pass.
fn headers(api: &dyn NativeApi, endpoint: Option<&Endpoint>, mut given: HeaderMap) -> HeaderMap {
    let features = api.features().map(|(name, _)| name);
    let named = [api.request_headers(), api.account_headers(), &GENERAL]
        .into_iter()
        .flatten()
        .copied()
        .chain(features);
    let mut headers = HeaderMap::new();
    for name in named {
        let name = HeaderName::from_static(name);
        let values: Vec<_> = given.get_all(&name).iter().cloned().collect();
        given.remove(&name);
        for value in values {
            headers.append(&name, value);
        }
    }
    if endpoint.is_some_and(|endpoint| endpoint.method == Method::POST) {
        // It was read as JSON; it says so.
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    headers
}

const GENERAL: [&str; 2] = ["accept", "content-type"];
const UNLISTED: &str = "unlisted";
