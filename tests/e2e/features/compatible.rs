//! Every feature of the neutral schema, asked for in each shape: each provider is sent byte for byte
//! what a call of gRPC makes it be sent, and the answer says the same, whole and streamed; or the error
//! is named in that shape's words. `docs/compatible.md` is made of it.

mod document;
mod heard;
mod messages;
mod responses;
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

/// A shape that chats are asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Completions,
    Messages,
    Responses,
}

impl Shape {
    fn path(self) -> &'static str {
        match self {
            Self::Completions => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
            Self::Responses => "/v1/responses",
        }
    }

    fn speak(self, request: &ChatRequest, stream: bool) -> Result<String, &'static str> {
        match self {
            Self::Completions => spoken::chat(request, stream),
            Self::Messages => messages::chat(request, stream),
            Self::Responses => responses::chat(request, stream),
        }
    }

    /// An answer as one JSON, streamed or not.
    fn whole(self, answer: &Answer, stream: bool) -> Value {
        if !stream {
            return answer.json();
        }
        match self {
            Self::Completions => json!({"choices": [{"message": heard::message(&answer.text())}]}),
            Self::Messages => messages::joined(&answer.text()),
            Self::Responses => responses::last(&answer.text()),
        }
    }

    /// Its turn as one of the neutral schema, as far as a client of this shape knows it: what is sealed
    /// stays so.
    fn turn(self, answer: &Value) -> Message {
        match self {
            Self::Completions => turn(answer),
            Self::Messages => messages::turn(answer),
            Self::Responses => responses::turn(answer),
        }
    }

    fn heard(self, answer: &Answer, stream: bool) -> Value {
        match self {
            Self::Completions if stream => heard::streamed(&answer.text()),
            Self::Completions => heard::whole(&answer.json()),
            Self::Messages => messages::heard(&self.whole(answer, stream)),
            Self::Responses => responses::heard(&self.whole(answer, stream)),
        }
    }

    /// What an answer of a case says in this shape.
    fn wanted(self, case: &Value) -> Value {
        let mut wanted = match self {
            Self::Completions => return heard::of(case),
            Self::Messages => heard::of_blocks(case, false),
            Self::Responses => heard::of_blocks(case, true),
        };
        wanted["usage"] = case["usage"].clone();
        wanted
    }

    /// Why reasoning that came from elsewhere has no place.
    fn no_reasoning(self) -> &'static str {
        match self {
            Self::Completions => "reasoning goes back in the ids of the calls that it led to",
            _ => "reasoning goes back sealed, as it came, to the provider that made it",
        }
    }
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
        shape: Shape,
        feature: &Feature<ChatRequest, chats::Endpoint, Message>,
        endpoint: &chats::Endpoint,
    ) -> Cell {
        let place = format!("{shape:?}, {}: {}", endpoint.name, feature.name);
        let case = case(endpoint.name, feature.name);
        let mut request = say(endpoint.model, "Say something short.");
        request.max_output_tokens = None;
        (feature.set)(&mut request, endpoint);
        if let Some(then) = feature.then {
            let body = shape.speak(&request, false).expect("a request");
            let answer = self.post(shape.path(), &body, "").await;
            self.asking.on_the_wire().await;
            if answer.status != 200 {
                return refused(shape, &answer.json(), &case, &place);
            }
            then(&mut request, shape.turn(&answer.json()));
        }
        let mut cells = Vec::new();
        for stream in [false, true] {
            let body = match shape.speak(&request, stream) {
                Ok(body) => body,
                Err(why) => return Cell::NoPlace(why),
            };
            let id = match request.request_id.as_str() {
                "" => String::new(),
                id => format!("{id}-{shape:?}-{}-{stream}", endpoint.name),
            };
            let answer = self.post(shape.path(), &body, &id).await;
            let asked = masked(&self.asking.on_the_wire().await);
            let wanted = masked(&case[if stream { "streamed" } else { "request" }]);
            if asked != wanted && GIVEN_BACK.contains(&feature.name) {
                return Cell::NoPlace(shape.no_reasoning());
            }
            assert_eq!(asked, wanted, "{place}: on the wire; {}", answer.text());
            cells.push(if answer.status == 200 {
                let hosted = request.credential_mode() == CredentialMode::HostedOnly;
                let source = if hosted { "hosted" } else { "own" };
                assert_eq!(answer.header("keyway-source"), source, "{place}");
                let heard = shape.heard(&answer, stream);
                assert_eq!(heard, shape.wanted(&case["answer"]), "{place}");
                Cell::Works
            } else {
                refused(shape, &answer.json(), &case, &place)
            });
        }
        let streamed = cells.pop();
        assert_eq!(cells.pop(), streamed, "{place}: streamed and whole");
        streamed.expect("a cell")
    }

    /// Calls that were reasoned, given back with their results: by gRPC and in this shape the provider
    /// gets the same, with what it demands.
    async fn reasoned(&mut self, shape: Shape, endpoint: &chats::Endpoint) -> Cell {
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
        // What its provider did not sign is for people, and has no place in a chat completion.
        answer.parts.retain(|part| match &part.part {
            Some(part::Part::Reasoning(part)) => {
                shape != Shape::Completions || !part.signature.is_empty()
            }
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
            let body = shape.speak(&asked, stream).unwrap();
            let answer = self.post(shape.path(), &body, "").await;
            self.asking.on_the_wire().await;
            let answer = shape.whole(&answer, stream);
            let mut request = asked.clone();
            chats::results(&mut request, shape.turn(&answer), false);
            let body = shape.speak(&request, false).unwrap();
            let answer = self.post(shape.path(), &body, "").await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let sent = masked(&self.asking.on_the_wire().await);
            assert_eq!(sent, wanted, "{shape:?}, {}: {stream}", endpoint.name);
        }
        Cell::Works
    }

    /// Every feature at every endpoint.
    async fn chats(&mut self, shape: Shape) -> Vec<document::Row> {
        let mut rows = Vec::new();
        for feature in chats::features() {
            let mut cells = Vec::new();
            for endpoint in &chats::ENDPOINTS {
                cells.push(self.chat(shape, &feature, endpoint).await);
            }
            rows.push((feature.name, feature.neutral, cells));
        }
        let mut cells = Vec::new();
        for endpoint in &chats::ENDPOINTS {
            cells.push(self.reasoned(shape, endpoint).await);
        }
        let neutral = "the turn of calls that were reasoned, and a result of each";
        rows.push(("reasoning before calls given back", neutral, cells));
        rows
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
                refused(Shape::Completions, &answer.json(), &case, &place)
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

/// An error in the shape's words: the same as that of gRPC, about a field of this shape.
fn refused(shape: Shape, answer: &Value, case: &Value, place: &str) -> Cell {
    let error = &answer["error"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let message = text(&error["message"]);
    let first = message
        .split([':', ' '])
        .next()
        .unwrap_or_default()
        .to_owned();
    let (reason, field) = match shape {
        Shape::Messages => (text(&error["details"]["error_code"]), first),
        Shape::Completions | Shape::Responses => (text(&error["code"]), text(&error["param"])),
    };
    assert_eq!(reason, case["error"]["reason"], "{place}: {message}");
    if !case["error"]["field"].is_null() {
        assert!(
            message.contains(&field) && !field.is_empty(),
            "{place}: {message}"
        );
        for neutral in ["parts", "_json", "end_user", "response_format.schema_"] {
            assert!(!field.contains(neutral), "{place}: {message}");
        }
        if shape == Shape::Completions {
            assert!(!field.contains("max_output"), "{place}: {message}");
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
/// The features of the neutral schema that give back reasoning which led to no call.
const GIVEN_BACK: [&str; 2] = ["reasoning given back", "redacted reasoning given back"];

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
async fn every_feature_works_in_every_shape_or_is_refused_in_its_words() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut compatible = Compatible {
        product: &product,
        asking: Asking::start(&product).await,
    };
    let titles = chats::ENDPOINTS.each_ref().map(|one| one.title);
    let mut tables = Vec::new();
    for shape in [Shape::Completions, Shape::Responses, Shape::Messages] {
        let rows = compatible.chats(shape).await;
        tables.push((shape.path(), titles.to_vec(), rows));
    }
    let mut embeddings = Vec::new();
    for feature in others::embeddings() {
        let mut cells = Vec::new();
        for endpoint in &others::EMBEDDINGS {
            cells.push(compatible.embed(&feature, endpoint).await);
        }
        embeddings.push((feature.name, feature.neutral, cells));
    }
    let titles = others::EMBEDDINGS.each_ref().map(|one| one.title);
    tables.push(("/v1/embeddings", titles.to_vec(), embeddings));
    is_current("docs/compatible.md", &document::of(&tables));
}
