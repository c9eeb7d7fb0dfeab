//! An identity provider for tests: a real HTTP server on loopback that counts what it is asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::harness::NOW;
use super::issuer::{SigningKey, key_set};
use crate::issuers::{Address, Bearers, IssuerConfig, KeyTimes, KeysAt, Web, web_address};
use crate::jwt::{Algorithm, Policy};

/// What the provider answers when it is asked for its keys.
#[derive(Clone)]
pub(super) enum Answer {
    Json(String),
    Status(u16),
    /// So many bytes of spaces, then a good set.
    Padded(usize, String),
    Redirect(String),
    /// The connection is closed.
    Nothing,
}

/// A running provider.
pub(super) struct Idp {
    pub(super) issuer: String,
    answer: Arc<Mutex<Answer>>,
    document: Arc<Mutex<String>>,
    fetched: Arc<AtomicUsize>,
}

impl Idp {
    pub(super) async fn start(keys: &[&SigningKey]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let issuer = format!("http://{address}");
        let document = json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") });
        let idp = Self {
            issuer,
            answer: Arc::new(Mutex::new(Answer::Json(key_set(keys)))),
            document: Arc::new(Mutex::new(document.to_string())),
            fetched: Arc::default(),
        };
        let (answer, document) = (Arc::clone(&idp.answer), Arc::clone(&idp.document));
        let fetched = Arc::clone(&idp.fetched);
        tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                let answer = answer.lock().unwrap().clone();
                let document = document.lock().unwrap().clone();
                let fetched = Arc::clone(&fetched);
                tokio::spawn(serve(stream, answer, document, fetched));
            }
        });
        idp
    }

    pub(super) fn answer(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    pub(super) fn keys(&self, keys: &[&SigningKey]) {
        self.answer(Answer::Json(key_set(keys)));
    }

    /// What its discovery document says.
    pub(super) fn document(&self, document: &Value) {
        *self.document.lock().unwrap() = document.to_string();
    }

    /// How often its keys were asked for.
    pub(super) fn fetched(&self) -> usize {
        self.fetched.load(Ordering::SeqCst)
    }

    /// Claims of a good token of this provider.
    pub(super) fn claims(&self, sub: &str) -> Value {
        let now = NOW.0 / 1_000_000;
        json!({ "iss": self.issuer, "aud": "keyway", "sub": sub, "iat": now, "exp": now + 600 })
    }

    pub(super) fn subject(&self, sub: &str) -> String {
        format!("oidc:{}#{sub}", self.issuer)
    }

    /// The vault's entry for it: people, with these groups.
    pub(super) fn people(&self, groups: &[&str]) -> IssuerConfig {
        self.config(
            "keyway",
            Bearers::People {
                groups_claim: "groups".to_owned(),
                groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            },
        )
    }

    /// The vault's entry for a cluster whose service accounts are routers.
    pub(super) fn routers(&self, accounts: &[&str]) -> IssuerConfig {
        let accounts = accounts.iter().map(|account| account.parse().unwrap());
        self.config("keyway-vault", Bearers::Routers(accounts.collect()))
    }

    fn config(&self, audience: &str, bearers: Bearers) -> IssuerConfig {
        let keys = web_address(&format!("{}/keys", self.issuer)).unwrap();
        IssuerConfig {
            name: "test".to_owned(),
            policy: Policy {
                issuer: self.issuer.clone(),
                audience: audience.to_owned(),
                algorithms: vec![Algorithm::Es256],
                skew: Duration::ZERO,
                longest: Duration::from_hours(24),
            },
            keys: KeysAt::Web(Web {
                address: Address::KeySet(keys),
                ca_file: None,
                bearer_file: None,
            }),
            times: KeyTimes {
                refresh: Duration::from_hours(1),
                cooldown: Duration::from_hours(1),
                kept: Duration::from_hours(1),
            },
            bearers,
        }
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Answer,
    document: String,
    fetched: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(());
        }
        asked.push(byte[0]);
    }
    if asked.starts_with(b"GET /.well-known/openid-configuration ") {
        return write(&mut stream, "200 OK", "", document.as_bytes()).await;
    }
    fetched.fetch_add(1, Ordering::SeqCst);
    match answer {
        Answer::Json(json) => write(&mut stream, "200 OK", "", json.as_bytes()).await,
        Answer::Status(code) => write(&mut stream, &format!("{code} X"), "", b"{}").await,
        Answer::Padded(bytes, json) => {
            let body = [vec![b' '; bytes], json.into_bytes()].concat();
            write(&mut stream, "200 OK", "", &body).await
        }
        Answer::Redirect(to) => {
            write(
                &mut stream,
                "302 Found",
                &format!("location: {to}\r\n"),
                b"",
            )
            .await
        }
        Answer::Nothing => Ok(()),
    }
}

async fn write(
    stream: &mut TcpStream,
    status: &str,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}
