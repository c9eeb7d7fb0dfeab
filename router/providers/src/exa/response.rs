//! Answers of the three endpoints as one neutral answer.

use keyway_words::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Endpoint;
use super::error::within_answer;
use crate::count::{keep_raw, read_object, usd};
use crate::json::JsonText;
use crate::metered::Metered;
use crate::search::{PageFailure, SearchReply, SearchResult};
use crate::wire::DecodeError;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    tag: Option<String>,
    #[serde(default)]
    results: Option<Vec<Page>>,
    #[serde(default)]
    citations: Option<Vec<Page>>,
    #[serde(default)]
    answer: Option<Box<RawValue>>,
    #[serde(default)]
    output: Option<Output>,
    #[serde(default)]
    statuses: Option<Vec<Status>>,
    #[serde(default)]
    warnings: Option<Vec<Hint>>,
    #[serde(default)]
    notices: Option<Vec<Hint>>,
    #[serde(default)]
    cost_dollars: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    url: String,
    title: Option<String>,
    published_date: Option<String>,
    author: Option<String>,
    text: Option<String>,
    highlights: Option<Vec<String>>,
    summary: Option<String>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    content: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Status {
    id: String,
    #[serde(rename = "status")]
    word: String,
    #[serde(default)]
    error: Option<PageError>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PageError {
    tag: String,
    http_status_code: Option<u16>,
}

#[derive(Deserialize)]
struct Hint {
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct Cost {
    #[serde(default)]
    total: Option<Box<RawValue>>,
}

/// Reads an answer of the endpoint.
pub(super) fn search(endpoint: Endpoint, bytes: &[u8]) -> Result<SearchReply, DecodeError> {
    let body: Body =
        serde_json::from_slice(bytes).map_err(|_unparsable| DecodeError::Malformed {
            what: "not an answer to a search",
        })?;
    if let Some(message) = body.error {
        return Err(DecodeError::Provider(Box::new(within_answer(
            message, body.tag,
        ))));
    }
    let pages = match endpoint {
        Endpoint::Answer => body.citations.unwrap_or_default(),
        Endpoint::Search | Endpoint::Contents => body.results.ok_or(DecodeError::Malformed {
            what: "an answer to a search without results",
        })?,
    };
    let written = match endpoint {
        Endpoint::Answer => body.answer,
        Endpoint::Search | Endpoint::Contents => body.output.and_then(|output| output.content),
    };
    let (text, json) = written
        .as_deref()
        .map(text_or_json)
        .transpose()?
        .unwrap_or_default();
    let hints = [body.warnings, body.notices]
        .into_iter()
        .flatten()
        .flatten();
    Ok(SearchReply {
        metered: metered(usage(endpoint, &pages), body.cost_dollars.as_deref()),
        results: pages.into_iter().map(SearchResult::from).collect(),
        answer: text,
        answer_json: json,
        failures: body
            .statuses
            .unwrap_or_default()
            .into_iter()
            .filter_map(failure)
            .collect(),
        warnings: hints.map(|hint| hint.message).collect(),
    })
}

/// An answer is text, or JSON where a schema was given.
fn text_or_json(value: &RawValue) -> Result<(Option<String>, Option<JsonText>), DecodeError> {
    let malformed = DecodeError::Malformed {
        what: "an answer that can't be read",
    };
    if value.get().starts_with('"') {
        let text = serde_json::from_str(value.get()).map_err(|_unparsable| malformed)?;
        return Ok((Some(text), None));
    }
    JsonText::parse(value.get())
        .map(|json| (None, Some(json)))
        .map_err(|_too_large| malformed)
}

/// What is priced: a request with its results and summaries, or pages times kinds of content.
fn usage(endpoint: Endpoint, pages: &[Page]) -> Usage {
    let count = |of: fn(&Page) -> usize| {
        let count = pages.iter().map(of).fold(0, usize::saturating_add);
        u64::try_from(count).ok()
    };
    let requests = Some(1);
    match endpoint {
        Endpoint::Search => Usage {
            requests,
            search_results: count(|_page| 1),
            summaries: count(|page| usize::from(page.summary.is_some())),
            ..Usage::default()
        },
        Endpoint::Contents => Usage {
            requests,
            content_pages: count(Page::kinds_of_content),
            ..Usage::default()
        },
        Endpoint::Answer => Usage {
            requests,
            ..Usage::default()
        },
    }
}

pub(super) fn metered(usage: Usage, cost: Option<&RawValue>) -> Metered {
    let told = cost.map(read_object::<Cost>);
    let is_nonsense = told.as_ref().is_some_and(Option::is_none);
    let total = told.flatten().and_then(|cost| cost.total);
    let provider_cost = total.as_deref().and_then(usd);
    Metered {
        usage: Some(usage),
        complete: true,
        raw: cost.and_then(keep_raw),
        // A figure that is there but makes no sense is not replaced by one of ours.
        flagged: is_nonsense || (total.is_some() && provider_cost.is_none()),
        provider_cost,
        ..Metered::default()
    }
}

fn failure(status: Status) -> Option<PageFailure> {
    let error = status.error.unwrap_or_default();
    (status.word == "error").then_some(PageFailure {
        url: status.id,
        tag: error.tag,
        http_status: error.http_status_code,
    })
}

impl Page {
    fn kinds_of_content(&self) -> usize {
        let kinds = [
            self.text.is_some(),
            self.highlights.is_some(),
            self.summary.is_some(),
        ];
        kinds.into_iter().filter(|is_there| *is_there).count()
    }
}

impl From<Page> for SearchResult {
    fn from(page: Page) -> Self {
        Self {
            url: page.url,
            title: page.title.unwrap_or_default(),
            published_date: page.published_date.unwrap_or_default(),
            author: page.author.unwrap_or_default(),
            text: page.text.unwrap_or_default(),
            highlights: page.highlights.unwrap_or_default(),
            summary: page.summary.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(endpoint: Endpoint, body: &str) -> SearchReply {
        search(endpoint, body.as_bytes()).unwrap()
    }

    #[test]
    fn a_cost_is_exact_absent_or_flagged_but_never_a_float() {
        for (cost, pico, flagged) in [
            (
                r#","costDollars":{"total":0.1}"#,
                Some(100_000_000_000),
                false,
            ),
            (
                r#","costDollars":{"total":7e-3}"#,
                Some(7_000_000_000),
                false,
            ),
            (
                r#","costDollars":{"total":0.30000000000000004}"#,
                Some(300_000_000_000),
                false,
            ),
            (r#","costDollars":{"total":25e-13}"#, Some(2), false),
            (r#","costDollars":{"total":35e-13}"#, Some(4), false),
            (r#","costDollars":{"total":3.5000001e-12}"#, Some(4), false),
            (r#","costDollars":{"total":1e-400}"#, Some(0), false),
            (r#","costDollars":{"total":1e400}"#, None, true),
            (r#","costDollars":{"search":{"neural":0.1}}"#, None, false),
            ("", None, false),
            (r#","costDollars":{"total":"much"}"#, None, true),
            (r#","costDollars":{"total":-1}"#, None, true),
            (r#","costDollars":{"total":null}"#, None, false),
            (r#","costDollars":null"#, None, false),
            (r#","costDollars":0.007"#, None, true),
            (r#","costDollars":"0.007""#, None, true),
            (r#","costDollars":[0.007]"#, None, true),
        ] {
            let metered = reply(Endpoint::Search, &format!(r#"{{"results":[]{cost}}}"#)).metered;
            assert_eq!(
                metered.provider_cost.map(keyway_words::Usd::pico),
                pico,
                "{cost}"
            );
            assert_eq!(metered.flagged, flagged, "{cost}");
        }
    }

    #[test]
    fn a_search_without_hits_is_still_a_request() {
        let usage = reply(Endpoint::Search, r#"{"results":[]}"#)
            .metered
            .usage
            .unwrap();
        assert_eq!((usage.requests, usage.search_results), (Some(1), Some(0)));
    }

    #[test]
    fn pages_count_once_per_kind_of_content() {
        let body =
            r#"{"results":[{"url":"a","text":"t","highlights":["h"]},{"url":"b","text":""}]}"#;
        assert_eq!(
            reply(Endpoint::Contents, body)
                .metered
                .usage
                .unwrap()
                .content_pages,
            Some(3)
        );
    }

    #[test]
    fn an_answer_by_a_schema_is_json_as_it_was_written() {
        let body = r#"{"answer":{"z":1.0,"a":2},"citations":[]}"#;
        let answer = reply(Endpoint::Answer, body);
        assert_eq!(answer.answer_json.unwrap().as_str(), r#"{"z":1.0,"a":2}"#);
        assert_eq!(answer.answer, None);
    }

    #[test]
    fn an_error_inside_a_200_is_one() {
        let body = br#"{"error":"no more credits","tag":"NO_MORE_CREDITS"}"#;
        let Err(DecodeError::Provider(failure)) = search(Endpoint::Search, body) else {
            panic!("no failure");
        };
        assert_eq!(failure.class, crate::FailureClass::KeyExhausted);
    }
}
