//! The control side of the simulator.

use std::net::SocketAddr;

use keyway::ready::{get, post_json};
use serde_json::Value;

/// A running simulator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simulator(SocketAddr);

impl Simulator {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Every request that it has read whole, oldest first.
    pub(crate) async fn journal(self) -> Vec<Value> {
        let (status, body) = get(self.0, "/_sim/journal")
            .await
            .expect("the simulator answers");
        assert_eq!(status, 200, "{body}");
        let journal: Value = serde_json::from_str(&body).expect("the journal is JSON");
        journal.as_array().expect("a list").clone()
    }

    /// Makes it play something from now on.
    pub(crate) async fn script(self, script: &Value) {
        let answer = post_json(self.0, "/_sim/script", &script.to_string()).await;
        let (status, body) = answer.expect("the simulator answers");
        assert!((200..300).contains(&status), "{status} {body}");
    }
}
