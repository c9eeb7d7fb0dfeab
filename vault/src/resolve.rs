//! The pools that a call may use, as the router's resolver gets them.
//!
//! A key row that exists is never "no key": a row that can't be opened, or that the pool record
//! counts and that is not found, is a candidate in the state UNREADABLE.

use keyway_proto::vault::v1::{
    Candidate, CredentialMode, KeyState, OperatorLimits, Policy, Pool, PoolOrder,
};
use keyway_proto::{Fault, convert};
use keyway_words::{KeyPath, Owner, ProviderId, Timestamp};
use sea_orm::ConnectionTrait;

use crate::health;
use crate::keyring::Keyring;
use crate::keys::{self, Opener};
use crate::store::keys::{self as rows, KeyRow};

/// Which of the pools the workspace's two blocks leave to its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pools {
    pub(crate) own: bool,
    pub(crate) platform: bool,
}

impl Pools {
    /// The pools of an active workspace. A secret that no call may use is not sent.
    pub(crate) fn allowed(policy: &Policy, limits: &OperatorLimits) -> Self {
        let mode = policy.credential_mode();
        Self {
            own: mode != CredentialMode::HostedOnly,
            platform: mode != CredentialMode::OwnOnly && limits.hosted_allowed.unwrap_or(true),
        }
    }
}

/// Reads and opens the pool of an owner for a provider.
pub(crate) async fn pool(
    keyring: &Keyring,
    on: &impl ConnectionTrait,
    owner: &Owner,
    provider: ProviderId,
    now: Timestamp,
) -> Result<Pool, Fault> {
    let name = owner.to_string();
    let record = rows::pool(on, &name, provider.as_str()).await?;
    let live = rows::live(on, &name, provider.as_str()).await?;
    let opener = Opener::read(keyring, on, &live).await?;
    let mut candidates = Vec::with_capacity(live.len());
    for row in &live {
        candidates.push(candidate(&opener, on, row, now).await?);
    }
    let found = u32::try_from(live.len()).unwrap_or(u32::MAX);
    let counted = record.as_ref().map_or(0, |record| {
        // A count that no vault writes stands for one row at least: there was a record.
        u32::try_from(record.live_count).unwrap_or(found.saturating_add(1))
    });
    let lost = counted.saturating_sub(found).min(MOST_LOST);
    candidates.extend((0..lost).map(|_row| Candidate {
        name: format!("{name}/keys/{provider}/?"),
        state: KeyState::Unreadable.into(),
        ..Candidate::default()
    }));
    if lost > 0 {
        tracing::error!(owner = name, %provider, counted, found, "keys are counted and not found");
    }
    let order = record.map_or_else(
        || default_order(owner),
        |record| order(owner, &record.selection),
    );
    Ok(Pool {
        owner: name,
        counted,
        order: order.into(),
        candidates,
    })
}

async fn candidate(
    opener: &Opener<'_>,
    on: &impl ConnectionTrait,
    row: &KeyRow,
    now: Timestamp,
) -> Result<Candidate, Fault> {
    let secret = opener.open(on, row).await?;
    let state = secret
        .as_ref()
        .map_or(KeyState::Unreadable, |_| keys::state(row, now).0);
    // Only a key that a call may use, or try, leaves the vault.
    let secret = secret.filter(|_| {
        matches!(
            state,
            KeyState::Active | KeyState::Rejected | KeyState::Exhausted | KeyState::Limited
        )
    });
    Ok(Candidate {
        name: name(row),
        version: u64::try_from(row.version).unwrap_or(0),
        state: state.into(),
        allowed_models: keys::models(row),
        until: row.health_until.map(|at| convert::timestamp(Timestamp(at))),
        health_number: health::number(row),
        expire_time: row.expires_at.map(|at| convert::timestamp(Timestamp(at))),
        secret: secret
            .map(|secret| secret.expose().to_owned())
            .unwrap_or_default(),
    })
}

/// One key, to be tested: its secret, if it opens, and the state of its health, whatever else
/// keeps calls from it. `None` if there is no such row.
pub(crate) async fn one(
    keyring: &Keyring,
    on: &impl ConnectionTrait,
    path: &KeyPath,
    now: Timestamp,
) -> Result<Option<Candidate>, Fault> {
    let owner = path.owner.to_string();
    let row = rows::find(on, &owner, path.provider.as_str(), path.name.as_str()).await?;
    let Some(row) = row else { return Ok(None) };
    let opener = Opener::read(keyring, on, std::slice::from_ref(&row)).await?;
    let secret = opener.open(on, &row).await?;
    let health = health::to_wire(&row, now);
    let state = secret
        .as_ref()
        .map_or(KeyState::Unreadable, |_| health.state());
    Ok(Some(Candidate {
        name: name(&row),
        version: u64::try_from(row.version).unwrap_or(0),
        state: state.into(),
        until: health.until,
        health_number: health::number(&row),
        secret: secret
            .map(|secret| secret.expose().to_owned())
            .unwrap_or_default(),
        ..Candidate::default()
    }))
}

/// The key's full name; of a row whose name is damaged beyond reading, the pool's with `?`.
fn name(row: &KeyRow) -> String {
    let name = format!("{}/keys/{}/{}", row.owner, row.provider, row.name);
    match name.parse::<KeyPath>() {
        Ok(_path) => name,
        Err(_damaged) => format!("{}/keys/{}/?", row.owner, row.provider),
    }
}

/// How a new pool of an owner chooses.
pub(crate) const fn default_order(owner: &Owner) -> PoolOrder {
    match owner {
        Owner::Platform => PoolOrder::Spread,
        Owner::Workspace(_) => PoolOrder::Ordered,
    }
}

fn order(owner: &Owner, selection: &str) -> PoolOrder {
    PoolOrder::from_str_name(selection).unwrap_or_else(|| default_order(owner))
}

/// A damaged count must not make an answer without end.
const MOST_LOST: u32 = 10;
