//! Where keys may go: to the host that is configured for their provider, and nowhere else.

use std::net::IpAddr;

use keyway_words::ProviderId;
use reqwest::Url;

use super::addresses::Networks;

/// A provider's base URL, checked once.
#[derive(Debug, Clone)]
pub struct Origin {
    base: Url,
}

/// A base URL that keys may not be sent to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("providers.{provider}.base_url must be {accepted}")]
pub struct OriginError {
    /// The provider.
    pub provider: ProviderId,
    /// What is accepted.
    pub accepted: &'static str,
}

/// A request that would take a key elsewhere. A bug in an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongHost;

impl Origin {
    /// Checks a base URL: `https:`, or `http:` on loopback, or anywhere with `insecure`.
    pub fn parse(provider: ProviderId, text: &str, insecure: bool) -> Result<Self, OriginError> {
        let refused = |accepted| OriginError { provider, accepted };
        let base = Url::parse(text.trim_end_matches('/'))
            .map_err(|_form| refused("a URL such as https://api.example.com/v1"))?;
        let plain_host = base.host_str().is_some_and(|host| !host.is_empty());
        let bare = base.username().is_empty()
            && base.password().is_none()
            && base.query().is_none()
            && base.fragment().is_none();
        if !plain_host || !bare {
            return Err(refused("a URL without user, query and fragment"));
        }
        match base.scheme() {
            "https" => Ok(Self { base }),
            "http" if insecure || is_loopback(&base) => Ok(Self { base }),
            _ => Err(refused(
                "https:, or http: on loopback, or http: with providers.insecure=true",
            )),
        }
    }

    /// Whether it is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        is_loopback(&self.base)
    }

    /// Whether its host is a name, an address on this machine, or an address that is allowed. What
    /// a name leads to is seen only when it is asked for.
    pub fn is_within(&self, allowed: &Networks) -> bool {
        literal(&self.base).is_none_or(|ip| ip.is_loopback() || allowed.may_hold(ip))
    }

    /// The URL of a path of this provider. The path comes from an adapter, which may have put a
    /// caller's text in it: the result must still be below the base URL.
    pub fn url(&self, path: &str) -> Result<Url, WrongHost> {
        let base = self.base.as_str().trim_end_matches('/');
        let url = Url::parse(&format!("{base}{path}")).map_err(|_form| WrongHost)?;
        let same = url.origin() == self.base.origin()
            && path.starts_with('/')
            && url.username().is_empty()
            && url
                .path()
                .starts_with(self.base.path().trim_end_matches('/'));
        same.then_some(url).ok_or(WrongHost)
    }
}

/// Whether what is sent to this URL crosses a network unprotected.
pub(crate) fn is_plain_beyond_loopback(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "http" && !is_loopback(&url))
}

fn is_loopback(url: &Url) -> bool {
    url.host_str() == Some("localhost") || literal(url).is_some_and(|ip| ip.is_loopback())
}

/// The host, where it is an address and no name.
fn literal(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, insecure: bool) -> Result<Origin, OriginError> {
        Origin::parse(ProviderId::OpenAi, text, insecure)
    }

    #[test]
    fn plain_text_is_for_loopback_unless_asked_for() {
        for good in [
            "https://api.openai.com/v1",
            "http://127.0.0.1:9/v1/",
            "http://[::1]:9",
            "http://localhost:1",
        ] {
            assert!(parse(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://api.openai.com",
            "ftp://x",
            "api.openai.com",
            "https://u:p@x/",
            "https://x/?a=b",
            "",
        ] {
            assert!(parse(bad, false).is_err(), "{bad}");
        }
        assert!(parse("http://api.internal/v1", true).is_ok());
    }

    #[test]
    fn only_http_to_another_machine_crosses_a_network_unprotected() {
        for safe in [
            "https://vault:7102",
            "http://127.0.0.1:7102",
            "http://[::1]:7102",
        ] {
            assert!(!is_plain_beyond_loopback(safe), "{safe}");
        }
        for bare in ["http://10.0.0.1:7102", "http://vault.internal:7102"] {
            assert!(is_plain_beyond_loopback(bare), "{bare}");
        }
    }

    #[test]
    fn no_path_leads_away_from_the_base() {
        let origin = parse("https://api.openai.com/v1", false).unwrap();
        assert_eq!(
            origin.url("/chat").unwrap().as_str(),
            "https://api.openai.com/v1/chat"
        );
        for bad in [
            "@evil.example/x",
            ".evil.example/",
            "chat",
            "/../../x",
            ":80/x",
        ] {
            assert_eq!(origin.url(bad), Err(WrongHost), "{bad}");
        }
    }
}
