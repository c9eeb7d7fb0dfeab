//! Answers of searches.

use serde_json::Value;

use crate::manifest::{Row, rows};

pub(crate) fn tested_ids() -> Vec<String> {
    searches().map(|row| row.id).collect()
}

fn searches() -> impl Iterator<Item = Row> {
    rows("response")
        .into_iter()
        .filter(|row| row.id.starts_with("exa/"))
}

#[test]
fn every_answer_to_a_search_reads_as_expected() {
    for row in searches() {
        let model = match row.endpoint.as_str() {
            "POST /contents" => "contents",
            "POST /answer" => "answer",
            _search => "auto",
        };
        let reply = row.adapter().search_reply(model, &row.bytes()).unwrap();
        let id = &row.id;
        let list = |name: &str| -> Option<Vec<&str>> {
            Some(
                row.expect[name]
                    .as_array()?
                    .iter()
                    .filter_map(Value::as_str)
                    .collect(),
            )
        };
        let urls: Vec<&str> = reply
            .results
            .iter()
            .map(|result| result.url.as_str())
            .collect();
        assert_eq!(urls, list("urls").unwrap(), "{id}");
        if let Some(texts) = list("texts") {
            let given: Vec<&str> = reply
                .results
                .iter()
                .map(|page| page.text.as_str())
                .collect();
            assert_eq!(given, texts, "{id}");
        }
        let failed: Vec<&str> = reply
            .failures
            .iter()
            .map(|page| page.url.as_str())
            .collect();
        assert_eq!(failed, list("failed").unwrap_or_default(), "{id}");
        let hints = ["warnings", "notices"].map(|name| row.expect[name].as_u64().unwrap_or(0));
        assert_eq!(
            reply.warnings.len() as u64,
            hints.iter().sum::<u64>(),
            "{id}"
        );
        assert_eq!(
            reply.answer.as_deref(),
            row.expect["answer"].as_str(),
            "{id}"
        );
        let output = reply.answer_json.map(|json| json.as_str().to_owned());
        let output = output.map(|json| serde_json::from_str::<Value>(&json).unwrap());
        assert_eq!(output.unwrap_or_default(), row.expect["output"], "{id}");
        let cost = row.expect["cost"].as_str().unwrap().parse().unwrap();
        assert_eq!(reply.metered.provider_cost, Some(cost), "{id}");
        assert!(reply.metered.complete && !reply.metered.flagged, "{id}");
    }
}

#[test]
fn requests_results_pages_and_summaries_are_counted() {
    for (id, results, pages, summaries) in [
        ("exa/search_plain.response", Some(2), None, Some(0)),
        ("exa/search_contents.response", Some(2), None, Some(2)),
        ("exa/search_empty.response", Some(0), None, Some(0)),
        ("exa/contents.response", None, Some(1), None),
        ("exa/answer.response", None, None, None),
    ] {
        let row = searches().find(|row| row.id == id).unwrap();
        let model = row.endpoint.trim_start_matches("POST /");
        let usage = row
            .adapter()
            .search_reply(model, &row.bytes())
            .unwrap()
            .metered
            .usage
            .unwrap();
        assert_eq!(usage.requests, Some(1), "{id}");
        assert_eq!(usage.search_results, results, "{id}");
        assert_eq!(usage.content_pages, pages, "{id}");
        assert_eq!(usage.summaries, summaries, "{id}");
    }
}
