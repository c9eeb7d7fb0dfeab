//! The table of the vault's settings: what is accepted, and what the reference prints.

use std::time::Duration;

use keyway_chassis::config::{self, Kind, Setting};
use keyway_chassis::tls::CLIENT_AUTH;

use crate::authenticate::RouterIdentity;

/// Every setting of the vault that is its own.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "data_key_cache.size",
        kind: Kind::Integer {
            min: 0,
            max: 1_000_000,
        },
        default: config::Default::Is("4096"),
        help: "Most data keys kept unwrapped in memory; 0 keeps none. Each use reads the data key's row, so one that was destroyed is never used.",
    },
    Setting {
        path: "data_key_cache.idle",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("5m"),
        help: "How long a data key stays in memory without being used.",
    },
    Setting {
        path: "data_key_cache.lifetime",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("15m"),
        help: "How long a data key stays in memory at most, however often it is used. Nothing extends it.",
    },
    Setting {
        path: "admin.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7101"),
        help: "Where keys, workspaces, members, tokens, audit and seal are managed.",
    },
    Setting {
        path: "data.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7102"),
        help: "Where routers resolve keys and watch changes.",
    },
    Setting {
        path: "data.tls.certificate",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the data plane's certificate and its chain; server.tls.certificate if not set.",
    },
    Setting {
        path: "data.tls.key",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the private key of data.tls.certificate.",
    },
    Setting {
        path: "data.tls.client_auth",
        kind: CLIENT_AUTH,
        default: config::Default::Absent,
        help: "Whether routers show a certificate; server.tls.client_auth if not set.",
    },
    Setting {
        path: "data.tls.client_ca",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "PEM file with the CAs that sign the routers' certificates.",
    },
    Setting {
        path: "operations.listen",
        kind: Kind::Address,
        default: config::Default::Is("127.0.0.1:7109"),
        help: "Plain HTTP for /livez, /readyz and /metrics.",
    },
    Setting {
        path: "routers",
        kind: Kind::List {
            accepted: ROUTER,
            check: is_router,
        },
        default: config::Default::Is(""),
        help: "Routers that may resolve keys: a name, and the SHA-256 of the router's token in hex or the only URI name of its certificate; with workspaces, only those.",
    },
    Setting {
        path: "lease.duration",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("15m"),
        help: "How long a router may keep the keys that it resolved.",
    },
    Setting {
        path: "feed.bookmark",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("5s"),
        help: "Longest time between two bookmarks of the change feed.",
    },
    Setting {
        path: "feed.poll",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_secs(10),
        },
        default: config::Default::Is("250ms"),
        help: "How often the revision row is read, to see what another vault on the same database changed.",
    },
    Setting {
        path: "feed.slow_after",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_mins(5),
        },
        default: config::Default::Is("15s"),
        help: "A router that takes nothing from its watch for so long is cut off; it comes back and goes on from where it was.",
    },
    Setting {
        path: "feed.stale_bound",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("60s"),
        help: "How long a router that is not heard of counts as one that may still use a key. At least lease.stale_bound of every router.",
    },
    Setting {
        path: "audit.checkpoint_rows",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: config::Default::Is("1000"),
        help: "A chain of the audit trail is signed after so many rows.",
    },
    Setting {
        path: "audit.checkpoint_interval",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("60s"),
        help: "A chain of the audit trail that grew is signed at least so often.",
    },
    Setting {
        path: "audit.check_interval",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("5s"),
        help: "How often a row is tried and taken back, to see that the audit trail takes rows.",
    },
    Setting {
        path: "secret.min_length",
        kind: Kind::Integer { min: 1, max: 4096 },
        default: config::Default::Is("8"),
        help: "Fewest characters of a provider key.",
    },
    Setting {
        path: "secret.max_length",
        kind: Kind::Integer {
            min: 1,
            max: 16_384,
        },
        default: config::Default::Is("4096"),
        help: "Most characters of a provider key.",
    },
    Setting {
        path: "message.max_size",
        kind: Kind::Bytes {
            min: 4 << 10,
            max: 4 << 20,
        },
        default: config::Default::Is("64KiB"),
        help: "Most bytes of a request message.",
    },
    Setting {
        path: "callers.unknown_rate",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: config::Default::Is("20"),
        help: "Look-ups per second that unknown tokens from one address (IPv6: one /64) may cause; what is beyond is refused as OVERLOADED.",
    },
    Setting {
        path: "callers.unknown_burst",
        kind: Kind::Integer {
            min: 1,
            max: 100_000,
        },
        default: config::Default::Is("100"),
        help: "The same at once.",
    },
    Setting {
        path: "deletion.delay",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("72h"),
        help: "How long a deleted workspace can be taken back, unless the request says otherwise.",
    },
    Setting {
        path: "deletion.shortest",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("1s"),
        help: "Shortest `deletion_delay` of a request.",
    },
    Setting {
        path: "deletion.longest",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 365),
        },
        default: config::Default::Is("2160h"),
        help: "Longest `deletion_delay` of a request.",
    },
    Setting {
        path: "deletion.notice",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_hours(24 * 7),
        },
        default: config::Default::Is("1h"),
        help: "After a restart or a jump of the clock, how long the delay must have been over before anything is destroyed.",
    },
    Setting {
        path: "deletion.sweep",
        kind: Kind::Duration {
            min: Duration::from_millis(10),
            max: Duration::from_hours(1),
        },
        default: config::Default::Is("10s"),
        help: "How often deleted workspaces are looked through for those whose delay is over.",
    },
];

/// What `routers` accepts.
pub(super) const ROUTER: &str = "name:sha256hex or name:sha256hex:workspace+workspace of a token, name=uri or \
                      \"name=uri workspace+workspace\" of a certificate";

fn is_router(text: &str) -> bool {
    text.parse::<RouterIdentity>().is_ok()
}
