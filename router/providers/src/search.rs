//! The neutral web search and its answer.

use crate::json::{JsonObject, JsonText, ProviderOptions};
use crate::metered::Metered;

/// A web search.
#[derive(Debug, Clone, Default)]
pub struct SearchCall {
    /// Kind of search in the provider's spelling, such as `auto`, `deep`, `contents` or `answer`.
    pub model: String,
    /// What to look for; empty where pages are named.
    pub query: String,
    /// How many results; `None`: the provider's default.
    pub max_results: Option<u32>,
    /// Only these domains.
    pub include_domains: Vec<String>,
    /// Not these domains.
    pub exclude_domains: Vec<String>,
    /// Published at or after, RFC 3339.
    pub published_after: Option<String>,
    /// Published at or before, RFC 3339.
    pub published_before: Option<String>,
    /// What to return of each page.
    pub contents: Contents,
    /// Pages to read, where pages are named.
    pub urls: Vec<String>,
    /// JSON schema of the answer.
    pub output_schema: Option<JsonObject>,
    /// The caller's own user, opaque; goes to providers that take one.
    pub end_user: Option<String>,
    /// Further fields of the provider's own request.
    pub provider_options: ProviderOptions,
    /// Whether it runs on the platform's key; see [`crate::chat::ChatCall::hosted`].
    pub hosted: bool,
}

/// What to return of each page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Text of the page.
    pub text: bool,
    /// Upper bound of that text in characters; `None`: the provider's default.
    pub text_max_characters: Option<u32>,
    /// Passages that fit the query.
    pub highlights: bool,
    /// A summary; costs extra.
    pub summary: bool,
}

/// The answer of a search.
#[derive(Debug, Clone)]
pub struct SearchReply {
    /// Results in the provider's order.
    pub results: Vec<SearchResult>,
    /// Answer as text, where one was asked for.
    pub answer: Option<String>,
    /// Answer as JSON, where a schema was given.
    pub answer_json: Option<JsonText>,
    /// Pages that could not be read.
    pub failures: Vec<PageFailure>,
    /// Hints of the provider.
    pub warnings: Vec<String>,
    /// What was measured.
    pub metered: Metered,
}

/// One result. Empty text means that the provider gave none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchResult {
    /// Address of the page.
    pub url: String,
    /// Title.
    pub title: String,
    /// When it was published, as the provider spells it.
    pub published_date: String,
    /// Author.
    pub author: String,
    /// Text of the page.
    pub text: String,
    /// Passages that fit the query.
    pub highlights: Vec<String>,
    /// Summary.
    pub summary: String,
}

/// A page that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageFailure {
    /// Address of the page.
    pub url: String,
    /// The provider's tag.
    pub tag: String,
    /// Status that the page answered, if it answered.
    pub http_status: Option<u16>,
}
