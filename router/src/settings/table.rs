//! The table of the router's settings: what is accepted, and what the reference prints.

use std::time::Duration;

use keyway_chassis::config::{Default, Kind, Setting};
use keyway_migrations::{ADDRESS_ACCEPTED, ServerAddress};
use keyway_router_pricing::{Aliases, Multiplier};
use reqwest::Url;

use crate::upstream::Networks;

/// What `prices.multiplier` accepts.
pub(super) const MULTIPLIER: &str =
    "a decimal number, zero or more, with at most 12 digits after the point";

const URL: Kind = Kind::Checked {
    accepted: "an http: or https: URL",
    check: is_url,
};

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// What `models.aliases` accepts.
pub(super) const ALIASES: &str =
    "name=provider/model, separated by commas, each name once and without a slash";

fn is_address(text: &str) -> bool {
    ServerAddress::parse(text).is_ok()
}

fn is_aliases(text: &str) -> bool {
    text.parse::<Aliases>().is_ok()
}

fn is_multiplier(text: &str) -> bool {
    text.parse::<Multiplier>().is_ok()
}

/// What `egress.proxy` accepts.
pub(super) const PROXY: &str = "an http: or https: URL of host and port only";

fn is_proxy(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        is_url(text)
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

/// What each of `egress.allowed_networks` is.
pub(super) const NETWORK: &str = "a network, as 10.0.0.0/8 or fd00::/8";

fn is_network(text: &str) -> bool {
    Networks::parse(&[text.to_owned()]).is_some()
}

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
    Setting {
        path: "providers.anthropic.base_url",
        kind: URL,
        default: Default::Absent,
        help: "Anthropic's endpoint, as its official SDK takes it. Its keys go to this host only.",
    },
    Setting {
        path: "providers.exa.base_url",
        kind: URL,
        default: Default::Absent,
        help: "Exa's endpoint, as its official SDK takes it. Its keys go to this host only.",
    },
    Setting {
        path: "providers.google.base_url",
        kind: URL,
        default: Default::Absent,
        help: "Google's endpoint, as its official SDK takes it. Its keys go to this host only.",
    },
    Setting {
        path: "providers.mistral.base_url",
        kind: URL,
        default: Default::Absent,
        help: "Mistral's endpoint, as its official SDK takes it. Its keys go to this host only.",
    },
    Setting {
        path: "providers.openai.base_url",
        kind: URL,
        default: Default::Absent,
        help: "OpenAI's endpoint, as its official SDK takes it. Its keys go to this host only.",
    },
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
    Setting {
        path: "models.aliases",
        kind: Kind::Checked {
            accepted: ALIASES,
            check: is_aliases,
        },
        default: Default::Is(""),
        help: "The operator's own names for models, as fast=openai/gpt-5-mini,deep=anthropic/claude-opus-4-5. They win over names of the catalogue.",
    },
    Setting {
        path: "switches.file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "JSON file of what is switched off: {\"hosted\": true, \"providers\": [\"openai\"], \"models\": [\"openai/gpt-5\"], \"workspaces\": [\"workspaces/acme\"]}, each optional. It must exist, and may be empty; it is read again every second and at SIGHUP.",
    },
    Setting {
        path: "prices.overlay",
        kind: Kind::Path,
        default: Default::Absent,
        help: "JSON file of price rows that replace or add to the built-in ones; followed while the router runs.",
    },
    Setting {
        path: "prices.multiplier",
        kind: Kind::Checked {
            accepted: MULTIPLIER,
            check: is_multiplier,
        },
        default: Default::Is("1"),
        help: "Factor on the list price of hosted calls.",
    },
];
