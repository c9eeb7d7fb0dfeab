//! Settings of identities by JSON Web Token: issuers of people, and clusters whose service accounts
//! are routers.

use std::path::PathBuf;
use std::time::Duration;

use keyway_chassis::config::{self, ConfigError, Kind, Setting, Values};

use crate::issuers::{
    Address, Bearers, GroupRole, IssuerConfig, KeyTimes, KeysAt, ServiceAccount, Web, web_address,
};
use crate::jwt::{Algorithm, Policy};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "oidc.*.issuer",
        kind: ISSUER,
        default: config::Default::Absent,
        help: "An issuer whose tokens people and services sign in with: its `iss`, exactly. Their subject is `oidc:{issuer}#{sub}`.",
    },
    Setting {
        path: "oidc.*.audience",
        kind: TEXT,
        default: config::Default::Absent,
        help: "What must stand in `aud`, exactly. No two issuers may have both name and audience in common.",
    },
    Setting {
        path: "oidc.*.keys",
        kind: KEYS,
        default: config::Default::Absent,
        help: "Where the issuer's key set is; without it, where the issuer's discovery document says.",
    },
    Setting {
        path: "oidc.*.algorithms",
        kind: ALGORITHMS,
        default: config::Default::Absent,
        help: "The algorithms that the issuer signs with; RS256 unless set. No other is taken.",
    },
    Setting {
        path: "oidc.*.ca_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "Authorities to trust when fetching the keys, PEM; the system's unless set.",
    },
    Setting {
        path: "oidc.*.bearer_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "File with a token to send when fetching the keys; read anew each time.",
    },
    Setting {
        path: "oidc.*.groups_claim",
        kind: TEXT,
        default: config::Default::Absent,
        help: "The claim that lists the bearer's groups; `groups` unless set.",
    },
    Setting {
        path: "oidc.*.groups",
        kind: Kind::List {
            accepted: GROUP,
            check: |text| text.parse::<GroupRole>().is_ok(),
        },
        default: config::Default::Absent,
        help: "What the members of a group may be, beside what their workspaces' admins made them.",
    },
    Setting {
        path: "kubernetes.*.issuer",
        kind: ISSUER,
        default: config::Default::Absent,
        help: "A cluster whose service accounts are routers: the `iss` of its tokens, exactly.",
    },
    Setting {
        path: "kubernetes.*.audience",
        kind: TEXT,
        default: config::Default::Absent,
        help: "The audience of the routers' projected tokens, exactly; one that is used for nothing else.",
    },
    Setting {
        path: "kubernetes.*.keys",
        kind: KEYS,
        default: config::Default::Absent,
        help: "Where the cluster's key set is, such as https://kubernetes.default.svc/openid/v1/jwks; without it, where its discovery document says.",
    },
    Setting {
        path: "kubernetes.*.algorithms",
        kind: ALGORITHMS,
        default: config::Default::Absent,
        help: "The algorithms that the cluster signs with; RS256 unless set.",
    },
    Setting {
        path: "kubernetes.*.ca_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "The cluster's authority, PEM, for fetching the keys; the system's unless set.",
    },
    Setting {
        path: "kubernetes.*.bearer_file",
        kind: Kind::Path,
        default: config::Default::Absent,
        help: "File with the vault's own service-account token, to fetch the keys with.",
    },
    Setting {
        path: "kubernetes.*.routers",
        kind: Kind::List {
            accepted: ACCOUNT,
            check: |text| text.parse::<ServiceAccount>().is_ok(),
        },
        default: config::Default::Absent,
        help: "Service accounts that are routers, and each router's name; with workspaces, only those.",
    },
    Setting {
        path: "jwt.skew",
        kind: Kind::Duration {
            min: Duration::ZERO,
            max: Duration::from_mins(1),
        },
        default: config::Default::Is("30s"),
        help: "How far an issuer's clock may be from the vault's.",
    },
    Setting {
        path: "jwt.longest",
        kind: Kind::Duration {
            min: Duration::from_mins(1),
            max: Duration::from_hours(24 * 366),
        },
        default: config::Default::Is("24h"),
        help: "Longest time until a token's `exp`. A token can't be revoked, so one that lives longer is refused.",
    },
    Setting {
        path: "jwt.keys_refresh",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24),
        },
        default: config::Default::Is("5m"),
        help: "Age after which an issuer's keys are fetched again.",
    },
    Setting {
        path: "jwt.keys_cooldown",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_mins(5),
        },
        default: config::Default::Is("10s"),
        help: "Least time between two fetches of an issuer's keys, however many tokens name unknown ones.",
    },
    Setting {
        path: "jwt.keys_kept",
        kind: Kind::Duration {
            min: Duration::from_secs(1),
            max: Duration::from_hours(24 * 7),
        },
        default: config::Default::Is("1h"),
        help: "Age until which an issuer's keys hold while they can't be fetched; then its tokens are refused as unavailable.",
    },
];

const ISSUER: Kind = Kind::Checked {
    accepted: ISSUER_FORM,
    check: |text| text.len() <= 150 && text.is_ascii() && web_address(text).is_some(),
};
const TEXT: Kind = Kind::Text { max: 256 };
const KEYS: Kind = Kind::Checked {
    accepted: KEYS_FORM,
    check: |text| text.starts_with('/') || web_address(text).is_some(),
};
const ALGORITHMS: Kind = Kind::List {
    accepted: "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA",
    check: |text| text.parse::<Algorithm>().is_ok(),
};
const ISSUER_FORM: &str =
    "an https URL of at most 150 ASCII characters without user and fragment, http on loopback only";
const KEYS_FORM: &str =
    "an https URL, an http URL on loopback, or the path of a file from the root";
const GROUP: &str =
    "group=operator, group=auditor, or group=workspaces/{id}:admin, :reader or :call";
const ACCOUNT: &str = "namespace:account=router or namespace:account=router:workspace+workspace";

/// Every issuer, of people first.
pub(super) fn issuers(values: &Values) -> Result<Vec<IssuerConfig>, ConfigError> {
    let mut issuers = Vec::new();
    for kind in ["oidc", "kubernetes"] {
        for name in values.names(kind) {
            let issuer = issuer(values, kind, &name)?;
            if issuers.iter().any(|other| is_same(other, &issuer)) {
                let path = format!("{kind}.{name}.audience");
                return Err(
                    values.refuse(&path, "an audience that no other entry has for this issuer")
                );
            }
            issuers.push(issuer);
        }
    }
    Ok(issuers)
}

/// Whether one token could be of both.
fn is_same(one: &IssuerConfig, other: &IssuerConfig) -> bool {
    one.policy.issuer == other.policy.issuer && one.policy.audience == other.policy.audience
}

fn issuer(values: &Values, kind: &str, name: &str) -> Result<IssuerConfig, ConfigError> {
    let path = |leaf: &str| format!("{kind}.{name}.{leaf}");
    let required = |leaf: &str, accepted: &str| {
        let text: Option<String> = values.get(&path(leaf))?;
        text.ok_or_else(|| values.refuse(&path(leaf), accepted))
    };
    let issuer = required("issuer", ISSUER_FORM)?;
    let policy = Policy {
        issuer: issuer.clone(),
        audience: required("audience", "set beside the issuer")?,
        algorithms: algorithms(values, &path("algorithms"))?,
        skew: values.get("jwt.skew")?,
        longest: values.get("jwt.longest")?,
    };
    let bearers = if kind == "oidc" {
        Bearers::People {
            groups_claim: values
                .get::<Option<String>>(&path("groups_claim"))?
                .unwrap_or_else(|| "groups".to_owned()),
            groups: list(values, &path("groups"), GROUP)?,
        }
    } else {
        Bearers::Routers(list(values, &path("routers"), ACCOUNT)?)
    };
    Ok(IssuerConfig {
        name: name.to_owned(),
        policy,
        keys: keys(values, &path, issuer)?,
        times: KeyTimes {
            refresh: values.get("jwt.keys_refresh")?,
            cooldown: values.get("jwt.keys_cooldown")?,
            kept: values.get("jwt.keys_kept")?,
        },
        bearers,
    })
}

fn keys(
    values: &Values,
    path: &impl Fn(&str) -> String,
    issuer: String,
) -> Result<KeysAt, ConfigError> {
    let given: Option<String> = values.get(&path("keys"))?;
    let address = match &given {
        Some(file) if file.starts_with('/') => return Ok(KeysAt::File(PathBuf::from(file))),
        Some(url) => Address::KeySet(
            web_address(url).ok_or_else(|| values.refuse(&path("keys"), KEYS_FORM))?,
        ),
        None => Address::Discovery(issuer),
    };
    Ok(KeysAt::Web(Web {
        address,
        ca_file: values.get(&path("ca_file"))?,
        bearer_file: values.get(&path("bearer_file"))?,
    }))
}

fn algorithms(values: &Values, path: &str) -> Result<Vec<Algorithm>, ConfigError> {
    let algorithms: Vec<Algorithm> = list(values, path, "one of the algorithms")?;
    Ok(if algorithms.is_empty() {
        vec![Algorithm::Rs256]
    } else {
        algorithms
    })
}

fn list<T: std::str::FromStr>(
    values: &Values,
    path: &str,
    accepted: &str,
) -> Result<Vec<T>, ConfigError> {
    let texts: Option<Vec<String>> = values.get(path)?;
    let items: Result<Vec<T>, _> = texts
        .unwrap_or_default()
        .iter()
        .map(|text| text.parse())
        .collect();
    items.map_err(|_form| values.refuse(path, accepted))
}
