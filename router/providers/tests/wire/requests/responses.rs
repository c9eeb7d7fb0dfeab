//! Neutral calls of the request fixtures of `OpenAI`'s responses.

use keyway_router_providers::chat::ReasoningPart;

use super::*;

/// A model that chat completions do not serve: the fixtures' own goes there.
const PRO: &str = "gpt-5.4-pro";

fn pro(messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: PRO.into(),
        ..gpt(messages)
    }
}

fn luna(messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: "gpt-5.6-luna".into(),
        tools: weather(),
        ..gpt(messages)
    }
}

fn encrypted() -> Difference {
    let include = json!(["reasoning.encrypted_content"]);
    ("/include", Some(include), "nothing is stored")
}

fn model() -> Difference {
    ("/model", Some(json!(PRO)), "chat completions serve its own")
}

fn reasoning(signature: &[u8]) -> AssistantPart {
    AssistantPart::Reasoning(ReasoningPart {
        signature: signature.to_vec(),
        ..ReasoningPart::default()
    })
}

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let chat = |call: ChatCall| Call::Chat(Box::new(call));
    let [inline, _url] = images();
    let question = UserPart::Text("What colour?".into());
    vec![
        (
            "openai/responses_plain.request",
            chat(ChatCall {
                max_output_tokens: Some(64),
                ..pro(vec![
                    Message::System(vec!["You are terse.".into()]),
                    user("Name the capital of France."),
                    assistant("Paris."),
                    user("And of Italy?"),
                ])
            }),
            vec![
                model(),
                encrypted(),
                (
                    "/input/2/content",
                    Some(json!("And of Italy?")),
                    "one text stands for itself",
                ),
            ],
        ),
        (
            "openai/responses_plain_stream.request",
            Call::Stream(Box::new(pro(vec![user("Say hello in two languages.")]))),
            vec![model(), encrypted()],
        ),
        (
            "openai/responses_image.request",
            chat(pro(vec![Message::User(vec![question, inline])])),
            vec![
                model(),
                encrypted(),
                (
                    "/input/0/content/1/detail",
                    Some(json!("auto")),
                    "the schema has no detail",
                ),
            ],
        ),
        (
            "openai/responses_json_schema.request",
            chat(ChatCall {
                response_format: Some(book()),
                ..pro(vec![user("Give one classic SF novel.")])
            }),
            vec![model(), encrypted()],
        ),
        (
            "openai/responses_reasoning.request",
            chat(ChatCall {
                reasoning: effort(Effort::Medium),
                max_output_tokens: Some(2_000),
                ..pro(vec![user("Is 2027 prime?")])
            }),
            vec![
                model(),
                encrypted(),
                ("/reasoning/summary", None, "the schema asks for none"),
            ],
        ),
        (
            "openai/responses_tool_parallel.request",
            chat(ChatCall {
                tool_choice: Some(ToolChoice::Auto),
                parallel_tool_calls: Some(true),
                reasoning: effort(Effort::Low),
                ..luna(vec![user("Weather in Oslo and Rome?")])
            }),
            vec![],
        ),
        (
            "openai/responses_tool_result.request",
            chat(ChatCall {
                tool_choice: Some(named_tool()),
                ..luna(vec![
                    user("Weather in Oslo and Rome?"),
                    Message::Assistant(vec![
                        reasoning(b"rs_01:gAAAAABexampleopaque=="),
                        called("call_R1", "Oslo"),
                        called("call_R2", "Rome"),
                    ]),
                    Message::Tool(vec![
                        result("call_R1", r#"{"temp":4}"#, false),
                        result("call_R2", r#"{"temp":17}"#, false),
                    ]),
                ])
            }),
            vec![encrypted()],
        ),
    ]
}

#[test]
fn responses_refuse_what_they_have_no_field_for_and_what_is_stored() {
    let adapter = row("openai/responses_plain.request").adapter();
    let call = || pro(vec![user("x")]);
    let option = |json: &str, hosted| ChatCall {
        provider_options: options(json),
        hosted,
        ..call()
    };
    for call in [
        ChatCall {
            stop: vec!["x".into()],
            ..call()
        },
        ChatCall {
            seed: Some(1),
            ..call()
        },
        pro(vec![Message::Tool(vec![result("c", "x", true)])]),
        pro(vec![Message::Assistant(vec![reasoning(b"")])]),
        pro(vec![Message::Assistant(vec![reasoning(b"rs_01")])]),
        option(r#"{"input":"x"}"#, false),
        option(r#"{"store":true}"#, false),
        option(r#"{"include":[]}"#, false),
        option(r#"{"background":true}"#, false),
        option(r#"{"previous_response_id":"resp_1"}"#, true),
        option(r#"{"conversation":"conv_1"}"#, true),
        option(r#"{"prompt":{"id":"pmpt_1"}}"#, true),
    ] {
        assert!(adapter.chat(&call, false).is_err(), "{call:?}");
    }
    let own = option(r#"{"previous_response_id":"resp_1"}"#, false);
    assert!(adapter.chat(&own, false).is_ok());
}
