//! Whom a certificate makes a router, and whom it does not. Each refusal is named in the log.

use std::time::Duration;

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::vault::v1::ResolveKeysRequest;
use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};
use tokio::io::AsyncReadExt as _;
use tonic::{Request, Status};

use super::{MODEL, Pair, ROUTER, Started};
use crate::harness::pki::{self, Authority, DAY, Leaf, Says};
use crate::harness::{BOUND, DEMO, Logs, ask, reason, wait_for};

impl Started {
    /// Asks for keys, perhaps with a certificate, perhaps with a token.
    pub(super) async fn resolve(
        &self,
        leaf: Option<&Leaf>,
        token: Option<&str>,
    ) -> Result<(), Status> {
        let config = pki::config(&self.authority, leaf);
        let mut client = LeaseServiceClient::new(pki::channel(self.data, config));
        let mut request = Request::new(ResolveKeysRequest {
            workspace: DEMO.to_owned(),
            provider: "anthropic".to_owned(),
            call_id: "01890000-0000-7000-8000-000000000000".to_owned(),
            key: String::new(),
        });
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().expect("printable");
            request.metadata_mut().insert("authorization", value);
        }
        client.resolve_keys(request).await.map(drop)
    }

    /// Waits until the vault's log has these words.
    async fn logged(&self, words: &str) {
        let said = async || self.product.log(Part::Vault).contains(words).then_some(());
        wait_for(words, said).await;
    }

    /// A handshake that the vault must refuse, saying why in its log.
    pub(super) async fn refused(&self, leaf: Option<&Leaf>, words: &str) {
        let config = pki::config(&self.authority, leaf);
        // In TLS 1.3 the client learns of the refusal when it first reads.
        if let Ok(mut stream) = pki::connect(self.data, config).await {
            let read = tokio::time::timeout(BOUND, stream.read_u8()).await;
            assert!(read.expect("it ends").is_err(), "{words}: not refused");
        }
        self.logged(words).await;
    }
}

#[tokio::test]
async fn every_certificate_that_is_not_a_routers_is_refused_and_the_log_says_which_check_failed() {
    let started = Pair::new().start().await;
    let _logs = Logs(&started.product);
    let sign = |uris: &[&str], purpose, ends| {
        started.authority.sign(&Says {
            uris,
            purpose,
            ends,
        })
    };
    let day = Some(DAY);
    let two = [ROUTER, "spiffe://keyway/router/other"];
    let stranger = Authority::new().client(ROUTER);
    let cases = [
        (None, "no client certificate was shown"),
        (Some(sign(&[ROUTER], Some(ClientAuth), None)), "has expired"),
        (Some(stranger), "not signed by a CA of client_ca"),
        (
            Some(sign(&[ROUTER], Some(ServerAuth), day)),
            "no extended key usage",
        ),
        (
            Some(sign(&[], Some(ClientAuth), day)),
            "has no URI name (SAN)",
        ),
        (
            Some(sign(&two, Some(ClientAuth), day)),
            "has 2 URI names (SAN)",
        ),
    ];
    for (leaf, words) in &cases {
        started.refused(leaf.as_ref(), words).await;
    }
    // The same words, but for a certificate that says nothing of what it is for.
    let before = purposes(&started);
    let silent = sign(&[ROUTER], None, day);
    started
        .refused(Some(&silent), "no extended key usage")
        .await;
    wait_for("one more", async || {
        (purposes(&started) > before).then_some(())
    })
    .await;

    let wrong = started.authority.client("spiffe://keyway/router/local2");
    let status = started.resolve(Some(&wrong), None).await.unwrap_err();
    assert_eq!(reason(&status), Some(Reason::CallerUnknown));
    let unlisted = "\"spiffe://keyway/router/local2\", is no listed router's";
    started.logged(unlisted).await;
    let right = started.authority.client(ROUTER);
    started
        .resolve(Some(&right), None)
        .await
        .expect("a listed router");
}

fn purposes(started: &Started) -> usize {
    let log = started.product.log(Part::Vault);
    log.matches("no extended key usage").count()
}

#[tokio::test]
async fn a_routers_certificate_beside_another_credential_is_nobody() {
    let started = Pair::new().start().await;
    let _logs = Logs(&started.product);
    let router = started.authority.client(ROUTER);
    let admin = started.product.running.access.admin_token.expose();
    for token in [admin, "kwr_nonsense"] {
        let status = started
            .resolve(Some(&router), Some(token))
            .await
            .unwrap_err();
        assert_eq!(reason(&status), Some(Reason::CallerUnknown));
    }
}

#[tokio::test]
async fn a_certificate_that_ends_while_its_connection_stands_ends_the_connection() {
    let started = Pair::new().start().await;
    let _logs = Logs(&started.product);
    let short = started.authority.sign(&Says {
        uris: &[ROUTER],
        purpose: Some(ClientAuth),
        ends: Some(Duration::from_secs(4)),
    });
    let config = pki::config(&started.authority, Some(&short));
    let channel = pki::channel(started.data, config);
    let mut client = LeaseServiceClient::new(channel);
    let mut resolve = async || {
        let request = ResolveKeysRequest {
            workspace: DEMO.to_owned(),
            provider: "anthropic".to_owned(),
            call_id: "01890000-0000-7000-8000-000000000000".to_owned(),
            key: String::new(),
        };
        client.resolve_keys(request).await.map(drop)
    };
    resolve().await.expect("while it is valid");
    // It can't be used on this connection any more, nor for another one.
    let refused = async || {
        drop(resolve().await);
        let log = started.product.log(Part::Vault);
        log.contains("the client certificate has expired")
            .then_some(())
    };
    wait_for("the refusal", refused).await;
    assert!(resolve().await.is_err());
}

#[tokio::test]
async fn a_router_takes_no_vault_whose_certificate_does_not_fit_and_its_log_says_which_check_failed()
 {
    let pair = Pair::new().with("KEYWAY_VAULT__SERVER__MAX_CONNECTION_AGE", "1s");
    let started = pair.start().await;
    let _logs = Logs(&started.product);
    let short = || {
        started.authority.sign(&Says {
            uris: &[],
            purpose: Some(ServerAuth),
            ends: Some(Duration::from_secs(3)),
        })
    };
    let named = || started.authority.server_named("another.example");
    // The other CA has the same name, and another key.
    let other = || Authority::new().server();
    let cases: [(&dyn Fn() -> Leaf, &str); 3] = [
        (&other, "BadSignature"),
        (&named, "certificate not valid for name"),
        (&short, "certificate expired"),
    ];
    for (leaf, check) in cases {
        started.put_pair("vault", &leaf());
        let words = format!("invalid peer certificate: {check}");
        let told = async || {
            let log = started.product.log(Part::Router);
            log.contains(&words).then_some(())
        };
        wait_for(check, told).await;
    }
    // What fits is taken again without a restart.
    started.put_pair("vault", &started.authority.server());
    let caller = started.product.caller();
    let served = async || caller.chat(ask(MODEL)).await.ok().map(drop);
    wait_for("an answer", served).await;
}
