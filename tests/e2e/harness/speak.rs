//! Speaking to the product over gRPC, as anybody would.

use std::net::SocketAddr;

use keyway::client::Session;
use keyway_proto::billing::v1::{
    Basis, StreamUsageOpen, StreamUsageRequest, UsageEvent, UsageFilter, stream_usage_request,
};
use keyway_proto::router::v1::{
    AttemptReceipt, ChatEnd, ChatRequest, ChatResponse, ChatRole, Message, Part, ReasoningPart,
    Receipt, StreamChatRequest, ToolCall, ToolCallDelta, part, stream_chat_response,
};
use keyway_proto::vault::v1::{DeleteKeyRequest, Key, PutKeyRequest};
use keyway_proto::{Reason, status};
use keyway_words::Secret;
use tonic::{Code, Status};

use super::BOUND;

/// The demo workspace, in which tests work unless they make their own.
pub(crate) const DEMO: &str = "workspaces/demo";

/// A chat request of one user turn.
pub(crate) fn ask(model: &str) -> ChatRequest {
    say(model, "Say something short.")
}

/// A chat request of one user turn that says this.
pub(crate) fn say(model: &str, text: &str) -> ChatRequest {
    let text = part::Part::Text(text.to_owned());
    ChatRequest {
        model: model.to_owned(),
        messages: vec![Message {
            role: ChatRole::User.into(),
            parts: vec![Part { part: Some(text) }],
        }],
        max_output_tokens: Some(256),
        ..Default::default()
    }
}

/// The stable reason of a refusal.
pub(crate) fn reason(status: &Status) -> Option<Reason> {
    status::refusal(status).reason
}

/// The client kept the request to itself: its connection had just been told to go.
pub(crate) fn never_sent(status: &Status) -> bool {
    status.code() == Code::Cancelled && status.message() == "operation was canceled"
}

/// The bearer of one token, at both services.
#[derive(Clone)]
pub(crate) struct Speaker {
    /// At the vault.
    pub(crate) vault: Session,
    /// At the router.
    pub(crate) router: Session,
}

impl Speaker {
    pub(super) fn new(vault: SocketAddr, router: SocketAddr, token: &str) -> Self {
        let session =
            |address| Session::new(address, &Secret::new(token.to_owned())).expect("a session");
        Self {
            vault: session(vault),
            router: session(router),
        }
    }

    /// Speaks with a token to another vault.
    pub(crate) fn at_vault(&self, vault: SocketAddr, token: &str) -> Self {
        let session = Session::new(vault, &Secret::new(token.to_owned()));
        Self {
            vault: session.expect("a session"),
            router: self.router.clone(),
        }
    }

    /// Stores a key under the name `default`.
    pub(crate) async fn put_key(
        &self,
        owner: &str,
        provider: &str,
        secret: &str,
    ) -> Result<Key, Status> {
        let request = PutKeyRequest {
            owner: owner.to_owned(),
            provider: provider.to_owned(),
            secret: secret.to_owned(),
            ..Default::default()
        };
        let answer = self.vault.keys().put_key(request).await?;
        Ok(answer.into_inner().key.expect("a stored key"))
    }

    /// Deletes a key by its full name.
    pub(crate) async fn delete_key(&self, name: &str) -> Result<(), Status> {
        let request = DeleteKeyRequest {
            name: name.to_owned(),
            ..Default::default()
        };
        self.vault.keys().delete_key(request).await.map(drop)
    }

    /// One chat call.
    pub(crate) async fn chat(&self, request: ChatRequest) -> Result<ChatResponse, Status> {
        Ok(self.router.execution().chat(request).await?.into_inner())
    }

    /// One streamed chat call that must succeed, as the unary answer would be.
    pub(crate) async fn stream_chat(&self, request: ChatRequest) -> ChatResponse {
        let answer = self.try_stream_chat(request).await;
        answer.unwrap_or_else(|status| panic!("{status:?}"))
    }

    /// One streamed chat call, as the unary answer would be: pieces joined, calls by their index.
    pub(crate) async fn try_stream_chat(
        &self,
        request: ChatRequest,
    ) -> Result<ChatResponse, Status> {
        let request = StreamChatRequest {
            request: Some(request),
        };
        let answer = self.router.execution().stream_chat(request).await?;
        let mut stream = answer.into_inner();
        let mut whole = Whole::default();
        loop {
            let next = stream.message().await?.expect("an end");
            match next.event.expect("an event") {
                stream_chat_response::Event::CallId(_) => {}
                stream_chat_response::Event::End(end) => return Ok(whole.ended(end)),
                piece => whole.add(piece),
            }
        }
    }

    /// One chat call that must succeed; its only attempt and the call id.
    pub(crate) async fn chat_once(&self, model: &str) -> (AttemptReceipt, String) {
        let answer = self
            .chat(ask(model))
            .await
            .unwrap_or_else(|status| panic!("{model}: {status:?}"));
        only_attempt(answer.receipt)
    }

    /// The events of these calls' attempts that left the router, one per call, in stream order, as
    /// soon as the stream shows them.
    pub(crate) async fn events_of(&self, workspace: &str, call_ids: &[&str]) -> Vec<UsageEvent> {
        let wanted = |event: &UsageEvent| {
            event.basis() != Basis::None && call_ids.contains(&event.call_id.as_str())
        };
        self.read_events(workspace, call_ids.len(), wanted).await
    }

    /// The first events of a workspace, in stream order, as soon as there are so many.
    pub(crate) async fn first_events(&self, workspace: &str, count: usize) -> Vec<UsageEvent> {
        self.read_events(workspace, count, |_| true).await
    }

    /// The first operations on the stream, as soon as there are so many.
    pub(crate) async fn operations(&self, count: usize) -> Vec<UsageEvent> {
        let wanted = |event: &UsageEvent| event.r#type == "keyway.operation.v1";
        self.read_events("", count, wanted).await
    }

    async fn read_events(
        &self,
        workspace: &str,
        count: usize,
        wanted: impl Fn(&UsageEvent) -> bool,
    ) -> Vec<UsageEvent> {
        let open = StreamUsageOpen {
            filter: Some(UsageFilter {
                workspace: workspace.to_owned(),
                ..Default::default()
            }),
            follow: true,
            ..Default::default()
        };
        let message = Some(stream_usage_request::Message::Open(open));
        let requests = tokio_stream::once(StreamUsageRequest { message });
        let answer = self
            .router
            .billing()
            .stream_usage(requests)
            .await
            .expect("a stream");
        let mut stream = answer.into_inner();
        let mut found = Vec::new();
        let reading = async {
            while found.len() < count {
                let next = stream.message().await.expect("an event").expect("no end");
                found.extend(next.event.filter(|event| wanted(event)));
            }
        };
        tokio::time::timeout(BOUND, reading)
            .await
            .expect("all events in time");
        found
    }
}

/// A streamed answer so far: its parts, and where among them its calls are.
#[derive(Default)]
struct Whole {
    parts: Vec<part::Part>,
    calls: Vec<usize>,
}

impl Whole {
    fn add(&mut self, piece: stream_chat_response::Event) {
        use stream_chat_response::Event;
        match (piece, self.parts.last_mut()) {
            (Event::Text(more), Some(part::Part::Text(text)))
            | (Event::Refusal(more), Some(part::Part::Refusal(text))) => text.push_str(&more),
            (Event::Text(text), _) => self.parts.push(part::Part::Text(text)),
            (Event::Refusal(text), _) => self.parts.push(part::Part::Refusal(text)),
            (Event::Reasoning(more), Some(part::Part::Reasoning(part)))
                if part.signature.is_empty() =>
            {
                part.text.push_str(&more.text);
                part.signature = more.signature;
            }
            (Event::Reasoning(first), _) => self.parts.push(part::Part::Reasoning(ReasoningPart {
                text: first.text,
                signature: first.signature,
                redacted: first.redacted,
            })),
            (Event::ToolCall(delta), _) => self.call(delta),
            (Event::CallId(_) | Event::End(_), _) => {}
        }
    }

    fn call(&mut self, delta: ToolCallDelta) {
        let index = usize::try_from(delta.index).expect("an index");
        if index == self.calls.len() {
            self.calls.push(self.parts.len());
            self.parts.push(part::Part::ToolCall(ToolCall::default()));
        }
        let part::Part::ToolCall(call) = &mut self.parts[self.calls[index]] else {
            panic!("the index of a call is that of a call");
        };
        call.id.push_str(&delta.id);
        call.name.push_str(&delta.name);
        call.arguments_json.push_str(&delta.arguments_json);
        call.signature.extend(delta.signature);
    }

    fn ended(self, end: ChatEnd) -> ChatResponse {
        let parts = self.parts.into_iter();
        let message = Message {
            role: ChatRole::Assistant.into(),
            parts: parts.map(|part| Part { part: Some(part) }).collect(),
        };
        ChatResponse {
            message: Some(message),
            finish_reason: end.finish_reason,
            provider_finish: end.provider_finish,
            receipt: end.receipt,
        }
    }
}

/// The only attempt of a receipt that left the router, and the call id. A key that changes between
/// the plan and the sending leaves an attempt that did not.
pub(crate) fn only_attempt(receipt: Option<Receipt>) -> (AttemptReceipt, String) {
    let mut receipt = receipt.expect("a receipt");
    let last = receipt.attempts.pop().expect("an attempt");
    assert!(
        receipt
            .attempts
            .iter()
            .all(|earlier| earlier.basis() == Basis::None),
        "{receipt:?}"
    );
    (last, receipt.call_id)
}
