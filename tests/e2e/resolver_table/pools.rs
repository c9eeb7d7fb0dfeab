//! Pools in every state: what a key is, is a word, and its secret ends with that word.

use std::time::{Duration, SystemTime};

use keyway_proto::vault::v1::{GetKeyRequest, KeyState, PutKeyRequest};
use serde_json::json;

use crate::damage::live::Live;
use crate::harness::{Product, Speaker, wait_for};

/// Makes the provider answer to sick keys as they are.
pub(super) async fn sick(product: &Product) {
    let rule = |word: &str, action| json!({"match": {"key_suffix": word}, "action": action});
    let rules = json!([
        rule("-rejected", json!({"fixture": "openai/401_bad_key.error"})),
        rule("-exhausted", json!({"fixture": "openai/429_quota.error"})),
        rule(
            "-limited",
            json!({"fixture": "openai/429_rate.error", "headers": {"retry-after": "600", "retry-after-ms": ""}})
        ),
    ]);
    product.simulator().script(&rules).await;
}

/// Stores the keys of a pool, `k0` first.
pub(super) async fn fill(admin: &Speaker, owner: &str, provider: &str, pool: &str) {
    for (order, word) in pool.split_terminator(' ').enumerate() {
        let mut request = PutKeyRequest {
            owner: owner.to_owned(),
            provider: provider.to_owned(),
            key_name: format!("k{order}"),
            secret: format!("sk-keyway-test-table-{order}-{word}"),
            order: u32::try_from(order).ok(),
            ..Default::default()
        };
        match word {
            "family-active" => request.allowed_models = ["gpt-4o", "gpt-5*"].map(Into::into).into(),
            "otherfamily" => request.allowed_models = vec!["gpt-4*".to_owned()],
            "othermodel" => request.allowed_models = vec!["gpt-4o".to_owned()],
            "expired" => request.expire_time = Some(soon()),
            _ => {}
        }
        let stored = admin.vault.keys().put_key(request).await.unwrap();
        let name = stored.into_inner().key.expect("a key").name;
        match word {
            "disabled" => admin.disable(&name).await,
            "expired" => until_expired(admin, &name).await,
            _ => {}
        }
    }
}

/// Damages the rows that are to be unreadable.
pub(super) async fn spoil(live: &Live, owner: &str, pool: &str) {
    for (order, word) in pool.split_terminator(' ').enumerate() {
        if word == "unreadable" {
            let sql = format!(
                "UPDATE keys SET envelope = zeroblob(length(envelope)) WHERE owner = '{owner}' AND name = 'k{order}' AND deleted_at IS NULL"
            );
            live.change(&sql).await;
        }
    }
}

async fn until_expired(admin: &Speaker, name: &str) {
    let expired = async || {
        let request = GetKeyRequest {
            name: name.to_owned(),
        };
        let key = admin.vault.keys().get_key(request).await.unwrap();
        let key = key.into_inner().key.expect("a key");
        (key.state() == KeyState::Expired).then_some(())
    };
    wait_for("the key's end", expired).await;
}

fn soon() -> prost_types::Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the vault looks at the real time"
    )]
    let now = SystemTime::now();
    (now + Duration::from_secs(1)).into()
}
