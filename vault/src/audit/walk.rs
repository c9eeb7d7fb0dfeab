//! The walk along a chain, row by row and in constant memory: does each follow from the one before?

use std::fmt;

use super::chain::{self, BEFORE_FIRST, Hash};
use crate::store::audit::Row;

/// Where a walk is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Walk {
    /// Sequence of the last good row; 0 before the first.
    pub(crate) sequence: u64,
    /// Its hash.
    pub(crate) hash: Hash,
}

/// The first row that does not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Break {
    /// Its sequence: the one that should have come.
    pub(crate) sequence: u64,
    /// What is wrong.
    pub(crate) cause: Cause,
}

/// What is wrong with a row, or with the end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Another row came in its place, with a later sequence.
    Missing,
    /// Another row came in its place, with an earlier sequence.
    OutOfOrder,
    /// Its hash is not that of its content behind the row before.
    Changed,
    /// The chain's head row names another end.
    Head,
    /// A checkpoint has another hash at this sequence.
    Rewritten,
    /// A checkpoint's signature is not good, or not by the key that it must be by.
    Signature,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "missing: the rows go on behind it",
            Self::OutOfOrder => "out of order: an earlier row stands in its place",
            Self::Changed => {
                "its hash does not follow from its content and the row before it: one of them was \
                 edited, moved or written anew"
            }
            Self::Head => "the chain's head names another end than the last row",
            Self::Rewritten => "a checkpoint has another hash here: the chain was written anew",
            Self::Signature => "a checkpoint of this row has a bad signature or a foreign key",
        })
    }
}

impl Walk {
    /// A walk that begins at the first row.
    pub(crate) const fn from_first() -> Self {
        Self::behind(0, BEFORE_FIRST)
    }

    /// A walk that begins behind a row that is known to be good.
    pub(crate) const fn behind(sequence: u64, hash: Hash) -> Self {
        Self { sequence, hash }
    }

    /// Goes on by one row.
    pub(crate) fn step(&mut self, row: &Row) -> Result<(), Break> {
        let sequence = self.sequence.saturating_add(1);
        let stopped = |cause| Err(Break { sequence, cause });
        let found = u64::try_from(row.sequence).unwrap_or(0);
        if found > sequence {
            return stopped(Cause::Missing);
        }
        if found < sequence {
            return stopped(Cause::OutOfOrder);
        }
        match chain::hash(&self.hash, row) {
            Some(hash) if hash.as_slice() == row.hash => {
                *self = Self { sequence, hash };
                Ok(())
            }
            _ => stopped(Cause::Changed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `count` good rows of one chain.
    pub(crate) fn rows(count: i64) -> Vec<Row> {
        let mut before = BEFORE_FIRST;
        (1..=count)
            .map(|sequence| {
                let mut row = Row {
                    chain: "system".to_owned(),
                    sequence,
                    time: sequence,
                    accessor: String::new(),
                    subject: String::new(),
                    rpc: String::new(),
                    resource: String::new(),
                    decision: "ALLOWED".to_owned(),
                    reason: String::new(),
                    facts: "{}".to_owned(),
                    hash: Vec::new(),
                    form: if sequence < 3 { 1 } else { 2 },
                    source: String::new(),
                    trace_id: String::new(),
                };
                before = chain::hash(&before, &row).unwrap();
                row.hash = before.to_vec();
                row
            })
            .collect()
    }

    fn broken(rows: &[Row]) -> Option<(u64, Cause)> {
        let mut walk = Walk::from_first();
        let stop = rows.iter().find_map(|row| walk.step(row).err())?;
        assert_eq!(walk.sequence + 1, stop.sequence, "the walk stays before it");
        Some((stop.sequence, stop.cause))
    }

    #[test]
    fn good_rows_of_both_forms_are_followed_to_the_end() {
        assert_eq!(broken(&rows(9)), None);
        let nine = rows(9);
        let hash = nine[4].hash.clone().try_into().unwrap();
        let mut walk = Walk::behind(5, hash);
        assert!(nine[5..].iter().all(|row| walk.step(row).is_ok()));
    }

    #[test]
    fn what_was_done_to_rows_is_found_at_the_first_of_them() {
        let good = rows(9);
        let mut edited = good.clone();
        edited[3].subject.push('x');
        assert_eq!(broken(&edited), Some((4, Cause::Changed)));
        let after = chain::hash(&edited[2].hash, &edited[3]).unwrap();
        edited[3].hash = after.to_vec();
        assert_eq!(
            broken(&edited),
            Some((5, Cause::Changed)),
            "hash made to fit"
        );
        let mut deleted = good.clone();
        deleted.remove(6);
        assert_eq!(broken(&deleted), Some((7, Cause::Missing)));
        let mut moved = good.clone();
        moved.swap(1, 2);
        assert_eq!(broken(&moved), Some((2, Cause::Missing)));
        let mut renumbered = good.clone();
        (renumbered[1].sequence, renumbered[2].sequence) = (3, 2);
        renumbered.swap(1, 2);
        assert_eq!(broken(&renumbered), Some((2, Cause::Changed)));
        let mut repeated = good.clone();
        repeated.insert(5, good[4].clone());
        assert_eq!(broken(&repeated), Some((6, Cause::OutOfOrder)));
        let mut lowered = good;
        lowered[7].form = 1;
        assert_eq!(broken(&lowered), Some((8, Cause::Changed)));
    }
}
