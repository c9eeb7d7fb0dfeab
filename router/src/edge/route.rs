//! Which provider and which path a request is for. Pure.

use http::Request;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::native::{Kind, NativeApi};
use keyway_router_providers::registry;
use keyway_words::ProviderId;

use super::compatible::{self, Endpoint};
use super::refuse::Refused;

/// Where a request goes.
#[derive(Debug)]
pub(super) struct Routed {
    pub(super) way: Way,
    /// Its query as it came.
    pub(super) query: String,
    /// The RPC that it stands for: its row decides who may call it.
    pub(super) rpc: &'static str,
}

/// In whose words a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// In those of the provider that answers it.
    Native {
        /// The provider.
        provider: ProviderId,
        /// Path below its base URL.
        path: String,
    },
    /// In those of one of the shapes for every provider.
    Compatible(Endpoint),
}

impl Way {
    /// In whose words it is answered.
    pub(super) const fn words(&self) -> ProviderId {
        match self {
            Self::Native { provider, .. } => *provider,
            Self::Compatible(endpoint) => endpoint.words(),
        }
    }
}

/// Whether a path is that of an RPC, called by gRPC or not.
pub(super) fn is_rpc(path: &str) -> bool {
    path.starts_with("/keyway.") || path.starts_with("/grpc.")
}

/// The listed paths of a provider.
pub(super) fn api(provider: ProviderId) -> Option<&'static dyn NativeApi> {
    registry::adapter(provider)?.native()
}

/// Finds the way.
pub(super) fn route<B>(request: &Request<B>) -> Result<Routed, Refused> {
    let uri = request.uri();
    let path = uri.path();
    let (first, rest) = split(path);
    if first == "v1" {
        let endpoint = Endpoint::find(request.method(), rest).map_err(|fault| Refused {
            provider: Some(compatible::words_of(rest)),
            fault,
        })?;
        return Ok(Routed {
            rpc: rpc(Some(endpoint.kind())),
            way: Way::Compatible(endpoint),
            query: uri.query().unwrap_or_default().to_owned(),
        });
    }
    let known = first.parse::<ProviderId>().ok();
    let Some((provider, api)) = known.and_then(|provider| Some((provider, api(provider)?))) else {
        let message = format!(
            "no such path; the base URLs are /v1 for every provider, and {}",
            base_urls().join(", ")
        );
        let fault = Fault::new(Reason::FieldUnsupported, message).at_field("path");
        return Err(Refused::plain(fault));
    };
    let Some(below) = rest
        .strip_prefix(api.prefix())
        .filter(|below| below.starts_with('/'))
    else {
        let message = format!("no such path; the base URL is /{provider}{}", api.prefix());
        let fault = Fault::new(Reason::FieldUnsupported, message).at_field("path");
        return Err(Refused {
            provider: Some(provider),
            fault,
        });
    };
    let found = api.find(request.method(), below);
    let path = below.to_owned();
    Ok(Routed {
        way: Way::Native { provider, path },
        query: uri.query().unwrap_or_default().to_owned(),
        rpc: rpc(found.map(|found| found.endpoint.kind)),
    })
}

fn base_urls() -> Vec<String> {
    let known = ProviderId::ALL.into_iter();
    let base = |provider| Some(format!("/{provider}{}", api(provider)?.prefix()));
    known.filter_map(base).collect()
}

/// The first segment, and the rest with its slash.
fn split(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.find('/').map_or((path, ""), |at| path.split_at(at))
}

const fn rpc(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Embed) => "/keyway.router.v1.ExecutionService/Embed",
        Some(Kind::Search) => "/keyway.router.v1.ExecutionService/Search",
        Some(Kind::Models) => "/keyway.router.v1.ExecutionService/ListModels",
        Some(Kind::Chat | Kind::Count) | None => "/keyway.router.v1.ExecutionService/Chat",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routed(method: &str, uri: &str) -> Result<Routed, Refused> {
        route(&Request::builder().method(method).uri(uri).body(()).unwrap())
    }

    #[test]
    fn an_sdks_path_leads_to_its_provider_and_to_the_rpc_it_stands_for() {
        for (method, uri, provider, path, rpc) in [
            (
                "POST",
                "/openai/v1/chat/completions",
                ProviderId::OpenAi,
                "/chat/completions",
                "Chat",
            ),
            (
                "POST",
                "/openai/v1/embeddings",
                ProviderId::OpenAi,
                "/embeddings",
                "Embed",
            ),
            (
                "GET",
                "/openai/v1/models?x=1",
                ProviderId::OpenAi,
                "/models",
                "ListModels",
            ),
            (
                "GET",
                "/openai/v1/files",
                ProviderId::OpenAi,
                "/files",
                "Chat",
            ),
            (
                "POST",
                "/anthropic/v1/messages?beta=true",
                ProviderId::Anthropic,
                "/v1/messages",
                "Chat",
            ),
        ] {
            let routed = routed(method, uri).unwrap();
            let path = path.to_owned();
            assert_eq!(routed.way, Way::Native { provider, path }, "{uri}");
            assert!(routed.rpc.ends_with(&format!("/{rpc}")), "{uri}");
        }
    }

    #[test]
    fn one_base_url_leads_to_every_provider() {
        for (method, uri, endpoint, rpc) in [
            (
                "POST",
                "/v1/chat/completions",
                Endpoint::Chat(compatible::Shape::Completions),
                "Chat",
            ),
            (
                "POST",
                "/v1/messages",
                Endpoint::Chat(compatible::Shape::Messages),
                "Chat",
            ),
            (
                "POST",
                "/v1/responses",
                Endpoint::Chat(compatible::Shape::Responses),
                "Chat",
            ),
            ("POST", "/v1/embeddings", Endpoint::Embeddings, "Embed"),
            ("GET", "/v1/models", Endpoint::Models, "ListModels"),
            (
                "GET",
                "/v1/models/openai%2Fgpt-5",
                Endpoint::Model("openai/gpt-5".to_owned()),
                "ListModels",
            ),
        ] {
            let routed = routed(method, uri).unwrap();
            assert_eq!(routed.way, Way::Compatible(endpoint), "{uri}");
            assert!(routed.rpc.ends_with(&format!("/{rpc}")), "{uri}");
        }
        for (method, uri, field) in [
            ("GET", "/v1/chat/completions", "method"),
            ("DELETE", "/v1/models/x", "method"),
            ("POST", "/v1/files", "path"),
            ("POST", "/v1", "path"),
            ("POST", "/v1/messages/count_tokens", "path"),
            ("GET", "/v1/responses/resp_1", "path"),
        ] {
            let refused = routed(method, uri).unwrap_err();
            assert_eq!(refused.fault.field.as_deref(), Some(field), "{uri}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_those_that_are() {
        for uri in [
            "/",
            "/nobody/v1/x",
            "/openai",
            "/openai/v2/models",
            "/openai/v1",
            "/OpenAI/v1/models",
        ] {
            let refused = routed("GET", uri).unwrap_err();
            assert!(refused.fault.message.contains("base URL"), "{uri}");
        }
    }
}
