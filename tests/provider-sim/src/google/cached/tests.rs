use super::*;
use crate::account::Account;
use crate::google;
use crate::provider::Provider;
use crate::request::tests::of;
use crate::script::Action;

const MODEL: &str = "gemini-3.8-flash";

/// A request of one caller.
fn sent(account: &Account, method: &str, path: &str, body: &Value) -> Value {
    let text = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let mut request = of(Provider::Google, path, &text);
    request.method = method.parse().unwrap();
    request.account = account.clone();
    serde_json::from_slice(&google::answer(&request, &Action::default()).body()).unwrap()
}

#[test]
fn a_cached_content_is_its_key_s_own_and_is_read_at_the_price_of_the_cache() {
    let (owner, other) = (Account::default(), Account::default());
    let start = json!({"model": format!("models/{MODEL}"), "contents": [{"role": "user", "parts": [{"text": "my secret is 42"}]}]});
    let name = sent(&owner, "POST", "/v1beta/cachedContents", &start)["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let ask = json!({"cachedContent": name, "contents": [{"role": "user", "parts": [{"text": "[sim:recall]"}]}]});
    let path = format!("/v1beta/models/{MODEL}:generateContent");
    let reply = sent(&owner, "POST", &path, &ask);
    assert_eq!(
        reply["candidates"][0]["content"]["parts"][0]["text"],
        "You told me: my secret is 42"
    );
    let usage = &reply["usageMetadata"];
    assert_eq!(
        (
            &usage["cachedContentTokenCount"],
            &usage["promptTokenCount"]
        ),
        (&json!(7), &json!(13))
    );
    for (method, path, body) in [
        ("POST", path.as_str(), &ask),
        ("GET", &format!("/v1beta/{name}"), &Value::Null),
        ("DELETE", &format!("/v1beta/{name}"), &Value::Null),
    ] {
        let refused = sent(&other, method, path, body);
        assert_eq!(
            refused["error"]["status"], "PERMISSION_DENIED",
            "{method} {path}"
        );
    }
    assert_eq!(
        sent(&other, "GET", "/v1beta/cachedContents", &Value::Null)["cachedContents"],
        json!([])
    );
    assert_eq!(
        sent(&owner, "GET", &format!("/v1/{name}"), &Value::Null)["name"],
        json!(name)
    );
    let elsewhere = sent(
        &owner,
        "POST",
        "/v1beta/models/gemini-3.7-flash:generateContent",
        &ask,
    );
    assert!(
        elsewhere["error"]["message"]
            .as_str()
            .unwrap()
            .contains("has to be the same")
    );
}
