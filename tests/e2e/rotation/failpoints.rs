//! Dies after the n-th statement of an operation, for every n until the operation comes to its end:
//! after each death everything opens, and the job finishes by itself. On both databases.

mod database;
mod operations;

use std::io::Write as _;

use keyway::Part;
use tonic::Status;

use self::database::Database;
use self::operations::{DeleteWorkspace, Rewrap, RotateDataKey};
use super::world::{World, new_key};
use crate::harness::Setup;

/// No operation has that many statements; a loop without end is a failure.
const MOST: u64 = 500;
/// An operation of fewer statements was not counted whole.
const FEWEST: u64 = 20;

/// What is interrupted.
trait Operation {
    /// As `VAULT_FAILPOINT` names it.
    const NAME: &'static str;

    /// What the settings must be.
    fn settings(setup: Setup) -> Setup {
        setup
    }

    /// Does it and waits for its end.
    async fn run(world: &World) -> Result<(), Status>;

    /// After a death and a restart: everything opens, and whatever was begun is finished without
    /// being asked for again.
    async fn assert_it_finishes(world: &World);

    /// It can be done again, and everything is as it must be after it.
    async fn assert_it_can_be_done(world: &World);
}

fn arm(world: &mut World, failpoint: Option<String>) {
    let environment = &mut world.product.running.site.environment;
    match failpoint {
        Some(failpoint) => environment.insert("VAULT_FAILPOINT".into(), failpoint.into()),
        None => environment.remove(std::ffi::OsStr::new("VAULT_FAILPOINT")),
    };
}

/// Runs the operation with death after each statement in turn; how many deaths there were.
async fn die_after_every_statement<O: Operation>(world: &mut World, database: &Database) -> u64 {
    let name = O::NAME;
    world.product.kill(Part::Router).await;
    world.product.terminate(Part::Vault);
    assert_eq!(world.product.exit_code(Part::Vault).await, Some(0));
    let before = database.keep(world).await;
    for n in 1..MOST {
        before.put_back().await;
        arm(world, Some(format!("{name}:{n}")));
        world.product.start_again(Part::Vault).await;
        if O::run(world).await.is_ok() {
            return n - 1;
        }
        let killed = world.product.exit_code(Part::Vault).await;
        assert_eq!(killed, None, "{name}:{n}: not killed");
        arm(world, None);
        world.product.start_again(Part::Vault).await;
        O::assert_it_finishes(world).await;
        O::assert_it_can_be_done(world).await;
        world.assert_record_is_whole().await;
        world.product.kill(Part::Vault).await;
    }
    panic!("{name} has no end");
}

/// All of it for one operation on one database.
async fn every_death<O: Operation>(database: Database) {
    let change = |setup: Setup| O::settings(database.settings(setup));
    let mut world = World::start_with(change).await;
    // A rewrap has something to do; to the others a newer generation makes no difference.
    new_key(&world.keys().join("2"));
    let deaths = die_after_every_statement::<O>(&mut world, &database).await;
    let (name, on) = (O::NAME, database.name());
    let said = writeln!(
        std::io::stderr(),
        "{name} on {on}: killed after each of {deaths} statements"
    );
    said.expect("standard error");
    assert!(deaths >= FEWEST, "only {deaths} statements were counted");
}

#[tokio::test]
async fn a_rewrap_that_is_killed_after_any_statement_loses_nothing_and_finishes() {
    every_death::<Rewrap>(Database::File).await;
}

#[tokio::test]
async fn a_rotation_of_a_data_key_that_is_killed_after_any_statement_loses_nothing_and_finishes() {
    every_death::<RotateDataKey>(Database::File).await;
}

#[tokio::test]
async fn a_deletion_that_is_killed_after_any_statement_is_whole_or_not_there_and_finishes() {
    every_death::<DeleteWorkspace>(Database::File).await;
}

/// The same on PostgreSQL, each on a database of its own that is copied back for every death.
#[cfg(feature = "external")]
mod external {
    use super::*;

    #[tokio::test]
    async fn a_rewrap_loses_nothing_and_finishes() {
        every_death::<Rewrap>(Database::server("failpoint_rewrap").await).await;
    }

    #[tokio::test]
    async fn a_rotation_of_a_data_key_loses_nothing_and_finishes() {
        every_death::<RotateDataKey>(Database::server("failpoint_rotate").await).await;
    }

    #[tokio::test]
    async fn a_deletion_is_whole_or_not_there_and_finishes() {
        every_death::<DeleteWorkspace>(Database::server("failpoint_delete").await).await;
    }
}
