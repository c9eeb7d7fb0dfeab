//! What people see of an import: complaints and progress on standard error, the sum at the end on
//! standard output.

use std::io::{self, IsTerminal as _, Write as _};

use super::store::Stop;

/// Counts, and prints.
pub(super) struct Report {
    dry_run: bool,
    is_terminal: bool,
    good: u64,
    bad: u64,
    left: u64,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        Self {
            dry_run,
            is_terminal: io::stderr().is_terminal(),
            good: 0,
            bad: 0,
            left: 0,
        }
    }

    pub(super) const fn has_bad(&self) -> bool {
        self.bad > 0
    }

    /// A row is stored.
    pub(super) fn good(&mut self) {
        self.good += 1;
        self.progress();
    }

    /// A line is bad.
    pub(super) fn bad(&mut self, number: u64, complaint: &str) {
        self.bad += 1;
        self.complain(&format!("line {number}: {complaint}"));
    }

    /// A line was begun and it is not known what became of it.
    pub(super) fn left(&mut self, number: u64) {
        self.left += 1;
        self.complain(&format!("line {number}: not known to be stored"));
    }

    /// Something is wrong.
    pub(super) fn complain(&self, text: &str) {
        let clear = if self.is_terminal { CLEAR } else { "" };
        drop(writeln!(io::stderr(), "{clear}keyway import: {text}"));
    }

    /// The end.
    pub(super) fn finish(&self, stop: Option<&Stop>) {
        if let Some(stop) = stop {
            self.complain(&format!(
                "stopped: {}; run it again on the same file, what is stored is not stored twice",
                stop.why()
            ));
        }
        let done = if self.dry_run { "good" } else { "stored" };
        let clear = if self.is_terminal { CLEAR } else { "" };
        drop(write!(io::stderr(), "{clear}"));
        let left = match self.left {
            0 => String::new(),
            left => format!(", {left} not known"),
        };
        let dry = if self.dry_run {
            "; nothing was stored (--dry-run)"
        } else {
            ""
        };
        let (good, bad) = (self.good, self.bad);
        drop(writeln!(
            io::stdout(),
            "{good} {done}, {bad} refused{left}{dry}"
        ));
    }

    fn progress(&self) {
        if self.is_terminal && self.good.is_multiple_of(STEP) {
            drop(write!(
                io::stderr(),
                "{CLEAR}{} lines done",
                self.good + self.bad
            ));
        }
    }
}

/// Takes back the line of the progress.
const CLEAR: &str = "\r\x1b[K";
const STEP: u64 = 20;
