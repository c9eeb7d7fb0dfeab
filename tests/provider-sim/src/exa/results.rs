//! Pages that are found. They follow from the request: as many as were asked for (10 without a
//! number), none with `[sim:empty]` in the query; a URL with `gone` in it can't be fetched.

use serde_json::{Value, json};

use crate::exa::check::wanted;
use crate::request::Request;
use crate::{fixtures, schema};

/// The results of a search.
pub(super) fn found(request: &Request) -> Vec<Value> {
    let body = &request.body;
    let query = body["query"].as_str().unwrap_or_default();
    let count = if query.contains("[sim:empty]") {
        0
    } else {
        body["numResults"].as_u64().unwrap_or(10)
    };
    let domain = body["includeDomains"][0].as_str().unwrap_or("example.com");
    let page = |number| {
        page(
            &format!("https://{domain}/p{number}"),
            &format!("Page {number} about {query}"),
            &body["contents"],
        )
    };
    (1..=count).map(page).collect()
}

/// The pages that could be fetched, and the state of each.
pub(super) fn pages(request: &Request) -> (Vec<Value>, Vec<Value>) {
    let body = &request.body;
    let urls = body["urls"].as_array().or_else(|| body["ids"].as_array());
    let urls: Vec<&str> = urls
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let gone = |url: &&str| url.contains("gone");
    let fixture = fixtures::json("exa/contents.response.json");
    let status = |url: &&str| {
        let mut status = fixture["statuses"][usize::from(gone(url))].clone();
        status["id"] = json!(url);
        status
    };
    let mut options = body.clone();
    for kind in kinds(body) {
        if options[kind].is_null() {
            options[kind] = json!(true);
        }
    }
    let there = urls.iter().filter(|url| !gone(url));
    (
        there
            .map(|url| page(url, &format!("Page at {url}"), &options))
            .collect(),
        urls.iter().map(status).collect(),
    )
}

/// The kinds of content that are asked for; text if none is.
pub(super) fn kinds(body: &Value) -> Vec<&'static str> {
    let asked: Vec<&str> = ["text", "highlights", "summary"]
        .into_iter()
        .filter(|kind| wanted(&body[*kind]))
        .collect();
    if asked.is_empty() {
        vec!["text"]
    } else {
        asked
    }
}

fn page(url: &str, title: &str, options: &Value) -> Value {
    let mut page = fixtures::json("exa/search_plain.response.json")["results"][0].take();
    page["id"] = json!(url);
    page["url"] = json!(url);
    page["title"] = json!(title);
    if wanted(&options["text"]) {
        let most = options["text"]["maxCharacters"]
            .as_u64()
            .and_then(|most| usize::try_from(most).ok());
        let text = format!("Full text of {url}.");
        page["text"] = json!(
            text.chars()
                .take(most.unwrap_or(usize::MAX))
                .collect::<String>()
        );
    }
    if wanted(&options["highlights"]) {
        page["highlights"] = json!([format!("A highlight of {url}.")]);
        page["highlightScores"] = json!([0.71]);
    }
    if wanted(&options["summary"]) {
        page["summary"] = json!(format!("A summary of {url}."));
    }
    page
}

/// The `output` of a deep search.
pub(super) fn output(request: &Request, results: &[Value]) -> Value {
    let source = results.first().map_or(
        Value::Null,
        |page| json!([{"url": page["url"], "title": page["title"]}]),
    );
    let content = said(request);
    let grounding = if source.is_null() {
        json!([])
    } else {
        json!([{"field": "content", "citations": source, "confidence": "high"}])
    };
    json!({"content": content, "grounding": grounding})
}

/// The answer: a text, or a value that fits `outputSchema`.
pub(super) fn said(request: &Request) -> Value {
    match &request.body["outputSchema"] {
        schema @ Value::Object(_) => schema::instance(schema),
        _ => json!(format!(
            "You asked: {}",
            request.body["query"].as_str().unwrap_or_default()
        )),
    }
}

/// The sources of an answer.
pub(super) fn citations(request: &Request) -> Vec<Value> {
    let mut citation = fixtures::json("exa/answer.response.json")["citations"][0].take();
    if let Some(fields) = citation
        .as_object_mut()
        .filter(|_| request.body["text"] != true)
    {
        fields.shift_remove("text");
    }
    vec![citation]
}
