//! Settings of the relay to NATS.

use keyway_chassis::config::{Default, Kind, Setting};

use super::accepted::{is_nats_address, is_stream_name, is_subject, millis, seconds};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "relay.url",
        kind: Kind::List {
            accepted: NATS_ADDRESS,
            check: is_nats_address,
        },
        default: Default::Is(""),
        help: "NATS servers of one cluster, nats://host:port or tls://host:port, to whose JetStream the billing stream is published. No relay if empty.",
    },
    Setting {
        path: "relay.credentials_file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "File with what logs in at NATS, one line: user:password, or a token. Read anew for every connection.",
    },
    Setting {
        path: "relay.tls.ca",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the CAs that sign the NATS servers' certificates; needed where relay.url is tls:.",
    },
    Setting {
        path: "relay.tls.certificate",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the certificate that is shown to NATS, and its chain.",
    },
    Setting {
        path: "relay.tls.key",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the private key of relay.tls.certificate.",
    },
    Setting {
        path: "relay.stream",
        kind: Kind::Checked {
            accepted: "a name of letters, digits, - and _, at most 64",
            check: is_stream_name,
        },
        default: Default::Is("KEYWAY_BILLING"),
        help: "The JetStream stream. It is made if it is missing: in files, full means refused, nothing ends by age.",
    },
    Setting {
        path: "relay.subject",
        kind: Kind::Checked {
            accepted: "parts of letters, digits, - and _, with dots between",
            check: is_subject,
        },
        default: Default::Is("keyway"),
        help: "First part of every subject, as keyway.usage.v1.workspaces.acme; the stream takes everything below it.",
    },
    Setting {
        path: "relay.replicas",
        kind: Kind::Integer { min: 1, max: 5 },
        default: Default::Is("3"),
        help: "Replicas that the stream has at least: NATS acknowledges before its disk does, so that one alone may lose what it acknowledged.",
    },
    Setting {
        path: "relay.deduplicate",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(86_400),
        },
        default: Default::Is("10m"),
        help: "How long a stream that is made here remembers message ids. Consumers must know ids for ever, since a replay may come at any time.",
    },
    Setting {
        path: "relay.timeout",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(60),
        },
        default: Default::Is("5s"),
        help: "Longest wait for a connection to NATS, and for its answer to one message.",
    },
];

/// What `relay.url` accepts.
const NATS_ADDRESS: &str = "nats://host:port or tls://host:port, without user and path";
