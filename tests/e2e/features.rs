//! What every provider makes of every feature of the neutral schema: the exact request on the wire
//! and the answer, or the exact error. Each is asked for whole and as a stream, and the streamed answer
//! is the other one.
//!
//! `features/cases/{endpoint}.json` is what happened, committed: `KEYWAY_WRITE_DOCS=1` writes it, and
//! `docs/providers.md` from it. In the external suite the providers' own SDKs read every request.

mod chats;
mod compatible;
mod document;
mod others;
mod said;

use std::collections::BTreeSet;

use keyway_proto::router::v1::{
    ChatRequest, EmbedRequest, Message, SearchRequest, StreamEmbedRequest, stream_embed_response,
};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Status;

use self::said::Said;
use crate::docs::is_current;
use crate::harness::{DEMO, Logs, Product, Simulator, Speaker, only_attempt, say};

/// One feature: how a request asks an endpoint for it, and the fields of the schema that it is.
pub(super) struct Feature<R, E, A> {
    name: &'static str,
    fields: &'static [&'static str],
    neutral: &'static str,
    set: fn(&mut R, &E),
    /// What is done with the answer to the request so far.
    then: Option<fn(&mut R, A)>,
}

impl<R, E, A> Feature<R, E, A> {
    fn given(
        name: &'static str,
        fields: &'static [&'static str],
        neutral: &'static str,
        set: fn(&mut R, &E),
    ) -> Self {
        Self {
            name,
            fields,
            neutral,
            set,
            then: None,
        }
    }

    fn answered(
        name: &'static str,
        fields: &'static [&'static str],
        neutral: &'static str,
        set: fn(&mut R, &E),
        then: fn(&mut R, A),
    ) -> Self {
        Self {
            then: Some(then),
            ..Self::given(name, fields, neutral, set)
        }
    }

    fn case(&self, (whole, asked): (Said, Value), streamed: Option<Value>) -> Value {
        let mut case =
            json!({"feature": self.name, "fields": self.fields, "neutral": self.neutral});
        if !asked.is_null() {
            case["request"] = asked;
        }
        if let Some(streamed) = streamed.filter(|streamed| !streamed.is_null()) {
            case["streamed"] = streamed;
        }
        match whole {
            Ok(answer) => case["answer"] = answer,
            Err(error) => case["error"] = error,
        }
        case
    }
}

/// Asks, and reads what came out at the provider.
struct Asking {
    caller: Speaker,
    simulator: Simulator,
    last: u64,
}

impl Asking {
    async fn start(product: &Product) -> Self {
        for provider in ["openai", "anthropic", "google", "mistral", "exa"] {
            let secret = format!("{provider}-keyway-test-feature-0001");
            let admin = product.admin();
            admin.put_key(DEMO, provider, &secret).await.expect("a key");
        }
        Self {
            caller: product.caller(),
            simulator: product.simulator(),
            last: 0,
        }
    }

    /// The only request since the last time, if there was one.
    async fn on_the_wire(&mut self) -> Value {
        let entries = self.simulator.journal_after(self.last).await;
        assert!(entries.len() <= 1, "{entries:?}");
        let Some(entry) = entries.first() else {
            return Value::Null;
        };
        self.last = entry["seq"].as_u64().expect("a number");
        let (method, path) = (&entry["method"], entry["path"].as_str().unwrap());
        assert_eq!(method, "POST");
        json!({"path": path, "body": entry["body"]})
    }

    /// A call and what came out at the provider, ids and signatures by their names.
    async fn said(
        &mut self,
        answer: Result<Value, Status>,
        names: &[(String, String)],
    ) -> (Said, Value) {
        let mut asked = self.on_the_wire().await;
        if let Some(body) = asked.get_mut("body") {
            let text = body.as_str().unwrap_or_default().to_owned();
            let replace =
                |text: String, (found, name): &(String, String)| text.replace(found, name);
            *body = Value::String(names.iter().fold(text, replace));
        }
        (answer.map_err(|status| said::refused(&status)), asked)
    }

    async fn chat(
        &mut self,
        feature: &Feature<ChatRequest, chats::Endpoint, Message>,
        endpoint: &chats::Endpoint,
    ) -> Value {
        let mut request = say(endpoint.model, "Say something short.");
        request.max_output_tokens = None;
        (feature.set)(&mut request, endpoint);
        let mut names = Vec::new();
        if let Some(then) = feature.then {
            let answer = self.caller.chat(request.clone()).await;
            self.on_the_wire().await;
            let answer = match answer {
                Ok(answer) => answer.message.expect("a turn"),
                Err(status) => {
                    return feature.case((Err(said::refused(&status)), Value::Null), None);
                }
            };
            names = said::names(&answer);
            then(&mut request, answer);
        }
        let mut again = request.clone();
        if !again.request_id.is_empty() {
            request.request_id = format!("{}-{}", again.request_id, endpoint.name);
            again.request_id = format!("{}-streamed", request.request_id);
        }
        let answer = self.caller.chat(request).await.map(said::chat);
        let whole = self.said(answer, &names).await;
        let answer = self.caller.try_stream_chat(again).await.map(said::chat);
        let (streamed, asked) = self.said(answer, &names).await;
        let place = format!("{}: {}", endpoint.name, feature.name);
        assert_eq!(streamed, whole.0, "{place}: streamed and whole");
        feature.case(whole, Some(asked))
    }

    async fn embed(
        &mut self,
        feature: &Feature<EmbedRequest, others::Endpoint, ()>,
        endpoint: &others::Endpoint,
    ) -> Value {
        let mut request = EmbedRequest {
            model: endpoint.model.to_owned(),
            inputs: vec!["one text".to_owned()],
            ..EmbedRequest::default()
        };
        (feature.set)(&mut request, endpoint);
        let mut again = request.clone();
        if !again.request_id.is_empty() {
            request.request_id = format!("{}-{}", again.request_id, endpoint.name);
            again.request_id = format!("{}-streamed", request.request_id);
        }
        let answer = self.caller.router.execution().embed(request).await;
        let answer = answer.map(|answer| {
            let answer = answer.into_inner();
            said::vectors(&answer.embeddings, &only_attempt(answer.receipt).0)
        });
        let whole = self.said(answer, &[]).await;
        let answer = stream_embed(&self.caller, again).await;
        let (streamed, asked) = self.said(answer, &[]).await;
        assert_eq!(streamed, whole.0, "{}: {}", endpoint.name, feature.name);
        assert_eq!(asked, whole.1, "{}: {}", endpoint.name, feature.name);
        feature.case(whole, None)
    }

    async fn search(
        &mut self,
        feature: &Feature<SearchRequest, others::Endpoint, ()>,
        endpoint: &others::Endpoint,
    ) -> Value {
        let mut request = SearchRequest {
            model: endpoint.model.to_owned(),
            query: "rust http client".to_owned(),
            ..SearchRequest::default()
        };
        (feature.set)(&mut request, endpoint);
        let answer = self.caller.router.execution().search(request).await;
        let answer = answer.map(|answer| said::search(answer.into_inner()));
        let whole = self.said(answer, &[]).await;
        feature.case(whole, None)
    }
}

/// A streamed embedding as the unary one.
async fn stream_embed(caller: &Speaker, request: EmbedRequest) -> Result<Value, Status> {
    let request = StreamEmbedRequest {
        request: Some(request),
    };
    let answer = caller.router.execution().stream_embed(request).await?;
    let mut stream = answer.into_inner();
    let mut vectors = Vec::new();
    loop {
        let next = stream.message().await?.expect("an end");
        match next.event.expect("an event") {
            stream_embed_response::Event::CallId(_) => {}
            stream_embed_response::Event::Embedding(vector) => {
                assert_eq!(vector.index as usize, vectors.len());
                vectors.push(vector.embedding.expect("a vector"));
            }
            stream_embed_response::Event::Receipt(receipt) => {
                return Ok(said::vectors(&vectors, &only_attempt(Some(receipt)).0));
            }
        }
    }
}

#[tokio::test]
async fn every_feature_of_every_provider_is_asked_for_and_answered_as_its_case_says() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let mut asking = Asking::start(&product).await;
    let mut tables = Vec::new();
    for endpoint in &chats::ENDPOINTS {
        let mut cases = Vec::new();
        for feature in chats::features() {
            cases.push(asking.chat(&feature, endpoint).await);
        }
        tables.push((endpoint.name, endpoint.title, endpoint.model, cases));
    }
    for endpoint in &others::EMBEDDINGS {
        let mut cases = Vec::new();
        for feature in others::embeddings() {
            cases.push(asking.embed(&feature, endpoint).await);
        }
        tables.push((endpoint.name, endpoint.title, endpoint.model, cases));
    }
    for endpoint in &others::SEARCHES {
        let mut cases = Vec::new();
        for feature in others::searches() {
            cases.push(asking.search(&feature, endpoint).await);
        }
        tables.push((endpoint.name, endpoint.title, endpoint.model, cases));
    }
    for (name, _, model, cases) in &tables {
        let table = json!({"endpoint": name, "model": model, "cases": cases});
        let text = format!("{table:#}\n");
        is_current(&format!("tests/e2e/features/cases/{name}.json"), &text);
    }
    is_current("docs/providers.md", &document::of(&tables));
}

/// The messages of a request in the neutral schema.
const MESSAGES: [&str; 14] = [
    "ChatRequest",
    "Message",
    "Part",
    "Image",
    "ToolCall",
    "ToolResult",
    "ReasoningPart",
    "Tool",
    "ToolChoice",
    "ResponseFormat",
    "Reasoning",
    "EmbedRequest",
    "SearchRequest",
    "SearchContents",
];

#[test]
fn every_field_of_the_neutral_schema_is_a_feature() {
    let set = prost_types::FileDescriptorSet::decode(keyway_proto::FILE_DESCRIPTOR_SET).unwrap();
    let messages = set
        .file
        .iter()
        .filter(|file| file.package() == "keyway.router.v1");
    let mut fields = BTreeSet::new();
    for message in messages.flat_map(|file| &file.message_type) {
        if MESSAGES.contains(&message.name()) {
            let of = |field: &prost_types::FieldDescriptorProto| {
                format!("{}.{}", message.name(), field.name())
            };
            fields.extend(message.field.iter().map(of));
        }
    }
    let chats = chats::features();
    let (embeddings, searches) = (others::embeddings(), others::searches());
    let listed = chats.iter().flat_map(|feature| feature.fields);
    let listed = listed.chain(embeddings.iter().flat_map(|feature| feature.fields));
    let listed = listed.chain(searches.iter().flat_map(|feature| feature.fields));
    let listed: BTreeSet<String> = listed.map(|&field| field.to_owned()).collect();
    assert_eq!(listed, fields);
}
