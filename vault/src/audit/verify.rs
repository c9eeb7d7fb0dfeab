//! Checks chains as an outsider: with public things only, and in constant memory.
//!
//! Rows alone show what was changed between them. That the tail was cut, or everything written anew
//! with good hashes, shows only against a checkpoint that was kept elsewhere.

pub(crate) mod command;
mod database;
mod export;

use std::collections::BTreeMap;

use super::chain::Hash;
use super::checkpoint::is_signed;
use super::walk::{Break, Cause, Walk};
use crate::store::audit::{Head, Row};
use crate::store::checkpoints::CheckpointRow;

/// The rpc of the row that says that a backup was restored.
pub(crate) const RESTORED: &str = "CHAIN_RESTORED";

/// How it is with a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every row follows, up to here, and nothing is missing that a checkpoint names.
    Whole {
        /// The last sequence.
        sequence: u64,
        /// The last sequence that a checkpoint covers.
        covered: Option<u64>,
    },
    /// A row does not follow.
    Broken(Break),
    /// It ends before a checkpoint.
    Short {
        /// The last sequence that is there of what the checkpoint covers.
        sequence: u64,
        /// The sequence of the checkpoint.
        expected: u64,
        /// The row that says that a backup was restored.
        restored: Option<u64>,
    },
}

/// What else is known of a chain's end.
pub(crate) enum End {
    /// Nothing: an export ends where it ends.
    Exported,
    /// What the database's head row says.
    Head(Head),
    /// The database has no head row for it.
    NoHead,
}

/// What the operator knows from elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    /// Checkpoints by chain.
    pub(crate) checkpoints: BTreeMap<String, Vec<CheckpointRow>>,
    /// The key that checkpoints must be signed by.
    pub(crate) public_key: Option<Vec<u8>>,
}

impl Expected {
    /// Whether a checkpoint is one of the vault's: by the pinned key; without one, by the key of a
    /// checkpoint that the operator kept; without that, by any.
    fn trusts(&self, row: &CheckpointRow) -> bool {
        let known = if let Some(pinned) = &self.public_key {
            row.public_key == *pinned
        } else {
            let mut kept = self.checkpoints.values().flatten().peekable();
            kept.peek().is_none() || kept.any(|kept| kept.public_key == row.public_key)
        };
        known && is_signed(row)
    }
}

/// What a checkpoint says of a sequence.
struct Mark {
    hash: Vec<u8>,
    trusted: bool,
}

/// The check of one chain.
pub(crate) struct ChainCheck {
    walk: Walk,
    rows: u64,
    marks: BTreeMap<u64, Vec<Mark>>,
    covered: Option<u64>,
    restored: Option<u64>,
    /// Last sequence before a restore, and the latest checkpoint of what is lost by it.
    lost: Option<(u64, u64)>,
}

impl ChainCheck {
    /// A check against what the operator kept and what the database has beside the rows.
    pub(crate) fn new(expected: &Expected, chain: &str, stored: &[CheckpointRow]) -> Self {
        let kept = expected.checkpoints.get(chain).map_or(&[][..], |kept| kept);
        let mut marks: BTreeMap<u64, Vec<Mark>> = BTreeMap::new();
        for row in kept.iter().chain(stored) {
            let mark = Mark {
                hash: row.hash.clone(),
                trusted: row.chain == chain && expected.trusts(row),
            };
            let sequence = u64::try_from(row.sequence).unwrap_or(0);
            marks.entry(sequence).or_default().push(mark);
        }
        Self {
            walk: Walk::from_first(),
            rows: 0,
            marks,
            covered: None,
            restored: None,
            lost: None,
        }
    }

    /// Lets a chain begin behind its first row, if a checkpoint vouches for the row before.
    pub(crate) fn begin_at(&mut self, first: &Row) {
        let before = u64::try_from(first.sequence).unwrap_or(0).saturating_sub(1);
        let mark = self.marks.get(&before).and_then(|marks| marks.first());
        let hash: Option<Hash> = mark
            .filter(|mark| mark.trusted)
            .and_then(|mark| mark.hash.as_slice().try_into().ok());
        if let Some(hash) = hash {
            self.walk = Walk::behind(before, hash);
            self.marks = self.marks.split_off(&(before + 1));
            self.covered = Some(before);
        }
    }

    /// Takes the next row.
    pub(crate) fn row(&mut self, row: &Row) -> Result<(), Break> {
        self.walk.step(row)?;
        self.rows = self.rows.saturating_add(1);
        let sequence = self.walk.sequence;
        if row.rpc == RESTORED && self.restored.is_none() {
            self.restored = Some(sequence);
        }
        for mark in self.marks.remove(&sequence).unwrap_or_default() {
            self.compare(sequence, &mark)?;
        }
        Ok(())
    }

    fn compare(&mut self, sequence: u64, mark: &Mark) -> Result<(), Break> {
        let stopped = |cause| Err(Break { sequence, cause });
        if !mark.trusted {
            return stopped(Cause::Signature);
        }
        if mark.hash == self.walk.hash {
            self.covered = Some(sequence);
            return Ok(());
        }
        // Since a restore the sequences of what is lost are given again.
        let Some(restored) = self.restored else {
            return stopped(Cause::Rewritten);
        };
        self.lost = Some((restored.saturating_sub(1), sequence));
        Ok(())
    }

    /// The verdict when there are no more rows.
    pub(crate) fn end(mut self, end: &End) -> Verdict {
        let sequence = self.walk.sequence;
        if let Some((&at, _)) = self.marks.iter().find(|(_, marks)| !all_trusted(marks)) {
            return Verdict::Broken(Break {
                sequence: at,
                cause: Cause::Signature,
            });
        }
        if let Some((&beyond, _)) = self.marks.last_key_value() {
            self.lost = Some((self.lost.map_or(sequence, |(last, _)| last), beyond));
        }
        if let Some((sequence, expected)) = self.lost {
            return Verdict::Short {
                sequence,
                expected,
                restored: self.restored,
            };
        }
        let named = match end {
            End::Exported => sequence,
            End::Head(head) if head.sequence == sequence && head.hash == self.walk.hash => sequence,
            End::NoHead if self.rows == 0 => sequence,
            End::Head(head) => return misplaced(head.sequence, sequence),
            End::NoHead => return misplaced(sequence, sequence),
        };
        Verdict::Whole {
            sequence: named,
            covered: self.covered,
        }
    }
}

/// The verdict on a chain whose head row names another end than its last row.
fn misplaced(named: u64, last: u64) -> Verdict {
    Verdict::Broken(Break {
        sequence: named.min(last.saturating_add(1)).max(1),
        cause: Cause::Head,
    })
}

fn all_trusted(marks: &[Mark]) -> bool {
    marks.iter().all(|mark| mark.trusted)
}
