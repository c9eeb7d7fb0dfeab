//! Where a client certificate may be shown and need not: who shows one is that router, who shows none
//! needs a token, and one that is wrong is refused before anything is asked.

use keyway_proto::Reason;
use rcgen::ExtendedKeyUsagePurpose::{ClientAuth, ServerAuth};

use super::{MODEL, Pair, ROUTER, Started};
use crate::harness::mint::{hash, keep_router_token, mint};
use crate::harness::pki::{Authority, DAY, Says};
use crate::harness::{Logs, ask, reason};

/// A router whose list does not have the demo workspace.
const ELSEWHERE: &str = "spiffe://keyway/router/elsewhere";

/// The router by token `local`, and two by certificates: one for every workspace and one for another.
async fn start() -> (Started, String) {
    let (folder, token) = (tempfile::tempdir().expect("a folder"), mint("kwr_", 5));
    keep_router_token(folder.path(), &token);
    let routers = format!(
        "local:{},of-all={ROUTER},elsewhere={ELSEWHERE} another",
        hash(&token)
    );
    (Pair::new().optional(&routers).start_in(folder).await, token)
}

#[tokio::test]
async fn who_shows_a_certificate_is_its_router_and_who_shows_none_needs_a_token() {
    let (started, token) = start().await;
    let _logs = Logs(&started.product);
    // The product's own router has a token and no certificate.
    let answer = started.product.caller().chat(ask(MODEL)).await;
    answer.expect("an answer");

    let certificate = started.authority.client(ROUTER);
    let resolved = started.resolve(Some(&certificate), None).await;
    resolved.expect("a certificate alone");
    let resolved = started.resolve(None, Some(&token)).await;
    resolved.expect("a token alone");
    // It is the router of that name, and not any router.
    let elsewhere = started.authority.client(ELSEWHERE);
    let refused = started.resolve(Some(&elsewhere), None).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::Denied));
    let unlisted = started.authority.client("spiffe://keyway/router/unlisted");
    for (leaf, bearer) in [
        (None, None),
        (None, Some("kwr_nonsense")),
        (Some(&unlisted), None),
        (Some(&certificate), Some(token.as_str())),
    ] {
        let refused = started.resolve(leaf, bearer).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::CallerUnknown), "{bearer:?}");
    }
    // A certificate of nobody, as a mesh shows it, takes nothing from a token.
    let resolved = started.resolve(Some(&unlisted), Some(&token)).await;
    resolved.expect("the token decides");
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_at_the_handshake_although_none_is_needed() {
    let (started, token) = start().await;
    let _logs = Logs(&started.product);
    let sign = |purpose, ends| {
        started.authority.sign(&Says {
            uris: &[ROUTER],
            purpose: Some(purpose),
            ends,
        })
    };
    for (leaf, words) in [
        (
            Authority::new().client(ROUTER),
            "not signed by a CA of client_ca",
        ),
        (sign(ClientAuth, None), "has expired"),
        (sign(ServerAuth, Some(DAY)), "no extended key usage"),
    ] {
        started.refused(Some(&leaf), words).await;
        // A good token beside it never gets as far as being read.
        let refused = started
            .resolve(Some(&leaf), Some(&token))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), None, "{words}: {refused:?}");
    }
}
