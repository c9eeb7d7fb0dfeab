//! Settings of the ledger, already checked by whoever reads the configuration.

use std::path::PathBuf;
use std::time::Duration;

use keyway_migrations::DatabaseAddress;

/// How the ledger works.
#[derive(Debug, Clone)]
pub struct LedgerConfig {
    /// The SQLite file, for one router, or the PostgreSQL database, for several. It must exist and
    /// have this build's schema.
    pub address: DatabaseAddress,
    /// File with the password of the PostgreSQL user.
    pub password_file: Option<PathBuf>,
    /// Largest size of the SQLite file, bytes, rounded down to whole pages; none: as the disk has room.
    pub max_size: Option<u64>,
    /// Attempts open at once at most; beyond it new ones are `OVERLOADED`.
    pub slots: usize,
    /// Records per commit at most.
    pub group: usize,
    /// How long the writer's row counts after it was renewed. On PostgreSQL the attempts of a writer
    /// whose lease ran out are closed by any other.
    pub lease: Duration,
    /// How often the writer renews its row.
    pub heartbeat: Duration,
    /// How often attempts of dead writers are looked for.
    pub sweep_every: Duration,
    /// Least time from one numbering of events to the next, so that it does not compete with the
    /// writer for the disk.
    pub sequence_every: Duration,
    /// On PostgreSQL: how often a router looks for what others wrote to the stream.
    pub follow_every: Duration,
    /// While the database can't be written: how often it is tried.
    pub probe_every: Duration,
    /// How long events are kept on the stream, in whole days.
    pub retention: Duration,
    /// How much longer an event is kept that a named consumer has not acknowledged.
    pub consumer_hold: Duration,
    /// Whether a relay publishes the events: none goes before it was published, however late.
    pub relayed: bool,
    /// How often events are looked for that need not be kept.
    pub expire_every: Duration,
    /// Connections for reading.
    pub readers: u32,
    /// How long a write waits for another connection's before it counts as failed.
    pub busy_timeout: Duration,
    /// Longest wait for a connection to PostgreSQL.
    pub connect: Duration,
    /// Longest that a statement takes on PostgreSQL, and that a transaction stands idle.
    pub statement: Duration,
}

impl LedgerConfig {
    /// The defaults for a database.
    pub const fn new(address: DatabaseAddress) -> Self {
        Self {
            address,
            password_file: None,
            max_size: None,
            slots: 32_768,
            group: 512,
            lease: Duration::from_secs(15),
            heartbeat: Duration::from_secs(5),
            sweep_every: Duration::from_secs(10),
            sequence_every: Duration::from_millis(10),
            follow_every: Duration::from_millis(100),
            probe_every: Duration::from_millis(500),
            retention: Duration::from_hours(400 * 24),
            consumer_hold: Duration::from_hours(100 * 24),
            relayed: false,
            expire_every: Duration::from_hours(1),
            readers: 4,
            busy_timeout: Duration::from_secs(5),
            connect: Duration::from_secs(5),
            statement: Duration::from_secs(10),
        }
    }

    /// After so long a write to a server that says nothing has failed.
    pub(crate) fn longest_write(&self) -> Duration {
        self.statement + self.connect
    }
}
