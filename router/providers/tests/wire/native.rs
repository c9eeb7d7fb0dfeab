//! The native edge: every request of the manifest is a listed path whose bytes pass, and every
//! answer is metered as it passes.

use bytes::Bytes;
use http::Method;
use keyway_router_providers::native::{
    Edit, Found, Frames, Kind, ModelPlace, NativeApi, NativeBody, NativeMeter, Seen,
};
use keyway_router_providers::sse::{SseDecoder, SseEvent};
use keyway_router_providers::{DecodeError, Metered};
use keyway_words::Basis;
use serde_json::{Value, json};

use crate::manifest::{Row, rows};
use crate::replies::assert_usage;

/// Rows that no neutral call asks for: they have their tests here. The others pass here too.
const ONLY_HERE: [&str; 8] = [
    "anthropic/cached.request",
    "anthropic/count_tokens.request",
    "anthropic/count_tokens.response",
    "exa/answer.sse",
    "exa/answer_stream.request",
    "exa/search.sse",
    "google/embed.request",
    "openai/embeddings_float.request",
];

pub(crate) fn tested_ids() -> Vec<String> {
    ONLY_HERE.map(str::to_owned).to_vec()
}

/// The row's provider and its path as an SDK calls it.
fn listed(row: &Row) -> (&'static dyn NativeApi, Found) {
    let api = row.adapter().native().expect("a native edge");
    let (method, path) = row.endpoint.split_once(' ').unwrap();
    let path = path.split('?').next().unwrap();
    let below = path.strip_prefix(api.prefix()).unwrap();
    let method: Method = method.parse().unwrap();
    let found = api.find(&method, below);
    (
        api,
        found.unwrap_or_else(|| panic!("{}: {path} is not listed", row.id)),
    )
}

fn body(row: &Row) -> NativeBody {
    NativeBody::parse(Bytes::from(row.bytes())).unwrap()
}

#[test]
fn every_request_passes_unchanged_but_for_the_closed_list_of_edits() {
    for row in rows("request") {
        let (api, found) = listed(&row);
        let body = body(&row);
        let own = api.edits(found.endpoint, &body, false);
        assert_eq!(own, [], "{}: an SDK's request asks for usage", row.id);
        assert_eq!(body.edited(&own), row.bytes(), "{}", row.id);

        let text = String::from_utf8(row.bytes()).unwrap();
        assert_eq!(found.endpoint.hosted.refused(&text), Ok(()), "{}", row.id);
        let stores = row.id.starts_with("openai/chat") || row.id.starts_with("openai/responses");
        let hosted = api.edits(found.endpoint, &body, true);
        let not_stored = Edit {
            name: "store",
            json: "false".to_owned(),
        };
        let says_so = body.json("store") == Some("false");
        let expected = (stores && !says_so).then_some(not_stored);
        assert_eq!(hosted, Vec::from_iter(expected), "{}", row.id);
    }
}

#[test]
fn usage_that_a_chat_of_openai_does_not_ask_for_is_asked_for_and_taken_out_again() {
    let rows = rows("stream");
    let row = rows.iter().find(|row| row.id == "openai/chat_plain.sse");
    let row = row.unwrap();
    let (api, found) = listed(row);
    let asked = NativeBody::parse(Bytes::from_static(br#"{"model":"m","stream":true}"#)).unwrap();
    let edits = api.edits(found.endpoint, &asked, false);
    let edited: Value = serde_json::from_slice(&asked.edited(&edits)).unwrap();
    assert_eq!(edited["stream_options"], json!({"include_usage": true}));
    let mut meter = meter(row, Some(&asked));
    let mut taken_out = 0;
    for event in events(&row.bytes()) {
        taken_out += usize::from(meter.event(&event) == Ok(Seen::OnlyUsage));
    }
    assert_eq!(taken_out, 1);
    assert_usage(&row.id, meter.metered(), &row.expect["usage"]);
}

#[test]
fn every_whole_answer_is_metered_as_its_row_expects() {
    for row in rows("response") {
        let (_, found) = listed(&row);
        let mut meter = meter(&row, None);
        let fails = meter.whole(&row.bytes()).is_err();
        assert_eq!(fails, row.json()["error"].is_object(), "{}", row.id);
        let metered = meter.metered();
        let is_priced = found.endpoint.kind.is_priced();
        match (&row.expect["usage"], row.expect["cost"].as_str()) {
            (Value::Object(_), _) => {
                assert_usage(&row.id, metered, &row.expect["usage"]);
                let body = row.json();
                let served = body["model"].as_str().or(body["modelVersion"].as_str());
                assert_eq!(metered.served_model.as_deref(), served, "{}", row.id);
            }
            (_, Some(cost)) => assert_cost(&row, metered, cost),
            _ => {
                assert_eq!(metered.basis(), Basis::Unknown, "{}", row.id);
                let says_none = row.expect.get("usage") == Some(&Value::Null);
                assert!(!is_priced || says_none, "{}", row.id);
            }
        }
    }
}

#[test]
fn a_count_of_tokens_passes_and_uses_nothing() {
    let rows = rows("response");
    let row = rows
        .iter()
        .find(|row| row.id == "anthropic/count_tokens.response");
    let row = row.unwrap();
    let (_, found) = listed(row);
    assert_eq!(found.endpoint.kind, Kind::Count);
    assert!(!found.endpoint.kind.is_priced());
    let mut meter = meter(row, None);
    meter.whole(&row.bytes()).unwrap();
    assert_eq!(*meter.metered(), Metered::default());
    assert_eq!(row.json()["input_tokens"], row.expect["input_tokens"]);
}

/// All that an SDK would get, and what was measured.
struct Passed {
    bytes: Vec<u8>,
    error: Option<DecodeError>,
    may_end: bool,
    metered: Metered,
}

fn frames(bytes: &[u8]) -> Vec<Bytes> {
    let mut cutter = Frames::default();
    let mut frames = Vec::new();
    for piece in bytes.chunks(37) {
        frames.extend(cutter.push(piece).unwrap());
    }
    frames.push(cutter.rest());
    frames
}

/// The events of a stream, as the edge reads them.
fn events(stream: &[u8]) -> Vec<SseEvent> {
    let (mut decoder, mut events) = (SseDecoder::with_bare_json(), Vec::new());
    for frame in frames(stream) {
        decoder.push(&frame, &mut events).unwrap();
    }
    events
}

/// The meter of a row's answer.
fn meter(row: &Row, body: Option<&NativeBody>) -> Box<dyn NativeMeter> {
    let (api, found) = listed(row);
    let model = match found.endpoint.model {
        ModelPlace::Fixed(model) | ModelPlace::Type(model) => model,
        ModelPlace::Body | ModelPlace::Path => "m",
    };
    api.meter(found.endpoint, model, body)
}

fn passed(row: &Row) -> Passed {
    let mut meter = meter(row, None);
    let mut error = None;
    for event in events(&row.bytes()) {
        match meter.event(&event) {
            Ok(seen) => assert_eq!(seen, Seen::Part, "{}", row.id),
            Err(told) => error = Some(told),
        }
    }
    Passed {
        bytes: frames(&row.bytes()).concat(),
        error,
        may_end: meter.may_end(),
        metered: meter.metered().clone(),
    }
}

#[test]
fn every_stream_passes_byte_for_byte_and_is_metered_as_its_row_expects() {
    for row in rows("stream") {
        let (id, expect, passed) = (&row.id, &row.expect, passed(&row));
        assert_eq!(passed.bytes, row.bytes(), "{id}");
        let told = !expect["error"].is_null();
        assert_eq!(passed.error.is_some(), told, "{id}: {:?}", passed.error);
        if let Some(cost) = expect["cost"].as_str() {
            assert_cost(&row, &passed.metered, cost);
            assert_eq!(written(&passed.bytes), expect["answer"], "{id}");
            assert_eq!(cited(&passed.bytes), expect["urls"], "{id}");
            continue;
        }
        let ends = !expect["finish"].is_null();
        assert_eq!(passed.may_end, ends, "{id}");
        if !expect["usage"].is_null() && ends {
            assert_usage(id, &passed.metered, &expect["usage"]);
        } else {
            assert!(!passed.metered.complete, "{id}");
        }
    }
}

fn assert_cost(row: &Row, metered: &Metered, cost: &str) {
    assert_eq!(
        metered.provider_cost,
        Some(cost.parse().unwrap()),
        "{}",
        row.id
    );
    assert!(metered.complete && !metered.flagged, "{}", row.id);
    let usage = metered.usage.unwrap();
    assert_eq!(usage.requests, Some(1), "{}", row.id);
}

/// The answer that the chunks of a search add up to.
fn written(stream: &[u8]) -> Value {
    let texts = events(stream).into_iter().filter_map(|event| {
        let chunk: Value = serde_json::from_str(&event.data).ok()?;
        Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
    });
    json!(texts.collect::<String>())
}

/// The pages that a search cites.
fn cited(stream: &[u8]) -> Value {
    let citations = events(stream).into_iter().filter_map(|event| {
        let chunk: Value = serde_json::from_str(&event.data).ok()?;
        chunk["citations"].as_array().cloned()
    });
    json!(
        citations
            .flatten()
            .map(|page| page["url"].clone())
            .collect::<Vec<_>>()
    )
}
