//! A provider's API as its own SDK speaks it: which paths are listed, what is changed in a request
//! on its way, what an answer that passes tells of usage.
//!
//! Bytes pass unchanged but for a closed list. In requests: usage is asked for where the provider
//! leaves it out otherwise, and on the platform's key nothing is stored ([`NativeApi::edits`]). In
//! answers: the event that was added by asking for usage is taken out again, and an error within a
//! stream is told apart so that it can be scrubbed ([`NativeMeter::event`]). From the platform's account
//! only JSON passes.

mod allowed;
mod body;
mod frames;
mod own_error;

use std::fmt;

use http::Method;
use serde_json::Value;

use crate::metered::Metered;
use crate::sse::SseEvent;
use crate::wire::DecodeError;

pub use allowed::Shape;
pub use body::{Edit, InvalidBody, NativeBody};
pub use frames::Frames;
pub use own_error::OwnError;

/// What a path does; with it, the RPC that a call of it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A turn of a model.
    Chat,
    /// Vectors.
    Embed,
    /// A search of the web.
    Search,
    /// A list of models, or one of them. Costs nothing.
    Models,
    /// A count of tokens. Costs nothing.
    Count,
}

impl Kind {
    /// Whether the provider charges for it.
    pub const fn is_priced(self) -> bool {
        matches!(self, Self::Chat | Self::Embed | Self::Search)
    }
}

/// Where a request names its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelPlace {
    /// In the member `model` of its body.
    Body,
    /// In its path, at `{model}`.
    Path,
    /// In the member of its body that says how to search; else this one.
    Type(&'static str),
    /// It is always this one; empty where there is none.
    Fixed(&'static str),
}

/// One listed path.
#[derive(Debug)]
pub struct Endpoint {
    /// What it does.
    pub kind: Kind,
    /// Its method.
    pub method: Method,
    /// Its path below the provider's base URL; `{model}` is a name.
    pub path: &'static str,
    /// Where the model stands.
    pub model: ModelPlace,
    /// What the body may hold on the platform's key.
    pub hosted: Shape,
    /// Whether it is answered by events whatever its body says.
    pub streams: bool,
    /// Parameters of its query that pass.
    pub query: &'static [&'static str],
}

/// A listed path, found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which one.
    pub endpoint: &'static Endpoint,
    /// The model that stands in its path, else empty.
    pub model: String,
}

/// The listed paths of one provider.
pub trait NativeApi: fmt::Debug + Send + Sync {
    /// What an SDK's base URL holds after the provider's name and the provider's own base URL holds
    /// too, such as `/v1`; else empty.
    fn prefix(&self) -> &'static str {
        ""
    }

    /// Every listed path.
    fn endpoints(&self) -> &'static [Endpoint];

    /// Headers of requests that pass on every key, beside `accept` and `content-type`.
    fn request_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// Headers of requests that pass on the workspace's own key only: they name its account.
    fn account_headers(&self) -> &'static [&'static str] {
        &[]
    }

    /// A header by which features are switched on, and the beginnings of what may be switched on with
    /// the platform's key.
    fn features(&self) -> Option<(&'static str, &'static [&'static str])> {
        None
    }

    /// Finds a path below the base URL.
    fn find(&self, method: &Method, path: &str) -> Option<Found> {
        let fits = |endpoint: &&Endpoint| {
            endpoint.method == *method && matches(endpoint.path, path).is_some()
        };
        let endpoint = self.endpoints().iter().find(fits)?;
        let model = matches(endpoint.path, path)?.to_owned();
        Some(Found { endpoint, model })
    }

    /// The parameter of a query in which its SDK may put the key.
    fn key_parameter(&self) -> Option<&'static str> {
        None
    }

    /// Whether it says by a 429 that credit is used up, so that its SDK knows no other way.
    fn says_spent_by_429(&self) -> bool {
        false
    }

    /// Whether its SDK takes an error that stands in a stream as plain JSON for one.
    fn sdk_reads_bare_errors(&self) -> bool {
        false
    }

    /// The body of an error answer.
    fn error(&self, error: &OwnError<'_>) -> Value {
        error.usual()
    }

    /// The event with an error that ends a stream.
    fn error_event(&self, error: &Value) -> String {
        format!("data: {error}\n\n")
    }

    /// What is changed in a body. `hosted`: on the platform's key.
    fn edits(&self, _endpoint: &Endpoint, _body: &NativeBody, _hosted: bool) -> Vec<Edit> {
        Vec::new()
    }

    /// A meter for one answer of the endpoint, asked for with this body.
    fn meter(
        &self,
        endpoint: &Endpoint,
        model: &str,
        body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter>;
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A part of the answer.
    Part,
    /// The event that is there only because usage was asked for on the caller's behalf.
    OnlyUsage,
}

/// Reads usage from an answer that passes.
pub trait NativeMeter: fmt::Debug + Send {
    /// Reads an event. An error of the provider within its answer is one.
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError>;

    /// Reads an answer that is no stream and has a good status. An error of the provider within it is
    /// one; what is no error and can't be read uses nothing.
    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError>;

    /// Whether the terminator was seen: nothing comes after it.
    fn is_finished(&self) -> bool;

    /// Whether the answer may end here.
    fn may_end(&self) -> bool {
        self.is_finished()
    }

    /// What was measured so far.
    fn metered(&self) -> &Metered;
}

/// Whether a path fits a pattern; the model in it, empty if the pattern has none.
pub(crate) fn matches<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{model}") else {
        return (pattern == path).then_some("");
    };
    let model = path.strip_prefix(before)?.strip_suffix(after)?;
    // Else a second verb would be a part of the name: which of them counts is the provider's matter.
    let has_a_verb = after.starts_with(':') && model.contains(':');
    (is_name(model) && !has_a_verb).then_some(model)
}

/// Letters, digits, `.`, `_`, `-`, `:`; never only dots.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    (1..=160).contains(&text.len())
        && text.bytes().all(allowed)
        && text.bytes().any(|byte| byte != b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_pattern_or_nothing() {
        assert_eq!(matches("/v1/models", "/v1/models"), Some(""));
        assert_eq!(
            matches("/v1/models/{model}", "/v1/models/gpt-4.1"),
            Some("gpt-4.1")
        );
        assert_eq!(
            matches("/m/{model}:run", "/m/gemini-2.5:run"),
            Some("gemini-2.5")
        );
        assert_eq!(matches("/m/{model}:run", "/m/gemini-2.5:other:run"), None);
        assert_eq!(matches("/m/{model}", "/m/ft:base:x"), Some("ft:base:x"));
        for path in [
            "/v1/models/",
            "/v1/models/..",
            "/v1/models/a/b",
            "/v1/models/a%2fb",
            "/v1/models/a b",
            "/v1/models?x",
            "/v1/Models/a",
        ] {
            assert_eq!(matches("/v1/models/{model}", path), None, "{path}");
        }
    }
}
