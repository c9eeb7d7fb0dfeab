use super::*;
use crate::provider::Provider;
use crate::request::tests::of;

fn reply(path: &str, body: &Value, action: &Action) -> (u16, String) {
    let reply = answer(&of(Provider::Exa, path, &body.to_string()), action);
    (reply.status, String::from_utf8(reply.body()).unwrap())
}

fn parsed(path: &str, body: &Value) -> Value {
    let (status, text) = reply(path, body, &Action::default());
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_request_fixture_is_accepted() {
    for (path, name) in [
        ("/search", "search_plain"),
        ("/search", "search_contents"),
        ("/search", "search_deep"),
        ("/contents", "contents"),
        ("/answer", "answer"),
        ("/answer", "answer_stream"),
    ] {
        let body = fixtures::json(&format!("exa/{name}.request.json"));
        assert!(body.is_object(), "{name}");
        assert_eq!(reply(path, &body, &Action::default()).0, 200, "{name}");
    }
}

#[test]
fn results_and_cost_follow_from_the_request() {
    let body = parsed(
        "/search",
        &json!({"query": "rust", "numResults": 12, "contents": {"summary": true}}),
    );
    assert_eq!(body["results"].as_array().unwrap().len(), 12);
    let (_, text) = reply(
        "/search",
        &json!({"query": "rust", "numResults": 12, "contents": {"summary": true}}),
        &Action::default(),
    );
    assert!(text.contains(r#""costDollars":{"total":0.021,"search":{"neural":0.009},"contents":{"summary":0.012}}"#), "{text}");
    let empty = parsed("/search", &json!({"query": "[sim:empty]"}));
    assert_eq!(
        (
            empty["results"].as_array().unwrap().len(),
            &empty["costDollars"]["total"]
        ),
        (0, &json!(0.007))
    );
}

#[test]
fn failed_pages_are_told_and_not_billed() {
    let body = parsed(
        "/contents",
        &json!({"urls": ["https://a.example/x", "https://a.example/gone"], "text": true}),
    );
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    assert_eq!(body["statuses"][1]["error"]["httpStatusCode"], 404);
    assert_eq!(body["costDollars"]["total"], 0.001);
}

#[test]
fn a_streamed_answer_joins_to_the_unary_one() {
    let whole = parsed("/answer", &json!({"query": "why?"}));
    let (_, text) = reply(
        "/answer",
        &json!({"query": "why?", "stream": true}),
        &Action::default(),
    );
    let events = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    let events: Vec<Value> = events.collect();
    let joined: String = events
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(whole["answer"], joined);
    assert_eq!(events.last().unwrap()["costDollars"]["total"], 0.005);
}

#[test]
fn a_scripted_cost_is_written_as_it_stands_or_left_out() {
    let action = Action {
        cost: Some("0.00700000000000000001".to_owned()),
        ..Action::default()
    };
    assert!(
        reply("/search", &json!({"query": "x"}), &action)
            .1
            .contains(r#"{"total":0.00700000000000000001}"#)
    );
    let action = Action {
        no_usage: true,
        ..Action::default()
    };
    assert!(
        !reply("/search", &json!({"query": "x"}), &action)
            .1
            .contains("costDollars")
    );
}

#[test]
fn what_is_documented_as_refused_is_refused() {
    for (path, body, word) in [
        ("/search", json!({}), "query is required"),
        ("/search", json!({"query": "x", "type": "keyword"}), "type"),
        (
            "/search",
            json!({"query": "x", "numResults": 101}),
            "numResults",
        ),
        ("/search", json!({"query": "x", "limit": 5}), "limit"),
        (
            "/search",
            json!({"query": "x", "category": "tweets"}),
            "category",
        ),
        (
            "/search",
            json!({"query": "x", "outputSchema": {}}),
            "outputSchema",
        ),
        (
            "/search",
            json!({"query": "x", "type": "lite", "contents": {"summary": true}}),
            "summary",
        ),
        (
            "/search",
            json!({"query": "x", "includeText": ["a", "b"]}),
            "includeText",
        ),
        (
            "/search",
            json!({"query": "x", "startPublishedDate": "yesterday"}),
            "startPublishedDate",
        ),
        (
            "/search",
            json!({"query": "x", "type": "deep", "additionalQueries": ["1", "2", "3", "4", "5", "6"]}),
            "additionalQueries",
        ),
        ("/contents", json!({}), "urls"),
        ("/answer", json!({"query": " "}), "query"),
    ] {
        let (status, text) = reply(path, &body, &Action::default());
        assert_eq!(status, 400, "{body}");
        assert!(text.contains(word), "{body}: {text}");
    }
    let ignored = parsed(
        "/search",
        &json!({"query": "x", "startCrawlDate": "2026-01-01"}),
    );
    assert_eq!(ignored["warnings"][0]["code"], "IGNORED_FIELD");
    assert_eq!(reply("/find", &json!({}), &Action::default()).0, 404);
}
