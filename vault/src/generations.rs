//! The generations of the master key that this process was given, against those that the database
//! knows. A generation is known by its id and check value from the moment it is first seen; a
//! database never opens without every generation that it still needs.

use keyway_words::Timestamp;
use serde_json::json;

use crate::keyring::{Generation, Generations};
use crate::store::audit::{Chain, Decision, Entry, Origin};
use crate::store::data_keys::{self, MasterKeyRow};
use crate::store::{StoreError, Write};

/// Why these generations do not open this database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Mismatch {
    /// None of them belongs to it.
    #[error(
        "the database was sealed with the master key {expected}, this vault was given {given}; bring \
         the key with that id back"
    )]
    OtherKey {
        /// Ids that the database knows.
        expected: String,
        /// Ids that this process was given.
        given: String,
    },
    /// Some that are needed are not there.
    #[error(
        "the database still needs the master key {missing}, this vault was given {given}; bring it \
         back, and remove an old key only after SealService.Rewrap and RetireMasterKey"
    )]
    Missing {
        /// Ids, each with the number of data keys that it wraps.
        missing: String,
        /// Ids that this process was given.
        given: String,
    },
    /// The database has lost its record of them.
    #[error("the database holds data keys but no record of a master key; restore it from a backup")]
    Forgotten,
    /// The id fits and the key does not.
    #[error("the master key {0} does not fit its stored check value; the database row is damaged")]
    CheckValue(String),
    /// The newest one was retired.
    #[error(
        "the master key {0} was retired and must not wrap again; give this vault a newer one, or \
         remove that one"
    )]
    Retired(String),
}

/// Whether the generations open a database that knows `known` and needs `needed` (ids with the
/// number of data keys they wrap). An empty database takes any.
pub(crate) fn check(
    known: &[MasterKeyRow],
    needed: &[(String, u64)],
    given: &Generations,
) -> Result<(), Mismatch> {
    if known.is_empty() {
        return if needed.is_empty() {
            Ok(())
        } else {
            Err(Mismatch::Forgotten)
        };
    }
    if !known.iter().any(|row| given.has(&row.id)) {
        let expected: Vec<&str> = in_use(known).map(|row| row.id.as_str()).collect();
        return Err(Mismatch::OtherKey {
            expected: expected.join(", "),
            given: given.ids(),
        });
    }
    for row in known {
        check_one(row, given)?;
    }
    let missing: Vec<String> = needed
        .iter()
        .filter(|(id, _count)| !given.has(id))
        .map(|(id, count)| format!("{id} (wraps {count} data keys)"))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Mismatch::Missing {
            missing: missing.join(", "),
            given: given.ids(),
        })
    }
}

fn check_one(row: &MasterKeyRow, given: &Generations) -> Result<(), Mismatch> {
    let same = |generation: &&Generation| generation.id == row.id;
    match given.0.iter().find(same) {
        Some(generation) if generation.check_value != row.check_value => {
            Err(Mismatch::CheckValue(row.id.clone()))
        }
        Some(_) if row.retired_at.is_some() && given.newest() == row.id => {
            Err(Mismatch::Retired(row.id.clone()))
        }
        _ => Ok(()),
    }
}

/// Those that are not retired.
pub(crate) fn in_use(known: &[MasterKeyRow]) -> impl Iterator<Item = &MasterKeyRow> {
    known.iter().filter(|row| row.retired_at.is_none())
}

/// Remembers the generations that the database has not seen yet, each with an audit row. How many.
pub(crate) async fn remember(
    write: &Write,
    known: &[MasterKeyRow],
    given: &Generations,
) -> Result<usize, StoreError> {
    let mut last = known.iter().map(|row| row.generation).max().unwrap_or(0);
    let mut count = 0_usize;
    for generation in &given.0 {
        if known.iter().any(|row| row.id == generation.id) {
            continue;
        }
        last = last.saturating_add(1);
        count = count.saturating_add(1);
        data_keys::insert_master(write.on(), row(generation, last, write.now())).await?;
        write.audit(&first_seen(generation, last)).await?;
    }
    Ok(count)
}

fn row(generation: &Generation, number: i64, now: Timestamp) -> MasterKeyRow {
    MasterKeyRow {
        id: generation.id.clone(),
        generation: number,
        check_value: generation.check_value.clone(),
        created_at: now.0,
        retired_at: None,
    }
}

fn first_seen(generation: &Generation, number: i64) -> Entry {
    Entry {
        chain: Chain::System,
        accessor: String::new(),
        subject: "service:keyway-vault".to_owned(),
        rpc: "keyway-vault".to_owned(),
        resource: format!("masterKeys/{}", generation.id),
        decision: Decision::Allowed,
        reason: "",
        facts: json!({ "event": "first seen", "generation": number }),
        origin: Origin::default(),
    }
}
