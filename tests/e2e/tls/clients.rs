//! Applications that show a certificate to the router, where it wants one of each.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::router::v1::execution_service_client::ExecutionServiceClient;
use rcgen::ExtendedKeyUsagePurpose::ClientAuth;
use tokio::io::AsyncReadExt as _;
use tonic::{Request, Status};

use super::{MODEL, Pair, Started};
use crate::harness::pki::{self, Authority, DAY, Leaf, Says};
use crate::harness::{BOUND, Logs, ask, reason, wait_for};

const APPLICATION: &str = "spiffe://keyway/application/shop";

impl Started {
    /// Calls the router with a certificate, perhaps with a token too.
    async fn call(&self, leaf: &Leaf, token: Option<&str>) -> Result<(), Status> {
        let config = pki::config(&self.authority, Some(leaf));
        let channel = pki::channel(self.product.running.site.addresses.router, config);
        let mut request = Request::new(ask(MODEL));
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("printable");
            request.metadata_mut().insert("authorization", value);
        }
        let mut client = ExecutionServiceClient::new(channel);
        client.chat(request).await.map(drop)
    }

    /// A handshake that the router must refuse, saying why in its log.
    async fn refused_by_router(&self, leaf: Option<&Leaf>, words: &str) {
        let config = pki::config(&self.authority, leaf);
        let address = self.product.running.site.addresses.router;
        if let Ok(mut stream) = pki::connect(address, config).await {
            let read = tokio::time::timeout(BOUND, stream.read_u8()).await;
            assert!(read.expect("it ends").is_err(), "{words}: not refused");
        }
        let log = async || self.product.log(Part::Router).contains(words).then_some(());
        wait_for(words, log).await;
    }
}

#[tokio::test]
async fn a_router_that_wants_certificates_serves_who_shows_a_right_one_beside_a_token_and_nobody_else()
 {
    let pair = Pair::new();
    let (calls, calls_key) = pair.files.put_pair("calls", &pair.authority.server());
    let ca = pair.files.path("ca.pem").display().to_string();
    let started = pair
        .with("KEYWAY_ROUTER__SERVER__TLS__CERTIFICATE", &calls)
        .with("KEYWAY_ROUTER__SERVER__TLS__KEY", &calls_key)
        .with("KEYWAY_ROUTER__SERVER__TLS__CLIENT_AUTH", "required")
        .with("KEYWAY_ROUTER__SERVER__TLS__CLIENT_CA", &ca)
        .start()
        .await;
    let _logs = Logs(&started.product);
    let sign = |uris: &[&str], ends| {
        started.authority.sign(&Says {
            uris,
            purpose: Some(ClientAuth),
            ends,
        })
    };
    let stranger = Authority::new().client(APPLICATION);
    let expired = sign(&[APPLICATION], None);
    let two = sign(
        &[APPLICATION, "spiffe://keyway/application/other"],
        Some(DAY),
    );
    for (leaf, words) in [
        (None, "no client certificate was shown"),
        (Some(&stranger), "not signed by a CA of client_ca"),
        (Some(&expired), "has expired"),
        (Some(&two), "has 2 URI names (SAN)"),
    ] {
        started.refused_by_router(leaf, words).await;
    }
    let right = started.authority.client(APPLICATION);
    let token = started.product.running.access.call_token.expose();
    let served = started.call(&right, Some(token)).await;
    served.expect("a certificate and a token");
    for token in [None, Some("kwc_nonsense")] {
        let refused = started.call(&right, token).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::CallerUnknown), "{token:?}");
    }
}
