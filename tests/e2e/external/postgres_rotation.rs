//! Two vaults on one PostgreSQL database that rotate the same keys at the same time.

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
