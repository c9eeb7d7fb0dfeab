//! Requests: the neutral call of every fixture, written by hand, as the adapter puts it.

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

fn book() -> Option<ResponseFormat> {
    let schema = JsonObject::parse(BOOK).unwrap();
    Some(ResponseFormat {
        schema,
        name: Some("book".parse().unwrap()),
        strict: Some(true),
    })
}

fn effort(effort: Effort) -> ReasoningSettings {
    ReasoningSettings {
        effort: Some(effort),
        budget_tokens: None,
    }
}

fn named_tool() -> Option<ToolChoice> {
    Some(ToolChoice::Tool("get_weather".parse().unwrap()))
}

/// The call of every request fixture, with the differences that are meant.
fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let mut cases = openai();
    cases.extend(anthropic());
    cases.extend(exa());
    cases
}

fn openai() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let chat = |call: ChatCall| Call::Chat(Box::new(call));
    let [inline, url] = images();
    let question = UserPart::Text("What colour is this pixel?".into());
    vec![
        (
            "openai/chat_plain.request",
            chat(ChatCall {
                temperature: Some("0.2".parse().unwrap()),
                max_output_tokens: Some(64),
                stop: vec!["\n\n".into()],
                seed: Some(7),
                ..gpt(vec![
                    Message::System(vec!["You are terse.".into()]),
                    user("Name the capital of France."),
                    assistant("Paris."),
                    user("And of Italy?"),
                ])
            }),
            vec![],
        ),
        (
            "openai/chat_plain_stream.request",
            Call::Stream(Box::new(gpt(vec![user("Say hello in two languages.")]))),
            vec![],
        ),
        (
            "openai/chat_tool_single.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Auto),
                parallel_tool_calls: Some(false),
                ..gpt(vec![user("Weather in Oslo in celsius?")])
            }),
            vec![],
        ),
        (
            "openai/chat_tool_parallel.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Required),
                parallel_tool_calls: Some(true),
                ..gpt(vec![
                    Message::System(vec!["Use tools.".into()]),
                    user("Weather in Oslo and Rome?"),
                ])
            }),
            vec![(
                "/messages/0/role",
                Some(json!("system")),
                "every model takes both names",
            )],
        ),
        (
            "openai/chat_tool_result.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: named_tool(),
                ..gpt(vec![
                    user("Weather in Oslo and Rome?"),
                    Message::Assistant(vec![called("call_P1", "Oslo"), called("call_P2", "Rome")]),
                    Message::Tool(vec![
                        result("call_P1", r#"{"temp":4}"#, false),
                        result("call_P2", r#"{"temp":17}"#, false),
                    ]),
                ])
            }),
            vec![],
        ),
        (
            "openai/chat_image.request",
            chat(ChatCall {
                max_output_tokens: Some(20),
                ..gpt(vec![Message::User(vec![question, inline, url])])
            }),
            vec![(
                "/messages/0/content/1/image_url/detail",
                None,
                "the schema has no detail",
            )],
        ),
        (
            "openai/chat_json_schema.request",
            chat(ChatCall {
                response_format: book(),
                ..gpt(vec![user("Give one classic SF novel.")])
            }),
            vec![],
        ),
        (
            "openai/chat_reasoning.request",
            chat(ChatCall {
                model: "gpt-5.4-mini".into(),
                reasoning: effort(Effort::Medium),
                max_output_tokens: Some(2_000),
                provider_options: options(r#"{"verbosity":"low"}"#),
                ..gpt(vec![user("Is 2027 prime?")])
            }),
            vec![],
        ),
        (
            "openai/embeddings_base64.request",
            Call::Embed(EmbedCall {
                model: "text-embedding-3-small".into(),
                inputs: vec!["first text".into()],
                dimensions: Some(8),
                ..EmbedCall::default()
            }),
            vec![],
        ),
    ]
}

fn anthropic() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let chat = |call: ChatCall| Call::Chat(Box::new(call));
    let [inline, url] = images();
    let question = UserPart::Text("What colour is the first?".into());
    vec![
        (
            "anthropic/message_plain.request",
            chat(ChatCall {
                stop: vec!["\n\nHuman:".into()],
                end_user: Some("u-9f2c".into()),
                ..claude(
                    64,
                    vec![
                        Message::System(vec!["You are terse.".into()]),
                        user("Name the capital of France."),
                        assistant("Paris."),
                        user("And of Italy?"),
                    ],
                )
            }),
            vec![],
        ),
        (
            "anthropic/message_plain_stream.request",
            Call::Stream(Box::new(claude(
                256,
                vec![user("Say hello in two languages.")],
            ))),
            vec![],
        ),
        (
            "anthropic/tool_single.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Auto),
                parallel_tool_calls: Some(false),
                ..claude(512, vec![user("Weather in Oslo in celsius?")])
            }),
            vec![],
        ),
        (
            "anthropic/tool_parallel.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Required),
                ..claude(512, vec![user("Weather in Oslo and Rome?")])
            }),
            vec![],
        ),
        (
            "anthropic/tool_result.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: named_tool(),
                ..claude(
                    512,
                    vec![
                        user("Weather in Oslo and Rome?"),
                        Message::Assistant(vec![
                            called("toolu_P1", "Oslo"),
                            called("toolu_P2", "Rome"),
                        ]),
                        Message::Tool(vec![result("toolu_P1", r#"{"temp":4}"#, false)]),
                        Message::Tool(vec![result("toolu_P2", "station offline", true)]),
                        user("Summarise."),
                    ],
                )
            }),
            vec![(
                "/messages/2/content/1/content",
                Some(json!("station offline")),
                "a result is text, which the provider takes as it is",
            )],
        ),
        (
            "anthropic/image.request",
            chat(claude(64, vec![Message::User(vec![inline, url, question])])),
            vec![],
        ),
        (
            "anthropic/json_schema.request",
            chat(ChatCall {
                response_format: book(),
                ..claude(256, vec![user("Give one classic SF novel.")])
            }),
            vec![],
        ),
        (
            "anthropic/thinking.request",
            chat(ChatCall {
                model: "claude-sonnet-5-5".into(),
                reasoning: effort(Effort::Medium),
                provider_options: options(
                    r#"{"thinking":{"type":"adaptive","display":"summarized"}}"#,
                ),
                ..claude(4_096, vec![user("Is 2027 prime?")])
            }),
            vec![],
        ),
    ]
}

fn exa() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let search = |call: SearchCall| Call::Search(Box::new(call));
    vec![
        (
            "exa/search_plain.request",
            search(SearchCall {
                model: "auto".into(),
                query: "latest research on LLM routing".into(),
                max_results: Some(2),
                include_domains: vec!["example.com".into()],
                published_after: Some("2026-01-01T00:00:00.000Z".into()),
                ..SearchCall::default()
            }),
            vec![],
        ),
        (
            "exa/search_contents.request",
            search(SearchCall {
                model: "auto".into(),
                query: "rust http client".into(),
                max_results: Some(2),
                contents: Contents {
                    text: true,
                    text_max_characters: Some(2_000),
                    highlights: true,
                    summary: true,
                },
                provider_options: options(r#"{"category":"news"}"#),
                ..SearchCall::default()
            }),
            vec![
                ("/contents/text/includeHtmlTags", None, "the provider's default"),
                ("/contents/summary", Some(json!(true)), "the schema has no query of its own"),
                ("/contents/maxAgeHours", None, "the schema has no age"),
            ],
        ),
        (
            "exa/search_deep.request",
            search(SearchCall {
                model: "deep".into(),
                query: "who won the 2026 race".into(),
                output_schema: Some(
                    JsonObject::parse(
                        r#"{"type":"object","properties":{"winner":{"type":"string"}},"required":["winner"]}"#,
                    )
                    .unwrap(),
                ),
                provider_options: options(
                    r#"{"additionalQueries":["2026 race winner"],"systemPrompt":"Prefer primary sources."}"#,
                ),
                ..SearchCall::default()
            }),
            vec![],
        ),
        (
            "exa/contents.request",
            search(SearchCall {
                model: "contents".into(),
                urls: vec!["https://example.com/p1".into(), "https://example.com/gone".into()],
                contents: Contents { text: true, ..Contents::default() },
                provider_options: options(r#"{"livecrawlTimeout":8000}"#),
                ..SearchCall::default()
            }),
            vec![],
        ),
        (
            "exa/answer.request",
            search(SearchCall {
                model: "answer".into(),
                query: "What is the capital of Italy?".into(),
                contents: Contents { text: true, ..Contents::default() },
                ..SearchCall::default()
            }),
            vec![],
        ),
    ]
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
        let prefix = base.find('/').map_or("", |at| &base[at..]);
        let endpoint = format!("{} {prefix}{}", request.method, request.path);
        assert_eq!(endpoint, row.endpoint, "{id}");
        assert_eq!(request.headers["content-type"], "application/json", "{id}");
        for credential in ["authorization", "x-api-key"] {
            assert!(!request.headers.contains_key(credential), "{id}");
        }
        let version = request.headers.get("anthropic-version");
        assert_eq!(version.is_some(), id.starts_with("anthropic/"), "{id}");
    }
}

#[test]
fn embedded_json_reaches_the_wire_byte_for_byte() {
    let odd = r#"{"z":1.0,"a":{"n":12345678901234567890123,"e":1E+2, "b":[ 1 ]}}"#;
    let tool = Tool {
        parameters: Some(JsonObject::parse(odd).unwrap()),
        ..weather().remove(0)
    };
    let schema = JsonObject::parse(odd).unwrap();
    let call = ChatCall {
        tools: vec![tool],
        response_format: Some(ResponseFormat {
            schema,
            name: None,
            strict: None,
        }),
        provider_options: options(&format!(r#"{{"thinking":{odd}}}"#)),
        ..gpt(vec![
            user("x"),
            Message::Assistant(vec![AssistantPart::ToolCall(ToolCall {
                id: "c".into(),
                name: "get_weather".into(),
                arguments: odd.into(),
                signature: Vec::new(),
            })]),
            Message::Tool(vec![result("c", odd, false)]),
        ])
    };
    let body = |id: &str| {
        let body = row(id).adapter().chat(&call, false).unwrap().body;
        String::from_utf8(body.to_vec()).unwrap()
    };
    // Tool schema, answer schema, option; the arguments are an object here, the result is text.
    assert_eq!(
        body("anthropic/tool_single.request").matches(odd).count(),
        4
    );
    // The arguments are text here.
    assert_eq!(
        body("openai/chat_tool_single.request").matches(odd).count(),
        3
    );
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
