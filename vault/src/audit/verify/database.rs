//! The chains of a database: one snapshot, a batch of rows at a time.

use keyway_migrations::DatabaseAddress;
use sea_orm::{ConnectionTrait, DbErr};

use super::command::{Findings, VerifyError};
use super::{ChainCheck, End, Expected, Verdict};
use crate::audit::walk::{Break, Cause};
use crate::store::{archive, audit, checkpoints};

/// Checks every chain that the database or the operator knows, or the one that is asked for.
pub(super) async fn check(
    address: &DatabaseAddress,
    expected: &Expected,
    only: Option<&str>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let database = archive::open(address).await?;
    let snapshot = archive::snapshot(&database).await?;
    let mut behind: Option<String> = None;
    while let Some(chain) = next(&snapshot, expected, only, behind.as_deref()).await? {
        let verdict = check_chain(&snapshot, expected, &chain, findings).await?;
        findings.add(&chain, verdict);
        behind = Some(chain);
    }
    snapshot.commit().await?;
    Ok(database.close().await?)
}

async fn next(
    on: &impl ConnectionTrait,
    expected: &Expected,
    only: Option<&str>,
    behind: Option<&str>,
) -> Result<Option<String>, VerifyError> {
    if let Some(only) = only {
        return Ok(behind.is_none().then(|| only.to_owned()));
    }
    let is_behind = |chain: &&String| behind.is_none_or(|behind| chain.as_str() > behind);
    let kept = expected.checkpoints.keys().find(is_behind).cloned();
    let found = archive::next_chain(on, behind).await?;
    Ok([kept, found].into_iter().flatten().min())
}

async fn check_chain(
    on: &impl ConnectionTrait,
    expected: &Expected,
    chain: &str,
    findings: &mut Findings,
) -> Result<Verdict, VerifyError> {
    let stored = checkpoints::after(on, chain, 0, STORED).await?;
    let mut check = ChainCheck::new(expected, chain, &stored);
    let (mut behind, mut batch) = (i64::MIN, BATCH);
    loop {
        let rows = match archive::rows(on, chain, behind, batch).await {
            Ok(rows) => rows,
            // A row that no vault writes: one by one, until it is the next.
            Err(_) if batch > 1 => {
                batch = 1;
                continue;
            }
            Err(error) if is_content(&error) => {
                let sequence = check.walk.sequence.saturating_add(1);
                let cause = Cause::Changed;
                return Ok(Verdict::Broken(Break { sequence, cause }));
            }
            Err(error) => return Err(error.into()),
        };
        let Some(last) = rows.last() else { break };
        behind = last.sequence;
        for row in &rows {
            if let Err(stop) = check.row(row) {
                return Ok(Verdict::Broken(stop));
            }
            findings.progress();
        }
    }
    let head = audit::head(on, chain).await?;
    Ok(check.end(&head.map_or(End::NoHead, End::Head)))
}

/// Whether the database answered and its answer can't be a row of ours.
fn is_content(error: &DbErr) -> bool {
    match error {
        DbErr::Type(_) | DbErr::TryIntoErr { .. } => true,
        DbErr::Query(cause) | DbErr::Exec(cause) => {
            cause.to_string().contains("error occurred while decoding")
        }
        _ => false,
    }
}

const BATCH: u64 = 1000;
/// Stored checkpoints of a chain that are looked at: more than the vault keeps.
const STORED: u64 = 1000;
