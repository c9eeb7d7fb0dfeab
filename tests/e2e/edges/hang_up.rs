//! A client that hangs up while its provider says nothing is noticed at once, however it goes: no
//! byte has to be written first.

use std::net::SocketAddr;
use std::time::Duration;

use keyway_proto::billing::v1::Outcome;
use keyway_proto::router::v1::StreamChatRequest;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::harness::chat;
use crate::harness::{BOUND, Logs, Product, Tenant, ask, wait_for};

/// How a client over HTTP/1.1 goes.
#[derive(Debug, Clone, Copy)]
enum Way {
    Close,
    Reset,
    /// Its own side only.
    HalfClose,
    /// After it has sent more than the one request.
    AfterMore(usize),
}

const WAYS: [Way; 5] = [
    Way::Close,
    Way::Reset,
    Way::HalfClose,
    Way::AfterMore(1),
    Way::AfterMore(4),
];

/// Where the provider falls silent: before its head, or after so many events.
const SILENCES: [(&str, bool); 3] = [
    ("before a streamed answer", true),
    ("within a streamed answer", true),
    ("before a whole answer", false),
];

#[tokio::test]
async fn a_client_over_http_1_that_hangs_up_is_noticed_while_its_provider_is_silent() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = with_own_key(&product).await;
    for way in WAYS {
        for (number, (silence, streamed)) in SILENCES.into_iter().enumerate() {
            let gate = format!("{way:?}{number}").replace(['(', ')'], "-");
            let action = match number {
                1 => json!({"stall_after_chunks": 2, "stall_hold": gate}),
                _ => json!({"hold": gate}),
            };
            let rule = json!({"times": 1, "action": action});
            product.simulator().script(&rule).await;
            let mut client = Raw::to(&product).await;
            client.ask(&tenant, streamed).await;
            if number == 1 {
                client.read_until("\n\n").await;
            }
            product.simulator().until_held(&gate, 1).await;
            client.leave(way, &tenant).await;
            let what = format!("the end of a call whose client went by {way:?} {silence}");
            until_nothing_runs(&product, &what).await;
            product.simulator().release(&gate).await;
        }
    }
    let count = WAYS.len() * SILENCES.len();
    let events = tenant.admin.first_events(&tenant.name, count).await;
    assert!(
        events
            .iter()
            .all(|event| event.outcome() == Outcome::Abandoned),
        "{events:?}"
    );
}

#[tokio::test]
async fn a_client_over_http_2_that_hangs_up_is_noticed_while_its_provider_is_silent() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = with_own_key(&product).await;
    // A call that is taken back, and a connection that is gone.
    for connection in [false, true] {
        let gate = format!("gate-{connection}");
        let rule = json!({"times": 1, "action": {"stall_after_chunks": 2, "stall_hold": gate}});
        product.simulator().script(&rule).await;
        let caller = product.speaker(&tenant.call_token);
        let request = StreamChatRequest {
            request: Some(ask("openai/gpt-5-mini")),
        };
        let answer = caller.router.execution().stream_chat(request).await;
        let stream = answer.expect("a stream");
        product.simulator().until_held(&gate, 1).await;
        if connection {
            drop(caller);
        }
        drop(stream);
        until_nothing_runs(&product, "the end of the call").await;
        product.simulator().release(&gate).await;
    }
    let events = tenant.admin.first_events(&tenant.name, 2).await;
    assert!(
        events
            .iter()
            .all(|event| event.outcome() == Outcome::Abandoned),
        "{events:?}"
    );
}

/// What is told of an own key's call is not waited for at its provider: `on_disconnect` is CANCEL.
async fn with_own_key(product: &Product) -> Tenant {
    let tenant = product.tenant("hang-up").await;
    let secret = "sk-keyway-test-hang-up-0001";
    let stored = tenant.admin.put_key(&tenant.name, "openai", secret).await;
    stored.expect("stored");
    tenant
}

/// No call in the router, and no reply at the provider.
async fn until_nothing_runs(product: &Product, what: &str) {
    let over = async || {
        let counts = product.counts(keyway::Part::Router).await;
        let calls = counts.sum("keyway_router_calls_in_flight", "");
        let (_, replies) = product.simulator().open().await;
        (calls == 0 && replies == 0).then_some(())
    };
    wait_for(what, over).await;
}

/// HTTP/1.1 by hand.
struct Raw {
    stream: TcpStream,
    router: SocketAddr,
}

impl Raw {
    async fn to(product: &Product) -> Self {
        let router = product.running.site.addresses.router;
        Self {
            stream: TcpStream::connect(router).await.expect("a connection"),
            router,
        }
    }

    async fn ask(&mut self, tenant: &Tenant, streamed: bool) {
        let (path, body) = chat("openai", streamed);
        let (body, token) = (body.to_string(), &tenant.call_token);
        let request = format!(
            "POST /openai{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.router,
            body.len()
        );
        let sent = self.stream.write_all(request.as_bytes()).await;
        sent.expect("it is sent");
    }

    async fn read_until(&mut self, what: &str) {
        let mut read = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&read).contains(what) {
                let more = self.stream.read_buf(&mut read).await.expect("an answer");
                assert!(more > 0, "no end");
            }
        };
        let read = tokio::time::timeout(BOUND, reading).await;
        read.expect("the answer in time");
    }

    async fn leave(mut self, way: Way, tenant: &Tenant) {
        match way {
            Way::Close => {}
            Way::Reset => self.stream.set_zero_linger().expect("an option"),
            Way::HalfClose => {
                self.stream.shutdown().await.expect("its own side");
                let mut rest = Vec::new();
                let ended = self.stream.read_to_end(&mut rest);
                let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
                drop(ended.expect("the other side in time"));
            }
            Way::AfterMore(requests) => {
                for _ in 0..requests {
                    self.ask(tenant, true).await;
                }
            }
        }
    }
}
