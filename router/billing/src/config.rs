//! Settings of the ledger, already checked by whoever reads the configuration.

use std::path::PathBuf;
use std::time::Duration;

/// How the ledger works.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// The SQLite file. It must exist and have this build's schema.
    pub path: PathBuf,
    /// Attempts open at once at most; beyond it new ones are `OVERLOADED`.
    pub slots: usize,
    /// Records per commit at most.
    pub group: usize,
    /// How often the writer renews its row.
    pub heartbeat: Duration,
    /// How often attempts of dead writers are looked for.
    pub sweep_every: Duration,
    /// Least time from one numbering of events to the next, so that it does not compete with the
    /// writer for the disk.
    pub sequence_every: Duration,
    /// While the database can't be written: how often it is tried.
    pub probe_every: Duration,
    /// Connections for reading.
    pub readers: u32,
    /// How long a write waits for another connection's before it counts as failed.
    pub busy_timeout: Duration,
}

impl LedgerConfig {
    /// The defaults for a file.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            slots: 32_768,
            group: 512,
            heartbeat: Duration::from_secs(5),
            sweep_every: Duration::from_secs(10),
            sequence_every: Duration::from_millis(10),
            probe_every: Duration::from_millis(500),
            readers: 4,
            busy_timeout: Duration::from_secs(5),
        }
    }
}
