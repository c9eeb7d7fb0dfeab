//! `keyway import`: stores the keys of a file of JSON lines, as a client of `KeyService.PutKey`.
//!
//! Lines are read one at a time ([`input`]), each becomes a request or a complaint ([`row`]), and a
//! bounded number is under way at once ([`store`]). A bad line costs nothing but itself. Nothing of
//! the file is ever printed: a complaint names the line, the field and what is accepted.

mod input;
mod report;
mod row;
mod store;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::child::Environment;
use crate::cli::ImportOptions;
use crate::client::Session;

use crate::endpoint;

use self::input::{Line, Lines};
use self::report::Report;
use self::row::{Identity, Row};
use self::store::{Outcome, Stop, Store};

/// Every line was stored, or in a dry run would be.
const ALL_GOOD: u8 = 0;
/// Some lines are bad; the others are stored.
const SOME_BAD: u8 = 1;
/// Nothing was begun: the file, the address or the token can't be used.
const NOT_BEGUN: u8 = 2;
/// It stopped on the way; running it again goes on.
const STOPPED: u8 = 3;

/// Runs the command. The environment holds address and token.
pub(crate) fn run(options: &ImportOptions, environment: &Environment) -> ExitCode {
    let mut report = Report::new(options.dry_run);
    match begin(options, environment, &mut report) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            report.complain(&format!("{error:#}"));
            ExitCode::from(NOT_BEGUN)
        }
    }
}

fn begin(options: &ImportOptions, environment: &Environment, report: &mut Report) -> Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let session = endpoint::session(endpoint::VAULT, &options.way, environment)?;
        let lines = read_lines(open(&options.file)?);
        Ok(import(options, session, lines, report).await)
    })
}

fn open(file: &Path) -> Result<Box<dyn Read + Send>> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).with_context(|| format!("can't read {}", file.display()))?;
    Ok(Box::new(opened))
}

/// Reads on a thread of its own, no further ahead than the queue is long.
fn read_lines(from: Box<dyn Read + Send>) -> mpsc::Receiver<io::Result<Line>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        for line in Lines::new(from) {
            if sender.blocking_send(line).is_err() {
                return; // nobody reads on
            }
        }
    });
    receiver
}

const AHEAD: usize = 64;

async fn import(
    options: &ImportOptions,
    session: Session,
    mut lines: mpsc::Receiver<io::Result<Line>>,
    report: &mut Report,
) -> u8 {
    let store = Store::new(session, options.dry_run);
    let mut seen = Seen::default();
    let mut under_way = JoinSet::new();
    let mut stop = None;
    while stop.is_none() {
        let Some(line) = lines.recv().await else {
            break;
        };
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                stop = Some(Stop::new(format!(
                    "the file can't be read any further: {error}"
                )));
                break;
            }
        };
        match seen.check(&line, options.owner.as_deref()) {
            Ok(row) => {
                let (store, number) = (store.clone(), line.number);
                under_way.spawn(async move { (number, store.put(row).await) });
            }
            Err(complaint) => report.bad(line.number, &complaint),
        }
        while under_way.len() >= usize::from(options.concurrency) {
            stop = stop.or(next(&mut under_way, report).await);
        }
    }
    while !under_way.is_empty() {
        stop = stop.or(next(&mut under_way, report).await);
    }
    report.finish(stop.as_ref());
    match stop {
        Some(_) => STOPPED,
        None if report.has_bad() => SOME_BAD,
        None => ALL_GOOD,
    }
}

/// Waits for one request; says whether to stop.
async fn next(under_way: &mut JoinSet<(u64, Outcome)>, report: &mut Report) -> Option<Stop> {
    let (number, outcome) = match under_way.join_next().await? {
        Ok(done) => done,
        Err(error) => return Some(Stop::new(format!("a request broke off: {error}"))),
    };
    match outcome {
        Outcome::Stored => report.good(),
        Outcome::Refused(complaint) => report.bad(number, &complaint),
        Outcome::Stop(stop) => {
            report.left(number);
            return Some(stop);
        }
    }
    None
}

/// The keys and pools of the lines before.
#[derive(Default)]
struct Seen {
    keys: HashMap<Identity, u64>,
    pools: HashMap<Identity, usize>,
}

impl Seen {
    /// The row of a line, if it is one, and if no line before it is of the same key.
    fn check(&mut self, line: &Line, owner: Option<&str>) -> Result<Row, String> {
        let row = row::parse(line.text.as_ref().map_err(ToString::to_string)?, owner)?;
        let key = row.identity();
        if let Some(earlier) = self.keys.get(&key) {
            return Err(format!(
                "key_name: line {earlier} is of the same key; give another name"
            ));
        }
        let in_pool = self.pools.entry(row.pool()).or_default();
        if *in_pool >= MOST_NAMES {
            return Err(format!(
                "key_name: the file has {MOST_NAMES} keys of this owner and provider already, \
                 which is all that a pool holds"
            ));
        }
        *in_pool += 1;
        self.keys.insert(key, line.number);
        Ok(row)
    }
}

const MOST_NAMES: usize = 10;
