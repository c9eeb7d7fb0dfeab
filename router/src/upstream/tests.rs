//! Where a request goes, tried with a real listener behind a name that the test resolves.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderMap, Method};
use keyway_router_providers::{Credential, WireRequest};
use keyway_words::Secret;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::addresses::Lookup;
use super::*;

/// Answers with one address after the other, and then with the last.
#[derive(Debug, Clone)]
struct Leads {
    to: Arc<[IpAddr]>,
    asked: Arc<AtomicUsize>,
}

impl Leads {
    fn to(addresses: &[Ipv4Addr]) -> Self {
        Self {
            to: addresses.iter().copied().map(IpAddr::from).collect(),
            asked: Arc::default(),
        }
    }
}

impl Lookup for Leads {
    fn addresses(&self, _name: String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let address = self.to[asked.min(self.to.len() - 1)];
        Box::pin(async move { Ok(vec![SocketAddr::new(address, 0)]) })
    }
}

/// A provider that ends the connection after every answer; its port, and how many it has taken.
async fn provider() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
                drop(socket.write_all(answer).await);
            }
        }
    });
    (port, taken)
}

fn upstream(port: u16, leads: Leads, allowed: &[&str]) -> Upstream {
    let base = format!("http://api.provider.test:{port}");
    let origin = Origin::parse(ProviderId::OpenAi, &base, true).unwrap();
    let allowed: Vec<_> = allowed.iter().map(|text| (*text).to_owned()).collect();
    let way = Way {
        proxy: None,
        authorities: Vec::new(),
        allowed: Networks::parse(&allowed).unwrap(),
    };
    let second = std::time::Duration::from_secs(10);
    let bounds = UpstreamBounds {
        connect: second,
        first_byte: second,
        idle: second,
        total: second,
        pooled: second,
        reply: 1 << 20,
    };
    Upstream::new(origin, Credential::Bearer, bounds, way, leads).unwrap()
}

async fn ask(upstream: &Upstream) -> Result<Bytes, SendError> {
    let request = WireRequest {
        method: Method::POST,
        path: "/v1/x".to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
    };
    let key = Secret::new("sk-keyway-test-egress".to_owned());
    upstream
        .send(request, &key, upstream.room())
        .await?
        .whole()
        .await
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_gets_no_connection_unless_it_is_allowed() {
    let (port, taken) = provider().await;
    let here = Ipv4Addr::LOCALHOST;
    let refused = ask(&upstream(port, Leads::to(&[here]), &[])).await;
    assert_eq!(refused, Err(SendError::PrivateAddress));
    let elsewhere = ask(&upstream(port, Leads::to(&[here]), &["10.0.0.0/8"])).await;
    assert_eq!(elsewhere, Err(SendError::PrivateAddress));
    assert_eq!(taken.load(Ordering::SeqCst), 0);
    let allowed = ask(&upstream(port, Leads::to(&[here]), &["127.0.0.0/8"])).await;
    assert_eq!(allowed.as_deref(), Ok(&b"ok"[..]));
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_later_is_refused_at_the_next_connection() {
    let (port, taken) = provider().await;
    let leads = Leads::to(&[Ipv4Addr::LOCALHOST, Ipv4Addr::new(169, 254, 169, 254)]);
    let upstream = upstream(port, leads, &["127.0.0.1/32"]);
    assert!(ask(&upstream).await.is_ok());
    assert_eq!(ask(&upstream).await, Err(SendError::PrivateAddress));
    assert_eq!(taken.load(Ordering::SeqCst), 1);
}
