//! Health of a key at its provider: what routers met, and what its owner is told of it.
//!
//! Health is an observation, not a setting: it belongs to one version of a secret, a new version
//! starts anew, and nothing of it ends a lease.

use keyway_proto::vault::v1::{HealthChange, KeyState};
use keyway_proto::{Fault, convert};
use keyway_words::{KeyPath, Timestamp};

use crate::store::keys::KeyRow;

/// The health of a key without trouble, as it stands in rows.
pub(crate) const HEALTHY: &str = "ACTIVE";

/// What is known of a key at its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Health {
    /// ACTIVE, REJECTED, EXHAUSTED or LIMITED.
    pub(crate) state: KeyState,
    /// Until when, where the provider said so.
    pub(crate) until: Option<Timestamp>,
    /// What the provider answered, such as `HTTP 401`.
    pub(crate) cause: String,
}

impl Health {
    /// Nothing is wrong.
    pub(crate) const fn active() -> Self {
        Self {
            state: KeyState::Active,
            until: None,
            cause: String::new(),
        }
    }

    /// What a row says at a moment: a limit ends by itself, a rejection does not.
    pub(crate) fn of(row: &KeyRow, now: Timestamp) -> Self {
        let state = match row.health.as_str() {
            "REJECTED" => KeyState::Rejected,
            "EXHAUSTED" => KeyState::Exhausted,
            "LIMITED" if row.health_until.is_none_or(|until| until > now.0) => KeyState::Limited,
            _ => return Self::active(),
        };
        Self {
            state,
            until: row.health_until.map(Timestamp),
            cause: row.health_reason.clone(),
        }
    }

    /// Puts it into a row; neither when it began nor its number.
    pub(crate) fn write_to(&self, row: &mut KeyRow) {
        word(self.state).clone_into(&mut row.health);
        row.health_reason.clone_from(&self.cause);
        row.health_until = self.until.map(|until| until.0);
    }

    /// Whether the owner has to do something about it.
    pub(crate) const fn is_trouble(&self) -> bool {
        matches!(self.state, KeyState::Rejected | KeyState::Exhausted)
    }

    /// Whether another report says nothing new. A limit or a reset that moved by less than a second
    /// is the same one, seen twice.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let near = |a: Timestamp, b: Timestamp| a.0.abs_diff(b.0) < 1_000_000;
        let until = match (self.until, other.until) {
            (Some(a), Some(b)) => near(a, b),
            (a, b) => a == b,
        };
        self.state == other.state && (until || self.state == KeyState::Rejected)
    }
}

const fn word(state: KeyState) -> &'static str {
    match state {
        KeyState::Rejected => "REJECTED",
        KeyState::Exhausted => "EXHAUSTED",
        KeyState::Limited => "LIMITED",
        KeyState::Active
        | KeyState::Disabled
        | KeyState::Expired
        | KeyState::Unreadable
        | KeyState::Unspecified => HEALTHY,
    }
}

/// Why a key is in its state, in words for its owner.
pub(crate) fn words(health: &Health, provider: &str, since: Option<Timestamp>) -> String {
    let cause = match health.cause.as_str() {
        "" => String::new(),
        cause => format!(" ({cause})"),
    };
    let when = |before: &str, at: Option<Timestamp>| {
        at.map_or_else(String::new, |at| format!("{before}{}", to_the_second(at)))
    };
    let since = when(" on ", since);
    match health.state {
        KeyState::Rejected => format!(
            "{provider} refused this key{cause}{since}; KeyService.PutKey stores a new secret; now and then a call tries this one again"
        ),
        KeyState::Exhausted => {
            let until = when("; it says until ", health.until);
            format!(
                "credit or quota of this key at {provider} is used up{cause}{since}{until}; raise it there, or KeyService.PutKey stores another secret; now and then a call tries this one again"
            )
        }
        KeyState::Limited => {
            let until = when(" until ", health.until);
            format!(
                "{provider} limits the rate of this key{until}{cause}; calls use it again after that"
            )
        }
        KeyState::Active
        | KeyState::Disabled
        | KeyState::Expired
        | KeyState::Unreadable
        | KeyState::Unspecified => String::new(),
    }
}

fn to_the_second(at: Timestamp) -> String {
    let whole = Timestamp(at.0.div_euclid(1_000_000).saturating_mul(1_000_000));
    whole.rfc3339().replace(".000000", "")
}

/// Number of the last change of a row's health; 0 if it never changed.
pub(crate) fn number(row: &KeyRow) -> u64 {
    row.health_number
        .and_then(|number| u64::try_from(number).ok())
        .unwrap_or(0)
}

/// A row's health as the feed tells it.
pub(crate) fn to_wire(row: &KeyRow, now: Timestamp) -> HealthChange {
    let health = Health::of(row, now);
    HealthChange {
        name: format!("{}/keys/{}/{}", row.owner, row.provider, row.name),
        version: u64::try_from(row.version).unwrap_or(0),
        state: health.state.into(),
        until: health.until.map(convert::timestamp),
        health_number: number(row),
        reason: health.cause,
    }
}

/// One report of a router, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) path: KeyPath,
    pub(crate) version: u64,
    pub(crate) health: Health,
}

/// Reads the report at a place of the request.
pub(crate) fn read(place: usize, change: &HealthChange, now: Timestamp) -> Result<Report, Fault> {
    let field = |name: &str| format!("changes[{place}].{name}");
    let path = change
        .name
        .parse::<KeyPath>()
        .map_err(|error| Fault::field(field("name"), error.to_string()))?;
    let until = change.until.as_ref().and_then(convert::from_timestamp);
    let furthest = match change.state() {
        KeyState::Active | KeyState::Rejected => None,
        KeyState::Limited => Some(LONGEST_LIMIT),
        KeyState::Exhausted => Some(LONGEST_RESET),
        _ => {
            let accepted = "must be ACTIVE, REJECTED, EXHAUSTED or LIMITED";
            return Err(Fault::field(field("state"), accepted));
        }
    };
    let until_fits = match (until, furthest) {
        (None, _) => change.until.is_none() && change.state() != KeyState::Limited,
        (Some(_), None) => false,
        (Some(until), Some(furthest)) => until <= now.plus_seconds(furthest),
    };
    if !until_fits {
        let accepted = "must be given for LIMITED and lie within a day, may be given for EXHAUSTED and lie within 400 days, and is for no other state";
        return Err(Fault::field(field("until"), accepted));
    }
    let printable = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if change.reason.len() > LONGEST_CAUSE || !change.reason.bytes().all(printable) {
        let accepted = "must be at most 100 printable ASCII characters";
        return Err(Fault::field(field("reason"), accepted));
    }
    let cause = match change.state() {
        KeyState::Active => String::new(),
        _ => change.reason.clone(),
    };
    let health = Health {
        state: change.state(),
        until,
        cause,
    };
    Ok(Report {
        path,
        version: change.version,
        health,
    })
}

const LONGEST_CAUSE: usize = 100;
/// Seconds that a rate limit may last at most.
const LONGEST_LIMIT: i64 = 86_400;
/// Seconds after which a quota is reset at most.
const LONGEST_RESET: i64 = 400 * 86_400;

#[cfg(test)]
mod tests;
