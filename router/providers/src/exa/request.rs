//! A neutral search as a request of one of the three endpoints.

use serde::Serialize;

use super::Endpoint;
use crate::json::{JsonObject, ProviderOptions};
use crate::options::{self, Rules};
use crate::search::{Contents, SearchCall};
use crate::wire::{EncodeError, WireRequest};

/// Options of all three endpoints. The provider reports what a call costs, options included.
const OPTIONS: Rules = Rules {
    taken: &[
        "query",
        "type",
        "numResults",
        "includeDomains",
        "excludeDomains",
        "startPublishedDate",
        "endPublishedDate",
        "contents",
        "urls",
        "ids",
        "text",
        "highlights",
        "summary",
        "outputSchema",
        "userIdentifier",
    ],
    hosted: &[
        "category",
        "includeText",
        "excludeText",
        "userLocation",
        "moderation",
        "objective",
        "additionalQueries",
        "systemPrompt",
        "livecrawlTimeout",
        "maxAgeHours",
    ],
};

/// Writes the request. A field that the endpoint has not is refused.
pub(super) fn search(call: &SearchCall) -> Result<WireRequest, EncodeError> {
    check(call)?;
    options::check(&call.provider_options, &OPTIONS, call.hosted)?;
    match Endpoint::of(&call.model) {
        Endpoint::Search => WireRequest::post("/search", &SearchBody::of(call)),
        Endpoint::Contents => WireRequest::post("/contents", &ContentsBody::of(call)),
        Endpoint::Answer => WireRequest::post("/answer", &AnswerBody::of(call)),
    }
}

fn check(call: &SearchCall) -> Result<(), EncodeError> {
    let endpoint = Endpoint::of(&call.model);
    let invalid = |field, accepted| Err(EncodeError::Invalid { field, accepted });
    for (field, is_set, taken_by) in fields(call) {
        if is_set && !taken_by.contains(&endpoint) {
            let why = "this kind of search does not take it";
            return Err(EncodeError::Unsupported { field, why });
        }
    }
    if endpoint == Endpoint::Contents {
        if !(1..=100).contains(&call.urls.len()) {
            return invalid("urls", "1 to 100 pages");
        }
    } else if call.query.is_empty() {
        return invalid("query", "a text that is not empty");
    }
    if call
        .max_results
        .is_some_and(|count| !(1..=100).contains(&count))
    {
        return invalid("max_results", "1 to 100");
    }
    if call.contents.text_max_characters.is_some() && !call.contents.text {
        return invalid(
            "contents.text_max_characters",
            "unset without contents.text",
        );
    }
    if call.output_schema.is_some()
        && endpoint == Endpoint::Search
        && !call.model.starts_with("deep")
    {
        let why = "only the kinds `deep` and `answer` take a schema";
        return Err(EncodeError::Unsupported {
            field: "output_schema_json",
            why,
        });
    }
    match &call.end_user {
        Some(user) if user.chars().count() > 64 => {
            invalid("end_user", "at most 64 characters with this provider")
        }
        _short_or_none => Ok(()),
    }
}

/// Every field that not all endpoints take: whether the call sets it, and who takes it.
fn fields(call: &SearchCall) -> [(&'static str, bool, &'static [Endpoint]); 11] {
    use Endpoint::{Answer, Contents, Search};
    let contents = call.contents;
    [
        ("query", !call.query.is_empty(), &[Search, Answer]),
        ("urls", !call.urls.is_empty(), &[Contents]),
        ("max_results", call.max_results.is_some(), &[Search]),
        (
            "include_domains",
            !call.include_domains.is_empty(),
            &[Search],
        ),
        (
            "exclude_domains",
            !call.exclude_domains.is_empty(),
            &[Search],
        ),
        ("published_after", call.published_after.is_some(), &[Search]),
        (
            "published_before",
            call.published_before.is_some(),
            &[Search],
        ),
        (
            "contents.text_max_characters",
            contents.text_max_characters.is_some(),
            &[Search, Contents],
        ),
        (
            "contents.highlights",
            contents.highlights,
            &[Search, Contents],
        ),
        ("contents.summary", contents.summary, &[Search, Contents]),
        (
            "output_schema_json",
            call.output_schema.is_some(),
            &[Search, Answer],
        ),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchBody<'c> {
    query: &'c str,
    r#type: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    num_results: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    include_domains: &'c [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    exclude_domains: &'c [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    start_published_date: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_published_date: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contents: Option<WireContents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'c JsonObject>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_identifier: Option<&'c str>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

impl<'c> SearchBody<'c> {
    fn of(call: &'c SearchCall) -> Self {
        let contents = (call.contents != Contents::default()).then(|| call.contents.into());
        Self {
            query: &call.query,
            r#type: &call.model,
            num_results: call.max_results,
            include_domains: &call.include_domains,
            exclude_domains: &call.exclude_domains,
            start_published_date: call.published_after.as_deref(),
            end_published_date: call.published_before.as_deref(),
            contents,
            output_schema: call.output_schema.as_ref(),
            user_identifier: call.end_user.as_deref(),
            options: &call.provider_options,
        }
    }
}

#[derive(Serialize)]
struct ContentsBody<'c> {
    urls: &'c [String],
    #[serde(flatten)]
    contents: WireContents,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

impl<'c> ContentsBody<'c> {
    fn of(call: &'c SearchCall) -> Self {
        let contents = call.contents.into();
        Self {
            urls: &call.urls,
            contents,
            options: &call.provider_options,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerBody<'c> {
    query: &'c str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    text: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_schema: Option<&'c JsonObject>,
    #[serde(flatten)]
    options: &'c ProviderOptions,
}

impl<'c> AnswerBody<'c> {
    fn of(call: &'c SearchCall) -> Self {
        Self {
            query: &call.query,
            text: call.contents.text,
            output_schema: call.output_schema.as_ref(),
            options: &call.provider_options,
        }
    }
}

#[derive(Serialize)]
struct WireContents {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    highlights: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    summary: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Text {
    Whole(bool),
    Bounded {
        #[serde(rename = "maxCharacters")]
        max_characters: u32,
    },
}

impl From<Contents> for WireContents {
    fn from(contents: Contents) -> Self {
        let bounded = |max_characters| Text::Bounded { max_characters };
        let text = contents
            .text_max_characters
            .map_or(Text::Whole(true), bounded);
        Self {
            text: contents.text.then_some(text),
            highlights: contents.highlights,
            summary: contents.summary,
        }
    }
}

#[cfg(test)]
mod tests;
