//! Neutral calls of `OpenAI`'s request fixtures.

use super::*;

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
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
                tool_choice: Some(named_tool()),
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
                response_format: Some(book()),
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
