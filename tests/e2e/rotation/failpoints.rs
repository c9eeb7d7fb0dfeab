//! Dies after the n-th statement of an operation, for every n until the operation comes to its end:
//! after each death everything opens, and the job finishes by itself.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use keyway::Part;
use keyway_proto::vault::v1::{
    SealServiceRewrapRequest, SealServiceRotateDataKeyRequest, SealServiceStatusRequest,
    SealServiceStatusResponse,
};
use tonic::Status;

use super::world::{World, new_key};
use crate::harness::{DEMO, wait_for};

/// No operation has that many statements; a loop without end is a failure.
const MOST: u64 = 500;

async fn rewrap(world: &World) -> Result<u64, Status> {
    let operator = world.product.operator();
    let answer = operator
        .vault
        .seal()
        .rewrap(SealServiceRewrapRequest {})
        .await;
    Ok(answer?.into_inner().remaining)
}

async fn rotate(world: &World) -> Result<u64, Status> {
    let operator = world.product.operator();
    let request = SealServiceRotateDataKeyRequest {
        owner: DEMO.to_owned(),
    };
    let answer = operator.vault.seal().rotate_data_key(request).await;
    Ok(answer?.into_inner().remaining)
}

async fn status(world: &World) -> SealServiceStatusResponse {
    let request = SealServiceStatusRequest {
        owner: DEMO.to_owned(),
    };
    let status = world.product.operator().vault.seal().status(request).await;
    status.expect("a status").into_inner()
}

/// The vault's database as it was before the operation.
struct Before {
    database: PathBuf,
    content: Vec<u8>,
}

impl Before {
    /// Stops the vault, so that its file holds everything.
    async fn take(world: &mut World) -> Self {
        world.product.terminate(Part::Vault);
        assert_eq!(world.product.exit_code(Part::Vault).await, Some(0));
        let database = world.product.state().join("vault.db");
        let content = fs::read(&database).expect("the database");
        Self { database, content }
    }

    fn put_back(&self) {
        for suffix in ["-wal", "-shm"] {
            let beside = format!("{}{suffix}", self.database.display());
            if Path::new(&beside).exists() {
                fs::remove_file(beside).expect("it can be removed");
            }
        }
        fs::write(&self.database, &self.content).expect("the database");
    }
}

fn arm(world: &mut World, failpoint: Option<String>) {
    let environment = &mut world.product.running.site.environment;
    match failpoint {
        Some(failpoint) => environment.insert("VAULT_FAILPOINT".into(), failpoint.into()),
        None => environment.remove(std::ffi::OsStr::new("VAULT_FAILPOINT")),
    };
}

/// Runs the operation with death after each statement in turn; how many deaths there were.
async fn die_after_every_statement(
    world: &mut World,
    name: &str,
    operation: impl AsyncFn(&World) -> Result<u64, Status>,
) -> u64 {
    world.product.kill(Part::Router).await;
    let before = Before::take(world).await;
    for n in 1..MOST {
        before.put_back();
        arm(world, Some(format!("{name}:{n}")));
        world.product.start_again(Part::Vault).await;
        if let Ok(remaining) = operation(world).await {
            assert_eq!(remaining, 0, "{name} came to an end with work left");
            return n - 1;
        }
        assert_eq!(
            world.product.exit_code(Part::Vault).await,
            None,
            "{name}:{n}: not killed"
        );
        arm(world, None);
        world.product.start_again(Part::Vault).await;
        world.assert_every_key_opens().await;
        // Whatever was begun is finished without being asked for again.
        let finished = async || {
            let status = status(world).await;
            let open = status.rotations.iter().any(|row| row.finish_time.is_none());
            (!open).then_some(())
        };
        wait_for("the job to finish by itself", finished).await;
        world.assert_every_key_opens().await;
        let remaining = operation(world).await.expect("it can be done again");
        assert_eq!(remaining, 0, "{name}:{n}");
        world.assert_every_key_opens().await;
        world.assert_record_is_whole().await;
        world.product.kill(Part::Vault).await;
    }
    panic!("{name} has no end");
}

fn tell(name: &str, deaths: u64) {
    let said = writeln!(
        std::io::stderr(),
        "{name} on SQLite: killed after each of {deaths} statements"
    );
    said.expect("standard error");
}

#[tokio::test]
async fn a_rewrap_that_is_killed_after_any_statement_loses_nothing_and_finishes() {
    let mut world = World::start().await;
    new_key(&world.keys().join("2"));
    let deaths = die_after_every_statement(&mut world, "rewrap", rewrap).await;
    tell("Rewrap", deaths);
    assert!(deaths >= 20, "only {deaths} statements were counted");
}

#[tokio::test]
async fn a_rotation_of_a_data_key_that_is_killed_after_any_statement_loses_nothing_and_finishes() {
    let mut world = World::start().await;
    let deaths = die_after_every_statement(&mut world, "rotate-data-key", rotate).await;
    tell("RotateDataKey", deaths);
    assert!(deaths >= 20, "only {deaths} statements were counted");
}
