//! A NATS server for one test, what its stream holds, and the reference consumer as people run it.

use std::process::{Output, Stdio};
use std::sync::Arc;

use async_nats::jetstream;
use async_nats::jetstream::message::PublishMessage;
use keyway_test_servers::Nats;
use rustls::ClientConfig;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::Setup;

/// A private server, and a folder for what logs in there.
pub(crate) struct Broker {
    pub(crate) server: Nats,
    folder: TempDir,
    tls: Option<OverTls>,
}

/// How a server is reached that speaks TLS.
struct OverTls {
    /// File of its CA.
    authority: String,
    tests: Arc<ClientConfig>,
}

/// A message of the stream.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    /// `Nats-Msg-Id`.
    pub(crate) id: String,
    pub(crate) subject: String,
    pub(crate) body: Value,
}

impl Broker {
    pub(crate) fn start() -> Self {
        Self::start_with("", None)
    }

    /// One that speaks TLS as these lines of its configuration say.
    pub(crate) fn over_tls(lines: &str, authority: String, tests: Arc<ClientConfig>) -> Self {
        Self::start_with(lines, Some(OverTls { authority, tests }))
    }

    fn start_with(lines: &str, tls: Option<OverTls>) -> Self {
        let (server, folder) = (Nats::start_with(lines), tempfile::tempdir());
        let (server, folder) = (server.expect("NATS"), folder.expect("a folder"));
        std::fs::write(folder.path().join("login"), server.login()).expect("written");
        Self {
            server,
            folder,
            tls,
        }
    }

    fn url(&self) -> String {
        match &self.tls {
            None => self.server.url(),
            Some(_) => format!("tls://{}", self.server.address()),
        }
    }

    /// The setup of a product whose router publishes to this server.
    pub(crate) fn setup(&self) -> Setup {
        self.setup_by(&self.url())
    }

    /// The same by another way there.
    pub(crate) fn setup_by(&self, url: &str) -> Setup {
        let login = self.folder.path().join("login");
        Setup::new()
            .with("KEYWAY_ROUTER__RELAY__URL", url)
            .with("KEYWAY_ROUTER__RELAY__REPLICAS", "1")
            .with("KEYWAY_ROUTER__RELAY__TIMEOUT", "1s")
            .with(
                "KEYWAY_ROUTER__RELAY__CREDENTIALS_FILE",
                &login.display().to_string(),
            )
    }

    async fn context(&self) -> jetstream::Context {
        let login = self.server.login();
        let (user, password) = login.split_once(':').expect("a login");
        let mut options =
            async_nats::ConnectOptions::with_user_and_password(user.into(), password.into());
        if let Some(tls) = &self.tls {
            let mut tls = tls.tests.as_ref().clone();
            tls.alpn_protocols.clear(); // NATS has none
            options = options.tls_client_config(tls);
        }
        let client = options.connect(self.url()).await;
        jetstream::new(client.expect("NATS answers"))
    }

    /// How many messages the stream holds; none if there is no stream.
    pub(crate) async fn count(&self) -> u64 {
        match self.context().await.get_stream(STREAM).await {
            Ok(stream) => stream.cached_info().state.messages,
            Err(_none) => 0,
        }
    }

    /// All of the stream, in its order.
    pub(crate) async fn stored(&self) -> Vec<Stored> {
        let stream = self.context().await.get_stream(STREAM).await;
        let stream = stream.expect("a stream");
        let last = stream.cached_info().state.last_sequence;
        let mut stored = Vec::new();
        for sequence in 1..=last {
            let Ok(message) = stream.get_raw_message(sequence).await else {
                continue; // it was deleted
            };
            let id = message.headers.get(async_nats::header::NATS_MESSAGE_ID);
            stored.push(Stored {
                id: id.expect("an id").to_string(),
                subject: message.subject.to_string(),
                body: serde_json::from_slice(&message.payload).expect("JSON"),
            });
        }
        stored
    }

    /// Deletes the last message, as a NATS would lose it whose disk was behind.
    pub(crate) async fn lose_last(&self) {
        let stream = self.context().await.get_stream(STREAM).await;
        let stream = stream.expect("a stream");
        let last = stream.cached_info().state.last_sequence;
        stream.delete_message(last).await.expect("deleted");
    }

    /// Publishes as somebody else; the server's word whether it had this id.
    pub(crate) async fn publish(&self, subject: &str, id: &str, body: &Value) -> bool {
        let message = PublishMessage::build()
            .message_id(id)
            .payload(body.to_string().into());
        let context = self.context().await;
        let sent = context.send_publish(subject.to_owned(), message).await;
        sent.expect("sent").await.expect("stored").duplicate
    }

    /// Starts the reference consumer of a name, which has a database of its own and ends when it has nothing to do for a second.
    pub(crate) fn consumer(&self, database: &str) -> Child {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/consumer/consume.py");
        let authority = self.tls.as_ref().map(|tls| &tls.authority);
        Command::new("python3")
            .arg(script)
            .args(["--nats", &self.url(), "--until-idle", "1"])
            .args(["--consumer", database])
            .arg("--database")
            .arg(self.folder.path().join(database))
            .env("KEYWAY_NATS_LOGIN", self.server.login())
            .envs(authority.map(|file| ("SSL_CERT_FILE", file)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("python3 is missing: .ci/run needs it")
    }

    /// Runs it to its end.
    pub(crate) async fn consume(&self, database: &str) -> Output {
        let running = self.consumer(database).wait_with_output();
        running.await.expect("it ends")
    }

    /// Runs it to its end, which must be good; its sums.
    pub(crate) async fn sums(&self, database: &str) -> Value {
        let output = self.consume(database).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        serde_json::from_slice(&output.stdout).expect("sums")
    }
}

const STREAM: &str = "KEYWAY_BILLING";
