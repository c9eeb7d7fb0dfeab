//! What is acknowledged was synced first, by a trace of the system calls of the router, and of PostgreSQL
//! where that is its ledger: on the platform's key the request leaves after the opening is on the disk, and
//! the answer ends after the settlement is. A kill can't show that, since the kernel keeps what was only
//! written.

use std::path::Path;
use std::process::Stdio;

use keyway::Part;
use keyway_test_servers::Postgres;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::harness::{BOUND, Product, Setup, VaultDatabase, only_attempt, say};

const MODEL: &str = "openai/gpt-5-mini";
const CALLS: usize = 10;
/// Of the served model, which only an answer names.
const ANSWER: &str = "gpt-5-mini-2025";
const SEND: &[&str] = &["write", "writev", "sendto", "sendmsg"];
const SYNC: &[&str] = &["fsync", "fdatasync"];

#[tokio::test]
async fn every_opening_and_every_settlement_that_is_acknowledged_was_synced_to_the_ledgers_file_first()
 {
    let mut product = Product::start().await;
    product.caller().chat_once(MODEL).await;
    let router = product.id(Part::Router);
    let (trace, calls) = traced(&product, &[router]).await;
    for (mark, call_id) in &calls {
        trace.is_in_order(mark, call_id);
    }
}

#[tokio::test]
async fn every_opening_and_every_settlement_that_is_acknowledged_was_synced_by_postgresql_first() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "synced").await;
    let setup = Setup::new().ledger_on(&database);
    let mut product = setup.start().await;
    product.caller().chat_once(MODEL).await;
    let mut processes = server.processes().expect("its processes");
    processes.push(product.id(Part::Router));
    let (trace, calls) = traced(&product, &processes).await;
    let from = format!("<TCP:[{}->", product.running.site.addresses.router);
    let to = format!("->{}]>", server.address());
    for (mark, call_id) in &calls {
        trace.is_in_order_at(&to, &from, mark, call_id);
    }
}

/// Makes some calls and traces processes meanwhile; each call's prompt and id.
async fn traced(product: &Product, processes: &[u32]) -> (Trace, Vec<(String, String)>) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("trace");
    let mut strace = attach(processes, &file).await;
    let mut calls = Vec::new();
    for number in 0..CALLS {
        let mark = format!("prompt-number-{number}-of-the-trace");
        let answer = product.caller().chat(say(MODEL, &mark)).await;
        let answer = answer.unwrap_or_else(|status| panic!("{status:?}"));
        calls.push((mark, only_attempt(answer.receipt).1));
    }
    detach(&mut strace).await;
    (Trace::read(&file), calls)
}

async fn attach(processes: &[u32], file: &Path) -> Child {
    let processes = processes
        .iter()
        .flat_map(|id| ["-p".to_owned(), id.to_string()]);
    let mut strace = Command::new("strace")
        .args(["-f", "-yy", "-s", "20000", "-e"])
        .arg("trace=write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync")
        .arg("-o")
        .arg(file)
        .args(processes)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("strace is missing: .ci/run needs it");
    let mut said = BufReader::new(strace.stderr.take().expect("a pipe")).lines();
    let first = tokio::time::timeout(BOUND, said.next_line()).await;
    let first = first.expect("it attaches in time").expect("it says so");
    assert!(
        first.as_ref().is_some_and(|line| line.contains("attached")),
        "{first:?}"
    );
    // It goes on to say something of every thread.
    tokio::spawn(async move { while let Ok(Some(_line)) = said.next_line().await {} });
    strace
}

async fn detach(strace: &mut Child) {
    let id = strace.id().expect("it runs").to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(sent.expect("kill").success());
    let ended = tokio::time::timeout(BOUND, strace.wait()).await;
    ended
        .expect("it ends in time")
        .expect("it can be waited for");
}

/// System calls in the order in which they began.
struct Trace(Vec<Traced>);

/// One system call: where it began and ended in the trace, and its text.
struct Traced {
    began: usize,
    ended: usize,
    text: String,
}

impl Trace {
    fn read(file: &Path) -> Self {
        let bytes = std::fs::read(file).expect("a trace");
        let mut calls: Vec<Traced> = Vec::new();
        for (at, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
            let Some((thread, text)) = line.split_once(char::is_whitespace) else {
                continue;
            };
            if text.contains(" resumed>") {
                let begun = |call: &&mut Traced| {
                    call.ended == usize::MAX && call.text.starts_with(&format!("{thread} "))
                };
                if let Some(call) = calls.iter_mut().rev().find(begun) {
                    call.ended = at;
                }
                continue;
            }
            let ended = if text.contains("<unfinished ...>") {
                usize::MAX
            } else {
                at
            };
            let text = format!("{thread} {}", text.trim_start());
            calls.push(Traced {
                began: at,
                ended,
                text,
            });
        }
        Self(calls)
    }

    /// The first call of one of these names after a line whose text has all of these.
    fn first(&self, after: usize, names: &[&str], parts: &[&str]) -> &Traced {
        let is = |call: &&Traced| {
            let name = call.text.split_once(' ').map_or("", |(_thread, rest)| rest);
            call.began > after
                && names
                    .iter()
                    .any(|wanted| name.starts_with(&format!("{wanted}(")))
                && parts.iter().all(|part| call.text.contains(part))
        };
        let found = self.0.iter().find(is);
        found.unwrap_or_else(|| panic!("no {names:?} with {parts:?} after line {after}"))
    }

    /// Write of the opening, sync, request; write of the settlement, sync, end of the answer.
    fn is_in_order(&self, mark: &str, call_id: &str) {
        let write: &[&str] = &["pwrite64", "write"];
        let log = "ledger.db-wal>";
        let opening = self.first(0, write, &[log, call_id]);
        let opened = self.first(opening.ended, SYNC, &[log]);
        let request = self.first(0, SEND, &["<TCP", mark]);
        assert!(
            opened.ended < request.began,
            "{mark}: the request left before its opening was synced"
        );
        let settlement = self.first(request.began, write, &[log, call_id]);
        let settled = self.first(settlement.ended, SYNC, &[log]);
        let answer = self.first(request.began, SEND, &["<TCP", call_id, ANSWER]);
        assert!(
            settled.ended < answer.began,
            "{mark}: the answer ended before its settlement was synced"
        );
    }

    /// The same where the ledger is a server: statement to it, commit, sync of its log, request; and again
    /// until the end of the answer from the router. Whichever process of the server syncs, the log is one.
    fn is_in_order_at(&self, to: &str, from: &str, mark: &str, call_id: &str) {
        let request = self.first(0, SEND, &["<TCP", mark]);
        let opened = self.committed(0, to, call_id);
        assert!(
            opened.ended < request.began,
            "{mark}: the request left before its opening was synced"
        );
        let settled = self.committed(request.began, to, call_id);
        let answer = self.first(request.began, SEND, &[from, call_id, ANSWER]);
        assert!(
            settled.ended < answer.began,
            "{mark}: the answer ended before its settlement was synced"
        );
    }

    /// The first sync of the server's log that began after the commit of what names a call.
    fn committed(&self, after: usize, to: &str, call_id: &str) -> &Traced {
        let statement = self.first(after, SEND, &[to, call_id]);
        let connection = statement.text.split_once("<TCP:[").expect("a connection");
        let (connection, _) = connection.1.split_once("]>").expect("a connection");
        let commit = self.first(statement.began - 1, SEND, &[connection, "COMMIT"]);
        self.first(commit.began, SYNC, &["/pg_wal/"])
    }
}
