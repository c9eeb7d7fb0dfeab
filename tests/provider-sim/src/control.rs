//! The simulator's own endpoints, below `/_sim`. They are not in the journal.
//!
//! `GET /_sim/ready` answers 200. `GET /_sim/journal?after=N&wait_ms=M` gives the entries after a
//! number, and with `wait_ms` waits that long for the first. `GET /_sim/state` gives the last number,
//! the rules left, how many replies wait at each gate, how many connections and replies are open, and
//! the doors. `POST /_sim/script` adds a rule or an
//! array of them, `POST /_sim/release/NAME` opens a gate, `POST /_sim/door/NAME` makes or changes a
//! door (`door`), `POST /_sim/reset` drops the rules and lets all pass that wait; the journal and the
//! doors stay.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::json;

use crate::reply::Reply;
use crate::server::{self, State};

pub(crate) async fn answer(
    state: &Arc<State>,
    method: &Method,
    path: &str,
    query: &str,
    body: &[u8],
) -> Reply {
    match (method.as_str(), path) {
        ("GET", "/_sim/ready") => Reply::own(200, &json!({"ready": true})),
        ("GET", "/_sim/journal") => journal(state, query).await,
        ("GET", "/_sim/state") => Reply::own(
            200,
            &json!({"last": state.journal.last(), "connections": state.connections(), "replies": state.journal.unended(), "rules": state.script.left(), "waiting": state.gates.waiting(), "doors": state.doors.state()}),
        ),
        ("POST", "/_sim/script") => match state.script.add(body) {
            Ok(rules) => Reply::own(200, &json!({"rules": rules})),
            Err(error) => Reply::text(400, &format!("the script is not taken: {error}")),
        },
        ("POST", _) if path.starts_with("/_sim/door/") => {
            let name = path.trim_start_matches("/_sim/door/");
            door(state, name, body).await
        }
        ("POST", "/_sim/reset") => {
            state.script.clear();
            state.gates.reset();
            Reply::own(200, &json!({"rules": 0}))
        }
        ("POST", _) if path.starts_with("/_sim/release/") => {
            let name = path.trim_start_matches("/_sim/release/");
            state.gates.release(name);
            Reply::own(200, &json!({"released": name}))
        }
        _ => Reply::text(
            404,
            "no such endpoint; there are GET /_sim/ready, /_sim/journal?after=N&wait_ms=M, /_sim/state and POST /_sim/script, /_sim/release/NAME, /_sim/door/NAME, /_sim/reset",
        ),
    }
}

async fn door(state: &Arc<State>, name: &str, body: &[u8]) -> Reply {
    let serving = Arc::clone(state);
    let serve = move |stream| server::boxed_connection(&serving, stream);
    match state.doors.set(name, body, serve).await {
        Ok(address) => Reply::own(200, &json!({"address": address.to_string()})),
        Err(error) => Reply::text(400, &format!("the door is not set: {error}")),
    }
}

async fn journal(state: &State, query: &str) -> Reply {
    let after = number(query, "after").unwrap_or(0);
    let mut changed = state.journal.watch();
    let until =
        tokio::time::Instant::now() + Duration::from_millis(number(query, "wait_ms").unwrap_or(0));
    loop {
        let entries = state.journal.after(after);
        if !entries.is_empty()
            || tokio::time::timeout_at(until, changed.changed())
                .await
                .is_err()
        {
            return Reply::own(
                200,
                &json!({"entries": entries, "last": state.journal.last()}),
            );
        }
    }
}

/// A number in a query, as `after=12`.
pub(crate) fn number(query: &str, name: &str) -> Option<u64> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| *key == name)
        .find_map(|(_, value)| value.parse().ok())
}
