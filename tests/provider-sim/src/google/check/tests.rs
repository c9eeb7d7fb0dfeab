use serde_json::json;

use super::*;
use crate::google::names;
use crate::provider::Provider;
use crate::request::tests::of;

fn checked(model: &str, body: &Value) -> Result<(), Fault> {
    let path = format!("/v1beta/models/{model}:generateContent");
    let request = of(Provider::Google, &path, &body.to_string());
    generate(&request, &names::canonical(body, names::GENERATE)?)
}

fn with(extra: &Value) -> Result<(), Fault> {
    let mut body = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    body.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    checked("gemini-3.8-flash", &body)
}

#[test]
fn every_request_fixture_is_accepted() {
    for name in [
        "generate_plain",
        "generate_plain_stream",
        "tool_single",
        "tool_parallel",
        "tool_result",
        "image",
        "json_schema",
        "thinking",
    ] {
        let body = crate::fixtures::json(&format!("google/{name}.request.json"));
        assert!(body.is_object(), "{name}");
        assert_eq!(checked("gemini-3.8-flash", &body), Ok(()), "{name}");
    }
}

fn refused(cases: &[(Value, &str)]) {
    for (extra, word) in cases {
        let fault = with(extra).unwrap_err();
        assert!(fault.message.contains(word), "{extra}: {}", fault.message);
        assert_eq!(fault.status, 400);
    }
}

#[test]
fn wrong_contents_are_refused() {
    let part = |part: Value| json!({"contents": [{"role": "user", "parts": [part]}]});
    refused(&[
        (json!({"stream": true}), "\"stream\""),
        (json!({"contents": []}), "not specified"),
        (
            json!({"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}),
            "valid role",
        ),
        (
            json!({"contents": [{"role": "user", "parts": []}]}),
            "parts must not be empty",
        ),
        (part(json!({})), "oneof"),
        (
            part(json!({"text": "x", "functionCall": {"name": "f"}})),
            "oneof",
        ),
        (
            part(json!({"inlineData": {"mimeType": "image/png", "data": "?"}})),
            "inline_data",
        ),
        (
            part(json!({"fileData": {"fileUri": "https://images.example/cat.png"}})),
            "file uri",
        ),
        (
            part(json!({"functionResponse": {"name": "f", "response": "x"}})),
            "function_response.response",
        ),
    ]);
    let hello = json!({"contents": [{"parts": [{"text": "hello"}]}]});
    assert_eq!(checked("gemini-nope", &hello).unwrap_err().status, 404);
    assert_eq!(
        checked("gemini-embedding-2", &hello).unwrap_err().status,
        404
    );
}

#[test]
fn wrong_settings_and_tools_are_refused() {
    let tools = json!([{"functionDeclarations": [{"name": "f"}]}]);
    refused(&[
        (
            json!({"generationConfig": {"temperature": 2.1}}),
            "temperature",
        ),
        (
            json!({"generationConfig": {"candidateCount": 2}}),
            "candidate_count",
        ),
        (
            json!({"generationConfig": {"maxOutputTokens": 0}}),
            "max_output_tokens",
        ),
        (
            json!({"generationConfig": {"stopSequences": ["a", "b", "c", "d", "e", "f"]}}),
            "at most 5",
        ),
        (
            json!({"generationConfig": {"responseJsonSchema": {}}}),
            "response_mime_type",
        ),
        (
            json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "LOW"}}}),
            "only one",
        ),
        (
            json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "MAX"}}}),
            "thinking_level",
        ),
        (
            json!({"generationConfig": {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}}),
            "not supported",
        ),
        (
            json!({"tools": [{"functionDeclarations": [{"name": "1f"}]}]}),
            "function name",
        ),
        (
            json!({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}),
            "without function_declarations",
        ),
        (
            json!({"tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "MUST"}}}),
            "mode",
        ),
        (
            json!({"tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["f"]}}}),
            "allowed_function_names",
        ),
        (
            json!({"tools": tools, "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["g"]}}}),
            "is not in",
        ),
        (json!({"serviceTier": "gold"}), "service_tier"),
    ]);
}

#[test]
fn calls_and_results_belong_together() {
    let user = json!({"role": "user", "parts": [{"text": "x"}]});
    let call = json!({"role": "model", "parts": [{"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "b3BhcXVlLXRob3VnaHQtc2lnbmF0dXJlLTAwMDE="}]});
    let result = |id: &str| json!({"role": "user", "parts": [{"functionResponse": {"id": id, "name": "f", "response": {"output": 1}}}]});
    let turns = |turns: Value| with(&json!({"contents": turns}));
    assert_eq!(turns(json!([user, call, result("1")])), Ok(()));
    assert!(turns(json!([user, call, result("2")])).is_err());
    let nameless = json!({"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": 1}}}]});
    assert_eq!(turns(json!([user, call, nameless])), Ok(()));
    assert!(turns(json!([user, call, user])).is_err());
    assert!(turns(json!([user, call])).is_err());
    assert!(turns(json!([user, result("1")])).is_err());
}

#[test]
fn a_prompt_longer_than_the_window_is_refused() {
    let request = of(
        Provider::Google,
        "/v1/models/gemini-3.8-flash:generateContent",
        "{}",
    );
    assert_eq!(context(&request, 1_048_576), Ok(()));
    assert!(context(&request, 1_048_577).is_err());
}
