//! Neutral calls of Exa's request fixtures.

use super::*;

#[expect(clippy::too_many_lines, reason = "a table, one entry per fixture")]
pub(super) fn cases() -> Vec<(&'static str, Call, Vec<Difference>)> {
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
