//! Every feature of the neutral schema, asked for in `OpenAI`'s shape: each provider is sent byte for
//! byte what a call of gRPC makes it be sent, and the answer says the same, whole and streamed; or the
//! error is named in that shape's words. `docs/compatible.md` is made of it.

mod document;
mod heard;
mod spoken;

use keyway_proto::router::v1::{
    ChatRequest, ChatRole, EmbedRequest, Message, Part, ToolCall, part,
};
use keyway_proto::vault::v1::CredentialMode;
use serde_json::{Value, json};

use super::{Asking, Feature, chats, others};
use crate::docs::{is_current, read};
use crate::edges::harness::{Answer, Http};
use crate::harness::{Logs, Product, say};

/// What a feature is at one endpoint.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Works,
    Refused { reason: String, message: String },
    NoPlace(&'static str),
}

/// The committed case of a feature.
fn case(endpoint: &str, feature: &str) -> Value {
    let text = read(&format!("tests/e2e/features/cases/{endpoint}.json"));
    let table: Value = serde_json::from_str(&text).unwrap();
    let cases = table["cases"].as_array().unwrap().iter();
    let mut found = cases.filter(|case| case["feature"] == feature);
    found.next().expect("a case").clone()
}

struct Compatible<'a> {
    product: &'a Product,
    asking: Asking,
}

impl Compatible<'_> {
    async fn post(&self, path: &str, body: &str, request_id: &str) -> Answer {
        let mut http = Http::of(self.product);
        if !request_id.is_empty() {
            http = http.with("idempotency-key", request_id);
        }
        let bytes = body.as_bytes().to_vec();
        http.send(reqwest::Method::POST, path, bytes).await
    }

    async fn chat(
        &mut self,
        feature: &Feature<ChatRequest, chats::Endpoint, Message>,
        endpoint: &chats::Endpoint,
    ) -> Cell {
        let place = format!("{}: {}", endpoint.name, feature.name);
        let case = case(endpoint.name, feature.name);
        let mut request = say(endpoint.model, "Say something short.");
        request.max_output_tokens = None;
        (feature.set)(&mut request, endpoint);
        if let Some(then) = feature.then {
            let body = spoken::chat(&request, false).expect("a request");
            let answer = self.post(CHAT, &body, "").await;
            self.asking.on_the_wire().await;
            if answer.status != 200 {
                return refused(&answer.json(), &case, &place);
            }
            then(&mut request, turn(&answer.json()));
        }
        let mut cells = Vec::new();
        for stream in [false, true] {
            let body = match spoken::chat(&request, stream) {
                Ok(body) => body,
                Err(why) => return Cell::NoPlace(why),
            };
            let id = match request.request_id.as_str() {
                "" => String::new(),
                id => format!("{id}-compatible-{}-{stream}", endpoint.name),
            };
            let answer = self.post(CHAT, &body, &id).await;
            let asked = masked(&self.asking.on_the_wire().await);
            let wanted = masked(&case[if stream { "streamed" } else { "request" }]);
            if feature.name == UNCALLED && asked != wanted {
                // What stands there beside it is asked for in the row of reasoning before a call.
                return Cell::NoPlace("reasoning goes back in the ids of the calls that it led to");
            }
            assert_eq!(asked, wanted, "{place}: on the wire");
            cells.push(if answer.status == 200 {
                let hosted = request.credential_mode() == CredentialMode::HostedOnly;
                let source = if hosted { "hosted" } else { "own" };
                assert_eq!(answer.header("keyway-source"), source, "{place}");
                let heard = if stream {
                    heard::streamed(&answer.text())
                } else {
                    heard::whole(&answer.json())
                };
                assert_eq!(heard, heard::of(&case["answer"]), "{place}");
                Cell::Works
            } else {
                refused(&answer.json(), &case, &place)
            });
        }
        let streamed = cells.pop();
        assert_eq!(cells.pop(), streamed, "{place}: streamed and whole");
        streamed.expect("a cell")
    }

    /// Calls that were reasoned, given back with their results: by gRPC and in this shape the provider
    /// gets the same, with what it demands.
    async fn reasoned(&mut self, endpoint: &chats::Endpoint) -> Cell {
        let mut asked = say(endpoint.model, "");
        asked.max_output_tokens = None;
        match endpoint.name {
            "anthropic" => chats::budget(&mut asked, endpoint, 1024),
            _ => chats::effort(&mut asked, endpoint, "high"),
        }
        chats::with_tools(&mut asked, "[sim:tools]");
        let mut request = asked.clone();
        let answer = self.asking.caller.chat(request.clone()).await.unwrap();
        let mut answer = answer.message.expect("a turn");
        // What its provider did not sign is for people, and is not given back here.
        answer.parts.retain(|part| match &part.part {
            Some(part::Part::Reasoning(part)) => !part.signature.is_empty(),
            _ => true,
        });
        chats::results(&mut request, answer, false);
        self.asking.on_the_wire().await;
        self.asking.caller.chat(request).await.unwrap();
        let wanted = masked(&self.asking.on_the_wire().await);
        if let Some(mark) = demanded(endpoint.name) {
            let body = wanted["body"].as_str().unwrap();
            assert!(body.contains(mark), "{}: {body}", endpoint.name);
        }
        for stream in [false, true] {
            let body = spoken::chat(&asked, stream).unwrap();
            let answer = self.post(CHAT, &body, "").await;
            self.asking.on_the_wire().await;
            let answer = if stream {
                json!({"choices": [{"message": heard::message(&answer.text())}]})
            } else {
                answer.json()
            };
            let mut request = asked.clone();
            chats::results(&mut request, turn(&answer), false);
            let body = spoken::chat(&request, false).unwrap();
            let answer = self.post(CHAT, &body, "").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = masked(&self.asking.on_the_wire().await);
            assert_eq!(sent, wanted, "{}: streamed {stream}", endpoint.name);
        }
        Cell::Works
    }

    async fn embed(
        &mut self,
        feature: &Feature<EmbedRequest, others::Endpoint, ()>,
        endpoint: &others::Endpoint,
    ) -> Cell {
        let place = format!("{}: {}", endpoint.name, feature.name);
        let case = case(endpoint.name, feature.name);
        let mut request = EmbedRequest {
            model: endpoint.model.to_owned(),
            inputs: vec!["one text".to_owned()],
            ..EmbedRequest::default()
        };
        (feature.set)(&mut request, endpoint);
        let mut cells = Vec::new();
        for encoding in ["float", "base64"] {
            let body = spoken::embed(&request, encoding);
            let id = match request.request_id.as_str() {
                "" => String::new(),
                id => format!("{id}-compatible-{}-{encoding}", endpoint.name),
            };
            let answer = self.post("/v1/embeddings", &body, &id).await;
            let asked = self.asking.on_the_wire().await;
            assert_eq!(asked, case["request"], "{place}: on the wire");
            cells.push(if answer.status == 200 {
                let heard = heard::vectors(&answer.json());
                assert_eq!(heard, case["answer"], "{place}");
                Cell::Works
            } else {
                refused(&answer.json(), &case, &place)
            });
        }
        let base64 = cells.pop();
        assert_eq!(cells.pop(), base64, "{place}: both encodings");
        base64.expect("a cell")
    }
}

/// The answer as a turn of the neutral schema, as far as a client of this shape knows it: what its
/// calls' ids carry stays in them.
fn turn(answer: &Value) -> Message {
    let message = &answer["choices"][0]["message"];
    let text = message["content"]
        .as_str()
        .map(|text| part::Part::Text(text.to_owned()));
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        part::Part::ToolCall(ToolCall {
            id: text(&call["id"]),
            name: text(&call["function"]["name"]),
            arguments_json: text(&call["function"]["arguments"]),
            ..ToolCall::default()
        })
    });
    let parts = text.into_iter().chain(calls);
    Message {
        role: ChatRole::Assistant.into(),
        parts: parts.map(|part| Part { part: Some(part) }).collect(),
    }
}

/// An error in `OpenAI`'s shape: the same as that of gRPC, about a field of this shape.
fn refused(answer: &Value, case: &Value, place: &str) -> Cell {
    let error = &answer["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let (reason, message) = (text("code"), text("message"));
    assert_eq!(error["code"], case["error"]["reason"], "{place}: {message}");
    if !case["error"]["field"].is_null() {
        let field = text("param");
        assert!(
            message.contains(&field) && !field.is_empty(),
            "{place}: {message}"
        );
        for neutral in [
            "parts",
            "_json",
            "end_user",
            "budget_tokens is",
            "max_output",
        ] {
            assert!(!field.contains(neutral), "{place}: {message}");
        }
    }
    Cell::Refused { reason, message }
}

/// What a provider was sent, without what it made up itself.
fn masked(asked: &Value) -> Value {
    let Some(body) = asked["body"].as_str() else {
        return asked.clone();
    };
    let mut body = body.to_owned();
    for name in MADE_UP {
        let key = format!("\"{name}\":\"");
        let mut pieces = body.split(&key);
        let mut without = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (_made_up, rest) = piece.split_once('"').expect("an end");
            for text in [key.as_str(), "*\"", rest] {
                without.push_str(text);
            }
        }
        body = without;
    }
    json!({"path": asked["path"], "body": body})
}

/// Names of ids and signatures, as the providers call them.
const MADE_UP: [&str; 7] = [
    "id",
    "call_id",
    "tool_call_id",
    "tool_use_id",
    "signature",
    "thoughtSignature",
    "encrypted_content",
];
const CHAT: &str = "/v1/chat/completions";
/// The feature of the neutral schema that gives back reasoning which led to no call.
const UNCALLED: &str = "reasoning given back";

/// What a provider that signs reasoning demands to get back.
fn demanded(endpoint: &str) -> Option<&'static str> {
    match endpoint {
        "openai_responses" => Some("encrypted_content"),
        "anthropic" => Some("\"signature\""),
        "google" => Some("thoughtSignature"),
        _ => None,
    }
}

#[tokio::test]
async fn every_feature_works_in_openais_shape_or_is_refused_in_its_words() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut compatible = Compatible {
        product: &product,
        asking: Asking::start(&product).await,
    };
    let mut chats = Vec::new();
    for feature in chats::features() {
        let mut cells = Vec::new();
        for endpoint in &chats::ENDPOINTS {
            cells.push(compatible.chat(&feature, endpoint).await);
        }
        chats.push((feature.name, feature.neutral, cells));
    }
    let mut cells = Vec::new();
    for endpoint in &chats::ENDPOINTS {
        cells.push(compatible.reasoned(endpoint).await);
    }
    let neutral = "the turn of calls that were reasoned, and a result of each";
    chats.push(("reasoning before calls given back", neutral, cells));
    let mut embeddings = Vec::new();
    for feature in others::embeddings() {
        let mut cells = Vec::new();
        for endpoint in &others::EMBEDDINGS {
            cells.push(compatible.embed(&feature, endpoint).await);
        }
        embeddings.push((feature.name, feature.neutral, cells));
    }
    let chats = (
        chats::ENDPOINTS.each_ref().map(|one| one.title).to_vec(),
        chats,
    );
    let titles = others::EMBEDDINGS.each_ref().map(|one| one.title);
    let document = document::of(&[chats, (titles.to_vec(), embeddings)]);
    is_current("docs/compatible.md", &document);
}
