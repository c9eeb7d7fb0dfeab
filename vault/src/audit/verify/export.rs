//! The rows of exports: JSON values one behind the other, however they are broken into lines, each
//! a message of `AuditService.Export` or one row.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use serde_json::Value;

use super::command::{Findings, VerifyError};
use super::{ChainCheck, End, Expected, Verdict};
use crate::audit::json;
use crate::audit::walk::Break;
use crate::store::audit::Row;

/// Checks every chain of an export, or the one that is asked for.
pub(super) fn check(
    input: impl Read,
    expected: &Expected,
    only: Option<&str>,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let mut chains: BTreeMap<String, Result<ChainCheck, Break>> = BTreeMap::new();
    for value in values(input) {
        for row in json::rows(value?).map_err(VerifyError::Form)? {
            if only.is_none_or(|only| only == row.chain) {
                take(&mut chains, expected, &row);
                findings.progress();
            }
        }
    }
    if chains.is_empty() {
        // Nothing of what the operator knows of is there.
        for chain in expected.checkpoints.keys() {
            if only.is_none_or(|only| only == chain) {
                chains.insert(chain.clone(), Ok(ChainCheck::new(expected, chain, &[])));
            }
        }
    }
    for (chain, state) in chains {
        let verdict = match state {
            Ok(check) => check.end(&End::Exported),
            Err(stop) => Verdict::Broken(stop),
        };
        findings.add(&chain, verdict);
    }
    Ok(())
}

fn take(chains: &mut BTreeMap<String, Result<ChainCheck, Break>>, expected: &Expected, row: &Row) {
    let state = chains.entry(row.chain.clone()).or_insert_with(|| {
        let mut check = ChainCheck::new(expected, &row.chain, &[]);
        check.begin_at(row);
        Ok(check)
    });
    let stop = match state {
        Ok(check) => check.row(row).err(),
        Err(_first) => None,
    };
    if let Some(stop) = stop {
        *state = Err(stop);
    }
}

/// JSON values of a bounded size each.
pub(super) fn values(input: impl Read) -> impl Iterator<Item = Result<Value, VerifyError>> {
    let left = Rc::new(Cell::new(LONGEST));
    let bounded = Bounded {
        input: BufReader::new(input),
        left: Rc::clone(&left),
    };
    serde_json::Deserializer::from_reader(bounded)
        .into_iter()
        .map(move |value| {
            left.set(LONGEST);
            value.map_err(VerifyError::Form)
        })
}

/// Ends with an error where one value is longer than any that a vault sends.
struct Bounded<R> {
    input: R,
    left: Rc<Cell<usize>>,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        let left = self.left.get().checked_sub(count);
        self.left
            .set(left.ok_or_else(|| io::Error::other("one value is longer than 64 MiB"))?);
        Ok(count)
    }
}

const LONGEST: usize = 64 << 20;
