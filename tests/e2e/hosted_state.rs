//! Two workspaces on one hosted key. The provider keeps what the key's holder stores, ids can be
//! guessed, and a model tells all that it was told: nothing that one workspace does brings back a
//! byte of the other's, or of what the platform itself keeps there.

use std::net::SocketAddr;

use keyway_proto::Reason;
use keyway_proto::router::v1::{
    ChatRequest, ChatResponse, ChatRole, Message, Part, StreamChatRequest, part,
    stream_chat_response::Event,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Status;

use crate::harness::{Product, Speaker, reason};

pub(crate) const SECRET: &str = "sk-keyway-test-shared-key-0001";
/// Stands in everything that somebody else keeps at the provider.
pub(crate) const CANARY: &str = "canary-of-the-platform";
const MODELS: [&str; 4] = [
    "openai/gpt-5-mini",
    "google/gemini-2.5-flash",
    "anthropic/claude-haiku-4-5",
    "mistral/mistral-small-latest",
];
/// Another one is another sequence.
pub(crate) const SEED: u64 = 0x005e_ed0f_0b5e_ed0f;
/// Options that name or make something that a provider stores, in every spelling of its own.
const STATE: [&str; 40] = [
    "previous_response_id",
    "conversation",
    "background",
    "store",
    "prompt",
    "prompt_id",
    "file_id",
    "file_ids",
    "files",
    "attachments",
    "include",
    "input",
    "metadata",
    "vector_store_ids",
    "vector_stores",
    "tool_resources",
    "container",
    "containers",
    "code_interpreter",
    "file_search",
    "thread",
    "thread_id",
    "assistant_id",
    "batch",
    "batch_id",
    "prompt_cache_key",
    "safety_identifier",
    "user",
    "service_tier",
    "web_search_options",
    "cachedContent",
    "cached_content",
    "cachedContents",
    "fileData",
    "file_data",
    "systemInstruction",
    "contents",
    "mcp_servers",
    "context_management",
    "agent_id",
];

/// A small generator, so that a run can be repeated.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(most).unwrap()).unwrap()
    }

    pub(crate) fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

fn turn(role: ChatRole, text: &str) -> Message {
    let text = part::Part::Text(text.to_owned());
    Message {
        role: role.into(),
        parts: vec![Part { part: Some(text) }],
    }
}

/// Tells the model something and asks what it was told.
fn recall(model: &str, told: &str, options: &Value) -> ChatRequest {
    ChatRequest {
        model: model.to_owned(),
        messages: vec![
            turn(ChatRole::User, told),
            turn(ChatRole::Assistant, "Noted."),
            turn(ChatRole::User, "[sim:recall]"),
        ],
        max_output_tokens: Some(256),
        provider_options_json: options.to_string(),
        ..Default::default()
    }
}

fn text(answer: &ChatResponse) -> String {
    let parts = answer.message.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match &part.part {
        Some(part::Part::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

async fn whole(speaker: &Speaker, request: ChatRequest) -> Result<String, Status> {
    speaker.chat(request).await.map(|answer| text(&answer))
}

async fn streamed(speaker: &Speaker, request: ChatRequest) -> Result<String, Status> {
    let request = StreamChatRequest {
        request: Some(request),
    };
    let answer = speaker.router.execution().stream_chat(request).await?;
    let (mut stream, mut all) = (answer.into_inner(), String::new());
    while let Some(message) = stream.message().await? {
        if let Some(Event::Text(text)) = message.event {
            all.push_str(&text);
        }
    }
    Ok(all)
}

/// One request of the platform's own, past Keyway.
async fn post(address: SocketAddr, path: &str, body: &str) -> Value {
    let mut stream = TcpStream::connect(address).await.expect("the simulator");
    let length = body.len();
    let request = format!(
        "POST /{path} HTTP/1.0\r\nhost: {address}\r\nauthorization: Bearer {SECRET}\r\n\
         x-goog-api-key: {SECRET}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    let (_head, body) = answer.split_once("\r\n\r\n").expect("a head");
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

/// What the platform keeps at its providers, by id.
pub(crate) async fn plant(product: &Product) -> Vec<String> {
    let simulator = product.simulator().address();
    let start = json!([{"role": "user", "parts": [{"text": CANARY}]}]);
    let item = json!([{"type": "message", "role": "user", "content": CANARY}]);
    let said = json!([{"role": "user", "content": CANARY}]);
    let mut ids = Vec::new();
    for (path, body, id) in [
        ("openai/v1/conversations", json!({"items": item}), "id"),
        (
            "openai/v1/responses",
            json!({"model": "gpt-5-mini", "input": CANARY, "store": true}),
            "id",
        ),
        (
            "openai/v1/chat/completions",
            json!({"model": "gpt-5-mini", "messages": said, "store": true}),
            "id",
        ),
        (
            "google/v1beta/cachedContents",
            json!({"model": "models/gemini-2.5-flash", "contents": start, "ttl": "600s"}),
            "name",
        ),
    ] {
        let answer = post(simulator, path, &body.to_string()).await;
        let id = answer[id]
            .as_str()
            .unwrap_or_else(|| panic!("{path}: {answer}"));
        ids.push(id.to_owned());
    }
    ids
}

pub(crate) fn option(random: &mut Random, ids: &[String]) -> (&'static str, Value) {
    let name = *random.of(&STATE);
    let id = random.of(ids).clone();
    let value = match random.below(6) {
        0 => json!({"id": id}),
        1 => json!([id]),
        2 => json!(true),
        3 => json!({"file_uri": id, "fileUri": id, "file_id": id}),
        _ => json!(id),
    };
    (name, value)
}

/// One request, perhaps with options; `true` if it was refused for them.
async fn step(random: &mut Random, ids: &[String], sides: &[(&Speaker, &str); 2]) -> bool {
    let side = random.below(2);
    let ((who, mark), (_, other)) = (sides[side], sides[1 - side]);
    let model = *random.of(&MODELS);
    let mut options = serde_json::Map::new();
    for _ in 0..random.below(3) {
        let (name, value) = option(random, ids);
        options.insert(name.to_owned(), value);
    }
    let stateful = !options.is_empty();
    let options = Value::Object(options);
    let request = recall(model, mark, &options);
    let answer = if random.below(2) == 0 {
        whole(who, request).await
    } else {
        streamed(who, request).await
    };
    let at = format!("{model} {options}: {answer:?}");
    match answer {
        Ok(text) => {
            assert!(!text.contains(other) && !text.contains(CANARY), "{at}");
            assert!(text.contains(mark), "a model tells what it is told: {at}");
            assert!(!stateful, "taken: {at}");
        }
        Err(status) => {
            let known = [Reason::HostedStateForbidden, Reason::FieldInvalid];
            let known = reason(&status).is_some_and(|reason| known.contains(&reason));
            assert!(stateful && known, "{at}");
            assert!(!status.message().contains(CANARY), "{at}");
        }
    }
    stateful
}

#[tokio::test]
async fn no_sequence_of_requests_brings_back_a_byte_of_anothers() {
    let product = Product::start().await;
    let operator = product.operator();
    for provider in ["openai", "google", "anthropic", "mistral"] {
        let stored = operator.put_key("platform", provider, SECRET).await;
        stored.unwrap();
    }
    let ids = plant(&product).await;
    let planted = product.simulator().journal().await.len();
    let left = product.tenant("left-one").await.caller;
    let right = product.tenant("right-one").await.caller;
    let sides = [(&left, "mark-of-left"), (&right, "mark-of-right")];
    let mut random = Random(SEED);
    let mut refused = 0;
    for _ in 0..400 {
        refused += usize::from(step(&mut random, &ids, &sides).await);
    }
    assert!((100..300).contains(&refused), "{refused}");
    let journal = product.simulator().journal().await;
    assert_eq!(journal.len() - planted, 400 - refused);
    for entry in &journal[planted..] {
        let body = entry["body"].as_str().unwrap_or_default();
        assert!(ids.iter().all(|id| !body.contains(id.as_str())), "{entry}");
        if entry["provider"] == "openai" {
            assert!(body.contains("\"store\":false"), "{entry}");
        }
    }
}

#[tokio::test]
async fn marks_for_the_providers_own_prompt_cache_are_no_objects_and_stay_allowed() {
    let product = Product::start().await;
    let options = json!({"cache_control": {"type": "ephemeral"}});
    let request = recall("anthropic/claude-haiku-4-5", "something", &options);
    whole(&product.caller(), request).await.unwrap();
}
