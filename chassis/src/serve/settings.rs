//! The settings of serving, the same in both services.

use std::time::Duration;

use crate::config::{ConfigError, Default, Kind, Setting, Settings, Values};

/// Who may read the contract by reflection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reflection {
    /// Everybody.
    Open,
    /// Every authenticated caller.
    Authenticated,
    /// Nobody.
    Off,
}

/// Limits and times of serving.
#[derive(Debug, Clone)]
pub struct ServeConfig {
    /// Time between HTTP/2 pings.
    pub keepalive_interval: Duration,
    /// A peer that answers a ping later than this is gone.
    pub keepalive_timeout: Duration,
    /// Calls at once on one connection.
    pub max_concurrent_streams: u32,
    /// HTTP/2 window of one call, bytes.
    pub stream_window: u32,
    /// HTTP/2 window of one connection, bytes.
    pub connection_window: u32,
    /// Most bytes of request headers.
    pub max_header_list: u32,
    /// Longest that a call may take.
    pub deadline_cap: Duration,
    /// Who may read the contract by reflection.
    pub reflection: Reflection,
    /// Whether plain text beyond loopback is allowed.
    pub insecure: bool,
    /// How long a stop waits for calls in flight.
    pub drain: Duration,
}

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const SETTINGS: &[Setting] = &[
    Setting {
        path: "server.keepalive_interval",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(3_600),
        },
        default: Default::Is("20s"),
        help: "Time between HTTP/2 pings on a connection.",
    },
    Setting {
        path: "server.keepalive_timeout",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "A peer that answers a ping later than this is gone.",
    },
    Setting {
        path: "server.max_concurrent_streams",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("10000"),
        help: "Calls at once on one connection.",
    },
    Setting {
        path: "server.stream_window",
        kind: Kind::Bytes {
            min: 65_535,
            max: 64 << 20,
        },
        default: Default::Is("256KiB"),
        help: "HTTP/2 window of one call.",
    },
    Setting {
        path: "server.connection_window",
        kind: Kind::Bytes {
            min: 65_535,
            max: 1 << 30,
        },
        default: Default::Is("16MiB"),
        help: "HTTP/2 window of one connection, shared by its calls.",
    },
    Setting {
        path: "server.max_header_list",
        kind: Kind::Bytes {
            min: 4 << 10,
            max: 1 << 20,
        },
        default: Default::Is("16KiB"),
        help: "Most bytes of request headers.",
    },
    Setting {
        path: "server.deadline_cap",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(86_400),
        },
        default: Default::Is("600s"),
        help: "Longest that a call may take; a caller may ask for less. Watches have no cap.",
    },
    Setting {
        path: "server.reflection",
        kind: Kind::Choice(&["open", "authenticated", "off"]),
        default: Default::Is("open"),
        help: "Who may read the contract by reflection.",
    },
    Setting {
        path: "server.insecure",
        kind: Kind::Bool,
        default: Default::Is("false"),
        help: "Allows plain text on addresses other than loopback. Tokens and keys cross the network unprotected.",
    },
    Setting {
        path: "server.drain",
        kind: Kind::Duration {
            min: seconds(0),
            max: seconds(3_600),
        },
        default: Default::Is("25s"),
        help: "How long a stop waits for calls in flight.",
    },
];

impl Settings for ServeConfig {
    fn settings() -> Vec<Setting> {
        SETTINGS.to_vec()
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let reflection = match values.get::<String>("server.reflection")?.as_str() {
            "open" => Reflection::Open,
            "authenticated" => Reflection::Authenticated,
            _ => Reflection::Off,
        };
        Ok(Self {
            keepalive_interval: values.get("server.keepalive_interval")?,
            keepalive_timeout: values.get("server.keepalive_timeout")?,
            max_concurrent_streams: values.get("server.max_concurrent_streams")?,
            stream_window: values.get("server.stream_window")?,
            connection_window: values.get("server.connection_window")?,
            max_header_list: values.get("server.max_header_list")?,
            deadline_cap: values.get("server.deadline_cap")?,
            reflection,
            insecure: values.get("server.insecure")?,
            drain: values.get("server.drain")?,
        })
    }
}

#[cfg(any(test, feature = "test-util"))]
impl ServeConfig {
    /// The defaults.
    #[expect(clippy::panic, reason = "part of tests")]
    pub fn for_test() -> Self {
        let loaded = crate::config::load("test", None, std::iter::empty(), &[]);
        loaded.unwrap_or_else(|error| panic!("{error}"))
    }
}
