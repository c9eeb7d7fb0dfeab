//! The control side of the simulator.

use std::net::SocketAddr;

use keyway::ready::{get, post_json};
use serde_json::{Value, json};

use super::{ports, wait_for};

/// A running simulator.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Simulator(SocketAddr);

impl Simulator {
    pub(super) fn at(address: SocketAddr) -> Self {
        Self(address)
    }

    /// Where it listens.
    pub(crate) fn address(self) -> SocketAddr {
        self.0
    }

    /// Every request that it has read whole, oldest first.
    pub(crate) async fn journal(self) -> Vec<Value> {
        let answer = self.read("/_sim/journal").await;
        answer["entries"].as_array().expect("a list").clone()
    }

    /// The number of the last request that it has read, 0 before the first.
    pub(crate) async fn last(self) -> u64 {
        let state = self.read("/_sim/state").await;
        state["last"].as_u64().expect("a number")
    }

    /// The requests after a number, oldest first.
    pub(crate) async fn journal_after(self, number: u64) -> Vec<Value> {
        let answer = self.read(&format!("/_sim/journal?after={number}")).await;
        answer["entries"].as_array().expect("a list").clone()
    }

    /// Makes it play a rule, or a list of rules, from now on.
    pub(crate) async fn script(self, script: &Value) {
        self.post("/_sim/script", &script.to_string()).await;
    }

    /// Makes this every next answer, whatever was asked.
    pub(crate) async fn answers(self, media_type: &str, body: &str) {
        self.reset().await;
        let headers = json!({"content-type": media_type});
        let action = json!({"status": 200, "headers": headers, "body": body});
        self.script(&json!({"action": action})).await;
    }

    /// Drops every rule and opens every gate.
    pub(crate) async fn reset(self) {
        self.post("/_sim/reset", "").await;
    }

    /// Lets pass what is held at a gate, now and later.
    pub(crate) async fn release(self, gate: &str) {
        self.post(&format!("/_sim/release/{gate}"), "").await;
    }

    /// Makes a door at an address that is free; the address.
    pub(crate) async fn new_door(self, behaviour: &str) -> SocketAddr {
        let listen = SocketAddr::from(([127, 0, 0, 1], ports::free()));
        self.door(listen, behaviour).await;
        listen
    }

    /// Waits until so many replies are held at a gate.
    pub(crate) async fn until_held(self, gate: &str, count: u64) {
        let held = async || {
            let state = self.read("/_sim/state").await;
            (state["waiting"][gate].as_u64() == Some(count)).then_some(())
        };
        wait_for("replies at the gate", held).await;
    }

    /// Makes a door at an address, or changes what happens to connections there.
    pub(crate) async fn door(self, listen: SocketAddr, behaviour: &str) {
        let order = serde_json::json!({"behaviour": behaviour, "listen": listen.to_string()});
        self.post(&format!("/_sim/door/{}", listen.port()), &order.to_string())
            .await;
    }

    /// Its connections and its replies that have no end yet. The connection that asks is one.
    pub(crate) async fn open(self) -> (u64, u64) {
        let state = self.read("/_sim/state").await;
        let count = |name: &str| state[name].as_u64().expect("a count");
        (count("connections"), count("replies"))
    }

    async fn read(self, path: &str) -> Value {
        let (status, body) = get(self.0, path).await.expect("the simulator answers");
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("JSON")
    }

    async fn post(self, path: &str, body: &str) {
        let answer = post_json(self.0, path, body).await;
        let (status, body) = answer.expect("the simulator answers");
        assert!((200..300).contains(&status), "{status} {body}");
    }
}
