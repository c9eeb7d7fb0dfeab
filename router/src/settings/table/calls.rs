//! Settings of the ports, and of how much is taken in at once.

use keyway_chassis::config::{Default, Kind, Setting};

use super::accepted::{millis, seconds};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "calls.listen",
        kind: Kind::Address,
        default: Default::Is("127.0.0.1:7103"),
        help: "Where clients call the router.",
    },
    Setting {
        path: "operations.listen",
        kind: Kind::Address,
        default: Default::Is("127.0.0.1:7119"),
        help: "Where probes and metrics are: plain HTTP, no RPC, no secret.",
    },
    Setting {
        path: "limits.workspace_calls",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("512"),
        help: "Calls in flight per workspace.",
    },
    Setting {
        path: "limits.calls",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("16384"),
        help: "Calls in flight, all workspaces together.",
    },
    Setting {
        path: "limits.queue",
        kind: Kind::Integer {
            min: 0,
            max: 1_000_000,
        },
        default: Default::Is("1024"),
        help: "Calls beyond limits.calls that wait for room; what comes then is refused as OVERLOADED.",
    },
    Setting {
        path: "limits.queue_wait",
        kind: Kind::Duration {
            min: millis(0),
            max: seconds(60),
        },
        default: Default::Is("1s"),
        help: "How long such a call waits before it is refused as OVERLOADED.",
    },
    Setting {
        path: "http.body_time",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(600),
        },
        default: Default::Is("60s"),
        help: "How long the body of a request over plain HTTP may take to come.",
    },
    Setting {
        path: "limits.bodies",
        kind: Kind::Bytes {
            min: 1 << 10,
            max: 1 << 40,
        },
        default: Default::Is("512MiB"),
        help: "Bytes of request bodies in flight, all calls together; what comes then is refused as OVERLOADED.",
    },
    Setting {
        path: "limits.drained_calls",
        kind: Kind::Integer {
            min: 0,
            max: 100_000,
        },
        default: Default::Is("256"),
        help: "Answers that are read on at once though their caller left.",
    },
    Setting {
        path: "limits.drained_bytes",
        kind: Kind::Bytes {
            min: 0,
            max: 1 << 40,
        },
        default: Default::Is("64MiB"),
        help: "Bytes that are read on of one such answer at most; what the provider counted until then is what the call used. limits.provider_reply holds beside it.",
    },
    Setting {
        path: "limits.request",
        kind: Kind::Bytes {
            min: 1 << 10,
            max: 1 << 30,
        },
        default: Default::Is("32MiB"),
        help: "Size of a request.",
    },
    Setting {
        path: "limits.provider_reply",
        kind: Kind::Bytes {
            min: 1 << 10,
            max: 1 << 30,
        },
        default: Default::Is("32MiB"),
        help: "Size of a provider's answer.",
    },
];
