//! What is interrupted: the two rotations, and the deletion of a workspace to its end.

use keyway_proto::Reason;
use keyway_proto::vault::v1::{
    AuditServiceListRequest, ListKeysRequest, SealServiceRewrapRequest,
    SealServiceRotateDataKeyRequest, SealServiceStatusRequest, Workspace,
    WorkspaceServiceDeleteRequest, WorkspaceServiceGetRequest, WorkspaceState,
};
use tonic::Status;

use super::{Operation, World};
use crate::harness::{DEMO, Setup, reason, wait_for};

/// Every data key under the new master key.
pub(super) struct Rewrap;
/// A new data key for the demo workspace.
pub(super) struct RotateDataKey;
/// The demo workspace, deleted and destroyed.
pub(super) struct DeleteWorkspace;

impl Operation for Rewrap {
    const NAME: &'static str = "rewrap";

    async fn run(world: &World) -> Result<(), Status> {
        let operator = world.product.operator();
        let request = SealServiceRewrapRequest {};
        let answer = operator.vault.seal().rewrap(request).await?;
        assert_eq!(answer.into_inner().remaining, 0, "an end with work left");
        Ok(())
    }

    async fn assert_it_finishes(world: &World) {
        rotations_finish(world).await;
    }

    async fn assert_it_can_be_done(world: &World) {
        Self::run(world).await.expect("it can be done again");
        world.assert_every_key_opens().await;
    }
}

impl Operation for RotateDataKey {
    const NAME: &'static str = "rotate-data-key";

    async fn run(world: &World) -> Result<(), Status> {
        let operator = world.product.operator();
        let request = SealServiceRotateDataKeyRequest {
            owner: DEMO.to_owned(),
        };
        let answer = operator.vault.seal().rotate_data_key(request).await?;
        assert_eq!(answer.into_inner().remaining, 0, "an end with work left");
        Ok(())
    }

    async fn assert_it_finishes(world: &World) {
        rotations_finish(world).await;
    }

    async fn assert_it_can_be_done(world: &World) {
        Self::run(world).await.expect("it can be done again");
        world.assert_every_key_opens().await;
    }
}

async fn rotations_finish(world: &World) {
    world.assert_every_key_opens().await;
    let finished = async || {
        let request = SealServiceStatusRequest {
            owner: DEMO.to_owned(),
        };
        let status = world.product.operator().vault.seal().status(request).await;
        let rotations = status.expect("a status").into_inner().rotations;
        let open = rotations.iter().any(|row| row.finish_time.is_none());
        (!open).then_some(())
    };
    wait_for("the job to finish by itself", finished).await;
    world.assert_every_key_opens().await;
}

impl Operation for DeleteWorkspace {
    const NAME: &'static str = "delete-workspace";

    fn settings(setup: Setup) -> Setup {
        setup
            .with("KEYWAY_VAULT__DELETION__SHORTEST", "10ms")
            .with("KEYWAY_VAULT__DELETION__NOTICE", "10ms")
            .with("KEYWAY_VAULT__DELETION__SWEEP", "20ms")
    }

    async fn run(world: &World) -> Result<(), Status> {
        delete(world).await?;
        let ended = async || {
            is_ended(world)
                .await
                .map_or_else(|gone| Some(Err(gone)), |ended| ended.then_some(Ok(())))
        };
        wait_for("the end of the workspace", ended).await.0
    }

    /// Either it was never deleted, and its keys open, or it comes to its end.
    async fn assert_it_finishes(world: &World) {
        world.assert_neighbours_open().await;
        if shown(world).await.expect("shown").state() == WorkspaceState::Active {
            world.assert_every_key_opens().await;
            return;
        }
        let ended = async || is_ended(world).await.expect("an answer").then_some(());
        wait_for("the deletion to finish by itself", ended).await;
    }

    async fn assert_it_can_be_done(world: &World) {
        if !is_ended(world).await.expect("an answer") {
            Self::run(world).await.expect("it can be done again");
        }
        let operator = world.product.operator();
        let request = ListKeysRequest {
            owner: DEMO.to_owned(),
            ..Default::default()
        };
        let refused = operator.vault.keys().list_keys(request).await;
        let refused = refused.expect_err("its keys are destroyed");
        assert_eq!(reason(&refused), Some(Reason::WorkspaceDeleted));
        world.assert_neighbours_open().await;
    }
}

async fn shown(world: &World) -> Result<Workspace, Status> {
    let operator = world.product.operator();
    let request = WorkspaceServiceGetRequest {
        name: DEMO.to_owned(),
    };
    let answer = operator.vault.workspaces().get(request).await?;
    Ok(answer.into_inner().workspace.expect("a workspace"))
}

async fn delete(world: &World) -> Result<(), Status> {
    let request = WorkspaceServiceDeleteRequest {
        name: DEMO.to_owned(),
        confirm_name: DEMO.to_owned(),
        etag: shown(world).await?.etag,
        deletion_delay: Some(prost_types::Duration {
            seconds: 0,
            nanos: 10_000_000,
        }),
    };
    let operator = world.product.operator();
    operator.vault.workspaces().delete(request).await.map(drop)
}

/// Whether the record says that the last of it was erased.
async fn is_ended(world: &World) -> Result<bool, Status> {
    let operator = world.product.operator();
    let request = AuditServiceListRequest {
        workspace: DEMO.to_owned(),
        page_size: 20,
        ..Default::default()
    };
    let rows = operator
        .vault
        .audit()
        .list(request)
        .await?
        .into_inner()
        .rows;
    Ok(rows
        .iter()
        .any(|row| row.facts_json.contains(r#""is_last":true"#)))
}
