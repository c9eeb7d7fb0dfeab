//! Rotation of master and data keys: online, resumable, and nothing is lost on the way.

mod failpoints;
pub(crate) mod world;

use std::fs;

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::vault::v1::{
    GetKeyRequest, MasterKeyGeneration, SealServiceRetireMasterKeyRequest,
    SealServiceRewrapRequest, SealServiceRotateDataKeyRequest, SealServiceStatusRequest,
};

use self::world::{World, new_key};
use crate::harness::{DEMO, Speaker, reason};

async fn generations(operator: &Speaker) -> Vec<MasterKeyGeneration> {
    let status = operator
        .vault
        .seal()
        .status(SealServiceStatusRequest::default())
        .await;
    status.expect("a status").into_inner().generations
}

#[tokio::test]
async fn an_operator_rotates_the_master_key_while_the_vault_runs_and_removes_the_old_one() {
    let mut world = World::start().await;
    let operator = world.product.operator();
    let old = generations(&operator).await.remove(0);
    let id = new_key(&world.keys().join("2"));

    // Noticed without a restart, by the call itself.
    let rewrapped = operator
        .vault
        .seal()
        .rewrap(SealServiceRewrapRequest {})
        .await;
    let rewrapped = rewrapped.expect("an answer").into_inner();
    assert_eq!((rewrapped.remaining, &rewrapped.master_key_id), (0, &id));
    let shown = generations(&operator).await;
    assert!(shown[0].current && shown[0].id == id && shown[0].data_keys_remaining >= 3);
    assert!(
        shown[1].id == old.id && shown[1].data_keys_remaining == 0,
        "{shown:?}"
    );

    let retire = |id: &str| SealServiceRetireMasterKeyRequest { id: id.to_owned() };
    let refused = operator.vault.seal().retire_master_key(retire(&id)).await;
    assert_eq!(reason(&refused.unwrap_err()), Some(Reason::InUse));
    for _ in 0..2 {
        let retired = operator
            .vault
            .seal()
            .retire_master_key(retire(&old.id))
            .await;
        retired.expect("twice is once");
    }
    fs::remove_file(world.keys().join("1")).expect("the old key");
    world.product.terminate(Part::Vault);
    assert_eq!(world.product.exit_code(Part::Vault).await, Some(0));
    world.product.start_again(Part::Vault).await;
    world.assert_every_key_opens().await;
}

#[tokio::test]
async fn a_generation_in_use_can_not_be_retired_and_a_retired_one_opens_no_vault() {
    let mut world = World::start().await;
    let operator = world.product.operator();
    let old = generations(&operator).await.remove(0).id;
    // A restart beside a newer file lets it wrap; what the old one wraps stays until the rewrap.
    new_key(&world.keys().join("2"));
    world.product.kill(Part::Vault).await;
    world.product.start_again(Part::Vault).await;
    let offer = format!("the master key {old} still wraps");
    let log = world.product.log(Part::Vault);
    assert!(
        log.contains(&offer) && log.contains("SealService.Rewrap"),
        "{log}"
    );
    let shown = generations(&operator).await;
    assert!(
        shown[0].current && shown[1].data_keys_remaining >= 3,
        "{shown:?}"
    );
    let retire = SealServiceRetireMasterKeyRequest { id: old.clone() };
    let refused = operator
        .vault
        .seal()
        .retire_master_key(retire.clone())
        .await;
    assert_eq!(reason(&refused.unwrap_err()), Some(Reason::InUse));
    world.assert_every_key_opens().await;

    let rewrapped = operator
        .vault
        .seal()
        .rewrap(SealServiceRewrapRequest {})
        .await;
    assert_eq!(rewrapped.expect("an answer").into_inner().remaining, 0);
    let retired = operator.vault.seal().retire_master_key(retire).await;
    retired.expect("nothing uses it");
    fs::remove_file(world.keys().join("2")).expect("the new key");
    world.product.kill(Part::Vault).await;
    world.product.start_unready(Part::Vault);
    assert_eq!(world.product.exit_code(Part::Vault).await, Some(78));
    let log = world.product.log(Part::Vault);
    assert!(log.contains("was retired"), "{log}");
}

#[tokio::test]
async fn an_owners_data_key_is_rotated_without_a_change_of_any_key() {
    let world = World::start().await;
    let operator = world.product.operator();
    let name = format!("{DEMO}/keys/openai/default");
    let get = async || {
        let request = GetKeyRequest { name: name.clone() };
        let answer = operator.vault.keys().get_key(request).await;
        answer.expect("a key").into_inner().key
    };
    let before = get().await;
    for generation in 2..=3 {
        let request = SealServiceRotateDataKeyRequest {
            owner: DEMO.to_owned(),
        };
        let rotated = operator.vault.seal().rotate_data_key(request).await;
        let rotated = rotated.expect("an answer").into_inner();
        assert_eq!((rotated.generation, rotated.remaining), (generation, 0));
    }
    assert_eq!(get().await, before);
    world.assert_every_key_opens().await;

    let request = SealServiceStatusRequest {
        owner: DEMO.to_owned(),
    };
    let status = operator.vault.seal().status(request).await;
    let data_keys = status.expect("a status").into_inner().data_keys;
    let shown: Vec<_> = data_keys
        .iter()
        .map(|row| (row.generation, row.keys > 0, row.destroyed))
        .collect();
    assert_eq!(
        shown,
        [(3, true, false), (2, false, true), (1, false, true)]
    );
}

#[tokio::test]
async fn a_data_key_that_is_not_there_or_is_the_vaults_own_is_not_rotated() {
    let world = World::start().await;
    let operator = world.product.operator();
    world.product.tenant("empty").await;
    let cases = [
        ("system", Reason::FieldInvalid),
        ("workspaces/empty", Reason::KeyNotFound),
        ("workspaces/nobody", Reason::WorkspaceNotFound),
        ("", Reason::FieldInvalid),
    ];
    for (owner, expected) in cases {
        let request = SealServiceRotateDataKeyRequest {
            owner: owner.to_owned(),
        };
        let refused = operator.vault.seal().rotate_data_key(request).await;
        assert_eq!(reason(&refused.unwrap_err()), Some(expected), "{owner}");
    }
}
