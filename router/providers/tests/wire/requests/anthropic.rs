//! Neutral calls of Anthropic's request fixtures.

use super::*;

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
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
                tool_choice: Some(named_tool()),
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
                response_format: Some(book()),
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
