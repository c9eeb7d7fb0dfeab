//! Speaking to the edges as an SDK does: over HTTP/1.1, with its credential in its own place.

use keyway_words::CallId;
use reqwest::header::HeaderMap;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::pki::Authority;
use crate::harness::{BOUND, Product};

/// Providers with a chat.
pub(crate) const PROVIDERS: [&str; 4] = ["openai", "anthropic", "google", "mistral"];

/// An SDK of our own.
pub(crate) struct Http {
    client: Client,
    base: String,
    token: String,
    headers: Vec<(&'static str, String)>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// The body broke off.
    pub(crate) broken: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> String {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    pub(crate) fn reason(&self) -> String {
        self.header("keyway-reason")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
}

impl Http {
    /// With the demo workspace's call token.
    pub(crate) fn of(product: &Product) -> Self {
        Self::bearing(product, product.running.access.call_token.expose())
    }

    /// With any token.
    pub(crate) fn bearing(product: &Product, token: &str) -> Self {
        let router = product.running.site.addresses.router;
        Self {
            client: Client::builder().no_proxy().build().expect("a client"),
            base: format!("http://{router}"),
            token: token.to_owned(),
            headers: Vec::new(),
        }
    }

    /// The same over TLS, in HTTP/1.1 as most SDKs speak it.
    pub(crate) fn over_tls(mut self, authority: &Authority) -> Self {
        let authority = Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
        let client = Client::builder()
            .no_proxy()
            .http1_only()
            .tls_certs_only([authority]);
        self.client = client.build().expect("a client");
        self.base = self.base.replacen("http:", "https:", 1);
        self
    }

    /// The same with a header more.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Asks for an answer of a model.
    pub(crate) async fn post(&self, provider: &str, (path, body): &(String, Value)) -> Answer {
        let path = format!("/{provider}{path}");
        self.at(&path, body).await
    }

    pub(crate) async fn at(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string().into_bytes())
            .await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Vec::new()).await
    }

    /// Asks for a stream and reads nothing of it yet.
    pub(crate) async fn open(&self, path: &str, body: &Value) -> Opened {
        let request = self.request(Method::POST, path, body.to_string().into_bytes());
        let reply = request.send().await.expect("an answer");
        Opened {
            reply,
            text: String::new(),
        }
    }

    fn request(&self, method: Method, path: &str, body: Vec<u8>) -> RequestBuilder {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        request = match path.split('/').nth(1) {
            Some("anthropic") => request
                .header("x-api-key", &self.token)
                .header("anthropic-version", "2023-06-01"),
            Some("google") => request.header("x-goog-api-key", &self.token),
            Some("exa") => request.header("x-api-key", &self.token),
            _ => request.bearer_auth(&self.token),
        };
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request
            .header("content-type", "application/json")
            .body(body)
            .timeout(BOUND)
    }

    /// Sends these bytes.
    pub(crate) async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let request = self.request(method, path, body);
        let mut reply = request.send().await.expect("an answer");
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let mut body = Vec::new();
        let broken = loop {
            match reply.chunk().await {
                Ok(Some(piece)) => body.extend_from_slice(&piece),
                Ok(None) => break false,
                Err(_broken) => break true,
            }
        };
        let id = headers.get("keyway-call-id").map(|id| id.to_str().unwrap());
        assert!(id.is_some_and(|id| id.parse::<CallId>().is_ok()), "{path}");
        Answer {
            status,
            headers,
            body,
            broken,
        }
    }
}

/// A stream that is read piece by piece.
pub(crate) struct Opened {
    reply: Response,
    text: String,
}

impl Opened {
    pub(crate) fn call_id(&self) -> String {
        let id = self.reply.headers().get("keyway-call-id");
        id.and_then(|id| id.to_str().ok())
            .expect("an id")
            .to_owned()
    }

    /// Reads to the end, or to where it breaks off; all that was read.
    pub(crate) async fn rest_of_it(&mut self) -> String {
        while let Ok(Some(piece)) = self.reply.chunk().await {
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
        self.text.clone()
    }

    /// Reads until so much is there, or to the end; all that was read.
    pub(crate) async fn until(&mut self, enough: impl Fn(&str) -> bool) -> String {
        while !enough(&self.text) {
            let Some(piece) = self.reply.chunk().await.expect("a whole stream") else {
                break;
            };
            self.text.push_str(&String::from_utf8_lossy(&piece));
        }
        self.text.clone()
    }
}

/// A turn that a provider's SDK would ask for.
pub(crate) fn chat(provider: &str, stream: bool) -> (String, Value) {
    let messages = json!([{"role": "user", "content": "Say something short."}]);
    match provider {
        "anthropic" => (
            "/v1/messages".to_owned(),
            json!({"model": "claude-haiku-4-5", "max_tokens": 64, "messages": messages, "stream": stream}),
        ),
        "google" => {
            let method = if stream {
                "streamGenerateContent?alt=sse"
            } else {
                "generateContent"
            };
            (
                format!("/v1beta/models/gemini-3.8-flash:{method}"),
                json!({"contents": [{"role": "user", "parts": [{"text": "Say something short."}]}]}),
            )
        }
        "mistral" => (
            "/v1/chat/completions".to_owned(),
            json!({"model": "mistral-small-latest", "messages": messages, "stream": stream}),
        ),
        _ => (
            "/v1/chat/completions".to_owned(),
            json!({"model": "gpt-5-mini", "messages": messages, "stream": stream}),
        ),
    }
}
