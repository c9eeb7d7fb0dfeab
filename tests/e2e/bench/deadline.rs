//! By how much a call overshoots its deadline while its provider is silent.

use std::time::Duration;

use keyway_proto::router::v1::StreamChatRequest;
use serde_json::json;
use tokio::time::Instant;
use tonic::Request;

use super::print;
use crate::harness::{Product, ask};

const DEADLINE: Duration = Duration::from_millis(100);
const CALLS: u32 = 50;

pub(crate) async fn measure(product: &Product) {
    let simulator = product.simulator();
    simulator.script(&json!({"action": {"hold": "ever"}})).await;
    let caller = product.caller();
    let mut over = Vec::new();
    for _call in 0..CALLS {
        let mut request = Request::new(StreamChatRequest {
            request: Some(ask("openai/gpt-5-mini")),
        });
        // The client keeps no time of its own once the call id is there.
        request.set_timeout(DEADLINE);
        let start = Instant::now();
        let answer = caller.router.execution().stream_chat(request).await;
        let mut stream = answer.expect("a stream").into_inner();
        while let Ok(Some(_piece)) = stream.message().await {}
        over.push(start.elapsed().saturating_sub(DEADLINE));
    }
    simulator.reset().await;
    print::line("past a deadline of 100 ms, provider silent", over);
}
