//! Files that change while calls go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use keyway::Part;
use keyway_proto::router::v1::execution_service_client::ExecutionServiceClient;
use tonic::Request;
use tonic::transport::Channel;

use super::{MODEL, Pair, ROUTER, Started};
use crate::harness::pki::{self, Leaf};
use crate::harness::{Logs, ask, wait_for};

/// Calls at once, all the time.
const CALLERS: usize = 50;

/// Callers that go on until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<Vec<String>>>,
}

impl Load {
    fn start(token: &str, channel: &Channel) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let tasks = (0..CALLERS).map(|_| {
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(call_on(channel.clone(), token.to_owned(), stop, done))
        });
        let tasks = tasks.collect();
        Self { stop, done, tasks }
    }

    /// Waits for so many more answers.
    async fn more(&self, count: usize) {
        let wanted = self.done.load(Ordering::Relaxed) + count;
        let reached = async || (self.done.load(Ordering::Relaxed) >= wanted).then_some(());
        wait_for("answers", reached).await;
    }

    async fn failures(self) -> Vec<String> {
        self.stop.store(true, Ordering::Relaxed);
        let mut failures = Vec::new();
        for task in self.tasks {
            failures.extend(task.await.expect("a caller"));
        }
        failures
    }
}

async fn call_on(
    channel: Channel,
    token: String,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
) -> Vec<String> {
    let mut failures = Vec::new();
    let mut client = ExecutionServiceClient::new(channel);
    while !stop.load(Ordering::Relaxed) {
        let mut request = Request::new(ask(MODEL));
        let value = format!("Bearer {token}").parse().expect("printable");
        request.metadata_mut().insert("authorization", value);
        if let Err(status) = client.chat(request).await {
            failures.push(format!("{status:?}"));
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

impl Started {
    /// Waits until the data plane shows a certificate.
    async fn shows(&self, leaf: &Leaf) {
        let client = self.authority.client(ROUTER);
        let config = pki::config(&self.authority, Some(&client));
        let shown = async || {
            let shown = pki::shown(self.data, Arc::clone(&config)).await;
            (shown == leaf.der()).then_some(())
        };
        wait_for("the certificate", shown).await;
    }
}

#[tokio::test]
async fn certificates_change_under_load_and_no_call_fails() {
    let pair = Pair::new()
        // The router's connections end all the time, so that new ones use what was just put in
        // place; and it needs them, since it keeps nothing for long.
        .with("KEYWAY_VAULT__SERVER__MAX_CONNECTION_AGE", "1s")
        .with("KEYWAY_ROUTER__LEASE__LONGEST", "1s")
        .with("KEYWAY_ROUTER__CALLERS__VERDICT", "1s");
    let (calls, calls_key) = pair.files.put_pair("calls", &pair.authority.server());
    let pair = pair
        .with("KEYWAY_ROUTER__SERVER__TLS__CERTIFICATE", &calls)
        .with("KEYWAY_ROUTER__SERVER__TLS__KEY", &calls_key);
    let started = pair.start().await;
    let product = &started.product;
    let _logs = Logs(product);
    let address = product.running.site.addresses.router;
    let config = pki::config(&started.authority, None);
    let channel = pki::channel(address, Arc::clone(&config));
    let load = Load::start(product.running.access.call_token.expose(), &channel);
    load.more(CALLERS * 4).await;
    for _ in 0..3 {
        let (vault, calls) = (started.authority.server(), started.authority.server());
        started.put_pair("vault", &vault);
        started.put_pair("router", &started.authority.client(ROUTER));
        started.put_pair("calls", &calls);
        started.shows(&vault).await;
        let new = async || {
            let shown = pki::shown(address, Arc::clone(&config)).await;
            (shown == calls.der()).then_some(())
        };
        wait_for("the certificate of calls", new).await;
        load.more(CALLERS * 4).await;
    }
    let taken = async || {
        let counts = product.counts(Part::Router).await;
        (counts.sum("keyway_tls_reloads_total", "use=\"vault\"") >= 3).then_some(())
    };
    wait_for("the router's own reloads", taken).await;
    let failures = load.failures().await;
    assert!(
        failures.is_empty(),
        "{} failed: {:?}",
        failures.len(),
        failures.first()
    );
}

#[tokio::test]
async fn files_that_can_not_be_used_change_nothing_and_are_told_once() {
    let started = Pair::new().start().await;
    let product = &started.product;
    let _logs = Logs(product);
    let first = started.authority.server();
    started.put_pair("vault", &first);
    started.shows(&first).await;
    let lines = || {
        let log = product.log(Part::Vault);
        log.matches("what was read before stays").count()
    };
    let before = lines();
    // The certificate of one pair and the key of another.
    let other = started.authority.server();
    let _path = started.files.put("vault.pem", &other.certificate);
    let told = async || (lines() > before).then_some(());
    wait_for("the refusal", told).await;
    started.shows(&first).await;
    product.caller().chat_once(MODEL).await;
    let _path = started.files.put("vault.key", &other.key);
    started.shows(&other).await;
    let log = product.log(Part::Vault);
    assert_eq!(lines(), before + 1, "{log}");
    assert!(log.contains("can't be used with the certificate"), "{log}");
    let metrics = product.metrics(Part::Vault).await;
    assert!(
        metrics.contains("keyway_tls_certificate_expires_seconds{use=\"data\"}"),
        "{metrics}"
    );
}
