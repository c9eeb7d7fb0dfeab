//! Fetching an issuer's keys: from a file, or by HTTP within bounds of time and size, without
//! redirects. Plain HTTP on loopback only.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyway_words::Secret;
use reqwest::redirect::Policy as Redirects;
use reqwest::{Certificate, Client, Url};
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use zeroize::Zeroizing;

use crate::jwt::{KeySet, NoKeys};

/// Where an issuer's keys are.
#[derive(Debug, Clone)]
pub(crate) enum KeysAt {
    /// A file on this machine.
    File(PathBuf),
    /// A server.
    Web(Web),
}

/// A server that has them.
#[derive(Debug, Clone)]
pub(crate) struct Web {
    pub(crate) address: Address,
    /// Authorities to trust, PEM, instead of the system's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Token to send, read anew for each fetch since others renew it.
    pub(crate) bearer_file: Option<PathBuf>,
}

/// What is asked for first.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// The key set.
    KeySet(Url),
    /// The document beside this issuer's name that says where the key set is.
    Discovery(String),
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("{}: {source}", path.display())]
    File {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: not a certificate in PEM, or not a token", path.display())]
    Content { path: PathBuf },
    #[error("the connection failed: {0}")]
    Connection(#[source] reqwest::Error),
    #[error("the answer was HTTP {0}")]
    Status(u16),
    #[error("the answer is longer than 1 MiB")]
    TooLong,
    #[error("no answer within {}s", BOUND.as_secs())]
    Late,
    #[error("the discovery document is not one, or is another issuer's")]
    Discovery,
    #[error("an address is neither https nor http on loopback")]
    Address,
    #[error(transparent)]
    NoKeys(#[from] NoKeys),
}

/// Fetches a set, within [`BOUND`].
pub(super) async fn keys(at: &KeysAt) -> Result<KeySet, FetchError> {
    let bytes = async {
        match at {
            KeysAt::File(path) => read(path).await,
            KeysAt::Web(web) => web.key_set().await,
        }
    };
    let bytes = tokio::time::timeout(BOUND, bytes).await;
    let bytes = bytes.map_err(|_passed| FetchError::Late)??;
    Ok(KeySet::parse(&bytes)?)
}

impl Web {
    async fn key_set(&self) -> Result<Zeroizing<Vec<u8>>, FetchError> {
        // Made anew: authorities and token may have been renewed, and a fetch is rare.
        let client = self.client().await?;
        let url = match &self.address {
            Address::KeySet(url) => url.clone(),
            Address::Discovery(issuer) => self.discover(&client, issuer).await?,
        };
        self.get(&client, url).await
    }

    async fn discover(&self, client: &Client, issuer: &str) -> Result<Url, FetchError> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let base = issuer.trim_end_matches('/');
        let url = web_address(&format!("{base}/.well-known/openid-configuration"));
        let document = self.get(client, url.ok_or(FetchError::Address)?).await?;
        let document: Document =
            serde_json::from_slice(&document).map_err(|_form| FetchError::Discovery)?;
        if document.issuer != issuer {
            return Err(FetchError::Discovery);
        }
        web_address(&document.jwks_uri).ok_or(FetchError::Address)
    }

    async fn client(&self) -> Result<Client, FetchError> {
        let mut builder = Client::builder()
            .redirect(Redirects::none())
            .connect_timeout(CONNECT)
            .timeout(BOUND)
            .no_proxy();
        if let Some(path) = &self.ca_file {
            let authorities = Certificate::from_pem_bundle(&read(path).await?)
                .ok()
                .filter(|authorities| !authorities.is_empty())
                .ok_or_else(|| FetchError::Content { path: path.clone() })?;
            builder = builder.tls_certs_only(authorities);
        }
        builder.build().map_err(FetchError::Connection)
    }

    async fn get(&self, client: &Client, url: Url) -> Result<Zeroizing<Vec<u8>>, FetchError> {
        let mut request = client.get(url).header("accept", "application/json");
        if let Some(path) = &self.bearer_file {
            request = request.bearer_auth(bearer(path).await?.expose());
        }
        let failed = |error: reqwest::Error| FetchError::Connection(error.without_url());
        let mut answer = request.send().await.map_err(failed)?;
        if answer.status() != reqwest::StatusCode::OK {
            return Err(FetchError::Status(answer.status().as_u16()));
        }
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(FetchError::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

async fn bearer(path: &Path) -> Result<Secret, FetchError> {
    let bytes = read(path).await?;
    let text = std::str::from_utf8(&bytes).map(str::trim);
    match text {
        Ok(text) if !text.is_empty() => Ok(Secret::new(text.to_owned())),
        _ => Err(FetchError::Content {
            path: path.to_owned(),
        }),
    }
}

async fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, FetchError> {
    let failed = |source| FetchError::File {
        path: path.to_owned(),
        source,
    };
    let file = tokio::fs::File::open(path).await.map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::new());
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    file.take(most + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(failed)?;
    if bytes.len() > LONGEST {
        return Err(FetchError::TooLong);
    }
    Ok(bytes)
}

/// An `https` address, or `http` on loopback, without user, query and fragment.
pub(crate) fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str()?;
    let loopback = host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback());
    let safe = url.scheme() == "https" || (url.scheme() == "http" && loopback);
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && bare).then_some(url)
}

/// Longest that one fetch takes.
pub(super) const BOUND: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(3);
/// Most bytes of an answer or a file.
const LONGEST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_by_https_or_from_loopback_only() {
        for good in [
            "https://idp.example/keys",
            "https://idp.example:8443/a/b?tenant=1",
            "http://127.0.0.1:9000/keys",
            "http://[::1]:9000/keys",
            "http://localhost/keys",
        ] {
            assert!(web_address(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "idp.example",
            "http://idp.example/keys",
            "http://127.0.0.1.example/keys",
            "http://localhost.example/keys",
            "https://user:secret@idp.example/keys",
            "https://idp.example/keys#x",
            "file:///etc/keys",
        ] {
            assert!(web_address(bad).is_none(), "{bad}");
        }
    }
}
