//! Settings of the way to providers, and of attempts there.

use keyway_chassis::config::{Default, Kind, Setting};

use super::accepted::{NETWORK, PROXY, URL, is_network, is_proxy, millis, seconds};

macro_rules! base_urls {
    ($($provider:ident $id:ident ($name:literal, $($facts:tt)*);)*) => {
        pub(super) const BASE_URLS: &[Setting] = &[$(Setting {
            path: concat!("providers.", stringify!($id), ".base_url"),
            kind: URL,
            default: Default::Absent,
            help: concat!(
                $name,
                "'s endpoint, as its official SDK takes it. Its keys go to this host only."
            ),
        },)*];
    };
}

keyway_words::for_each_provider!(base_urls);

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "providers.insecure",
        kind: Kind::Bool,
        default: Default::Is("false"),
        help: "Allows http: base URLs beyond loopback. Provider keys cross the network unprotected.",
    },
    Setting {
        path: "egress.proxy",
        kind: Kind::Checked {
            accepted: PROXY,
            check: is_proxy,
        },
        default: Default::Absent,
        help: "Proxy through which providers beyond loopback are called; by CONNECT where they speak https:. It resolves their names, so it is the one to refuse private addresses. Proxies of the environment are ignored.",
    },
    Setting {
        path: "egress.ca_file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with CAs that are trusted for providers, and for the proxy, beside the machine's own.",
    },
    Setting {
        path: "egress.allowed_networks",
        kind: Kind::List {
            accepted: NETWORK,
            check: is_network,
        },
        default: Default::Is(""),
        help: "Networks that are not public (private, link-local, loopback and the like) in which a provider may be all the same. Asked after every resolution of its host's name. A base URL that itself says localhost or an address on loopback needs none.",
    },
    Setting {
        path: "timeouts.connect",
        kind: Kind::Duration {
            min: millis(1),
            max: seconds(600),
        },
        default: Default::Is("5s"),
        help: "Until a connection to a provider stands.",
    },
    Setting {
        path: "timeouts.first_byte",
        kind: Kind::Duration {
            min: millis(1),
            max: seconds(86_400),
        },
        default: Default::Is("120s"),
        help: "From the request until the provider's answer begins.",
    },
    Setting {
        path: "timeouts.idle",
        kind: Kind::Duration {
            min: millis(1),
            max: seconds(86_400),
        },
        default: Default::Is("120s"),
        help: "Between two pieces of a provider's answer.",
    },
    Setting {
        path: "timeouts.total",
        kind: Kind::Duration {
            min: millis(1),
            max: seconds(86_400),
        },
        default: Default::Is("600s"),
        help: "One attempt as a whole.",
    },
    Setting {
        path: "timeouts.pooled",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(3_600),
        },
        default: Default::Is("60s"),
        help: "How long a connection to a provider is kept that nothing uses.",
    },
    Setting {
        path: "timeouts.drained",
        kind: Kind::Duration {
            min: seconds(0),
            max: seconds(3_600),
        },
        default: Default::Is("120s"),
        help: "How long an answer is read on though its caller left.",
    },
    Setting {
        path: "attempts.most",
        kind: Kind::Integer { min: 1, max: 20 },
        default: Default::Is("4"),
        help: "Attempts per call.",
    },
    Setting {
        path: "attempts.longest_wait",
        kind: Kind::Duration {
            min: seconds(0),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "Longest wait between two attempts that a provider may ask for.",
    },
    Setting {
        path: "breaker.failures",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("10"),
        help: "Calls of one workspace with one version of a key in which its provider failed (5xx, no connection, timeout), one after the other within a minute of each other, until the key rests for that workspace: PROVIDER_UNAVAILABLE if no other is left.",
    },
    Setting {
        path: "breaker.rest",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(3_600),
        },
        default: Default::Is("5s"),
        help: "How long it rests before one attempt may find out whether the provider is well again; doubled by each that fails.",
    },
    Setting {
        path: "breaker.longest_rest",
        kind: Kind::Duration {
            min: millis(100),
            max: seconds(86_400),
        },
        default: Default::Is("1m"),
        help: "The longest rest. At least breaker.rest.",
    },
    Setting {
        path: "probes.per_minute",
        kind: Kind::Integer { min: 1, max: 1_000 },
        default: Default::Is("6"),
        help: "Tests of one key within a minute (TestKey).",
    },
    Setting {
        path: "probes.longest",
        kind: Kind::Duration {
            min: millis(10),
            max: seconds(600),
        },
        default: Default::Is("20s"),
        help: "How long one test of a key may take.",
    },
];
