//! The journal: what was read, and how its reply ended.
//!
//! One JSON line of kind `request` for each request that was read whole, written before its reply
//! begins: `seq`, `time_us` (Unix, microseconds), `provider`, `method`, `path` (below the base URL's
//! provider, without the query), `model` (of the body or the path), `headers` (by allow-list),
//! `header_names` (all), `credential` (where it was, SHA-256 in hex, last four characters; never the
//! key), `body` (text), `status`, `reported` (the counts or the cost of the reply; `usage_sent` says
//! whether the caller was told). One line of kind `end` with the same `seq` when the reply is over:
//! `sent` is `whole`, `cut` (scripted) or `abandoned` (the caller left), `bytes_sent`, `usage_sent`.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::watch;

use crate::reply::Reply;
use crate::request::Request;

/// Entries that `GET /_sim/journal` can show; the file has all.
const SHOWN: usize = 20_000;

/// Headers whose values are kept.
const HEADERS: [&str; 13] = [
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "openai-organization",
    "openai-project",
    "traceparent",
    "user-agent",
    "x-client-request-id",
];

#[derive(Debug)]
pub(crate) struct Journal {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Inner {
    file: Option<File>,
    last: u64,
    /// With their numbers, so that one is found among many thousands without reading them.
    entries: VecDeque<(u64, Value)>,
    /// Replies that have no end yet.
    open: u64,
}

/// How a reply ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    pub(crate) sent: &'static str,
    pub(crate) bytes: usize,
    pub(crate) usage: bool,
}

impl Journal {
    /// Opens the file and goes on with its numbers. Errors: the file can't be opened or read.
    pub(crate) fn open(path: Option<&Path>) -> io::Result<Self> {
        let mut last = 0;
        let mut file = None;
        if let Some(path) = path {
            let mut opened = OpenOptions::new()
                .create(true)
                .append(true)
                .read(true)
                .mode(0o600)
                .open(path)?;
            let mut text = String::new();
            opened.read_to_string(&mut text)?;
            for line in text.lines() {
                let line: Value = serde_json::from_str(line).unwrap_or_default();
                last = last.max(line["seq"].as_u64().unwrap_or_default());
            }
            if !text.is_empty() && !text.ends_with('\n') {
                // The machine stopped within a line: the next one must not continue it.
                opened.write_all(b"\n")?;
            }
            file = Some(opened);
        }
        let inner = Inner {
            file,
            last,
            entries: VecDeque::new(),
            open: 0,
        };
        Ok(Self {
            inner: Mutex::new(inner),
            changed: watch::Sender::new(0),
        })
    }

    /// The number of the next request.
    pub(crate) fn number(&self) -> u64 {
        let mut inner = self.lock();
        inner.last += 1;
        inner.last
    }

    /// Writes what was read and what it will be answered.
    pub(crate) fn request(&self, request: &Request, reply: &Reply) -> io::Result<()> {
        let mut inner = self.lock();
        let mut line = line_of(request, reply);
        inner.write(&line)?;
        if let Some(fields) = line.as_object_mut() {
            fields.remove("kind");
            fields.insert("sent".to_owned(), Value::Null);
        }
        if inner.entries.len() == SHOWN {
            inner.entries.pop_front();
        }
        inner.entries.push_back((request.number, line));
        inner.open += 1;
        drop(inner);
        self.changed.send_modify(|version| *version += 1);
        Ok(())
    }

    /// Writes how the reply ended.
    pub(crate) fn end(&self, number: u64, end: End) -> io::Result<()> {
        let mut inner = self.lock();
        let told = json!({"sent": end.sent, "bytes_sent": end.bytes, "usage_sent": end.usage});
        let mut line = json!({"seq": number, "kind": "end"});
        let entry = inner
            .entries
            .iter_mut()
            .rev()
            .find(|(seq, _)| *seq == number);
        merge(&mut line, &told);
        if let Some((_, entry)) = entry {
            merge(entry, &told);
        }
        inner.open = inner.open.saturating_sub(1);
        let written = inner.write(&line);
        drop(inner);
        self.changed.send_modify(|version| *version += 1);
        written
    }

    /// The entries after a number, oldest first, each with its end once it has one.
    pub(crate) fn after(&self, number: u64) -> Vec<Value> {
        let inner = self.lock();
        let newer = inner.entries.iter().filter(|(seq, _)| *seq > number);
        newer.map(|(_, entry)| entry.clone()).collect()
    }

    pub(crate) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Replies that have begun and have no end yet.
    pub(crate) fn unended(&self) -> u64 {
        self.lock().open
    }

    /// Wakes at every line.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, line: &Value) -> io::Result<()> {
        // One write for the line, so that a kill leaves no line without its end but the last.
        self.file.as_mut().map_or(Ok(()), |file| {
            file.write_all(format!("{line}\n").as_bytes())
        })
    }
}

fn merge(into: &mut Value, from: &Value) {
    if let (Some(into), Some(from)) = (into.as_object_mut(), from.as_object()) {
        into.extend(from.clone());
    }
}

fn line_of(request: &Request, reply: &Reply) -> Value {
    let kept = HEADERS
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), request.header(name)?.into())));
    let mut names: Vec<&str> = request
        .headers
        .keys()
        .map(http::HeaderName::as_str)
        .collect();
    names.sort_unstable();
    json!({
        "seq": request.number,
        "kind": "request",
        "time_us": now_us(),
        "provider": request.provider.name(),
        "method": request.method.as_str(),
        "path": request.path,
        "model": request.model(),
        "headers": kept.collect::<Map<String, Value>>(),
        "header_names": names,
        "credential": credential(request),
        "body": String::from_utf8_lossy(&request.bytes),
        "status": reply.status,
        "reported": reply.reported,
    })
}

fn credential(request: &Request) -> Value {
    request.credential().map_or(Value::Null, |(header, key)| {
        let from = key.char_indices().rev().nth(3).map_or(0, |(at, _)| at);
        json!({
            "header": header,
            "sha256": hex::encode(Sha256::digest(key)),
            "last4": key.get(from..).filter(|_| key.len() > 8),
        })
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator depends on no product crate, so it has no Clock"
)]
fn now_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
