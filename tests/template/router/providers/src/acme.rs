//! Acme, which is invented: chat of texts, whole and streamed.

use http::{HeaderMap, Method};
use keyway_words::{ProviderId, Timestamp, Usage};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::adapter::{Adapter, Credential, StreamDecoder};
use crate::chat::{
    AssistantPart, ChatCall, ChatDelta, ChatReply, Finish, Message, ReasoningSettings, StreamEnd,
    UserPart,
};
use crate::count::{Count, Counter, keep_raw, read_object};
use crate::event_stream::{EventReader, EventStream};
use crate::failure::{FailureClass, ProviderFailure, Report};
use crate::metered::Metered;
use crate::native::{Endpoint, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, Seen, Shape};
use crate::options::{self, Rules};
use crate::sse::SseEvent;
use crate::wire::{DecodeError, EncodeError, WireRequest};
use crate::{checks, json::ProviderOptions};

/// The adapter.
#[derive(Debug)]
pub(crate) struct Acme;

impl Adapter for Acme {
    fn provider(&self) -> ProviderId {
        ProviderId::Acme
    }

    fn base_url(&self) -> &'static str {
        "https://api.acme.example"
    }

    fn key_hosts(&self) -> &'static [&'static str] {
        &["api.acme.example"]
    }

    fn credential(&self) -> Credential {
        Credential::Header("x-acme-key")
    }

    fn chat(&self, call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
        request(call, stream)
    }

    fn chat_reply(&self, body: &[u8]) -> Result<ChatReply, DecodeError> {
        let said: Said = serde_json::from_slice(body).map_err(|_json| malformed())?;
        let mut metered = Metered::default();
        read(&said, &mut metered);
        let end = end(said.why.as_deref().ok_or_else(malformed)?);
        Ok(ChatReply {
            parts: said.words.map(AssistantPart::Text).into_iter().collect(),
            finish: end.finish,
            provider_finish: end.provider_finish,
            metered,
        })
    }

    fn chat_stream(&self) -> Result<Box<dyn StreamDecoder>, DecodeError> {
        Ok(Box::new(EventStream::<Reader>::default()))
    }

    fn probe(&self) -> Result<WireRequest, EncodeError> {
        Ok(WireRequest::get("/v1/models"))
    }

    fn native(&self) -> Option<&'static dyn NativeApi> {
        Some(&Api)
    }

    fn failure(
        &self,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> ProviderFailure {
        let body: Fault = serde_json::from_slice(body).unwrap_or_default();
        Report::of_headers(status, headers, now)
            .with_words(body.code, body.fault)
            .into_failure(FailureClass::of_status(status))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fault {
    fault: Option<String>,
    code: Option<String>,
}

#[derive(Serialize)]
struct Body<'c> {
    model: &'c str,
    turns: Vec<Turn<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<u32>,
    stream: bool,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

#[derive(Serialize)]
struct Turn<'c> {
    who: &'static str,
    words: Vec<&'c str>,
}

const OPTIONS: Rules = Rules {
    taken: &["turns", "most"],
    hosted: &[],
};

/// Every field of a call is written or refused: one that is new does not compile.
fn request(call: &ChatCall, stream: bool) -> Result<WireRequest, EncodeError> {
    checks::chat(call)?;
    let ChatCall {
        model,
        messages,
        tools,
        tool_choice: _, // not without tools
        parallel_tool_calls: _,
        response_format,
        max_output_tokens,
        model_max_output_tokens: _,
        temperature,
        top_p,
        stop,
        seed,
        reasoning,
        end_user,
        provider_options,
        hosted,
    } = call;
    let given = [
        ("tools", !tools.is_empty()),
        ("response_format", response_format.is_some()),
        ("temperature", temperature.is_some()),
        ("top_p", top_p.is_some()),
        ("stop", !stop.is_empty()),
        ("seed", seed.is_some()),
        ("reasoning", *reasoning != ReasoningSettings::default()),
        ("end_user", end_user.is_some()),
    ];
    if let Some((field, _)) = given.into_iter().find(|(_, given)| *given) {
        return unsupported(field);
    }
    options::check(provider_options, &OPTIONS, *hosted)?;
    let turns = messages.iter().map(turn).collect::<Result<_, _>>()?;
    let body = Body {
        model,
        turns,
        most: *max_output_tokens,
        stream,
        options: provider_options,
    };
    WireRequest::post("/v1/say", &body)
}

fn unsupported<T>(field: &'static str) -> Result<T, EncodeError> {
    let why = "this provider takes texts only";
    Err(EncodeError::Unsupported { field, why })
}

fn turn(message: &Message) -> Result<Turn<'_>, EncodeError> {
    let (who, words) = match message {
        Message::System(texts) => ("rules", texts.iter().map(String::as_str).collect()),
        Message::User(parts) => {
            let words = parts.iter().map(|part| match part {
                UserPart::Text(text) => Ok(text.as_str()),
                UserPart::Image(_) => unsupported("messages.parts.image"),
            });
            ("you", words.collect::<Result<_, _>>()?)
        }
        Message::Assistant(parts) => {
            let words = parts.iter().map(|part| match part {
                AssistantPart::Text(text) => Ok(text.as_str()),
                _ => unsupported("messages.parts"),
            });
            ("me", words.collect::<Result<_, _>>()?)
        }
        Message::Tool(_) => return unsupported("messages.parts.tool_result"),
    };
    Ok(Turn { who, words })
}

/// An answer, or a piece of one.
#[derive(Deserialize)]
struct Said {
    words: Option<String>,
    why: Option<String>,
    spent: Option<Box<RawValue>>,
    model: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spent {
    read: Count,
    written: Count,
}

fn malformed() -> DecodeError {
    DecodeError::Malformed {
        what: "not an answer",
    }
}

fn read(said: &Said, metered: &mut Metered) {
    if said.model.is_some() {
        metered.served_model.clone_from(&said.model);
    }
    let Some(report) = &said.spent else {
        return;
    };
    let spent: Spent = read_object(report).unwrap_or_default();
    let mut counter = Counter::default();
    metered.usage = Some(Usage {
        input_tokens: counter.read(&spent.read),
        output_tokens: counter.read(&spent.written),
        ..Usage::default()
    });
    metered.raw = keep_raw(report);
    metered.flagged = counter.flagged;
    metered.complete = true;
}

fn end(why: &str) -> StreamEnd {
    StreamEnd {
        finish: match why {
            "done" => Finish::Stop,
            "most" => Finish::Length,
            _ => Finish::Other,
        },
        provider_finish: why.to_owned(),
    }
}

/// Reads a stream: pieces, and the one that says why it ends.
#[derive(Debug, Default)]
struct Reader {
    metered: Metered,
    end: Option<StreamEnd>,
}

impl EventReader for Reader {
    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let said: Said = serde_json::from_str(&event.data).map_err(|_json| malformed())?;
        read(&said, &mut self.metered);
        deltas.extend(said.words.map(ChatDelta::Text));
        self.end = said.why.as_deref().map(end);
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        self.end.clone()
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

/// The listed paths.
#[derive(Debug)]
struct Api;

static ENDPOINTS: [Endpoint; 1] = [Endpoint {
    kind: Kind::Chat,
    method: Method::POST,
    path: "/v1/say",
    model: ModelPlace::Body,
    hosted: Shape::Object(&[
        ("model", Shape::Any),
        ("turns", Shape::Any),
        ("most", Shape::Any),
        ("stream", Shape::Any),
    ]),
    streams: false,
    query: &[],
}];

impl NativeApi for Api {
    fn endpoints(&self) -> &'static [Endpoint] {
        &ENDPOINTS
    }

    fn meter(
        &self,
        _endpoint: &Endpoint,
        _model: &str,
        _body: Option<&NativeBody>,
    ) -> Box<dyn NativeMeter> {
        Box::<Reader>::default()
    }
}

impl NativeMeter for Reader {
    fn event(&mut self, event: &SseEvent) -> Result<Seen, DecodeError> {
        self.read(event, &mut Vec::new())?;
        Ok(Seen::Part)
    }

    fn whole(&mut self, body: &[u8]) -> Result<(), DecodeError> {
        if let Ok(said) = serde_json::from_slice(body) {
            read(&said, &mut self.metered);
        }
        Ok(())
    }

    fn is_finished(&self) -> bool {
        self.end.is_some()
    }

    fn metered(&self) -> &Metered {
        &self.metered
    }
}
