//! The settings of serving, the same in both services.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use crate::config::{ConfigError, Default, Kind, Setting, Settings, Values};
use crate::tls::{CLIENT_AUTH, ClientAuth, FileRules, ServerTls, client_auth, key_pair};

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
    /// Longest time until a connection is ready for its first call.
    pub handshake_timeout: Duration,
    /// Handshakes at once on one listener; beyond it the oldest gives way.
    pub max_handshakes: usize,
    /// Connections at once on one listener that are through their handshake.
    pub max_connections: usize,
    /// Age at which a connection takes no new calls.
    pub max_connection_age: Duration,
    /// TLS of the listeners.
    pub tls: Option<ServerTls>,
    /// How files of keys are read.
    pub files: FileRules,
    /// Who may read the contract by reflection.
    pub reflection: Reflection,
    /// Whether plain text beyond loopback is allowed.
    pub insecure: bool,
    /// How long a stop waits for calls in flight.
    pub drain: Duration,
    /// For how long no task runs until the process counts as blocked.
    pub blocked_after: Duration,
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
        path: "server.handshake_timeout",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "Longest time until a connection is ready for its first call.",
    },
    Setting {
        path: "server.max_handshakes",
        kind: Kind::Integer {
            min: 1,
            max: 100_000,
        },
        default: Default::Is("1024"),
        help: "Handshakes at once on one listener; beyond it the oldest gives way.",
    },
    Setting {
        path: "server.max_connections",
        kind: Kind::Integer {
            min: 1,
            max: 1_000_000,
        },
        default: Default::Is("10000"),
        help: "Connections at once on one listener, handshakes in flight not counted; more are closed at once.",
    },
    Setting {
        path: "server.max_connection_age",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(30 * 86_400),
        },
        default: Default::Is("1h"),
        help: "Age at which a connection takes no new calls (GOAWAY) and its watches end; a tenth more or less, so that not all end at once.",
    },
    Setting {
        path: "server.tls.certificate",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the certificate of the listeners for RPCs and its chain. Without it they speak plain text.",
    },
    Setting {
        path: "server.tls.key",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the private key of server.tls.certificate.",
    },
    Setting {
        path: "server.tls.client_auth",
        kind: CLIENT_AUTH,
        default: Default::Absent,
        help: "Whether clients show a certificate: off if not set.",
    },
    Setting {
        path: "server.tls.client_ca",
        kind: Kind::Path,
        default: Default::Absent,
        help: "PEM file with the CAs that sign client certificates.",
    },
    Setting {
        path: "tls.key_group_readable",
        kind: Kind::Bool,
        default: Default::Is("false"),
        help: "Allows files of private keys that their group can read, as Kubernetes mounts secrets. Readable by all is refused.",
    },
    Setting {
        path: "tls.reload_every",
        kind: Kind::Duration {
            min: Duration::from_millis(100),
            max: seconds(3_600),
        },
        default: Default::Is("10s"),
        help: "How often the files of certificates, keys and CAs are looked at; what changed counts for new connections.",
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
    Setting {
        path: "server.blocked_after",
        kind: Kind::Duration {
            min: seconds(1),
            max: seconds(600),
        },
        default: Default::Is("10s"),
        help: "When the process has run none of its tasks for so long, /livez fails, so that it is started again; after half of it /readyz names runtime.",
    },
];

impl ServeConfig {
    /// The age at which one connection ends.
    pub(super) fn connection_age(&self) -> Duration {
        let tenth = self.max_connection_age / 10;
        let spread = RandomState::new().hash_one(()) % 1000;
        let spread = u32::try_from(spread).unwrap_or(0);
        tenth * 9 + tenth / 500 * spread
    }
}

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
            handshake_timeout: values.get("server.handshake_timeout")?,
            max_handshakes: values.get("server.max_handshakes")?,
            max_connections: values.get("server.max_connections")?,
            max_connection_age: values.get("server.max_connection_age")?,
            tls: server_tls(values)?,
            files: FileRules {
                group_reads: values.get("tls.key_group_readable")?,
                reload_every: values.get("tls.reload_every")?,
            },
            reflection,
            insecure: values.get("server.insecure")?,
            drain: values.get("server.drain")?,
            blocked_after: values.get("server.blocked_after")?,
        })
    }
}

fn server_tls(values: &Values) -> Result<Option<ServerTls>, ConfigError> {
    let clients = client_auth(values, "server.tls")?;
    match (key_pair(values, "server.tls")?, clients) {
        (Some(pair), clients) => Ok(Some(ServerTls {
            pair,
            clients: clients.unwrap_or(ClientAuth::Off),
            http1: false,
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(values.refuse(
            "server.tls.client_auth",
            "together with server.tls.certificate and server.tls.key",
        )),
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
