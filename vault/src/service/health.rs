//! `ReportHealth`: what a router met of keys, written beside them under numbers of their own.

use keyway_chassis::access::{self, Caller, Granted};
use keyway_proto::Fault;
use keyway_proto::vault::v1::{ReportHealthRequest, ReportHealthResponse};
use serde_json::json;

use crate::counters;
use crate::health::{self, Health, Report};
use crate::service::{Vault, chain_of, done};
use crate::store::audit::Entry;
use crate::store::keys as rows;
use crate::store::{Write, health as store};

const RPC: &str = "keyway.vault.v1.LeaseService/ReportHealth";

/// Applies what is new. All of it is checked before any of it is written.
pub(super) async fn report(
    vault: &Vault,
    granted: &Granted<ReportHealthRequest>,
) -> Result<ReportHealthResponse, Fault> {
    let (changes, now) = (&granted.get_ref().changes, vault.store.now());
    if changes.len() > MOST {
        return Err(Fault::field("changes", "must be at most 64"));
    }
    let reports: Result<Vec<Report>, Fault> = changes
        .iter()
        .enumerate()
        .map(|(place, change)| health::read(place, change, now))
        .collect();
    let reports = reports?;
    if !reports
        .iter()
        .all(|report| may_report(granted.caller(), report))
    {
        return Err(access::denied());
    }
    let mut write = vault.store.write().await?;
    for report in &reports {
        apply(&mut write, granted, report).await?;
    }
    write.commit().await?;
    Ok(ReportHealthResponse {})
}

/// A router with an allow-list can have met the keys of its workspaces and the platform's only.
fn may_report(caller: &Caller, report: &Report) -> bool {
    match (&caller.listed, report.path.owner.workspace()) {
        (None, _) | (Some(_), None) => true,
        (Some(listed), Some(id)) => listed.contains(id),
    }
}

/// Late reports of an earlier version, and those that say nothing new, change nothing.
async fn apply<T>(write: &mut Write, granted: &Granted<T>, report: &Report) -> Result<(), Fault> {
    let (path, now) = (&report.path, write.now());
    let found = rows::find(
        write.on(),
        &path.owner.to_string(),
        path.provider.as_str(),
        path.name.as_str(),
    )
    .await?;
    let Some(mut row) = found.filter(|row| u64::try_from(row.version) == Ok(report.version)) else {
        counters::health_report("other_version");
        return Ok(());
    };
    let before = Health::of(&row, now);
    if before.is_same(&report.health) {
        counters::health_report("known");
        return Ok(());
    }
    report.health.write_to(&mut row);
    row.health_since = Some(now.0);
    row.health_number = i64::try_from(write.count_health().await?).ok();
    store::write(write.on(), &row).await?;
    counters::health_report("applied");
    if before.is_trouble() || report.health.is_trouble() {
        write.audit(&entry(granted, report, &before)).await?;
    }
    Ok(())
}

/// The owner's chain has what the owner must act on: a key that is rejected or exhausted, and that
/// it is no longer. A rate limit comes and goes by itself and is no event of the record.
fn entry<T>(granted: &Granted<T>, report: &Report, before: &Health) -> Entry {
    let Report {
        path,
        version,
        health,
    } = report;
    let facts = json!({
        "version": version,
        "before": before.state.as_str_name(),
        "after": health.state.as_str_name(),
        "cause": health.cause,
    });
    done(granted, chain_of(&path.owner), RPC, path.to_string(), facts)
}

const MOST: usize = 64;
