//! The way to NATS over TLS: to a server that is known and to no other, with a certificate where one is
//! wanted. Whatever is refused, calls are served, the log says why, and what waits goes out by itself.

use keyway::Part;

use super::relay::{all_events, calls, published, sums, value};
use crate::harness::pki::{Authority, Files, Leaf, Says, config};
use crate::harness::{Broker, Logs, Product, Setup, wait_for};

const ROUTER: &str = "spiffe://keyway/router/local";
const CERTIFICATE: &str = "KEYWAY_ROUTER__RELAY__TLS__CERTIFICATE";
const KEY: &str = "KEYWAY_ROUTER__RELAY__TLS__KEY";
/// Calls of each stage.
const CALLS: u32 = 8;

/// A server that speaks TLS, and the files that it and the router read.
struct Way {
    broker: Broker,
    files: Files,
    ours: Authority,
    theirs: Authority,
}

impl Way {
    /// The server with these lines more in its `tls` block.
    fn new(more: impl FnOnce(&Files) -> String) -> Self {
        let (files, ours, theirs) = (Files::new(), Authority::new(), Authority::new());
        let authority = files.put("ca.pem", &ours.pem());
        let (certificate, key) = files.put_pair("nats", &ours.server());
        let more = more(&files);
        let lines = format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" {more} }}");
        let shown = ours.client("spiffe://keyway/test");
        Self {
            broker: Broker::over_tls(&lines, authority, config(&ours, Some(&shown))),
            files,
            ours,
            theirs,
        }
    }

    fn setup(&self) -> Setup {
        let ca = self.files.path("ca.pem").display().to_string();
        self.broker
            .setup()
            .with("KEYWAY_ROUTER__RELAY__TLS__CA", &ca)
            .with("KEYWAY_ROUTER__TLS__RELOAD_EVERY", "200ms")
    }

    /// Starts the server again with another certificate, after the router saw that it was gone.
    async fn change(&self, product: &Product, leaf: &Leaf) {
        self.files.put_pair("nats", leaf);
        self.broker.server.crash().expect("killed");
        self.degraded(product, true).await;
        self.broker.server.restart().expect("started");
    }

    async fn degraded(&self, product: &Product, wanted: bool) {
        let told = async || {
            let (status, body) = product.readyz(Part::Router).await?;
            assert_eq!(status, 200, "calls need no NATS: {body}");
            (body.contains(r#""degraded":["relay"]"#) == wanted).then_some(())
        };
        wait_for("the router's word on the relay", told).await;
    }

    /// Gives the router another certificate while it runs.
    async fn show(&self, product: &Product, leaf: &Leaf) {
        let read = product.log(Part::Router).len();
        self.files.put_pair("router", leaf);
        let taken = "new TLS files for relay are in force";
        let taken = async || said(product, read).contains(taken).then_some(());
        wait_for("a certificate that is in force", taken).await;
    }

    /// Calls are served, and their events wait: the log says so in these words after its first `read` bytes.
    async fn refused(&self, product: &Product, read: usize, words: &str) {
        calls(product, CALLS).await;
        let told = async || said(product, read).contains(words).then_some(());
        wait_for(words, told).await;
        let waits = async || {
            let metrics = product.metrics(Part::Router).await;
            let waiting = value(&metrics, "keyway_router_relay_waiting_events");
            (waiting >= f64::from(CALLS)).then_some(())
        };
        wait_for("events that wait", waits).await;
        self.degraded(product, true).await;
    }

    /// All that the ledger has is on the stream, once and in its order, and nothing is said to be amiss.
    async fn all_went_out(&self, product: &Product, least: u32) {
        let least = usize::try_from(least).expect("a count");
        published(product, &self.broker, least).await;
        self.degraded(product, false).await;
        let stored = self.broker.stored().await.into_iter();
        let stored: Vec<_> = stored.map(|stored| stored.id).collect();
        let events = all_events(product).await.into_iter();
        assert!(stored.into_iter().eq(events.map(|event| event.event_id)));
    }
}

/// What the router has logged after so many bytes.
fn said(product: &Product, read: usize) -> String {
    let log = product.log(Part::Router);
    log.get(read..).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn events_go_over_tls_to_a_server_that_is_known_and_wait_while_it_is_another() {
    let way = Way::new(|_| String::new());
    let mut product = way.setup().start().await;
    calls(&product, CALLS).await;
    way.all_went_out(&product, CALLS).await;
    let plain = async_nats::connect(way.broker.server.url()).await;
    plain.expect_err("the server takes no plain text");
    assert_eq!(
        way.broker.sums("sums").await,
        sums(&all_events(&product).await)
    );

    let router = product.id(Part::Router);
    let expired = Says {
        uris: &[],
        purpose: None,
        ends: None,
    };
    let mut least = CALLS;
    for (leaf, words) in [
        (way.theirs.server(), "relay.tls.ca must hold the CA"),
        (
            way.ours.server_named("elsewhere.example"),
            "the hosts of relay.url must be names",
        ),
        (
            way.ours.sign(&expired),
            "the server needs a new certificate",
        ),
    ] {
        let _logs = Logs(&product);
        let read = product.log(Part::Router).len();
        way.change(&product, &leaf).await;
        way.refused(&product, read, words).await;
        way.change(&product, &way.ours.server()).await;
        least += CALLS;
        way.all_went_out(&product, least).await;
    }
    // A new CA is taken while the router runs.
    let read = product.log(Part::Router).len();
    way.change(&product, &way.theirs.server()).await;
    way.refused(&product, read, "relay.tls.ca must hold the CA")
        .await;
    way.files.put("ca.pem", &way.theirs.pem());
    way.degraded(&product, false).await;
    way.change(&product, &way.ours.server()).await;
    way.files.put("ca.pem", &way.ours.pem());
    way.all_went_out(&product, least + CALLS).await;
    assert_eq!(
        product.id(Part::Router),
        router,
        "it was never started again"
    );
}

#[tokio::test]
async fn events_go_to_a_server_that_wants_a_certificate_with_the_right_one_and_wait_without() {
    let way = Way::new(|files| {
        let ca = files.path("ca.pem").display().to_string();
        format!(", ca_file: \"{ca}\", verify: true")
    });
    let mut product = way.setup().start().await;
    let wants = "the server wants a certificate; set relay.tls.certificate";
    way.refused(&product, 0, wants).await;
    product.kill(Part::Router).await;
    let (certificate, key) = way.files.put_pair("router", &way.ours.client(ROUTER));
    let environment = &mut product.running.site.environment;
    environment.insert(CERTIFICATE.into(), certificate.into());
    environment.insert(KEY.into(), key.into());
    product.start_again(Part::Router).await;
    way.all_went_out(&product, CALLS).await;

    let (router, read) = (product.id(Part::Router), product.log(Part::Router).len());
    {
        let _logs = Logs(&product);
        way.show(&product, &way.theirs.client(ROUTER)).await;
        way.change(&product, &way.ours.server()).await;
        let refused = "the server does not accept this router's TLS; check relay.tls.certificate";
        way.refused(&product, read, refused).await;
        way.show(&product, &way.ours.client(ROUTER)).await;
        way.all_went_out(&product, 2 * CALLS).await;
    }
    assert_eq!(
        product.id(Part::Router),
        router,
        "it was never started again"
    );
}
