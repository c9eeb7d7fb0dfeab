//! What Exa documents that it refuses, each with a 400:
//!
//! - a field that is not known, no `query`, no `urls`; unknown types and categories (`keyword` is gone);
//! - `numResults` outside 1–100; dates that are not ISO 8601; more than one text of 5 words in
//!   `includeText` and `excludeText`; `objective` above 4096, `userIdentifier` outside 1–64;
//! - `additionalQueries` (at most 5), `outputSchema` and `systemPrompt` but on the deep types;
//! - with `lite` what it does not support: summaries, `category`, the text filters, `objective`.
//!
//! `startCrawlDate` and `endCrawlDate` are ignored with a warning.

use serde_json::{Value, json};

use crate::exa::Fault;
use crate::request::Request;

const SEARCH: [&str; 21] = [
    "query",
    "type",
    "numResults",
    "includeDomains",
    "excludeDomains",
    "startPublishedDate",
    "endPublishedDate",
    "startCrawlDate",
    "endCrawlDate",
    "includeText",
    "excludeText",
    "category",
    "userLocation",
    "moderation",
    "objective",
    "userIdentifier",
    "contents",
    "additionalQueries",
    "outputSchema",
    "systemPrompt",
    "stream",
];
const CONTENTS: [&str; 13] = [
    "urls",
    "ids",
    "text",
    "highlights",
    "summary",
    "subpages",
    "subpageTarget",
    "livecrawlTimeout",
    "maxAgeHours",
    "livecrawl",
    "extras",
    "context",
    "snapshotAsOf",
];
const SIMILAR: [&str; 13] = [
    "url",
    "numResults",
    "includeDomains",
    "excludeDomains",
    "excludeSourceDomain",
    "startPublishedDate",
    "endPublishedDate",
    "startCrawlDate",
    "endCrawlDate",
    "includeText",
    "excludeText",
    "category",
    "contents",
];
const ANSWER: [&str; 7] = [
    "query",
    "text",
    "stream",
    "systemPrompt",
    "outputSchema",
    "model",
    "userLocation",
];
const TYPES: [&str; 8] = [
    "lite",
    "auto",
    "deep",
    "fast",
    "instant",
    "neural",
    "deep-lite",
    "deep-reasoning",
];
const CATEGORIES: [&str; 6] = [
    "company",
    "news",
    "publication",
    "personal site",
    "financial report",
    "people",
];
const DEEP_ONLY: [&str; 3] = ["additionalQueries", "outputSchema", "systemPrompt"];
const NOT_LITE: [&str; 4] = ["category", "includeText", "excludeText", "objective"];

pub(super) fn search(request: &Request) -> Result<(), Fault> {
    known(request, &SEARCH)?;
    query(request)?;
    let body = &request.body;
    let kind = body["type"].as_str().unwrap_or("auto");
    if (request.has("type") && !body["type"].is_string()) || !TYPES.contains(&kind) {
        return Err(format!("type must be one of {TYPES:?}"));
    }
    for_type(request, kind)?;
    number_of_results(body)?;
    if request.has("category")
        && !body["category"]
            .as_str()
            .is_some_and(|name| CATEGORIES.contains(&name))
    {
        return Err(format!("category must be one of {CATEGORIES:?}"));
    }
    texts(body)
}

/// Pages like one.
pub(super) fn similar(request: &Request) -> Result<(), Fault> {
    known(request, &SIMILAR)?;
    if !request.body["url"].is_string() {
        return Err("url must be a URL".to_owned());
    }
    number_of_results(&request.body)?;
    texts(&request.body)
}

fn number_of_results(body: &Value) -> Result<(), Fault> {
    let number = &body["numResults"];
    let some = number
        .as_u64()
        .is_some_and(|count| (1..=100).contains(&count));
    if number.is_null() || some {
        return Ok(());
    }
    Err("numResults must be an integer from 1 to 100".to_owned())
}

fn for_type(request: &Request, kind: &str) -> Result<(), Fault> {
    let deep = DEEP_ONLY
        .into_iter()
        .find(|field| request.has(field) && !kind.starts_with("deep"));
    if let Some(field) = deep {
        return Err(format!("{field} is only supported with type deep"));
    }
    let lite = NOT_LITE
        .into_iter()
        .find(|field| request.has(field) && kind == "lite");
    let summary = (kind == "lite" && wanted(&request.body["contents"]["summary"]))
        .then_some("contents.summary");
    lite.or(summary).map_or(Ok(()), |field| {
        Err(format!("{field} is not supported with type lite"))
    })
}

fn texts(body: &Value) -> Result<(), Fault> {
    for field in ["startPublishedDate", "endPublishedDate"] {
        if !body[field].is_null() && !body[field].as_str().is_some_and(date) {
            return Err(format!("{field} must be an ISO 8601 date"));
        }
    }
    for field in ["includeText", "excludeText"] {
        let list = body[field].as_array();
        let good = |list: &Vec<Value>| {
            list.len() <= 1
                && list.iter().all(|text| {
                    text.as_str()
                        .is_some_and(|text| text.split_whitespace().count() <= 5)
                })
        };
        if !body[field].is_null() && !list.is_some_and(good) {
            return Err(format!("{field} takes one text of at most 5 words"));
        }
    }
    if body["additionalQueries"]
        .as_array()
        .is_some_and(|list| list.len() > 5)
    {
        return Err("additionalQueries takes at most 5".to_owned());
    }
    if body["objective"]
        .as_str()
        .is_some_and(|text| text.len() > 4096)
    {
        return Err("objective is at most 4096 characters".to_owned());
    }
    if body["userIdentifier"]
        .as_str()
        .is_some_and(|text| !(1..=64).contains(&text.len()))
    {
        return Err("userIdentifier is 1 to 64 characters".to_owned());
    }
    Ok(())
}

/// `2026-01-31`, with or without a time behind it.
fn date(text: &str) -> bool {
    let day = text.split('T').next().unwrap_or_default();
    let lengths: Vec<usize> = day.split('-').map(str::len).collect();
    lengths == [4, 2, 2] && day.chars().all(|c| c == '-' || c.is_ascii_digit())
}

pub(super) fn contents(request: &Request) -> Result<(), Fault> {
    known(request, &CONTENTS)?;
    let urls = request.body["urls"]
        .as_array()
        .or_else(|| request.body["ids"].as_array());
    let good = |urls: &Vec<Value>| !urls.is_empty() && urls.iter().all(Value::is_string);
    if urls.is_some_and(good) {
        Ok(())
    } else {
        Err("urls is required".to_owned())
    }
}

pub(super) fn answer(request: &Request) -> Result<(), Fault> {
    known(request, &ANSWER)?;
    query(request)
}

fn query(request: &Request) -> Result<(), Fault> {
    let query = request.body["query"].as_str().unwrap_or_default();
    if query.trim().is_empty() {
        Err("query is required".to_owned())
    } else {
        Ok(())
    }
}

fn known(request: &Request, fields: &[&str]) -> Result<(), Fault> {
    let unknown = request
        .fields()
        .find(|(name, _)| !fields.contains(&name.as_str()));
    unknown.map_or(Ok(()), |(name, _)| Err(format!("Unrecognized key: {name}")))
}

/// An option like `true` or `{…}`.
pub(super) fn wanted(option: &Value) -> bool {
    *option == true || option.is_object()
}

pub(super) fn warnings(request: &Request) -> Vec<Value> {
    let ignored = [
        ("startCrawlDate", "startPublishedDate"),
        ("endCrawlDate", "endPublishedDate"),
    ];
    let ignored = ignored.into_iter().filter(|(field, _)| request.has(field));
    let warning = ignored.map(|(field, other)| {
        json!({
            "code": "IGNORED_FIELD",
            "path": format!("/{field}"),
            "message": format!("{field} has no effect. Use {other}."),
        })
    });
    warning.collect()
}
