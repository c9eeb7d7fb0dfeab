//! Settings of the way to the vault, and of what is kept of its answers.

use keyway_chassis::config::{Default, Kind, Setting};

use super::accepted::{URL, millis, seconds};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "vault.endpoint",
        kind: URL,
        default: Default::Is("http://127.0.0.1:7102"),
        help: "The vault's data plane.",
    },
    Setting {
        path: "vault.token_file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "File with this router's token, one line: a router token, or a service account's. Read anew when it changes. Needed unless vault.tls.certificate is set.",
    },
    Setting {
        path: "vault.tls.ca",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the CAs that sign the vault's certificate; needed where vault.endpoint is https:.",
    },
    Setting {
        path: "vault.tls.certificate",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with this router's certificate, whose only URI name the vault lists, and its chain.",
    },
    Setting {
        path: "vault.tls.key",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the private key of vault.tls.certificate.",
    },
    Setting {
        path: "vault.tls.server_name",
        kind: Kind::Text { max: 253 },
        default: Default::Absent,
        help: "Name that the vault's certificate must have; the host of vault.endpoint if not set.",
    },
    Setting {
        path: "vault.deadline",
        kind: Kind::Duration {
            min: millis(10),
            max: seconds(60),
        },
        default: Default::Is("2s"),
        help: "Bound of each RPC to the vault, the feed excepted.",
    },
    Setting {
        path: "lease.longest",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(86_400),
        },
        default: Default::Is("15m"),
        help: "Longest that a key is kept in memory after the vault gave it.",
    },
    Setting {
        path: "lease.stale_bound",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("60s"),
        help: "How long what is cached may be used after the vault was last heard from. At least feed.dead_after.",
    },
    Setting {
        path: "lease.entries",
        kind: Kind::Integer {
            min: 1,
            max: 10_000_000,
        },
        default: Default::Is("20000"),
        help: "Leases kept at most; beyond it the one unused for longest goes.",
    },
    Setting {
        path: "feed.dead_after",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(3_600),
        },
        default: Default::Is("15s"),
        help: "Silence after which the change feed counts as dead and is opened again.",
    },
    Setting {
        path: "health.limited",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("5s"),
        help: "How long a rate limit of a key is believed where the provider names no time.",
    },
    Setting {
        path: "health.first_trial",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("1m"),
        help: "After how long one call may try a key that its provider rejected, or whose quota is used up.",
    },
    Setting {
        path: "health.second_trial",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("5m"),
        help: "The same after the first trial failed.",
    },
    Setting {
        path: "health.later_trials",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("15m"),
        help: "The same after every later trial that failed.",
    },
    Setting {
        path: "callers.verdict",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(3_600),
        },
        default: Default::Is("60s"),
        help: "Age after which a token's verdict is asked for again.",
    },
    Setting {
        path: "callers.unknown",
        kind: Kind::Duration {
            min: millis(0),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "How long an unknown token stays unknown without asking the vault.",
    },
    Setting {
        path: "callers.unknown_rate",
        kind: Kind::Integer {
            min: 1,
            max: 10_000,
        },
        default: Default::Is("20"),
        help: "Questions to the vault per second that unknown tokens from one address (IPv6: one /64) may cause; what is beyond is refused as OVERLOADED.",
    },
    Setting {
        path: "callers.unknown_burst",
        kind: Kind::Integer {
            min: 1,
            max: 100_000,
        },
        default: Default::Is("100"),
        help: "The same at once.",
    },
    Setting {
        path: "callers.entries",
        kind: Kind::Integer {
            min: 1,
            max: 10_000_000,
        },
        default: Default::Is("50000"),
        help: "Verdicts kept at most.",
    },
];
