use super::*;
use crate::account::Account;
use crate::openai;
use crate::request::tests::openai as request;
use crate::script::Action;

/// One caller's view of the provider.
struct Caller(Account, std::cell::Cell<u64>);

impl Caller {
    fn new() -> Self {
        Self(Account::default(), std::cell::Cell::new(0))
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut request = request(path, &text);
        request.method = method.parse().unwrap();
        request.account = self.0.clone();
        self.1.set(self.1.get() + 1);
        request.number = self.1.get();
        let reply = openai::answer(&request, &Action::default());
        serde_json::from_slice(&reply.body()).unwrap()
    }

    fn get(&self, path: &str) -> Value {
        self.send("GET", path, &Value::Null)
    }

    fn ask(&self, extra: &Value) -> Value {
        let mut body = json!({"model": "gpt-4.1-mini"});
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        self.send("POST", "/v1/responses", &body)
    }
}

fn text(response: &Value) -> &str {
    response["output"][0]["content"][0]["text"]
        .as_str()
        .unwrap_or_default()
}

#[test]
fn a_response_is_kept_unless_it_is_forbidden_and_the_next_goes_on_with_it() {
    let caller = Caller::new();
    let first = caller.ask(&json!({"input": "my secret is 42"}));
    let id = first["id"].as_str().unwrap();
    assert_eq!(
        caller.get(&format!("/v1/responses/{id}")),
        first_kept(&first)
    );
    let next = caller.ask(&json!({"input": "[sim:recall]", "previous_response_id": id}));
    assert_eq!(text(&next), "You told me: my secret is 42");
    assert!(next["usage"]["input_tokens"].as_u64() > first["usage"]["input_tokens"].as_u64());
    let items = caller.get(&format!("/v1/responses/{id}/input_items"));
    assert_eq!(items["data"][0]["content"], "my secret is 42");
    let forgotten = caller.ask(&json!({"input": "x", "store": false}));
    let gone = caller.get(&format!(
        "/v1/responses/{}",
        forgotten["id"].as_str().unwrap()
    ));
    assert!(
        gone["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not found")
    );
    assert_eq!(
        caller.send("DELETE", &format!("/v1/responses/{id}"), &Value::Null)["deleted"],
        true
    );
    assert!(caller.get(&format!("/v1/responses/{id}"))["error"].is_object());
}

fn first_kept(first: &Value) -> Value {
    let mut kept = first.clone();
    kept["background"] = json!(false);
    kept
}

#[test]
fn another_caller_reaches_none_of_it() {
    let (owner, other) = (Caller::new(), Caller::new());
    let id = owner.ask(&json!({"input": "my secret is 42"}))["id"].clone();
    let conversation = owner.send("POST", "/v1/conversations", &json!({}))["id"].clone();
    for body in [
        other.get(&format!("/v1/responses/{}", id.as_str().unwrap())),
        other.get(&format!(
            "/v1/conversations/{}/items",
            conversation.as_str().unwrap()
        )),
        other.ask(&json!({"input": "[sim:recall]", "previous_response_id": id})),
        other.ask(&json!({"input": "[sim:recall]", "conversation": conversation})),
        other.ask(&json!({"input": [{"type": "item_reference", "id": "msg_00000001"}]})),
    ] {
        assert!(
            body["error"].is_object() && !body.to_string().contains("42"),
            "{body}"
        );
    }
}

#[test]
fn a_conversation_grows_with_its_responses() {
    let caller = Caller::new();
    let items = json!({"items": [{"type": "message", "role": "user", "content": "one"}]});
    let id = caller.send("POST", "/v1/conversations", &items)["id"].clone();
    caller.ask(&json!({"input": "two", "conversation": {"id": id}}));
    let third = caller.ask(&json!({"input": "[sim:recall]", "conversation": id}));
    assert_eq!(text(&third), "You told me: one | two");
    assert_eq!(third["conversation"]["id"], id);
}

#[test]
fn a_reply_in_the_background_is_read_later() {
    let caller = Caller::new();
    let queued = caller.ask(&json!({"input": "hello", "background": true}));
    assert_eq!(
        (&queued["status"], &queued["output"]),
        (&json!("queued"), &json!([]))
    );
    let path = format!("/v1/responses/{}", queued["id"].as_str().unwrap());
    assert_eq!(text(&caller.get(&path)), "You said: hello");
    assert_eq!(
        caller.send("POST", &format!("{path}/cancel"), &json!({}))["status"],
        "cancelled"
    );
}

#[test]
fn chat_completions_are_kept_only_when_asked_for() {
    let caller = Caller::new();
    let chat = |store: bool| {
        let body = json!({"model": "gpt-4.1-mini", "store": store, "messages": [{"role": "user", "content": "hello"}]});
        caller.send("POST", "/v1/chat/completions", &body)["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (kept, forgotten) = (chat(true), chat(false));
    assert_eq!(
        caller.get(&format!("/v1/chat/completions/{kept}/messages"))["data"][0]["content"],
        "hello"
    );
    assert!(caller.get(&format!("/v1/chat/completions/{forgotten}"))["error"].is_object());
    assert_eq!(
        caller.get("/v1/chat/completions")["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
