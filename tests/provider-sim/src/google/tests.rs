use super::*;
use crate::provider::Provider;
use crate::request::tests::of;

const MODEL: &str = "gemini-3.8-flash";

fn reply(target: &str, query: &str, body: &Value, action: &Action) -> Reply {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut request = of(Provider::Google, &format!("/v1beta/models{target}"), &text);
    request.query = query.to_owned();
    answer(&request, action)
}

fn parsed(method: &str, body: &Value, action: &Action) -> Value {
    let reply = reply(&format!("/{MODEL}:{method}"), "", body, action);
    serde_json::from_slice(&reply.body()).unwrap()
}

fn events(body: &Value, action: &Action) -> Vec<Value> {
    let reply = reply(&format!("/{MODEL}:{STREAM}"), "alt=sse", body, action);
    let text = String::from_utf8(reply.body()).unwrap();
    let events = text
        .split("\r\n\r\n")
        .filter_map(|event| event.strip_prefix("data: "));
    events
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

fn hello(extra: &Value) -> Value {
    let mut body = json!({
        "systemInstruction": {"parts": [{"text": "Terse."}]},
        "contents": [{"role": "user", "parts": [{"text": "hello"}]}],
    });
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    body
}

fn plain() -> Action {
    Action::default()
}

#[test]
fn the_counts_follow_the_documented_rule() {
    let body = parsed("generateContent", &hello(&json!({})), &plain());
    let usage = &body["usageMetadata"];
    // 3 + ceil(6/4) and 3 + ceil(5/4); "You said: hello" has 15 bytes.
    assert_eq!(
        (&usage["promptTokenCount"], &usage["candidatesTokenCount"]),
        (&json!(10), &json!(4))
    );
    assert_eq!(usage["totalTokenCount"], 14);
    assert_eq!(
        body["candidates"][0]["content"]["parts"][0]["text"],
        "You said: hello"
    );
    assert_eq!(body["candidates"][0]["finishReason"], "STOP");
    let counted = parsed(
        "countTokens",
        &json!({"contents": [{"parts": [{"text": "hello"}]}]}),
        &plain(),
    );
    assert_eq!(counted["totalTokens"], 5);
}

#[test]
fn thoughts_are_apart_and_the_stream_is_the_whole_answer_in_pieces() {
    let ask = hello(
        &json!({"generationConfig": {"thinkingConfig": {"includeThoughts": true, "thinkingLevel": "LOW"}}}),
    );
    let body = parsed("generateContent", &ask, &plain());
    let parts = body["candidates"][0]["content"]["parts"]
        .as_array()
        .unwrap();
    assert_eq!((&parts[0]["thought"], parts.len()), (&json!(true), 2));
    assert!(parts[1]["thoughtSignature"].is_string());
    assert_eq!(body["usageMetadata"]["thoughtsTokenCount"], 64);
    let all = events(&ask, &plain());
    let texts = |thought: bool| -> String {
        let parts = all
            .iter()
            .map(|event| &event["candidates"][0]["content"]["parts"][0]);
        let wanted = parts.filter(|part| (part["thought"] == true) == thought);
        wanted.filter_map(|part| part["text"].as_str()).collect()
    };
    assert_eq!(
        (json!(texts(true)), json!(texts(false))),
        (parts[0]["text"].clone(), parts[1]["text"].clone())
    );
    let last = all.last().unwrap();
    assert_eq!(last["usageMetadata"], body["usageMetadata"]);
    assert_eq!(
        last["candidates"][0]["content"]["parts"][0]["thoughtSignature"],
        parts[1]["thoughtSignature"]
    );
    let ends = all
        .iter()
        .filter(|event| !event["candidates"][0]["finishReason"].is_null());
    assert_eq!(ends.count(), 1);
}

#[test]
fn without_sse_the_stream_is_one_list() {
    let target = format!("/{MODEL}:{STREAM}");
    let sent = reply(&target, "", &hello(&json!({})), &plain());
    let list: Vec<Value> = serde_json::from_slice(&sent.body()).unwrap();
    assert_eq!(list, events(&hello(&json!({})), &plain()));
    let failed = reply(&target, "", &json!({"foo": 1}), &plain());
    let list: Vec<Value> = serde_json::from_slice(&failed.body()).unwrap();
    assert_eq!(
        (failed.status, &list[0]["error"]["status"]),
        (400, &json!("INVALID_ARGUMENT"))
    );
}

#[test]
fn parallel_calls_come_back_with_the_signature_of_the_first() {
    let tool = |name: &str| json!({"name": name, "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "integer"}}}});
    let mut ask = hello(&json!({"tools": [{"functionDeclarations": [tool("f"), tool("g")]}]}));
    ask["contents"][0]["parts"][0]["text"] = json!("[sim:tools]");
    let body = parsed("generateContent", &ask, &plain());
    let content = body["candidates"][0]["content"].clone();
    let parts = content["parts"].as_array().unwrap();
    assert_eq!(parts[1]["functionCall"]["name"], "g");
    assert!(parts[0]["thoughtSignature"].is_string() && parts[1]["thoughtSignature"].is_null());
    let results = parts.iter().map(|part| {
        let call = &part["functionCall"];
        json!({"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": "18 C"}}})
    });
    let results = json!({"role": "user", "parts": results.collect::<Vec<_>>()});
    let turns = ask["contents"].as_array_mut().unwrap();
    turns.extend([content, results]);
    let reply = parsed("generateContent", &ask, &plain());
    assert_eq!(
        reply["candidates"][0]["content"]["parts"][0]["text"],
        "The tool said: 18 C 18 C"
    );
    ask["contents"][1]["parts"][0]
        .as_object_mut()
        .unwrap()
        .remove("thoughtSignature");
    let refused = parsed("generateContent", &ask, &plain());
    assert!(
        refused["error"]["message"]
            .as_str()
            .unwrap()
            .contains("missing a thought_signature")
    );
}

#[test]
fn an_answer_may_be_missing_in_three_ways() {
    let mut ask = hello(&json!({}));
    ask["contents"][0]["parts"][0]["text"] = json!("[sim:refuse]");
    let blocked = parsed("generateContent", &ask, &plain());
    assert_eq!(
        (
            blocked.get("candidates"),
            &blocked["usageMetadata"]["totalTokenCount"]
        ),
        (None, &json!(5 + 6))
    );
    ask["contents"][0]["parts"][0]["text"] = json!("[sim:filter]");
    let filtered = parsed("generateContent", &ask, &plain());
    assert_eq!(
        (
            filtered["candidates"][0].get("content"),
            &filtered["candidates"][0]["finishReason"]
        ),
        (None, &json!("SAFETY"))
    );
    let limited = hello(
        &json!({"generationConfig": {"maxOutputTokens": 10, "thinkingConfig": {"thinkingLevel": "LOW"}}}),
    );
    let limited = parsed("generateContent", &limited, &plain());
    assert_eq!(
        limited["candidates"][0]["content"],
        json!({"role": "model"})
    );
    assert_eq!(limited["candidates"][0]["finishReason"], "MAX_TOKENS");
}

#[test]
fn what_is_scripted_is_told() {
    let action = |text: &str| serde_json::from_str::<Action>(text).unwrap();
    let ask = hello(&json!({"serviceTier": "flex"}));
    let usage = action(
        r#"{"usage": {"input": 17, "cache_read": 40, "tool_use": 7, "output": 9, "reasoning": 4}}"#,
    );
    let told = parsed("generateContent", &ask, &usage)["usageMetadata"].clone();
    assert_eq!(
        (&told["promptTokenCount"], &told["toolUsePromptTokenCount"]),
        (&json!(50), &json!(7))
    );
    assert_eq!(
        (&told["candidatesTokenCount"], &told["serviceTier"]),
        (&json!(5), &json!("flex"))
    );
    let silent = parsed("generateContent", &ask, &action(r#"{"no_usage": true}"#));
    assert_eq!(silent.get("usageMetadata"), None);
    let broken = events(&ask, &action(r#"{"error_after_chunks": 1}"#));
    assert_eq!(
        (broken.len(), &broken[1]["error"]["status"]),
        (2, &json!("UNAVAILABLE"))
    );
    let more = parsed(
        "generateContent",
        &ask,
        &action(r#"{"finish": "CONTINUATION"}"#),
    );
    assert!(more["candidates"][0]["continuationToken"].is_string());
}

#[test]
fn embeddings_are_cut_and_only_the_second_generation_tells_usage() {
    let row = |model: &str, more: &Value| {
        let mut row =
            json!({"model": format!("models/{model}"), "content": {"parts": [{"text": "hello"}]}});
        row.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        row
    };
    let batch = |model: &str, more: &Value| {
        let body = json!({"requests": [row(model, more), row(model, &json!({}))]});
        let sent = reply(&format!("/{model}:batchEmbedContents"), "", &body, &plain());
        serde_json::from_slice::<Value>(&sent.body()).unwrap()
    };
    let first = batch("gemini-embedding-001", &json!({"outputDimensionality": 8}));
    assert_eq!(
        first["embeddings"][0]["values"].as_array().unwrap().len(),
        8
    );
    assert_eq!(
        first["embeddings"][1]["values"].as_array().unwrap().len(),
        3072
    );
    assert_eq!(
        first["embeddings"][0]["values"][7],
        first["embeddings"][1]["values"][7]
    );
    assert_eq!(first.get("usageMetadata"), None);
    let second = batch(
        "gemini-embedding-2",
        &json!({"taskType": "RETRIEVAL_DOCUMENT", "title": "One"}),
    );
    assert_eq!(second["usageMetadata"]["promptTokenCount"], 4);
    for wrong in [
        json!({"outputDimensionality": 0}),
        json!({"taskType": "X"}),
        json!({"title": "x"}),
        json!({"model": "models/other"}),
    ] {
        assert!(
            batch("gemini-embedding-2", &wrong)["error"].is_object(),
            "{wrong}"
        );
    }
    let one = reply(
        "/gemini-embedding-001:embedContent",
        "",
        &row("gemini-embedding-001", &json!({})),
        &plain(),
    );
    assert!(
        serde_json::from_slice::<Value>(&one.body()).unwrap()["embedding"]["values"].is_array()
    );
}

#[test]
fn models_come_in_pages() {
    let page = |query: &str| {
        let sent = reply("", query, &Value::Null, &plain());
        serde_json::from_slice::<Value>(&sent.body()).unwrap()
    };
    let first = page("pageSize=2");
    assert_eq!(
        (
            first["models"].as_array().unwrap().len(),
            &first["nextPageToken"]
        ),
        (2, &json!("2"))
    );
    let rest = page("pageSize=1000&pageToken=2");
    assert_eq!(
        rest["models"].as_array().unwrap().len() + 2,
        models::of(NAME).count()
    );
    assert_eq!(rest.get("nextPageToken"), None);
    assert_eq!(
        reply(&format!("/{MODEL}"), "", &Value::Null, &plain()).status,
        200
    );
    assert_eq!(reply("/what", "", &Value::Null, &plain()).status, 404);
    assert_eq!(
        reply(&format!("/{MODEL}:fly"), "", &json!({}), &plain()).status,
        404
    );
}
