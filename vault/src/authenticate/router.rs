//! Routers as the configuration lists them: by the hash of a token, or by the name in a client
//! certificate.

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use keyway_words::{Secret, WorkspaceId};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// One entry of the setting `routers`: `name:sha256hex`, `name:sha256hex:ws1+ws2`, `name=uri` or
/// `name=uri ws1+ws2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RouterIdentity {
    pub(super) name: String,
    shows: Shows,
    pub(super) listed: Option<Arc<[WorkspaceId]>>,
}

/// What a router shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shows {
    /// A token with this SHA-256.
    Token([u8; 32]),
    /// A certificate with this URI name.
    Certificate(String),
}

/// Not a router's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidRouter;

impl FromStr for RouterIdentity {
    type Err = InvalidRouter;

    fn from_str(text: &str) -> Result<Self, InvalidRouter> {
        let end = text.find([':', '=']).ok_or(InvalidRouter)?;
        let (name, rest) = text.split_at_checked(end).ok_or(InvalidRouter)?;
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=63).contains(&name.len()) || !name.bytes().all(is_name) {
            return Err(InvalidRouter);
        }
        let (shows, listed) = match (rest.strip_prefix(':'), rest.strip_prefix('=')) {
            (Some(rest), _) => cut(rest, ':', token)?,
            (_, Some(rest)) => cut(rest, ' ', certificate)?,
            (None, None) => return Err(InvalidRouter),
        };
        let listed = listed.map(workspaces).transpose()?;
        Ok(Self {
            name: name.to_owned(),
            shows,
            listed,
        })
    }
}

/// What is shown, and the workspaces behind the separator if there is one.
fn cut(
    text: &str,
    separator: char,
    read: fn(&str) -> Result<Shows, InvalidRouter>,
) -> Result<(Shows, Option<&str>), InvalidRouter> {
    match text.split_once(separator) {
        Some((shown, listed)) => Ok((read(shown)?, Some(listed))),
        None => Ok((read(text)?, None)),
    }
}

fn token(hash: &str) -> Result<Shows, InvalidRouter> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(hash, &mut sha256).map_err(|_form| InvalidRouter)?;
    Ok(Shows::Token(sha256))
}

/// A URI as a certificate has it: a scheme and something after it, compared byte by byte.
fn certificate(uri: &str) -> Result<Shows, InvalidRouter> {
    let (scheme, rest) = uri.split_once(':').ok_or(InvalidRouter)?;
    let of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let fits = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(of_scheme)
        && !rest.is_empty()
        && uri.len() <= 2048
        && uri.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Ok(Shows::Certificate(uri.to_owned()))
    } else {
        Err(InvalidRouter)
    }
}

fn workspaces(text: &str) -> Result<Arc<[WorkspaceId]>, InvalidRouter> {
    let ids: Result<Vec<WorkspaceId>, _> = text.split('+').map(str::parse).collect();
    ids.map(Arc::from).map_err(|_name| InvalidRouter)
}

/// The routers of the configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct RouterList(Vec<RouterIdentity>);

impl RouterList {
    /// Takes the entries, unless two of them disagree.
    pub(crate) fn new(entries: Vec<RouterIdentity>) -> Result<Self, &'static str> {
        let mut shown = HashSet::new();
        if !entries.iter().all(|entry| shown.insert(&entry.shows)) {
            return Err("each token and each certificate once");
        }
        let mut listed = HashMap::new();
        let agrees = |entry: &RouterIdentity| {
            let of_name = listed
                .entry(entry.name.clone())
                .or_insert_with(|| entry.listed.clone());
            *of_name == entry.listed
        };
        if !entries.iter().all(agrees) {
            return Err("the same workspaces in all entries of one router");
        }
        Ok(Self(entries))
    }

    /// The router of this token.
    pub(super) fn by_token(&self, token: &Secret) -> Option<&RouterIdentity> {
        let hash: [u8; 32] = Sha256::digest(token.expose().as_bytes()).into();
        // Every entry is compared, so that the time does not tell which one it was.
        self.0
            .iter()
            .fold(None, |found, router| match &router.shows {
                Shows::Token(sha256) if bool::from(sha256.ct_eq(&hash)) => Some(router),
                Shows::Token(_) | Shows::Certificate(_) => found,
            })
    }

    /// The router whose certificate has this URI name.
    pub(super) fn by_certificate(&self, name: &str) -> Option<&RouterIdentity> {
        let is = |router: &&RouterIdentity| matches!(&router.shows, Shows::Certificate(uri) if uri == name);
        self.0.iter().find(is)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> RouterIdentity {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn a_router_entry_is_a_name_a_hash_and_perhaps_workspaces() {
        let hash = "ab".repeat(32);
        assert!(entry(&format!("local:{hash}")).listed.is_none());
        let router = entry(&format!("eu-1:{hash}:acme+globex"));
        assert_eq!(router.listed.unwrap().len(), 2);
        for bad in [
            String::new(),
            "local".to_owned(),
            format!(":{hash}"),
            format!("local:{hash}:"),
            format!("local:{hash}:acme:x"),
            format!("local:{}", "ab".repeat(31)),
            format!("local:{}", "zz".repeat(32)),
        ] {
            assert!(bad.parse::<RouterIdentity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_router_entry_is_a_name_a_uri_and_perhaps_workspaces() {
        let router = entry("eu-1=spiffe://keyway/router/eu-1");
        assert!(router.listed.is_none());
        assert_eq!(
            router.shows,
            Shows::Certificate("spiffe://keyway/router/eu-1".to_owned())
        );
        let router = entry("eu-1=urn:example:router=1:a+b acme+globex");
        assert_eq!(router.listed.unwrap().len(), 2);
        for bad in [
            "eu-1=",
            "=spiffe://keyway/router",
            "eu-1=keyway/router",
            "eu-1=1spiffe://x",
            "eu-1=spiffe:",
            "eu-1=spiffe://keyway/router ",
            "eu-1=spiffe://keyway/router acme globex",
            "EU=spiffe://keyway/router",
            "eu-1=spiffe://keyway/r\u{e4}uter",
        ] {
            assert!(bad.parse::<RouterIdentity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_router_is_found_by_what_it_shows_and_by_nothing_else() {
        let hash = hex::encode(Sha256::digest(b"kwr_one"));
        let list = RouterList::new(vec![
            entry(&format!("one:{hash}")),
            entry("two=spiffe://keyway/two"),
        ]);
        let list = list.unwrap();
        let token = |text: &str| Secret::new(text.to_owned());
        assert_eq!(list.by_token(&token("kwr_one")).unwrap().name, "one");
        assert!(list.by_token(&token("spiffe://keyway/two")).is_none());
        assert_eq!(
            list.by_certificate("spiffe://keyway/two").unwrap().name,
            "two"
        );
        for other in [
            "spiffe://keyway/tw",
            "spiffe://keyway/two/",
            "SPIFFE://keyway/two",
            "",
        ] {
            assert!(list.by_certificate(other).is_none(), "{other}");
        }
    }

    #[test]
    fn entries_that_disagree_are_refused() {
        let hash = "ab".repeat(32);
        let list =
            |entries: &[&str]| RouterList::new(entries.iter().map(|text| entry(text)).collect());
        let token = format!("eu-1:{hash}:acme");
        assert!(list(&[&token, "eu-1=spiffe://keyway/1 acme"]).is_ok());
        assert!(list(&[&token, "eu-1=spiffe://keyway/1"]).is_err());
        assert!(list(&["a=spiffe://keyway/1", "b=spiffe://keyway/1"]).is_err());
        assert!(list(&[&format!("a:{hash}"), &format!("b:{hash}")]).is_err());
    }
}
