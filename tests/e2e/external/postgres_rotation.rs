//! Two vaults on one PostgreSQL database: both rotate the same keys at the same time, or one does and the other hears of it.

use keyway::Part;
use keyway_proto::vault::v1::{
    SealServiceRewrapRequest, SealServiceRotateDataKeyRequest, SealServiceStatusRequest,
};
use keyway_proto::{Reason, status};
use tonic::Status;

use crate::harness::{DEMO, Logs, Speaker, VaultDatabase, wait_for};
use crate::rotation::world::{World, new_key};

#[tokio::test]
async fn two_vaults_that_rewrap_and_rotate_at_once_both_end_and_every_key_opens() {
    let database = VaultDatabase::migrated("rotated_twice").await;
    let mut world = World::start_with(|setup| setup.on(&database)).await;
    let replica = world.product.replica().await;
    let one = world.product.operator();
    let token = world.product.running.access.operator_token.expose();
    let other = replica.speaker(&world.product, token);
    for round in 2..=6 {
        let id = new_key(&world.keys().join(round.to_string()));
        let (a, b, c, d) = tokio::join!(rewrap(&one), rotate(&one), rewrap(&other), rotate(&other));
        for answer in [a, b, c, d] {
            if let Err(refused) = answer {
                // Whoever lost to the other may be told to come again.
                let reason = status::refusal(&refused).reason;
                let again = [Reason::VaultUnavailable, Reason::Overloaded, Reason::InUse];
                assert!(
                    reason.is_some_and(|reason| again.contains(&reason)),
                    "{refused:?}"
                );
            }
        }
        let ended = async || is_rewrapped(&one, &id).await.then_some(());
        wait_for("the end of the rewrap", ended).await;
        world.assert_every_key_opens().await;
    }
    world.assert_record_is_whole().await;
    world.product.kill(Part::Vault).await;
    world.product.start_again(Part::Vault).await;
    let _logs = Logs(&world.product);
    world.assert_every_key_opens().await;
}

#[tokio::test]
async fn a_rewrap_at_one_vault_leaves_no_moment_in_which_the_other_opens_no_key() {
    let database = VaultDatabase::migrated("rewrapped_elsewhere").await;
    let world = World::start_with(|setup| setup.on(&database)).await;
    let replica = world.product.replica().await;
    let _logs = Logs(&world.product);
    let one = world.product.operator();
    for round in 2..=4 {
        let id = new_key(&world.keys().join(round.to_string()));
        rewrap(&one).await.expect("asked for");
        let ended = async || is_rewrapped(&one, &id).await.then_some(());
        wait_for("the end of the rewrap", ended).await;
        world.assert_every_key_opens_at(replica.data).await;
    }
}

#[tokio::test]
async fn a_vault_that_was_not_given_a_generation_yet_calls_no_key_unreadable_and_opens_all_when_it_is()
 {
    let database = VaultDatabase::migrated("given_later").await;
    let world = World::start_with(|setup| setup.on(&database)).await;
    let late = tempfile::tempdir().expect("a folder");
    std::fs::copy(world.keys().join("1"), late.path().join("1")).expect("a copy");
    let folder = late.path().to_str().expect("text");
    let setting = [("KEYWAY_VAULT__MASTER_KEY__DIRECTORY", folder)];
    let replica = world.product.replica_with(&setting).await;
    let _logs = Logs(&world.product);
    let one = world.product.operator();
    let id = new_key(&world.keys().join("2"));
    rewrap(&one).await.expect("asked for");
    let ended = async || is_rewrapped(&one, &id).await.then_some(());
    wait_for("the end of the rewrap", ended).await;
    let refused = world.ask(replica.data, DEMO).await.unwrap_err();
    let reason = status::refusal(&refused).reason;
    assert_eq!(reason, Some(Reason::VaultUnavailable), "{refused:?}");
    std::fs::copy(world.keys().join("2"), late.path().join("2")).expect("a copy");
    world.assert_every_key_opens_at(replica.data).await;
}

async fn rewrap(operator: &Speaker) -> Result<(), Status> {
    let mut seal = operator.vault.seal();
    seal.rewrap(SealServiceRewrapRequest {}).await.map(drop)
}

async fn rotate(operator: &Speaker) -> Result<(), Status> {
    let request = SealServiceRotateDataKeyRequest {
        owner: DEMO.to_owned(),
    };
    operator
        .vault
        .seal()
        .rotate_data_key(request)
        .await
        .map(drop)
}

/// Whether every data key is wrapped with this generation, and one data key is left for the owner.
async fn is_rewrapped(operator: &Speaker, id: &str) -> bool {
    let request = SealServiceStatusRequest {
        owner: DEMO.to_owned(),
    };
    let shown = operator.vault.seal().status(request).await;
    let shown = shown.expect("a status").into_inner();
    let wrapped = shown.generations.iter();
    let mut others = wrapped.filter(|generation| generation.id != id);
    let left = shown.data_keys.iter().filter(|row| !row.destroyed).count();
    others.all(|generation| generation.data_keys_remaining == 0) && left == 1
}
