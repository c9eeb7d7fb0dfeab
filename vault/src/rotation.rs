//! Rotation, in the background: wrapping data keys with another master key, and sealing keys with
//! another data key.
//!
//! A job is a row. Every replica works on every open job, so it outlives the call that asked for it
//! and the process that began it. Each batch is read and sealed without a lock; then one transaction
//! writes those rows that still stand as they were read. Every state in between opens everything.

mod reseal;
mod rewrap;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_words::Timestamp;
use serde_json::json;
use tokio::sync::{Notify, watch};

pub(crate) use self::rewrap::remaining;
use crate::failpoints;
use crate::keyring::DataKeyError;
use crate::service::Vault;
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::seal_jobs::{self, JobRow, REWRAP};
use crate::store::{StoreError, Write};

/// How calls and the background speak to each other.
pub(crate) struct Rotation {
    asked: Notify,
    steps: watch::Sender<u64>,
}

impl Rotation {
    pub(crate) fn new() -> Self {
        Self {
            asked: Notify::new(),
            steps: watch::Sender::new(0),
        }
    }

    /// A job was started.
    pub(crate) fn wake(&self) {
        self.asked.notify_one();
    }

    /// Tells of every batch of this process.
    fn stepped(&self) {
        self.steps
            .send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Works on open jobs until the shutdown. What fails is tried again at the next look.
pub(crate) async fn run(vault: Arc<Vault>, shutdown: Shutdown) {
    loop {
        if let Err(error) = work(&vault, &shutdown).await {
            tracing::warn!(%error, "rotation goes on later");
        }
        tokio::select! {
            () = shutdown.wait() => return,
            () = vault.rotation.asked.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn work(vault: &Vault, shutdown: &Shutdown) -> Result<(), DataKeyError> {
    let read = vault.store.read().await?;
    let jobs = seal_jobs::open(read.on()).await?;
    drop(read);
    let mut first_failure = Ok(());
    for job in jobs {
        // One owner's trouble does not hold up the others.
        let passed = if job.kind == REWRAP {
            failpoints::during("rewrap", rewrap::pass(vault, &job, shutdown)).await
        } else {
            failpoints::during("rotate-data-key", reseal::pass(vault, &job, shutdown)).await
        };
        vault.rotation.stepped();
        first_failure = first_failure.and(passed);
    }
    first_failure
}

/// Waits until a job is finished, by whichever process, at most so long.
pub(crate) async fn until_finished(
    vault: &Vault,
    kind: &str,
    owner: &str,
    bound: Duration,
) -> Result<(), StoreError> {
    let mut steps = vault.rotation.steps.subscribe();
    let finished = async {
        loop {
            steps.mark_unchanged();
            let read = vault.store.read().await?;
            let job = seal_jobs::find(read.on(), kind, owner).await?;
            drop(read);
            if job.is_none_or(|job| job.finished_at.is_some()) {
                return Ok(());
            }
            // Another replica may be the one that works.
            let _next = tokio::time::timeout(LOOK, steps.changed()).await;
        }
    };
    tokio::time::timeout(bound, finished)
        .await
        .unwrap_or(Ok(()))
}

/// A job that begins now, asked for by a caller.
pub(crate) fn job(
    kind: &str,
    owner: &str,
    target: &str,
    caller: &keyway_chassis::access::Caller,
    now: Timestamp,
) -> JobRow {
    JobRow {
        kind: kind.to_owned(),
        owner: owner.to_owned(),
        target: target.to_owned(),
        accessor: caller.accessor.clone(),
        subject: caller.subject.clone(),
        changed: 0,
        unreadable: 0,
        created_at: now.0,
        updated_at: now.0,
        finished_at: None,
    }
}

/// Ends a job in this transaction, with the audit row of its end; nothing if another process did.
async fn finish(
    write: &Write,
    job: &JobRow,
    unreadable: i64,
    (chain, rpc, resource): (Chain, &str, String),
) -> Result<(), StoreError> {
    if !seal_jobs::finish(write.on(), job, unreadable, write.now()).await? {
        return Ok(());
    }
    let now = seal_jobs::find(write.on(), &job.kind, &job.owner).await?;
    let changed = now.map_or(job.changed, |row| row.changed);
    let entry = Entry {
        chain,
        accessor: job.accessor.clone(),
        subject: job.subject.clone(),
        rpc: rpc.to_owned(),
        resource,
        decision: Decision::Allowed,
        reason: "",
        facts: json!({
            "event": "finished", "target": job.target, "changed": changed, "unreadable": unreadable,
        }),
        origin: Origin::default(),
    };
    write.audit(&entry).await
}

/// How often a process looks for jobs that another one was asked for.
const EVERY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(250);
