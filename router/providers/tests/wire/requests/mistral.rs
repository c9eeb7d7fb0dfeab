//! Neutral calls of Mistral's request fixtures.

use super::*;

fn small(messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: "mistral-small-latest".into(),
        messages,
        ..ChatCall::default()
    }
}

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let chat = |call: ChatCall| Call::Chat(Box::new(call));
    let [inline, url] = images();
    let embed = |model: &str, inputs: &[&str]| EmbedCall {
        model: model.into(),
        inputs: inputs.iter().map(|text| (*text).to_owned()).collect(),
        ..EmbedCall::default()
    };
    vec![
        (
            "mistral/chat_plain.request",
            chat(ChatCall {
                temperature: Some("0.2".parse().unwrap()),
                top_p: Some("0.9".parse().unwrap()),
                max_output_tokens: Some(64),
                stop: vec!["\n\n".into()],
                seed: Some(7),
                ..small(vec![
                    Message::System(vec!["You are terse.".into()]),
                    user("Name the capital of France."),
                    assistant("Paris."),
                    user("And of Italy?"),
                ])
            }),
            vec![],
        ),
        (
            "mistral/chat_plain_stream.request",
            Call::Stream(Box::new(small(vec![user("Say hello in two languages.")]))),
            vec![],
        ),
        (
            "mistral/chat_tool_single.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Auto),
                parallel_tool_calls: Some(false),
                ..small(vec![user("Weather in Oslo in celsius?")])
            }),
            vec![],
        ),
        (
            "mistral/chat_tool_parallel.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(ToolChoice::Required),
                parallel_tool_calls: Some(true),
                ..small(vec![user("Weather in Oslo and Rome?")])
            }),
            vec![],
        ),
        (
            "mistral/chat_tool_result.request",
            chat(ChatCall {
                tools: weather(),
                tool_choice: Some(named_tool()),
                ..small(vec![
                    user("Weather in Oslo?"),
                    Message::Assistant(vec![called("D681PevKs", "Oslo")]),
                    Message::Tool(vec![result("D681PevKs", r#"{"temp":4}"#, false)]),
                ])
            }),
            vec![],
        ),
        (
            "mistral/chat_image.request",
            chat(small(vec![Message::User(vec![
                UserPart::Text("What colour is this pixel?".into()),
                inline,
                url,
            ])])),
            vec![(
                "/messages/0/content/2/image_url",
                Some(json!("https://images.example/cat.png")),
                "the neutral schema has no detail, and both forms are taken",
            )],
        ),
        (
            "mistral/chat_json_schema.request",
            chat(ChatCall {
                response_format: Some(book()),
                ..small(vec![user("Give one classic SF novel.")])
            }),
            vec![],
        ),
        (
            "mistral/chat_reasoning.request",
            chat(ChatCall {
                reasoning: effort(Effort::High),
                ..small(vec![user("Is 2027 prime?")])
            }),
            vec![],
        ),
        (
            "mistral/embeddings_float.request",
            Call::Embed(embed("mistral-embed", &["first text", "second text"])),
            vec![],
        ),
        (
            "mistral/embeddings_int8.request",
            Call::Embed(EmbedCall {
                dimensions: Some(8),
                provider_options: options(r#"{"output_dtype":"int8"}"#),
                ..embed("codestral-embed", &["fn main() {}"])
            }),
            vec![("/encoding_format", None, "it is the default")],
        ),
    ]
}

#[test]
fn what_mistral_does_not_take_is_refused_and_never_dropped() {
    let mistral = row("mistral/chat_plain.request").adapter();
    let turn = |part| small(vec![user("x"), Message::Assistant(vec![part])]);
    let reasoning = |redacted| {
        AssistantPart::Reasoning(keyway_router_providers::chat::ReasoningPart {
            text: "t".into(),
            signature: b"s".to_vec(),
            redacted,
        })
    };
    assert!(mistral.chat(&turn(reasoning(false)), false).is_ok());
    for call in [
        turn(reasoning(true)),
        turn(AssistantPart::Refusal("no".into())),
        turn(AssistantPart::ToolCall(ToolCall {
            signature: b"s".to_vec(),
            ..ToolCall::default()
        })),
        small(vec![Message::Tool(vec![result("c", "x", true)])]),
        ChatCall {
            reasoning: ReasoningSettings {
                effort: None,
                budget_tokens: Some(1_024),
            },
            ..small(vec![user("x")])
        },
    ] {
        let refused = mistral.chat(&call, false);
        assert!(
            matches!(refused, Err(EncodeError::Unsupported { .. })),
            "{refused:?}"
        );
    }
    for call in [
        ChatCall {
            seed: Some(-1),
            ..small(vec![user("x")])
        },
        ChatCall {
            top_p: Some("1.1".parse().unwrap()),
            ..small(vec![user("x")])
        },
    ] {
        let refused = mistral.chat(&call, false);
        assert!(matches!(refused, Err(EncodeError::Invalid { .. })));
    }
}

#[test]
fn a_call_and_its_result_that_began_elsewhere_keep_one_id_between_them() {
    let mistral = row("mistral/chat_plain.request").adapter();
    let id = "call_made-by-another-provider";
    let call = small(vec![
        user("Weather in Oslo?"),
        Message::Assistant(vec![called(id, "Oslo")]),
        Message::Tool(vec![result(id, "4", false)]),
    ]);
    let body: Value = serde_json::from_slice(&mistral.chat(&call, false).unwrap().body).unwrap();
    let called = body["messages"][1]["tool_calls"][0]["id"].as_str().unwrap();
    assert_eq!(called.len(), 9);
    assert_eq!(body["messages"][2]["tool_call_id"], called);
    assert_eq!(body["messages"][2]["name"], "get_weather");
}
