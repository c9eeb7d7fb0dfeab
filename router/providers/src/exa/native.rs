//! Exa's listed paths as its own SDK calls them.

use http::Method;
use keyway_words::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Endpoint as Search;
use super::error::within_answer;
use super::response;
use crate::metered::Metered;
use crate::native::{
    Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, OwnError, Seen, Shape,
};
use crate::sse::SseEvent;
use crate::wire::DecodeError;

use Shape::{Any, Object};

/// The listed paths.
#[derive(Debug)]
pub(super) struct ExaApi;

static ENDPOINTS: [Endpoint; 4] = [
    search("/search", ModelPlace::Type("auto")),
    search("/findSimilar", ModelPlace::Fixed("auto")),
    search("/contents", ModelPlace::Fixed("contents")),
    search("/answer", ModelPlace::Fixed("answer")),
];

const fn search(path: &'static str, model: ModelPlace) -> Endpoint {
    Endpoint {
        kind: Kind::Search,
        method: Method::POST,
        path,
        model,
        hosted: Object(&[
            ("query", Any),
            ("type", Any),
            ("url", Any),
            ("urls", Any),
            ("ids", Any),
            ("additionalQueries", Any),
            ("category", Any),
            ("contents", Any),
            ("context", Any),
            ("endCrawlDate", Any),
            ("endPublishedDate", Any),
            ("excludeDomains", Any),
            ("excludeSourceDomain", Any),
            ("excludeText", Any),
            ("extras", Any),
            ("filterEmptyResults", Any),
            ("flags", Any),
            ("highlights", Any),
            ("includeDomains", Any),
            ("includeText", Any),
            ("livecrawl", Any),
            ("livecrawlTimeout", Any),
            ("maxAgeHours", Any),
            ("model", Any),
            ("moderation", Any),
            ("numResults", Any),
            ("objective", Any),
            ("outputSchema", Any),
            ("snapshotAsOf", Any),
            ("startCrawlDate", Any),
            ("startPublishedDate", Any),
            ("stream", Any),
            ("subpageTarget", Any),
            ("subpages", Any),
            ("summary", Any),
            ("systemPrompt", Any),
            ("text", Any),
            ("useAutoprompt", Any),
            ("userIdentifier", Any),
            ("userLocation", Any),
        ]),
        streams: false,
        query: &[],
    }
}

impl NativeApi for ExaApi {
    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn error(&self, error: &OwnError<'_>) -> Value {
        json!({
            "requestId": error.call_id,
            "error": error.message,
            "tag": error.reason,
        })
    }

    fn meter(
        &self,
        _endpoint: &Endpoint,
        model: &str,
        _body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        Box::new(SearchMeter {
            endpoint: Search::of(model),
            metered: Metered::default(),
        })
    }
}

/// Answers to searches, whole or in events.
#[derive(Debug)]
struct SearchMeter {
    endpoint: Search,
    metered: Metered,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    cost_dollars: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    #[serde(default)]
    cost_dollars: Option<Box<RawValue>>,
}

impl SearchMeter {
    /// A request of which nothing is known but what it cost.
    fn take(&mut self, cost: Option<&RawValue>) {
        let usage = Usage {
            requests: Some(1),
            ..Usage::default()
        };
        if cost.is_some() {
            self.metered = response::metered(usage, cost);
        }
    }
}

impl NativeMeter for SearchMeter {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        let Ok(read) = serde_json::from_str::<Event>(&event.data) else {
            return Ok(Seen::Part);
        };
        if let Some(message) = read.error {
            let failure = within_answer(message, read.tag);
            return Err(DecodeError::Provider(Box::new(failure)));
        }
        self.take(read.cost_dollars.as_deref());
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        match response::search(self.endpoint, body) {
            Ok(reply) => self.metered = reply.metered,
            // What it cost stands there all the same.
            Err(_unreadable) => {
                let read = serde_json::from_slice::<Cost>(body);
                self.take(read.ok().and_then(|read| read.cost_dollars).as_deref());
            }
        }
        Ok(())
    }

    /// Its terminator may be missing: it ends with its body.
    fn is_finished(&self) -> bool {
        false
    }

    fn may_end(&self) -> bool {
        true
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
