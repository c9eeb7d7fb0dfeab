//! Where provider keys go: to the provider's configured host, by the configured way, and nowhere
//! else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::pki::{Authority, Files, Leaf};
use crate::harness::{DEMO, Logs, Product, Proxy, Setup, ask, reason, wait_for};

const MODEL: &str = "mistral/mistral-small-latest";
const BASE: &str = "KEYWAY_ROUTER__PROVIDERS__MISTRAL__BASE_URL";
const HOST: &str = "api.provider.test";

/// TLS before the simulator, as a provider's host has it.
async fn terminator(leaf: &Leaf, simulator: SocketAddr) -> SocketAddr {
    let key = PrivateKeyDer::from_pem_slice(leaf.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der()], key)
        .expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut near), Ok(mut far)) =
                    tokio::join!(acceptor.accept(near), TcpStream::connect(simulator))
                else {
                    return;
                };
                drop(copy_bidirectional(&mut near, &mut far).await);
            });
        }
    });
    address
}

/// A product whose Mistral is behind a proxy, under a name that only the proxy knows, with a
/// certificate of a private authority; with or without that authority's file.
async fn behind_a_proxy(trusting: bool) -> (Product, Proxy, Files) {
    let (authority, files) = (Authority::new(), Files::new());
    let setup = Setup::new();
    let simulator = setup.simulator();
    let provider = terminator(&authority.server_named(HOST), simulator).await;
    let proxy = Proxy::to(provider).await;
    let ca = files.put("ca.pem", &authority.pem());
    let setup = setup
        .with(BASE, &format!("https://{HOST}/mistral"))
        .with("KEYWAY_ROUTER__EGRESS__PROXY", &proxy.url())
        .with(
            "KEYWAY_ROUTER__EGRESS__CA_FILE",
            if trusting { &ca } else { "" },
        );
    let product = setup.start().await;
    let admin = product.admin();
    admin
        .put_key(DEMO, "mistral", "keyway-test-egress-0001")
        .await
        .unwrap();
    (product, proxy, files)
}

#[tokio::test]
async fn a_provider_is_called_through_the_proxy_and_trusted_by_the_private_authority() {
    let (product, proxy, _files) = behind_a_proxy(true).await;
    let _logs = Logs(&product);
    product.until_served_by(MODEL, Source::Own).await;
    assert_eq!(proxy.asked()[0], format!("CONNECT {HOST}:443 HTTP/1.1"));
    let calls = proxy.asked().len();
    let journal = product.simulator().journal().await;
    assert_eq!(journal.last().unwrap()["credential"]["last4"], "0001");
    // One pooled client: more calls need no more connections. Loopback is not behind the proxy.
    for _ in 0..5 {
        product.caller().chat(ask(MODEL)).await.unwrap();
    }
    product
        .caller()
        .chat(ask("openai/gpt-5-mini"))
        .await
        .unwrap();
    assert_eq!(proxy.asked().len(), calls, "{:?}", proxy.asked());
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_gets_no_key() {
    let (product, proxy, _files) = behind_a_proxy(false).await;
    let _logs = Logs(&product);
    let refused = async || {
        let failed = product.caller().chat(ask(MODEL)).await.err()?;
        (reason(&failed) == Some(Reason::ProviderUnavailable)).then_some(())
    };
    wait_for("the refusal", refused).await;
    assert!(!proxy.asked().is_empty());
    assert!(product.simulator().journal().await.is_empty());
}

#[tokio::test]
async fn a_redirect_is_an_error_and_is_followed_nowhere() {
    let elsewhere = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = elsewhere.local_addr().unwrap();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while elsewhere.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let product = Product::start().await;
    let _logs = Logs(&product);
    product
        .admin()
        .put_key(DEMO, "mistral", "keyway-test-egress-0002")
        .await
        .unwrap();
    product.until_served_by(MODEL, Source::Own).await;
    for status in [301, 302, 307, 308] {
        let location = format!("http://{address}/v1/chat/completions");
        let action = json!({"nonsense": "redirect", "status": status, "location": location});
        product.simulator().reset().await;
        product.simulator().script(&json!({"action": action})).await;
        let failed = product.caller().chat(ask(MODEL)).await.unwrap_err();
        assert_eq!(
            reason(&failed),
            Some(Reason::ProviderProtocol),
            "{failed:?}"
        );
    }
    assert_eq!(taken.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_file_without_a_certificate_stops_the_start_with_one_line() {
    let files = Files::new();
    let empty = files.put("ca.pem", "no certificate\n");
    let product = Product::start().await;
    let site = &product.running.site;
    let mut environment = site.environment.clone();
    environment.insert(
        "KEYWAY_ROUTER__EGRESS__CA_FILE".into(),
        empty.clone().into(),
    );
    let output = tokio::process::Command::new(&site.program)
        .args(["--as", "router", "--config"])
        .arg(site.state.config(Part::Router))
        .env_clear()
        .envs(&environment)
        .env("KEYWAY_ROUTER__CALLS__LISTEN", "127.0.0.1:0")
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(
        said.contains("egress.ca_file") && said.contains(&empty),
        "{said}"
    );
}
