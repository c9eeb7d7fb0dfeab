//! What damage to each column means. Plain columns are policy and display: they are not sealed,
//! and whoever can write them can switch a key off but not give it to anybody.

/// A table and all of its columns.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [(&'static str, Meaning)],
}

/// What damage does; with SQL expressions to put in the column's place.
pub(super) enum Meaning {
    /// Sealed, bound, the deletion mark, or needed to unwrap: the key is unreadable.
    Guarded(&'static [&'static str]),
    /// Not sealed: the own key is used or the call refused.
    Plain(&'static [&'static str]),
}

use Meaning::{Guarded, Plain};

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "keys",
        columns: &[
            ("row_id", Guarded(&["row_id || 'x'", "''"])),
            ("owner", Guarded(&["owner || 'x'", "''"])),
            ("provider", Guarded(&["'anthropic'", "'nonsense'"])),
            ("name", Guarded(&["'second'", "''"])),
            ("version", Guarded(&["version + 1", "0", "-1"])),
            ("data_key_id", Guarded(&["''", PLATFORM, SYSTEM])),
            (
                "envelope",
                Guarded(&["x''", "zeroblob(length(envelope))", SHORT, LONG]),
            ),
            ("mask", Plain(&["'nonsense'"])),
            ("fingerprint", Plain(&["'nonsense'"])),
            ("place", Plain(&["-1"])),
            ("disabled", Plain(&["1", "7"])),
            ("expires_at", Plain(&["1", "-1"])),
            ("allowed_models", Plain(&["'nonsense'", "'[\"another\"]'"])),
            ("label", Plain(&["'nonsense'"])),
            (
                "health",
                Plain(&["'nonsense'", "'REJECTED'", "'EXHAUSTED'", "'LIMITED'"]),
            ),
            ("health_reason", Plain(&["'nonsense'"])),
            ("health_until", Plain(&["-1"])),
            ("change_number", Plain(&["-1"])),
            ("created_at", Plain(&["-1"])),
            ("updated_at", Plain(&["-1"])),
            ("deleted_at", Guarded(&["1", "updated_at"])),
            ("health_since", Plain(&["-1"])),
            ("health_number", Plain(&["-1", "9223372036854775807"])),
        ],
    },
    Table {
        name: "data_keys",
        columns: &[
            ("id", Guarded(&["id || 'x'", "''"])),
            ("owner", Guarded(&["owner || 'x'", "''"])),
            ("generation", Guarded(&["generation + 1", "0", "-1"])),
            ("master_key_id", Guarded(&["''", "master_key_id || 'x'"])),
            (
                "wrapped",
                Guarded(&["x''", "zeroblob(length(wrapped))", OTHER]),
            ),
            ("state", Guarded(&["''", "'RETIRED'"])),
            ("created_at", Plain(&["-1"])),
        ],
    },
    // The rows that it counts are guarded; where they are there and whole, they are used.
    Table {
        name: "key_pools",
        columns: &[
            ("owner", Plain(&["owner || 'x'"])),
            ("provider", Plain(&["'nonsense'"])),
            ("selection", Plain(&["'nonsense'"])),
            (
                "live_count",
                Plain(&["0", "2", "-1", "9223372036854775807"]),
            ),
        ],
    },
];

const PLATFORM: &str = "(SELECT id FROM data_keys WHERE owner = 'platform')";
const SYSTEM: &str = "(SELECT id FROM data_keys WHERE owner = 'system')";
const SHORT: &str = "substr(envelope, 1, length(envelope) - 1)";
const LONG: &str = "unhex(hex(envelope) || '00')";
const OTHER: &str = "(SELECT wrapped FROM data_keys WHERE owner = 'platform')";
