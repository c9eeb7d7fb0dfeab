//! Neutral calls of Google's request fixtures.

use keyway_router_providers::chat::ReasoningPart;

use super::*;

const SIGNATURE: &str = "b3BhcXVlLXRob3VnaHQtc2lnbmF0dXJlLTAwMDE=";

fn gemini(messages: Vec<Message>) -> ChatCall {
    ChatCall {
        model: "gemini-3.8-flash".into(),
        messages,
        ..ChatCall::default()
    }
}

/// The tool without the mark that this provider has not.
fn plain_weather() -> Vec<Tool> {
    vec![Tool {
        strict: None,
        ..weather().remove(0)
    }]
}

fn signed(call: AssistantPart) -> AssistantPart {
    match call {
        AssistantPart::ToolCall(call) => AssistantPart::ToolCall(ToolCall {
            signature: SIGNATURE.into(),
            ..call
        }),
        other => other,
    }
}

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
    let chat = |call: ChatCall| Call::Chat(Box::new(call));
    let [inline, _url] = images();
    vec![
        (
            "google/generate_plain.request",
            chat(ChatCall {
                temperature: Some("0.2".parse().unwrap()),
                top_p: Some("0.9".parse().unwrap()),
                max_output_tokens: Some(64),
                stop: vec!["\n\n".into()],
                seed: Some(7),
                ..gemini(vec![
                    Message::System(vec!["You are terse.".into()]),
                    user("Name the capital of France."),
                    assistant("Paris."),
                    user("And of Italy?"),
                ])
            }),
            vec![(
                "/generationConfig/candidateCount",
                None,
                "one is the default",
            )],
        ),
        (
            "google/generate_plain_stream.request",
            Call::Stream(Box::new(gemini(vec![user("Say hello in two languages.")]))),
            vec![],
        ),
        (
            "google/tool_single.request",
            chat(ChatCall {
                tools: plain_weather(),
                tool_choice: Some(ToolChoice::Auto),
                ..gemini(vec![user("Weather in Oslo in celsius?")])
            }),
            vec![],
        ),
        (
            "google/tool_parallel.request",
            chat(ChatCall {
                tools: plain_weather(),
                tool_choice: Some(named_tool()),
                parallel_tool_calls: Some(true),
                ..gemini(vec![user("Weather in Oslo and Rome?")])
            }),
            vec![],
        ),
        (
            "google/tool_result.request",
            chat(ChatCall {
                tools: plain_weather(),
                ..gemini(vec![
                    user("Weather in Oslo and Rome?"),
                    Message::Assistant(vec![
                        signed(called("fc-P1", "Oslo")),
                        called("fc-P2", "Rome"),
                    ]),
                    Message::Tool(vec![
                        result("fc-P1", r#"{"temp":4}"#, false),
                        result("fc-P2", "station offline", true),
                    ]),
                ])
            }),
            vec![],
        ),
        (
            "google/image.request",
            chat(gemini(vec![Message::User(vec![
                inline,
                UserPart::Text("What colour is this pixel?".into()),
            ])])),
            vec![],
        ),
        (
            "google/json_schema.request",
            chat(ChatCall {
                response_format: Some(book()),
                ..gemini(vec![user("Give one classic SF novel.")])
            }),
            vec![],
        ),
        (
            "google/thinking.request",
            chat(ChatCall {
                reasoning: effort(Effort::Low),
                max_output_tokens: Some(2_048),
                ..gemini(vec![user("Is 2027 prime?")])
            }),
            vec![],
        ),
        (
            "google/batch_embed.request",
            Call::Embed(EmbedCall {
                model: "gemini-embedding-001".into(),
                inputs: vec!["first text".into(), "second text".into()],
                dimensions: Some(8),
                ..EmbedCall::default()
            }),
            vec![],
        ),
    ]
}

fn body(call: &ChatCall) -> Value {
    let google = row("google/generate_plain.request").adapter();
    let request = google.chat(call, false).unwrap();
    serde_json::from_slice(&request.body).unwrap()
}

fn refused(call: &ChatCall) -> EncodeError {
    let google = row("google/generate_plain.request").adapter();
    google.chat(call, false).unwrap_err()
}

#[test]
fn a_signature_goes_back_on_the_part_that_it_came_with() {
    let signature = |text: &str| {
        AssistantPart::Reasoning(ReasoningPart {
            text: text.into(),
            signature: SIGNATURE.into(),
            redacted: false,
        })
    };
    let turn = |parts| gemini(vec![user("x"), Message::Assistant(parts)]);
    let parts = |parts| body(&turn(parts))["contents"][1]["parts"].clone();
    let text = || AssistantPart::Text("Yes.".into());
    assert_eq!(
        parts(vec![text(), signature("")]),
        json!([{"text": "Yes.", "thoughtSignature": SIGNATURE}])
    );
    assert_eq!(
        parts(vec![signature("Hm."), text()]),
        json!([{"text": "Hm.", "thought": true, "thoughtSignature": SIGNATURE}, {"text": "Yes."}])
    );
    assert_eq!(
        parts(vec![text(), signature(""), signature("")]),
        json!([
            {"text": "Yes.", "thoughtSignature": SIGNATURE},
            {"text": "", "thoughtSignature": SIGNATURE}
        ])
    );
}

#[test]
fn an_answer_goes_back_as_it_came() {
    for id in [
        "google/thinking.response",
        "google/tool_parallel.response",
        "google/tool_single_no_id.response",
    ] {
        let row = rows("response")
            .into_iter()
            .find(|row| row.id == id)
            .unwrap();
        let reply = row.adapter().chat_reply(&row.bytes()).unwrap();
        let sent = body(&gemini(vec![user("x"), Message::Assistant(reply.parts)]));
        assert_eq!(
            sent["contents"][1]["parts"],
            row.json()["candidates"][0]["content"]["parts"],
            "{id}"
        );
    }
}

#[test]
fn a_result_names_its_tool_and_stays_json_or_becomes_text() {
    let call = |text: &str, is_error| {
        gemini(vec![
            user("x"),
            Message::Assistant(vec![called("keyway-0", "Oslo")]),
            Message::Tool(vec![result("keyway-0", text, is_error)]),
        ])
    };
    let response = |text: &str, is_error| {
        body(&call(text, is_error))["contents"][2]["parts"][0]["functionResponse"].clone()
    };
    for (text, output) in [
        ("sunny", json!("sunny")),
        ("4", json!("4")),
        ("[1]", json!([1])),
        ("{\"a\":1}", json!({"a": 1})),
        ("{broken", json!("{broken")),
    ] {
        assert_eq!(
            response(text, false),
            json!({"name": "get_weather", "response": {"output": output}}),
            "{text}"
        );
    }
    assert_eq!(response("off", true)["response"], json!({"error": "off"}));
    let lost = gemini(vec![
        user("x"),
        Message::Tool(vec![result("c", "x", false)]),
    ]);
    assert!(matches!(refused(&lost), EncodeError::Invalid { .. }));
}

#[test]
fn a_model_takes_a_level_or_a_budget() {
    let thinking = |model: &str, effort: Option<Effort>, budget_tokens: Option<u32>| ChatCall {
        model: model.into(),
        reasoning: ReasoningSettings {
            effort,
            budget_tokens,
        },
        ..gemini(vec![user("x")])
    };
    let config = |call: &ChatCall| body(call)["generationConfig"]["thinkingConfig"].clone();
    for (call, expected) in [
        (
            thinking("gemini-2.5-flash", None, Some(512)),
            json!({"includeThoughts": true, "thinkingBudget": 512}),
        ),
        (
            thinking("gemini-2.5-flash", Some(Effort::None), None),
            json!({"includeThoughts": false, "thinkingBudget": 0}),
        ),
        (
            thinking("gemini-3.8-flash", Some(Effort::Xhigh), None),
            json!({"includeThoughts": true, "thinkingLevel": "XHIGH"}),
        ),
    ] {
        assert_eq!(config(&call), expected);
    }
    for call in [
        thinking("gemini-2.5-flash", Some(Effort::Low), None),
        thinking("gemini-3.8-flash", None, Some(512)),
        thinking("gemini-3.8-flash", Some(Effort::None), None),
        thinking("gemini-3.8-flash", Some(Effort::Low), Some(1)),
    ] {
        assert!(matches!(refused(&call), EncodeError::Unsupported { .. }));
    }
}

#[test]
fn what_google_does_not_take_is_refused_and_never_dropped() {
    let [_inline, url] = images();
    let turn = |part| gemini(vec![user("x"), Message::Assistant(vec![part])]);
    let with = |change: fn(&mut ChatCall)| {
        let mut call = gemini(vec![user("x")]);
        change(&mut call);
        call
    };
    for call in [
        gemini(vec![Message::User(vec![url])]),
        gemini(vec![user("x"), Message::System(vec!["late".into()])]),
        turn(AssistantPart::Refusal("no".into())),
        with(|call| {
            call.tools = weather();
            call.parallel_tool_calls = Some(false);
        }),
        with(|call| call.tools = weather()),
        with(|call| {
            call.response_format = Some(ResponseFormat {
                strict: Some(false),
                ..book()
            });
        }),
    ] {
        assert!(
            matches!(refused(&call), EncodeError::Unsupported { .. }),
            "{call:?}"
        );
    }
    for call in [
        with(|call| call.temperature = Some("2.1".parse().unwrap())),
        with(|call| call.top_p = Some("1.1".parse().unwrap())),
        with(|call| call.stop = vec!["x".into(); 6]),
        with(|call| call.seed = Some(1 << 40)),
        with(|call| call.model = "../tunedModels/x".into()),
        with(|call| call.model = "gemini?key=x".into()),
        with(|call| {
            call.tools = vec![Tool {
                name: "9lives".parse().unwrap(),
                ..plain_weather().remove(0)
            }];
        }),
    ] {
        assert!(
            matches!(refused(&call), EncodeError::Invalid { .. }),
            "{call:?}"
        );
    }
}

#[test]
fn generation_options_join_the_settings_and_nothing_stored_is_named_on_the_platforms_key() {
    let with = |json: &str, hosted| ChatCall {
        provider_options: options(json),
        max_output_tokens: Some(5),
        hosted,
        ..gemini(vec![user("x")])
    };
    let sent = body(&with(r#"{"generationConfig":{"topK":40.0}}"#, true));
    assert_eq!(
        sent["generationConfig"].to_string(),
        r#"{"maxOutputTokens":5,"topK":40.0}"#
    );
    for taken in [
        r#"{"generationConfig":{"temperature":1}}"#,
        r#"{"generationConfig":{"max_output_tokens":1}}"#,
        r#"{"generation_config":{}}"#,
        r#"{"contents":[]}"#,
        r#"{"system_instruction":{}}"#,
        r#"{"store":true}"#,
    ] {
        assert!(
            matches!(
                refused(&with(taken, false)),
                EncodeError::OptionNotAllowed { .. }
            ),
            "{taken}"
        );
    }
    for own in [
        r#"{"cachedContent":"cachedContents/x"}"#,
        r#"{"cached_content":"cachedContents/x"}"#,
        r#"{"serviceTier":"flex"}"#,
        r#"{"generationConfig":{"audioTimestamp":true}}"#,
    ] {
        assert!(
            matches!(
                refused(&with(own, true)),
                EncodeError::OptionNeedsOwnKey { .. }
            ),
            "{own}"
        );
        body(&with(own, false));
    }
}
