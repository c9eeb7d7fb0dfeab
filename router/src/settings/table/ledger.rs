//! Settings of the ledger.

use keyway_chassis::config::{Default, Kind, Setting};
use keyway_migrations::ADDRESS_ACCEPTED;

use super::accepted::{days, is_address, millis, seconds};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "ledger.path",
        kind: Kind::Path,
        default: Default::Absent,
        help: "The ledger's SQLite file, made by `keyway-migrate router --database FILE`; for one router. This or ledger.url.",
    },
    Setting {
        path: "ledger.url",
        kind: Kind::Checked {
            accepted: ADDRESS_ACCEPTED,
            check: is_address,
        },
        default: Default::Absent,
        help: "The ledger's PostgreSQL database, made ready by `keyway-migrate router --url-file FILE`; several routers may share it. This or ledger.path.",
    },
    Setting {
        path: "ledger.password_file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "File with the password of the user in ledger.url, one line, read at the start.",
    },
    Setting {
        path: "ledger.connections",
        kind: Kind::Integer { min: 1, max: 200 },
        default: Default::Is("4"),
        help: "Connections that read the ledger. One more writes and one more numbers.",
    },
    Setting {
        path: "ledger.connect_timeout",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(60),
        },
        default: Default::Is("5s"),
        help: "Longest wait for a new connection to PostgreSQL.",
    },
    Setting {
        path: "ledger.lock_timeout",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(60),
        },
        default: Default::Is("5s"),
        help: "Longest that a commit waits for another's; then the ledger counts as unwritable until a try succeeds.",
    },
    Setting {
        path: "ledger.statement_timeout",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "On PostgreSQL, longest that one statement takes and that a transaction stands idle.",
    },
    Setting {
        path: "ledger.lease",
        kind: Kind::Duration {
            min: seconds(6),
            max: seconds(600),
        },
        default: Default::Is("15s"),
        help: "On PostgreSQL, silence after which a router is gone and another one closes its attempts. It is renewed every 5 seconds. The same on every router of a database.",
    },
    Setting {
        path: "ledger.retention",
        kind: Kind::Duration {
            min: days(1),
            max: days(10_000),
        },
        default: Default::Is("400d"),
        help: "How long usage events are kept on the stream, in whole days. Roll-ups, corrections and price tables stay.",
    },
    Setting {
        path: "ledger.consumer_hold",
        kind: Kind::Duration {
            min: days(0),
            max: days(10_000),
        },
        default: Default::Is("100d"),
        help: "How much longer an event is kept that a named consumer has not acknowledged; a consumer further behind is told CURSOR_EXPIRED. What relay.url has not published yet is kept however long.",
    },
    Setting {
        path: "ledger.max_size",
        kind: Kind::Bytes {
            min: 1 << 20,
            max: 1 << 46,
        },
        default: Default::Absent,
        help: "Largest size of the SQLite file of ledger.path; beside it the write-ahead log needs some MiB. At that size no call is made until retention or a larger limit gives room. No limit unless set.",
    },
    Setting {
        path: "ledger.slots",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("32768"),
        help: "Attempts open at once at most.",
    },
    Setting {
        path: "ledger.group",
        kind: Kind::Integer {
            min: 1,
            max: 100_000,
        },
        default: Default::Is("512"),
        help: "Records per commit at most.",
    },
    Setting {
        path: "ledger.open.own",
        kind: Kind::Choice(&["before_send", "before_answer"]),
        default: Default::Is("before_answer"),
        help: "When an attempt on an own key must be durably recorded as open.",
    },
    Setting {
        path: "ledger.open.hosted",
        kind: Kind::Choice(&["before_send", "before_answer"]),
        default: Default::Is("before_send"),
        help: "When an attempt on the platform's key must be durably recorded as open.",
    },
    Setting {
        path: "ledger.settle.own",
        kind: Kind::Choice(&["before_reply", "after_reply"]),
        default: Default::Is("after_reply"),
        help: "Whether the end of an answer on an own key waits for the durable settlement.",
    },
    Setting {
        path: "ledger.settle.hosted",
        kind: Kind::Choice(&["before_reply", "after_reply"]),
        default: Default::Is("before_reply"),
        help: "Whether the end of an answer on the platform's key waits for the durable settlement.",
    },
];
