use super::*;
use crate::request::tests::openai as request;
use crate::{fixtures, openai};

fn reply(body: &Value, action: &Action) -> Reply {
    openai::answer(&request("/v1/responses", &body.to_string()), action)
}

fn parsed(body: &Value, action: &Action) -> Value {
    serde_json::from_slice(&reply(body, action).body()).unwrap()
}

fn events(body: &Value, action: &Action) -> Vec<Value> {
    let mut body = body.clone();
    body["stream"] = json!(true);
    let text = String::from_utf8(reply(&body, action).body()).unwrap();
    let events = text.split("\n\n").filter(|event| !event.is_empty());
    events
        .map(|event| {
            let (name, data) = event.split_once("\ndata: ").unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        })
        .collect()
}

fn action(text: &str) -> Action {
    serde_json::from_str(text).unwrap()
}

fn tool() -> Value {
    json!([{"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}])
}

#[test]
fn every_request_fixture_is_accepted() {
    for name in [
        "plain",
        "plain_stream",
        "tool_parallel",
        "tool_result",
        "reasoning",
        "json_schema",
        "image",
    ] {
        let body = fixtures::json(&format!("openai/responses_{name}.request.json"));
        assert!(body.is_object(), "{name}");
        let reply = reply(&body, &Action::default());
        assert_eq!(
            reply.status,
            200,
            "{name} {:?}",
            String::from_utf8(reply.body())
        );
    }
}

#[test]
fn it_counts_and_answers_as_the_chat_that_asks_the_same() {
    let body = parsed(
        &json!({"model": "gpt-4.1-mini", "instructions": "Terse.", "input": "hello"}),
        &Action::default(),
    );
    assert_eq!(body["output"][0]["content"][0]["text"], "You said: hello");
    assert_eq!(
        (
            &body["usage"]["input_tokens"],
            &body["usage"]["output_tokens"]
        ),
        (&json!(10), &json!(4))
    );
    assert_eq!(
        (&body["status"], &body["model"]),
        (&json!("completed"), &json!("gpt-4.1-mini-2025-04-14"))
    );
}

#[test]
fn the_stream_is_the_whole_answer_in_numbered_events() {
    let ask = json!({"model": "gpt-5.6-sol", "input": "f please", "tools": tool(), "store": false,
        "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]});
    let all = events(&ask, &Action::default());
    assert!(
        all.iter()
            .enumerate()
            .all(|(at, event)| event["sequence_number"] == at)
    );
    let last = &all.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"], parsed(&ask, &Action::default()));
    let done = all
        .iter()
        .filter(|event| event["type"] == "response.output_item.done");
    let items: Vec<Value> = done.map(|event| event["item"].clone()).collect();
    assert_eq!(json!(items), last["response"]["output"]);
    let arguments: String = all
        .iter()
        .filter(|event| event["type"] == "response.function_call_arguments.delta")
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(json!(arguments), items[1]["arguments"]);
}

#[test]
fn reasoning_must_come_back_before_its_call() {
    let ask = json!({"model": "gpt-5.6-sol", "input": [{"role": "user", "content": "f please"}], "tools": tool(), "store": false,
        "reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]});
    let output = parsed(&ask, &Action::default())["output"]
        .as_array()
        .unwrap()
        .clone();
    let result =
        json!({"type": "function_call_output", "call_id": output[1]["call_id"], "output": "18 C"});
    let go_on = |items: &[&Value]| {
        let mut ask = ask.clone();
        ask["input"]
            .as_array_mut()
            .unwrap()
            .extend(items.iter().map(|item| (*item).clone()));
        parsed(&ask, &Action::default())
    };
    let good = go_on(&[&output[0], &output[1], &result]);
    assert_eq!(
        good["output"][1]["content"][0]["text"],
        "The tool said: 18 C"
    );
    let missing = go_on(&[&output[1], &result]);
    assert!(
        missing["error"]["message"]
            .as_str()
            .unwrap()
            .contains("required 'reasoning' item")
    );
    let mut open = output[0].clone();
    open.as_object_mut().unwrap().remove("encrypted_content");
    assert!(
        go_on(&[&open, &output[1], &result])["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not found")
    );
    open["encrypted_content"] = json!("forged");
    assert_eq!(
        go_on(&[&open, &output[1], &result])["error"]["code"],
        "invalid_encrypted_content"
    );
    assert!(go_on(&[&output[0], &output[1]])["error"].is_object());
}

#[test]
fn it_ends_in_all_the_provider_s_ways() {
    let ask = json!({"model": "gpt-4.1-mini", "input": "hello"});
    let cut = parsed(
        &json!({"model": "gpt-4.1-mini", "input": "hello", "max_output_tokens": 2}),
        &Action::default(),
    );
    assert_eq!(
        (&cut["status"], &cut["incomplete_details"]["reason"]),
        (&json!("incomplete"), &json!("max_output_tokens"))
    );
    let refused = parsed(&ask, &action(r#"{"refuse": true}"#));
    assert_eq!(
        (
            &refused["status"],
            &refused["output"][0]["content"][0]["type"]
        ),
        (&json!("completed"), &json!("refusal"))
    );
    let failed = events(&ask, &action(r#"{"finish": "failed"}"#));
    let last = &failed.last().unwrap();
    assert_eq!(
        (&last["type"], &last["response"]["error"]["code"]),
        (&json!("response.failed"), &json!("server_error"))
    );
    let broken = events(&ask, &action(r#"{"error_after_chunks": 3}"#));
    assert_eq!(
        (
            broken.len(),
            &broken[3]["type"],
            &broken[3]["sequence_number"]
        ),
        (4, &json!("error"), &json!(3))
    );
    let filtered = parsed(
        &json!({"model": "gpt-4.1-mini", "input": "[sim:filter]"}),
        &Action::default(),
    );
    assert_eq!(
        (
            &filtered["output"],
            &filtered["incomplete_details"]["reason"]
        ),
        (&json!([]), &json!("content_filter"))
    );
    let usage = parsed(
        &ask,
        &action(
            r#"{"usage": {"input": 48, "cache_read": 3072, "cache_write": 1280, "output": 12}}"#,
        ),
    )["usage"]
        .clone();
    assert_eq!(
        (
            &usage["input_tokens"],
            &usage["input_tokens_details"]["cached_tokens"]
        ),
        (&json!(4400), &json!(3072))
    );
}

#[test]
fn what_is_documented_as_refused_is_refused_under_this_endpoint_s_names() {
    for (extra, param) in [
        (json!({"stop": "x"}), None),
        (json!({"seed": 1}), None),
        (json!({"messages": []}), None),
        (json!({"input": null}), Some("input")),
        (json!({"input": []}), Some("input")),
        (
            json!({"input": [{"role": "user", "content": 7}]}),
            Some("input"),
        ),
        (json!({"input": [{"type": "what"}]}), Some("input")),
        (
            json!({"input": [{"type": "function_call_output", "call_id": "a", "output": "x"}]}),
            Some("input"),
        ),
        (json!({"temperature": 3}), Some("temperature")),
        (json!({"max_output_tokens": 0}), Some("max_output_tokens")),
        (
            json!({"reasoning": {"effort": "low"}}),
            Some("reasoning.effort"),
        ),
        (
            json!({"text": {"verbosity": "loud"}}),
            Some("text.verbosity"),
        ),
        (
            json!({"text": {"format": {"type": "xml"}}}),
            Some("text.format"),
        ),
        (json!({"tool_choice": "required"}), Some("tool_choice")),
        (json!({"include": ["everything"]}), Some("include")),
        (json!({"stream_options": {}}), Some("stream_options")),
        (
            json!({"background": true, "store": false}),
            Some("background"),
        ),
        (
            json!({"previous_response_id": "resp_1"}),
            Some("previous_response_id"),
        ),
        (json!({"model": "text-embedding-3-small"}), Some("model")),
    ] {
        let mut body = json!({"model": "gpt-4.1-mini", "input": "hello"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let error = &parsed(&body, &Action::default())["error"];
        assert!(error["message"].is_string(), "{extra}");
        assert_eq!(error["param"].as_str(), param, "{extra} {error}");
    }
}
