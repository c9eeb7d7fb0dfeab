//! `OpenAI`'s listed paths as its own SDK calls them.

mod meters;
mod paths;

use crate::native::{Edit, Endpoint, NativeApi, NativeBody, NativeMeter};

use meters::{ChatMeter, ResponseMeter};
use paths::{CHAT, ENDPOINTS, RESPONSES};

/// The listed paths.
#[derive(Debug)]
pub(super) struct OpenAiApi;

impl NativeApi for OpenAiApi {
    fn prefix(&self) -> &'static str {
        "/v1"
    }

    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn request_headers(&self) -> &'static [&'static str] {
        &["x-client-request-id"]
    }

    fn account_headers(&self) -> &'static [&'static str] {
        &["openai-organization", "openai-project", "openai-beta"]
    }

    fn edits(&self, endpoint: &Endpoint, body: &NativeBody, hosted: bool) -> Vec<Edit> {
        let mut edits = Vec::new();
        if endpoint.path == CHAT && body.is_true("stream") && !asks_for_usage(body) {
            edits.push(asking_for_usage(body));
        }
        let stores = matches!(endpoint.path, CHAT | RESPONSES);
        if hosted && stores && body.json("store") != Some("false") {
            edits.push(Edit {
                name: "store",
                json: "false".to_owned(),
            });
        }
        edits
    }

    fn says_spent_by_429(&self) -> bool {
        true
    }

    fn meter(
        &self,
        endpoint: &Endpoint,
        _model: &str,
        body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        if endpoint.path == RESPONSES {
            return Box::<ResponseMeter>::default();
        }
        let adds_usage = body.is_some_and(|body| body.is_true("stream") && !asks_for_usage(body));
        Box::new(ChatMeter::new(adds_usage))
    }
}

fn asks_for_usage(body: &NativeBody) -> bool {
    let options = body.object("stream_options");
    options.is_some_and(|options| options.is_true("include_usage"))
}

fn asking_for_usage(body: &NativeBody) -> Edit {
    let ask = Edit {
        name: "include_usage",
        json: "true".to_owned(),
    };
    let options = body.object("stream_options");
    let json = options.map(|options| options.edited(&[ask]));
    let json = json.and_then(|json| String::from_utf8(json.to_vec()).ok());
    Edit {
        name: "stream_options",
        json: json.unwrap_or_else(|| r#"{"include_usage":true}"#.to_owned()),
    }
}
