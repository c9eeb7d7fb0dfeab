//! What settings accept beyond the kinds that every process knows.

use std::time::Duration;

use keyway_chassis::config::Kind;
use keyway_migrations::ServerAddress;
use keyway_router_pricing::{Aliases, Multiplier};
use reqwest::Url;

use crate::upstream::Networks;

/// What `prices.multiplier` accepts.
pub(in crate::settings) const MULTIPLIER: &str =
    "a decimal number, zero or more, with at most 12 digits after the point";

pub(super) const URL: Kind = Kind::Checked {
    accepted: "an http: or https: URL",
    check: is_url,
};

pub(super) const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

pub(super) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

pub(super) const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub(super) fn is_url(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// What `models.aliases` accepts.
pub(in crate::settings) const ALIASES: &str =
    "name=provider/model, separated by commas, each name once and without a slash";

pub(super) fn is_address(text: &str) -> bool {
    ServerAddress::parse(text).is_ok()
}

pub(super) fn is_aliases(text: &str) -> bool {
    text.parse::<Aliases>().is_ok()
}

pub(super) fn is_multiplier(text: &str) -> bool {
    text.parse::<Multiplier>().is_ok()
}

/// What `egress.proxy` accepts.
pub(in crate::settings) const PROXY: &str = "an http: or https: URL of host and port only";

pub(super) fn is_proxy(text: &str) -> bool {
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
pub(in crate::settings) const NETWORK: &str = "a network, as 10.0.0.0/8 or fd00::/8";

pub(super) fn is_network(text: &str) -> bool {
    Networks::parse(&[text.to_owned()]).is_some()
}

/// One server of `relay.url`; what logs in there stands in a file of its own.
pub(super) fn is_nats_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "nats" | "tls")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && matches!(url.path(), "" | "/")
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

pub(super) fn is_stream_name(text: &str) -> bool {
    text.len() <= 64 && is_subject(text) && !text.contains('.')
}

pub(super) fn is_subject(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        !part.is_empty() && part.chars().all(is_letter)
    };
    text.len() <= 128 && text.split('.').all(is_part)
}
