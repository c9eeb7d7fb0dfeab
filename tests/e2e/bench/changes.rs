//! From the answer of a change at the vault to the first call that obeys it at the router.

use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{
    Role, TokenServiceCreateRequest, TokenServiceRevokeRequest, TokenServiceWhoAmIRequest,
};

use super::print;
use crate::harness::{DEMO, Product, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const KEY: &str = "workspaces/demo/keys/openai/default";
const ROUNDS: u32 = 40;

pub(crate) async fn measure(product: &Product) {
    let admin = product.admin();
    let (mut stored, mut deleted, mut revoked) = (Vec::new(), Vec::new(), Vec::new());
    product.caller().chat_once(MODEL).await;
    for round in 0..ROUNDS {
        let secret = format!("sk-keyway-test-bench-{round:04}");
        admin
            .put_key(DEMO, "openai", &secret)
            .await
            .expect("stored");
        stored.push(product.until_served_by(MODEL, Source::Own).await.1);
        admin.delete_key(KEY).await.expect("deleted");
        deleted.push(product.until_served_by(MODEL, Source::Hosted).await.1);
        revoked.push(revoke(product).await);
    }
    print::line("PutKey answered -> the first call on the own key", stored);
    print::line("DeleteKey answered -> the first call without it", deleted);
    print::line("Revoke answered -> the first call refused", revoked);
}

/// Makes a call token, uses it, revokes it, and calls until it is refused.
async fn revoke(product: &Product) -> std::time::Duration {
    let admin = product.admin();
    let request = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Caller.into(),
        ..Default::default()
    };
    let caller = product.speaker(&admin.token(request).await);
    caller.chat_once(MODEL).await;
    let mut tokens = caller.vault.tokens();
    let who = tokens.who_am_i(TokenServiceWhoAmIRequest {}).await;
    let request = TokenServiceRevokeRequest {
        workspace: DEMO.to_owned(),
        accessor: who.expect("known").into_inner().accessor,
        ..Default::default()
    };
    admin.vault.tokens().revoke(request).await.expect("revoked");
    let refused = async || caller.chat(ask(MODEL)).await.err();
    wait_for("a refusal", refused).await.1
}
