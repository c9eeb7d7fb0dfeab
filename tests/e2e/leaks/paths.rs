//! Every way a secret takes through the product: calls that succeed and calls that fail, with
//! providers that echo the key they were given.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::billing::v1::Source;
use keyway_proto::router::v1::{ChatRequest, EmbedRequest, SearchRequest, StreamChatRequest, part};
use keyway_proto::vault::v1::{
    ListKeysRequest, PutKeyRequest, TokenServiceListRequest, TokenServiceWhoAmIRequest,
};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::Status;

use super::search::SPELLINGS;
use super::sinks::{self, Sink};
use super::{COMPLETION, ODD_KEY, PLAIN_KEY, PROMPT, UNKNOWN_TOKEN, spell};
use crate::harness::{DEMO, Product, Speaker, ask};

const OPENAI: &str = "openai/gpt-5-mini";
const ANTHROPIC: &str = "anthropic/claude-haiku-4-5";
const GOOGLE: &str = "google/gemini-3.8-flash";
const MISTRAL: &str = "mistral/mistral-small-latest";
/// Each chat provider with its model and the own key that is stored for it.
const CHATS: [(&str, &str, &str); 4] = [
    ("openai", OPENAI, PLAIN_KEY),
    ("anthropic", ANTHROPIC, ODD_KEY),
    ("google", GOOGLE, ODD_KEY),
    ("mistral", MISTRAL, PLAIN_KEY),
];

/// Takes every path; what callers were shown.
pub(super) async fn walk(product: &Product, admin_token: &str) -> Vec<Sink> {
    let admin = product.speaker(admin_token);
    let mut shown = Vec::new();
    let say = |path: &str| json!({"match": {"path": path}, "action": {"text": COMPLETION}});
    let rules = json!([
        say("/chat/completions"),
        say("/messages"),
        say(":generateContent"),
        say(":streamGenerateContent"),
    ]);
    product.simulator().script(&rules).await;
    good_calls(product).await; // on the platform's keys
    store(&admin).await;
    for (_, model, _) in CHATS {
        product.until_served_by(model, Source::Own).await;
    }
    good_calls(product).await; // on the own keys
    shown.extend(bad_keys(product, &admin).await);
    shown.extend(bad_requests(product, &admin).await);
    shown.extend(answers(&admin).await);
    shown.extend(bad_providers(product, &admin).await);
    shown
}

async fn store(admin: &Speaker) {
    let chats = CHATS.map(|(provider, _, key)| (provider, key));
    for (provider, key) in chats.into_iter().chain([("exa", PLAIN_KEY)]) {
        admin.put_key(DEMO, provider, key).await.unwrap();
    }
}

fn prompt(model: &str) -> ChatRequest {
    let mut request = ask(model);
    for message in &mut request.messages {
        for part in &mut message.parts {
            part.part = Some(part::Part::Text(PROMPT.to_owned()));
        }
    }
    request
}

async fn good_calls(product: &Product) {
    let caller = product.caller();
    let mut execution = caller.router.execution();
    for (_, model, _) in CHATS {
        caller.chat(prompt(model)).await.unwrap();
        let request = StreamChatRequest {
            request: Some(prompt(model)),
        };
        let mut stream = execution.stream_chat(request).await.unwrap().into_inner();
        while stream.message().await.unwrap().is_some() {}
    }
    for model in [
        "openai/text-embedding-3-small",
        "google/gemini-embedding-2",
        "mistral/mistral-embed",
    ] {
        let embed = EmbedRequest {
            model: model.to_owned(),
            inputs: vec![PROMPT.to_owned()],
            ..Default::default()
        };
        execution.embed(embed).await.unwrap();
    }
    let search = SearchRequest {
        model: "exa/auto".to_owned(),
        query: PROMPT.to_owned(),
        ..Default::default()
    };
    execution.search(search).await.unwrap();
}

/// Keys that are refused.
async fn bad_keys(product: &Product, admin: &Speaker) -> Vec<Sink> {
    let put = |provider: &str, secret: String| PutKeyRequest {
        owner: DEMO.to_owned(),
        provider: provider.to_owned(),
        secret,
        ..Default::default()
    };
    let caller = product.caller();
    let mut shown = Vec::new();
    for (what, speaker, request) in [
        ("a blank", admin, put("openai", format!("{PLAIN_KEY} "))),
        (
            "two lines",
            admin,
            put("openai", format!("{PLAIN_KEY}\n{ODD_KEY}")),
        ),
        ("a long key", admin, put("openai", PLAIN_KEY.repeat(200))),
        ("nobody's key", admin, put("nobody", PLAIN_KEY.to_owned())),
        ("a client", &caller, put("openai", PLAIN_KEY.to_owned())),
    ] {
        let answer = speaker.vault.keys().put_key(request).await;
        shown.extend(refusal(what, answer));
    }
    shown
}

/// Callers and calls that are refused, each with a secret in it.
async fn bad_requests(product: &Product, admin: &Speaker) -> Vec<Sink> {
    let caller = product.caller();
    let stranger = product.speaker(UNKNOWN_TOKEN);
    let me = TokenServiceWhoAmIRequest {};
    let answer = stranger.vault.tokens().who_am_i(me).await;
    let mut shown = refusal("a stranger at the vault", answer);
    let answer = stranger.chat(prompt(OPENAI)).await;
    shown.extend(refusal("a stranger at the router", answer));
    let answer = admin.chat(prompt(OPENAI)).await;
    shown.extend(refusal("an admin's call", answer));
    for options in [
        json!({"api_key": PLAIN_KEY}).to_string(),
        json!({"extra_headers": {"authorization": format!("Bearer {PLAIN_KEY}")}}).to_string(),
        json!({"messages": [{"role": "user", "content": PROMPT}]}).to_string(),
        format!("{{\"broken\": \"{PLAIN_KEY}"),
    ] {
        let request = ChatRequest {
            provider_options_json: options,
            ..prompt(OPENAI)
        };
        shown.extend(refusal("odd options", caller.chat(request).await));
    }
    let request = ChatRequest {
        temperature: Some(PROMPT.to_owned()),
        ..prompt(OPENAI)
    };
    shown.extend(refusal("words", caller.chat(request).await));
    shown
}

/// What a caller is shown who must be refused.
fn refusal<T>(what: &str, answer: Result<T, Status>) -> Vec<Sink> {
    match answer {
        Ok(_) => panic!("{what}: not refused"),
        Err(status) => sinks::status(what, &status),
    }
}

/// What people are shown of keys, tokens and usage.
async fn answers(admin: &Speaker) -> Vec<Sink> {
    let list = ListKeysRequest {
        owner: DEMO.to_owned(),
        ..Default::default()
    };
    let keys = admin
        .vault
        .keys()
        .list_keys(list)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(keys.keys.len(), CHATS.len() + 1);
    let list = TokenServiceListRequest {
        workspace: DEMO.to_owned(),
        ..Default::default()
    };
    let tokens = admin.vault.tokens().list(list).await.unwrap().into_inner();
    let mut shown = vec![
        ("ListKeys".to_owned(), keys.encode_to_vec()),
        ("TokenService.List".to_owned(), tokens.encode_to_vec()),
    ];
    for event in admin.first_events(DEMO, 10).await {
        shown.push(("an event".to_owned(), event.encode_to_vec()));
    }
    shown
}

/// Providers that fail, and say back what they were given.
async fn bad_providers(product: &Product, admin: &Speaker) -> Vec<Sink> {
    let simulator = product.simulator();
    let caller = product.caller();
    let mut shown = Vec::new();
    for (provider, model, key) in CHATS {
        for (what, action) in failures(provider, key) {
            for stream in [false, true] {
                simulator.reset().await;
                simulator.script(&json!({"action": action})).await;
                let failed = if stream {
                    end_of_stream(&caller, model).await
                } else {
                    caller.chat(prompt(model)).await.err()
                };
                if let Some(status) = failed {
                    let what = format!("{what} of {model}, stream {stream}");
                    shown.extend(sinks::status(&what, &status));
                }
                // A rejected key is good again in its next version.
                admin.put_key(DEMO, provider, key).await.unwrap();
            }
        }
    }
    simulator.reset().await;
    shown
}

/// A provider's own error that says words.
fn error(provider: &str, status: u16, words: &str) -> Value {
    let message = format!("Incorrect API key provided: {words}.");
    match provider {
        "google" => {
            json!({"error": {"code": status, "message": message, "status": "INVALID_ARGUMENT"}})
        }
        "mistral" => {
            json!({"object": "error", "message": message, "type": "invalid_key", "code": "1500"})
        }
        _ => json!({"type": "error", "error": {
            "type": "invalid_request_error",
            "code": "invalid_api_key",
            "message": message,
        }}),
    }
}

fn failures(provider: &str, key: &str) -> Vec<(String, Value)> {
    let echo = |status: u16, words: &str| {
        let body = error(provider, status, words).to_string();
        json!({"status": status, "body": body})
    };
    let statuses = [400, 401, 403, 429, 500];
    let by_status = statuses.map(|status| (status.to_string(), echo(status, key)));
    let spelled = SPELLINGS.iter().flat_map(|(spelling, _)| {
        let pieces = [
            key,
            &spell(spelling, key),
            &format!("x{}", spell(spelling, key)),
        ]
        .join(" ");
        let packed = STANDARD.encode(format!("id:{key}"));
        let words = format!("{pieces} {packed}");
        [401, 403].map(|status| (format!("{status}, {spelling}"), echo(status, &words)))
    });
    let bare = [
        (
            "words in place of JSON",
            json!({"status": 401, "body": "no such key: {{key}} {{key_base64}}"}),
        ),
        (
            "garbage",
            json!({"status": 200, "body": "{\"id\": \"{{key}}\", \"choices\": 7}"}),
        ),
        (
            "events of garbage",
            json!({"status": 200, "body": "data: {{key}}\n\ndata: {{key_base64}}\n\n"}),
        ),
        ("a page", json!({"nonsense": "html"})),
        (
            "half an answer",
            json!({"nonsense": "half", "text": COMPLETION}),
        ),
        ("a cut", json!({"cut_after_chunks": 1, "text": COMPLETION})),
        ("no answer", json!({"cut_after_bytes": 0})),
        ("a redirect", json!({"nonsense": "redirect"})),
    ];
    let bare = bare.map(|(what, action)| (what.to_owned(), action));
    by_status.into_iter().chain(spelled).chain(bare).collect()
}

async fn end_of_stream(caller: &Speaker, model: &str) -> Option<Status> {
    let request = StreamChatRequest {
        request: Some(prompt(model)),
    };
    let mut stream = match caller.router.execution().stream_chat(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) => return Some(status),
    };
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(status) => return Some(status),
        }
    }
}
