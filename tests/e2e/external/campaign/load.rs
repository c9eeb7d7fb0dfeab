//! The calls of a campaign: what each one asks, when it ran, and whether its caller got anything.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::router::v1::{
    ChatRequest, EmbedRequest, Receipt, SearchRequest, StreamChatRequest, StreamChatResponse,
};
use tokio::sync::RwLock;
use tokio::time::Instant;
use tonic::Status;

use super::seed::Seed;
use crate::harness::{CHATS, Speaker, say};

/// What every own key of the campaign ends with, and no hosted one.
pub(super) const OWN: &str = "ownk";
/// The label by which events and requests of a call are found.
pub(super) const MARK: &str = "mark";

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Victim {
    Router,
    Vault,
    Nats,
    Postgres,
}

/// A kill that calls may not survive: of the router, or of its ledger's server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kill {
    pub(super) victim: Victim,
    /// Before the kill; of a router, before its ledger was gone if that was killed first.
    pub(super) since: Instant,
    /// When the router was gone, or its ledger there again.
    pub(super) until: Instant,
}

impl Kill {
    /// Whether a call was on its way at that time, or was so long before.
    pub(super) fn met(&self, call: &Made, after: Duration) -> bool {
        call.began <= self.until && self.since <= call.ended + after
    }
}

/// A call that was made.
pub(super) struct Made {
    pub(super) mark: String,
    began: Instant,
    ended: Instant,
    /// Whether anything of the provider's answer came to the caller.
    pub(super) received: bool,
    /// The receipt, or the refusal, as text.
    pub(super) said: String,
}

/// One client, and how many calls it has drawn.
pub(super) struct Caller {
    pub(super) number: u64,
    pub(super) drawn: usize,
    pub(super) speaker: Speaker,
    /// Held by whoever keeps something dead that calls need.
    pub(super) up: Arc<RwLock<()>>,
}

/// What a call asks.
enum Ask {
    Chat(&'static str),
    Stream(&'static str),
    Embed,
    Search,
}

impl Caller {
    /// Draws the calls of a round; they are made when the future is polled. After one that failed it
    /// waits until everything is up again.
    pub(super) fn draw(
        &mut self,
        seed: &mut Seed,
        calls: usize,
    ) -> impl Future<Output = Vec<Made>> + Send + use<> {
        let mut asks = Vec::new();
        for _ in 0..calls {
            let model = CHATS[seed.below(CHATS.len())];
            let ask = match seed.below(8) {
                0 => Ask::Embed,
                1 => Ask::Search,
                2 | 3 => Ask::Chat(model),
                _ => Ask::Stream(model),
            };
            self.drawn += 1;
            asks.push((format!("mark-{}-{}-x", self.number, self.drawn), ask));
        }
        let (speaker, up) = (self.speaker.clone(), Arc::clone(&self.up));
        async move {
            let mut made = Vec::new();
            for (mark, ask) in asks {
                let call = make(&speaker, mark, &ask).await;
                let failed = !call.received;
                made.push(call);
                if failed {
                    drop(up.read().await);
                }
            }
            made
        }
    }
}

async fn make(speaker: &Speaker, mark: String, ask: &Ask) -> Made {
    let began = Instant::now();
    let mut received = false;
    let text = format!("Say something short to {mark}.");
    let labels = HashMap::from([(MARK.to_owned(), mark.clone())]);
    let chat = |model: &str| ChatRequest {
        labels: labels.clone(),
        ..say(model, &text)
    };
    let answer = match ask {
        Ask::Chat(model) => {
            let answer = speaker.chat(chat(model)).await;
            answer.map(|answer| answer.receipt)
        }
        Ask::Stream(model) => stream(speaker, chat(model), &mut received).await,
        Ask::Embed => {
            let request = EmbedRequest {
                model: "openai/text-embedding-3-small".to_owned(),
                inputs: vec![text],
                labels,
                ..Default::default()
            };
            let answer = speaker.router.execution().embed(request).await;
            answer.map(|answer| answer.into_inner().receipt)
        }
        Ask::Search => {
            let request = SearchRequest {
                model: "exa/auto".to_owned(),
                query: text,
                labels,
                ..Default::default()
            };
            let answer = speaker.router.execution().search(request).await;
            answer.map(|answer| answer.into_inner().receipt)
        }
    };
    received |= answer.is_ok();
    Made {
        mark,
        began,
        ended: Instant::now(),
        received,
        said: format!("{answer:?}"),
    }
}

/// A streamed call; also whether anything of the answer came before it failed.
async fn stream(
    speaker: &Speaker,
    request: ChatRequest,
    received: &mut bool,
) -> Result<Option<Receipt>, Status> {
    let request = StreamChatRequest {
        request: Some(request),
    };
    let answer = speaker.router.execution().stream_chat(request).await?;
    let mut stream = answer.into_inner();
    while let Some(StreamChatResponse { event }) = stream.message().await? {
        match event.expect("an event") {
            // The router's own word, before any of the provider's.
            Event::CallId(_) => {}
            Event::End(end) => return Ok(end.receipt),
            _ => *received = true,
        }
    }
    panic!("a stream without an end")
}
