//! The tables as text: what was expected, and what happened.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::cell::{Cell, Keys};
use super::failure::FAILURES;

/// A cell by its words: streamed or not, failure, keys.
pub(super) type Place = (bool, String, &'static str);

/// What happened.
#[derive(Debug)]
pub(super) struct Table(BTreeMap<Place, String>);

impl Table {
    pub(super) fn of(cells: &[(Cell, String)]) -> Self {
        let place = |cell: &Cell| {
            (
                cell.streamed,
                cell.failure.name.to_owned(),
                cell.keys.name(),
            )
        };
        Self(
            cells
                .iter()
                .map(|(cell, said)| (place(cell), said.clone()))
                .collect(),
        )
    }

    pub(super) const fn rows(&self) -> &BTreeMap<Place, String> {
        &self.0
    }

    /// The page of the documents.
    pub(super) fn document(&self) -> String {
        let mut page = HEAD.to_owned();
        for (streamed, title) in [(false, "Unary"), (true, "Streamed")] {
            write!(page, "\n## {title}\n\n| failure |").unwrap();
            for keys in Keys::ALL {
                write!(page, " {} |", keys.name()).unwrap();
            }
            page.push_str("\n|---|---|---|---|---|---|\n");
            for failure in FAILURES {
                write!(page, "| {} |", failure.name).unwrap();
                for keys in Keys::ALL {
                    let said = &self.0[&(streamed, failure.name.to_owned(), keys.name())];
                    write!(page, " {said} |").unwrap();
                }
                page.push('\n');
            }
        }
        page
    }
}

/// The cells of the file that was written by hand.
pub(super) fn expected(text: &str) -> BTreeMap<Place, String> {
    let mut cells = BTreeMap::new();
    let mut streamed = false;
    for line in text.lines() {
        match line {
            "## Unary" => streamed = false,
            "## Streamed" => streamed = true,
            _ => {}
        }
        let row = line
            .strip_prefix("| ")
            .and_then(|row| row.strip_suffix(" |"));
        let Some(row) = row else { continue };
        let mut columns = row.split(" | ");
        let failure = columns.next().unwrap();
        if failure == "failure" {
            continue;
        }
        let columns: Vec<_> = columns.collect();
        assert_eq!(columns.len(), Keys::ALL.len(), "{line}");
        for (keys, said) in Keys::ALL.into_iter().zip(columns) {
            cells.insert((streamed, failure.to_owned(), keys.name()), said.to_owned());
        }
    }
    cells
}

const HEAD: &str = "\
# What a call makes of a failure

Made from what happened: `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests failures` writes it again. The same table, written by hand beforehand, is
`tests/e2e/failures/expected.md`. The default settings hold but for shorter timeouts.

Each attempt is a letter: `a` and `b` are the keys of the own pool, `h` is the platform's; a capital letter answered, a small one failed. Then what the
caller is told, `+retry` where it is told when to try again, and `after a part` where it already had a part of the answer.

Columns: **own**: one own key, and no other may be used (`OWN_ONLY`). **pool**: two own keys. **allowed**: one own key, the policy's `fallback_on`
names every class. **denied**: one own key, a platform's key there, no class named. **hosted**: no own key.
";
