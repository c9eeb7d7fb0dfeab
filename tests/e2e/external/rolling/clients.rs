//! Clients as they should be: where a router is unavailable before the first byte, they ask the
//! other one, and anything else is a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyway_proto::router::v1::stream_chat_response::Event;
use keyway_proto::router::v1::{ChatRequest, StreamChatRequest};
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};

use crate::harness::{BOUND, Speaker, ask, never_sent, say};

pub(super) const HOSTED: &str = "anthropic/claude-haiku-4-5";
/// Of the provider that one workspace has a key of.
pub(super) const OWN: &str = "openai/gpt-5-mini";
pub(super) const FOR_EVER: &str = "for ever and ever";

/// A call that was answered to its end.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) call_id: String,
}

/// One client of both routers.
pub(super) struct Client {
    number: usize,
    routers: [Speaker; 2],
}

/// How one try ended.
enum Tried {
    Answered(Made),
    /// Nothing came: it may be tried again.
    Unavailable(Status),
    Failed(Status),
}

impl Client {
    pub(super) fn new(number: usize, routers: [Speaker; 2]) -> Self {
        Self { number, routers }
    }

    /// Calls until it is over; the calls that it made. One that fails ends the test.
    pub(super) async fn run(self, over: Arc<AtomicBool>) -> Vec<Made> {
        let mut made = Vec::new();
        while !over.load(Ordering::Relaxed) {
            let number = self.number + made.len();
            let model = if number.is_multiple_of(2) {
                HOSTED
            } else {
                OWN
            };
            made.push(self.call(model, self.number % 3 == 2).await);
        }
        made
    }

    async fn call(&self, model: &str, streamed: bool) -> Made {
        let begun = Instant::now();
        for router in self.routers.iter().cycle().skip(self.number % 2) {
            let tried = if streamed {
                stream(router, ask(model)).await
            } else {
                unary(router, ask(model)).await
            };
            match tried {
                Tried::Answered(made) => return made,
                Tried::Unavailable(status) => assert!(begun.elapsed() < BOUND, "{status:?}"),
                Tried::Failed(status) => panic!("client {}: {status:?}", self.number),
            }
            sleep(Duration::from_millis(50)).await;
        }
        panic!("the routers are asked in turns")
    }
}

/// The router says so, or the request never left.
fn is_unavailable(status: &Status) -> bool {
    never_sent(status) || status.code() == Code::Unavailable
}

async fn unary(router: &Speaker, request: ChatRequest) -> Tried {
    match router.chat(request).await {
        Ok(answer) => Tried::Answered(Made {
            call_id: answer.receipt.expect("a receipt").call_id,
        }),
        Err(status) if is_unavailable(&status) => Tried::Unavailable(status),
        Err(status) => Tried::Failed(status),
    }
}

async fn stream(router: &Speaker, request: ChatRequest) -> Tried {
    let mut seen = false;
    match read(router, request, &mut seen).await {
        Ok(call_id) => Tried::Answered(Made { call_id }),
        Err(status) if !seen && is_unavailable(&status) => Tried::Unavailable(status),
        Err(status) => Tried::Failed(status),
    }
}

/// Reads a stream to its end; the call id. `seen` tells whether any content came.
async fn read(router: &Speaker, request: ChatRequest, seen: &mut bool) -> Result<String, Status> {
    let request = StreamChatRequest {
        request: Some(request),
    };
    let mut stream = router
        .router
        .execution()
        .stream_chat(request)
        .await?
        .into_inner();
    let mut call_id = String::new();
    while let Some(message) = stream.message().await? {
        match message.event.expect("an event") {
            Event::CallId(id) => call_id = id,
            Event::End(_) => return Ok(call_id),
            _ => *seen = true,
        }
    }
    panic!("a stream without an end")
}

/// A stream that does not end by itself; its call id and how it ended.
pub(super) async fn long_stream(caller: Speaker) -> (String, Status) {
    let request = StreamChatRequest {
        request: Some(say(HOSTED, FOR_EVER)),
    };
    let answer = caller.router.execution().stream_chat(request).await;
    let mut stream = answer.expect("a stream").into_inner();
    let mut call_id = String::new();
    loop {
        match stream.message().await {
            Ok(Some(message)) => {
                if let Some(Event::CallId(id)) = message.event {
                    call_id = id;
                }
            }
            Ok(None) => panic!("a stream without an end"),
            Err(status) => return (call_id, status),
        }
    }
}
