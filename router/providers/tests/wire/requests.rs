//! Requests: the neutral call of every fixture, written by hand, as the adapter puts it.

mod anthropic;
mod embedded;
mod exa;
mod google;
mod mistral;
mod openai;
mod responses;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keyway_router_providers::chat::{
    AssistantPart, ChatCall, Effort, Image, MediaType, Message, ReasoningSettings, ResponseFormat,
    Tool, ToolCall, ToolChoice, ToolResult, UserPart,
};
use keyway_router_providers::embed::EmbedCall;
use keyway_router_providers::json::{JsonObject, ProviderOptions};
use keyway_router_providers::search::{Contents, SearchCall};
use keyway_router_providers::{EncodeError, WireRequest};
use serde_json::{Value, json};

use crate::manifest::{Row, rows};

/// What a fixture's neutral call is.
enum Call {
    Chat(Box<ChatCall>),
    Stream(Box<ChatCall>),
    Embed(EmbedCall),
    Search(Box<SearchCall>),
}

/// Where the adapter's body differs from the fixture's on purpose: JSON pointer, what the adapter
/// writes there (`None`: nothing), and why.
type Difference = (&'static str, Option<Value>, &'static str);

const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WEATHER: &str = r#"{"type":"object","properties":{"city":{"type":"string","description":"City name"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city","unit"],"additionalProperties":false}"#;
const BOOK: &str = r#"{"type":"object","properties":{"title":{"type":"string"},"author":{"type":"string"},"year":{"type":"integer"}},"required":["title","author","year"],"additionalProperties":false}"#;

fn user(text: &str) -> Message {
    Message::User(vec![UserPart::Text(text.into())])
}

fn assistant(text: &str) -> Message {
    Message::Assistant(vec![AssistantPart::Text(text.into())])
}

fn called(id: &str, city: &str) -> AssistantPart {
    AssistantPart::ToolCall(ToolCall {
        id: id.into(),
        name: "get_weather".into(),
        arguments: format!(r#"{{"city":"{city}","unit":"celsius"}}"#),
        signature: Vec::new(),
    })
}

fn result(call_id: &str, text: &str, is_error: bool) -> ToolResult {
    ToolResult {
        call_id: call_id.into(),
        text: text.into(),
        is_error,
    }
}

fn weather() -> Vec<Tool> {
    vec![Tool {
        name: "get_weather".parse().unwrap(),
        description: "Current weather for a city.".into(),
        parameters: Some(JsonObject::parse(WEATHER).unwrap()),
        strict: Some(true),
    }]
}

fn images() -> [UserPart; 2] {
    let data = STANDARD.decode(PIXEL).unwrap().into();
    let inline = Image::Inline {
        media_type: MediaType::Png,
        data,
    };
    let url = Image::Url("https://images.example/cat.png".into());
    [UserPart::Image(inline), UserPart::Image(url)]
}

fn options(json: &str) -> ProviderOptions {
    ProviderOptions::parse(json).unwrap()
}

fn gpt(messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: "gpt-4.1-mini".into(),
        messages,
        ..ChatCall::default()
    }
}

fn claude(max_output_tokens: u32, messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: "claude-haiku-5-5".into(),
        max_output_tokens: Some(max_output_tokens),
        messages,
        ..ChatCall::default()
    }
}

fn book() -> ResponseFormat {
    let schema = JsonObject::parse(BOOK).unwrap();
    ResponseFormat {
        schema,
        name: Some("book".parse().unwrap()),
        strict: Some(true),
    }
}

fn effort(effort: Effort) -> ReasoningSettings {
    ReasoningSettings {
        effort: Some(effort),
        budget_tokens: None,
    }
}

fn named_tool() -> ToolChoice {
    ToolChoice::Tool("get_weather".parse().unwrap())
}

/// The call of every request fixture, with the differences that are meant.
fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let mut cases = openai::cases();
    cases.extend(responses::cases());
    cases.extend(anthropic::cases());
    cases.extend(exa::cases());
    cases.extend(google::cases());
    cases.extend(mistral::cases());
    cases
}

pub(crate) fn tested_ids() -> Vec<String> {
    cases()
        .into_iter()
        .map(|(id, _call, _differences)| id.to_owned())
        .collect()
}

fn written(row: &Row, call: &Call) -> Result<WireRequest, EncodeError> {
    match call {
        Call::Chat(call) => row.adapter().chat(call, false),
        Call::Stream(call) => row.adapter().chat(call, true),
        Call::Embed(call) => row.adapter().embed(call),
        Call::Search(call) => row.adapter().search(call),
    }
}

fn row(id: &str) -> Row {
    rows("request")
        .into_iter()
        .find(|row| row.id == id)
        .unwrap_or_else(|| panic!("no row {id}"))
}

fn apply(body: &mut Value, (pointer, ours, _why): &Difference) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = body
        .pointer_mut(parent)
        .expect("the difference is in the fixture");
    match (ours, parent) {
        (None, Value::Object(fields)) => drop(fields.remove(name).unwrap()),
        (Some(value), Value::Object(fields)) => drop(fields.insert(name.into(), value.clone())),
        (_, other) => panic!("{other} is no object"),
    }
}

#[test]
fn every_request_is_what_the_fixture_shows_but_for_the_differences_that_are_meant() {
    for (id, call, differences) in cases() {
        let row = row(id);
        let request = written(&row, &call).unwrap_or_else(|error| panic!("{id}: {error}"));
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let mut expected = row.json();
        for difference in &differences {
            apply(&mut expected, difference);
        }
        assert_eq!(body, expected, "{id}");

        let base = row.adapter().base_url().trim_start_matches("https://");
        let prefix = base
            .split_once('/')
            .map_or(String::new(), |(_host, path)| format!("/{path}"));
        let endpoint = format!("{} {prefix}{}", request.method, request.path);
        assert_eq!(endpoint, row.endpoint, "{id}");
        assert_eq!(request.headers["content-type"], "application/json", "{id}");
        for credential in ["authorization", "x-api-key", "x-goog-api-key"] {
            assert!(!request.headers.contains_key(credential), "{id}");
        }
        let version = request.headers.get("anthropic-version");
        assert_eq!(version.is_some(), id.starts_with("anthropic/"), "{id}");
    }
}

#[test]
fn on_the_platforms_key_nothing_is_stored_and_only_listed_options_are_taken() {
    let openai = row("openai/chat_plain.request").adapter();
    let hosted = |json: &str| ChatCall {
        hosted: true,
        provider_options: options(json),
        ..gpt(vec![user("hi")])
    };
    let body: Value = serde_json::from_slice(
        &openai
            .chat(&hosted(r#"{"verbosity":"low"}"#), false)
            .unwrap()
            .body,
    )
    .unwrap();
    assert_eq!(body["store"], false);
    for option in [
        "prompt_cache_key",
        "web_search_options",
        "service_tier",
        "metadata",
    ] {
        let refused = openai
            .chat(&hosted(&format!(r#"{{"{option}":"x"}}"#)), false)
            .unwrap_err();
        assert_eq!(
            refused,
            EncodeError::OptionNeedsOwnKey {
                name: option.into()
            }
        );
    }
}

#[test]
fn what_a_provider_does_not_offer_is_refused() {
    let openai = row("openai/chat_plain.request").adapter();
    let anthropic = row("anthropic/message_plain.request").adapter();
    let exa = row("exa/answer.request").adapter();
    let chat = gpt(vec![user("hi")]);
    let not_offered = |what| Some(EncodeError::NotOffered { what });
    assert_eq!(exa.chat(&chat, false).err(), not_offered("chat"));
    assert_eq!(
        anthropic.embed(&EmbedCall::default()).err(),
        not_offered("embeddings")
    );
    assert_eq!(
        openai.search(&SearchCall::default()).err(),
        not_offered("search")
    );
    assert!(exa.chat_stream().is_err());
}

#[test]
fn what_openai_can_not_take_back_is_refused_and_never_dropped() {
    let openai = row("openai/chat_plain.request").adapter();
    for message in [
        Message::Tool(vec![result("c", "x", true)]),
        Message::Assistant(vec![AssistantPart::Reasoning(
            keyway_router_providers::chat::ReasoningPart::default(),
        )]),
        Message::Assistant(vec![AssistantPart::ToolCall(ToolCall {
            signature: b"s".to_vec(),
            ..ToolCall::default()
        })]),
    ] {
        let refused = openai.chat(&gpt(vec![message]), false);
        assert!(matches!(refused, Err(EncodeError::Unsupported { .. })));
    }
}

#[test]
fn settings_of_tools_without_tools_are_refused() {
    let openai = row("openai/chat_plain.request").adapter();
    for call in [
        ChatCall {
            tool_choice: Some(ToolChoice::Auto),
            ..gpt(vec![user("x")])
        },
        ChatCall {
            parallel_tool_calls: Some(true),
            ..gpt(vec![user("x")])
        },
        ChatCall {
            tools: weather(),
            tool_choice: Some(ToolChoice::Tool("other".parse().unwrap())),
            ..gpt(vec![user("x")])
        },
        gpt(vec![]),
    ] {
        assert!(matches!(
            openai.chat(&call, false),
            Err(EncodeError::Invalid { .. })
        ));
    }
}
