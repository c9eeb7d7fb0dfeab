//! The features of embeddings and of searches.

use keyway_proto::router::v1::{EmbedRequest, SearchContents, SearchRequest};
use keyway_proto::vault::v1::CredentialMode;

use super::Feature;

/// One model of a provider.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Name of its case file.
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) model: &'static str,
    /// A field of its own, as `provider_options_json`.
    option: &'static str,
}

pub(super) const EMBEDDINGS: [Endpoint; 3] = [
    Endpoint {
        name: "openai_embeddings",
        title: "OpenAI, embeddings",
        model: "openai/text-embedding-3-small",
        option: r#"{"new_field":1.0}"#,
    },
    Endpoint {
        name: "google_embeddings",
        title: "Google, batchEmbedContents",
        model: "google/gemini-embedding-001",
        option: r#"{"taskType":"RETRIEVAL_DOCUMENT"}"#,
    },
    Endpoint {
        name: "mistral_embeddings",
        title: "Mistral, embeddings",
        model: "mistral/mistral-embed",
        option: r#"{"output_dtype":"float"}"#,
    },
];

pub(super) const SEARCHES: [Endpoint; 1] = [Endpoint {
    name: "exa",
    title: "Exa, search, contents and answer",
    model: "exa/auto",
    option: r#"{"category":"news"}"#,
}];

pub(super) fn embeddings() -> Vec<Feature<EmbedRequest, Endpoint, ()>> {
    let set = Feature::given;
    vec![
        set(
            "a vector",
            &["EmbedRequest.model", "EmbedRequest.inputs"],
            "one text",
            |_, _| {},
        ),
        set(
            "several vectors",
            &["EmbedRequest.inputs"],
            "two texts",
            |request, _| {
                request.inputs.push("another text".to_owned());
            },
        ),
        set(
            "a length of vectors",
            &["EmbedRequest.dimensions"],
            "`dimensions: 8`",
            |request, _| request.dimensions = Some(8),
        ),
        set(
            "a user of the caller's",
            &["EmbedRequest.end_user"],
            "`end_user: \"u-9f2c\"`",
            |request, _| request.end_user = "u-9f2c".into(),
        ),
        set(
            "fields of the provider's own",
            &["EmbedRequest.provider_options_json"],
            "`provider_options_json`",
            |request, endpoint| request.provider_options_json = endpoint.option.into(),
        ),
        set(
            "what stays with Keyway",
            &[
                "EmbedRequest.labels",
                "EmbedRequest.request_id",
                "EmbedRequest.credential_mode",
            ],
            "`labels`, `request_id`, `credential_mode: OWN_ONLY`",
            |request, _| {
                request.labels.insert("team".to_owned(), "red".to_owned());
                request.request_id = "feature".into();
                request.credential_mode = CredentialMode::OwnOnly.into();
            },
        ),
        set(
            "an empty text",
            &["EmbedRequest.inputs"],
            "`inputs: [\"\"]`",
            |request, _| request.inputs = vec![String::new()],
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, one entry per feature")]
pub(super) fn searches() -> Vec<Feature<SearchRequest, Endpoint, ()>> {
    let set = Feature::given;
    vec![
        set(
            "a search",
            &["SearchRequest.model", "SearchRequest.query"],
            "`query`",
            |_, _| {},
        ),
        set(
            "a kind of search",
            &["SearchRequest.model"],
            "`model: \"exa/deep\"`",
            |request, _| request.model = "exa/deep".into(),
        ),
        set(
            "so many results",
            &["SearchRequest.max_results"],
            "`max_results: 2`",
            |request, _| request.max_results = 2,
        ),
        set(
            "domains",
            &["SearchRequest.include_domains"],
            "`include_domains`",
            |request, _| request.include_domains = vec!["example.com".to_owned()],
        ),
        set(
            "domains left out",
            &["SearchRequest.exclude_domains"],
            "`exclude_domains`",
            |request, _| request.exclude_domains = vec!["example.org".to_owned()],
        ),
        set(
            "a time",
            &[
                "SearchRequest.published_after",
                "SearchRequest.published_before",
            ],
            "`published_after` and `published_before`",
            |request, _| {
                request.published_after = "2026-01-01T00:00:00Z".into();
                request.published_before = "2026-02-01T00:00:00Z".into();
            },
        ),
        set(
            "what to return",
            &[
                "SearchRequest.contents",
                "SearchContents.text",
                "SearchContents.text_max_characters",
                "SearchContents.highlights",
                "SearchContents.summary",
            ],
            "text of at most 500 characters, highlights and a summary",
            |request, _| {
                request.contents = Some(SearchContents {
                    text: true,
                    text_max_characters: 500,
                    highlights: true,
                    summary: true,
                });
            },
        ),
        set(
            "an answer by a schema",
            &["SearchRequest.output_schema_json"],
            "`output_schema_json`",
            |request, _| {
                request.model = "exa/deep".into();
                request.output_schema_json = r#"{"type":"object","properties":{"winner":{"type":"string"}},"required":["winner"]}"#.into();
            },
        ),
        set(
            "pages",
            &["SearchRequest.urls"],
            "`model: \"exa/contents\"` and `urls`",
            |request, _| {
                request.model = "exa/contents".into();
                request.query = String::new();
                request.urls = vec!["https://example.com/p1".to_owned()];
                request.contents = Some(SearchContents {
                    text: true,
                    ..SearchContents::default()
                });
            },
        ),
        set(
            "an answer",
            &["SearchRequest.model"],
            "`model: \"exa/answer\"`",
            |request, _| request.model = "exa/answer".into(),
        ),
        set(
            "a user of the caller's",
            &["SearchRequest.end_user"],
            "`end_user: \"u-9f2c\"`",
            |request, _| request.end_user = "u-9f2c".into(),
        ),
        set(
            "fields of the provider's own",
            &["SearchRequest.provider_options_json"],
            "`provider_options_json`",
            |request, endpoint| request.provider_options_json = endpoint.option.into(),
        ),
        set(
            "what stays with Keyway",
            &[
                "SearchRequest.labels",
                "SearchRequest.request_id",
                "SearchRequest.credential_mode",
            ],
            "`labels`, `request_id`, `credential_mode: OWN_ONLY`",
            |request, _| {
                request.labels.insert("team".to_owned(), "red".to_owned());
                request.request_id = "feature".into();
                request.credential_mode = CredentialMode::OwnOnly.into();
            },
        ),
    ]
}
