//! A key row that exists is never "no key": every sealed or bound column damaged in turn, on the
//! live database, and every swap between rows.

use keyway_proto::vault::v1::{DeleteKeyRequest, KeyState, ResolveKeysResponse};
use sea_orm::{ConnectionTrait, Statement};

use super::harness::{World, secrets, states, translated};

const OWN: &str = "sk-keyway-test-own-0123456789";
const HOSTED: &str = "sk-keyway-test-hosted-0123456789";

async fn world() -> World {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, "workspaces/acme", "openai", OWN).await;
    let operator = world.operator.clone();
    world.put(&operator, "platform", "openai", HOSTED).await;
    world
}

/// What the router's table calls unreadable: not served, and not "no key" either.
#[track_caller]
fn assert_unreadable(response: &ResolveKeysResponse, what: &str) {
    let own = response.own.as_ref().unwrap();
    assert!(
        !secrets(response).contains(&OWN),
        "{what}: the own key was served"
    );
    assert!(
        own.counted > 0 || !own.candidates.is_empty(),
        "{what}: it looks like no key"
    );
    assert!(!own.candidates.is_empty(), "{what}");
    for state in states(Some(own)) {
        assert_eq!(state, KeyState::Unreadable, "{what}");
    }
}

/// Damages one row, looks, and mends it again.
async fn damaged(world: &World, table: &str, row: &str, column: &str, to: &str) {
    let stranger = world.stranger().await;
    let run = async |sql: String| {
        let sql = translated(&stranger, &sql);
        let done = stranger.execute_unprepared(&sql).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"))
            .rows_affected()
    };
    run(format!("CREATE TABLE kept AS SELECT * FROM {table}")).await;
    let what = format!("{table}.{column} = {to}");
    assert_eq!(
        run(format!("UPDATE {table} SET {column} = {to} WHERE {row}")).await,
        1,
        "{what}"
    );
    assert_unreadable(&world.resolve("acme", "openai").await, &what);
    run(format!("DELETE FROM {table}")).await;
    run(format!("INSERT INTO {table} SELECT * FROM kept")).await;
    run("DROP TABLE kept".to_owned()).await;
    assert_eq!(
        secrets(&world.resolve("acme", "openai").await),
        [OWN, HOSTED],
        "{what}: not mended"
    );
    stranger.close().await.unwrap();
}

#[tokio::test]
async fn every_sealed_or_bound_column_of_a_key_makes_it_unreadable_when_damaged() {
    let world = world().await;
    let row = "owner = 'workspaces/acme'";
    for (column, to) in [
        ("owner", "'workspaces/globex'"),
        ("owner", "'platform'"),
        ("owner", "''"),
        ("provider", "'anthropic'"),
        ("provider", "'nobody'"),
        ("name", "'spare'"),
        ("name", "'NOT A NAME'"),
        ("row_id", "'01890a5d-ac96-774b-bcce-b302099a8057'"),
        ("version", "2"),
        ("version", "0"),
        ("version", "-1"),
        ("data_key_id", "'none'"),
        (
            "data_key_id",
            "(SELECT id FROM data_keys WHERE owner = 'platform')",
        ),
        ("envelope", "x''"),
        ("envelope", "substr(envelope, 1, length(envelope) - 1)"),
        ("envelope", "CAST(envelope || x'00' AS BLOB)"),
        ("envelope", "zeroblob(length(envelope))"),
        ("deleted_at", "1"),
        ("deleted_at", "-1"),
    ] {
        // The platform's own `default` stands in the way of a move there under the same name.
        if to == "'platform'" {
            world
                .sql("UPDATE keys SET name = 'moved' WHERE owner = 'workspaces/acme'")
                .await;
            assert_unreadable(&world.resolve("acme", "openai").await, "moved");
            world
                .sql("UPDATE keys SET owner = 'platform' WHERE owner = 'workspaces/acme'")
                .await;
            let response = world.resolve("acme", "openai").await;
            assert_unreadable(&response, "moved to the platform");
            assert_eq!(secrets(&response), [HOSTED]);
            world.sql("UPDATE keys SET owner = 'workspaces/acme', name = 'default' WHERE name = 'moved'").await;
            continue;
        }
        damaged(&world, "keys", row, column, to).await;
    }
}

#[tokio::test]
async fn every_column_that_the_data_key_needs_makes_its_keys_unreadable_when_damaged() {
    let world = world().await;
    let row = "owner = 'workspaces/acme'";
    for (column, to) in [
        ("id", "'another'"),
        ("owner", "'workspaces/globex'"),
        ("generation", "2"),
        ("generation", "-1"),
        ("master_key_id", "'0000000000000000'"),
        ("wrapped", "x''"),
        ("wrapped", "zeroblob(length(wrapped))"),
        (
            "wrapped",
            "(SELECT wrapped FROM data_keys WHERE owner = 'platform')",
        ),
        ("state", "'DESTROYED'"),
        ("state", "''"),
    ] {
        damaged(&world, "data_keys", row, column, to).await;
    }
}

#[tokio::test]
async fn every_bit_of_an_envelope_counts() {
    let world = world().await;
    let stranger = world.stranger().await;
    let select = "SELECT envelope FROM keys WHERE owner = 'workspaces/acme'";
    let row = stranger
        .query_one_raw(Statement::from_string(
            stranger.get_database_backend(),
            select,
        ))
        .await;
    let envelope: Vec<u8> = row.unwrap().unwrap().try_get_by_index(0).unwrap();
    // One bit in each byte here; every bit of every byte is the envelope's own test.
    for at in 0..envelope.len() {
        let mut flipped = envelope.clone();
        flipped[at] ^= 1 << (at % 8);
        let hex = hex::encode(flipped);
        world
            .sql(&format!(
                "UPDATE keys SET envelope = x'{hex}' WHERE owner = 'workspaces/acme'"
            ))
            .await;
        assert_unreadable(
            &world.resolve("acme", "openai").await,
            &format!("byte {at}"),
        );
    }
}

#[tokio::test]
async fn an_envelope_opens_in_its_own_row_only() {
    let world = world().await;
    let globex = world.workspace("globex").await;
    world
        .put(
            &globex,
            "workspaces/globex",
            "openai",
            "sk-keyway-test-globex",
        )
        .await;
    for (other, what) in [
        ("owner = 'workspaces/globex'", "workspace"),
        ("owner = 'platform'", "platform"),
    ] {
        // The whole sealed part moves: envelope, data key id and version.
        world.sql("CREATE TABLE kept AS SELECT * FROM keys").await;
        world
            .sql(&format!(
                "UPDATE keys SET (envelope, data_key_id, version) = \
                 (SELECT envelope, data_key_id, version FROM kept WHERE {other}) \
                 WHERE owner = 'workspaces/acme'"
            ))
            .await;
        let response = world.resolve("acme", "openai").await;
        assert_unreadable(&response, what);
        assert!(!secrets(&response).contains(&"sk-keyway-test-globex"));
        world
            .sql(
                "UPDATE keys SET (envelope, data_key_id, version) = \
                 (SELECT envelope, data_key_id, version FROM kept WHERE kept.row_id = keys.row_id)",
            )
            .await;
        world.sql("DROP TABLE kept").await;
    }
}

#[tokio::test]
async fn an_envelope_of_another_provider_name_or_version_does_not_open() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world
        .put(
            &acme,
            "workspaces/acme",
            "openai",
            "sk-keyway-test-version-1",
        )
        .await;
    world.sql("CREATE TABLE kept AS SELECT * FROM keys").await;
    world.put(&acme, "workspaces/acme", "openai", OWN).await;
    world
        .put(
            &acme,
            "workspaces/acme",
            "anthropic",
            "sk-keyway-test-anthropic",
        )
        .await;
    world
        .sql("INSERT INTO kept SELECT * FROM keys WHERE provider = 'anthropic'")
        .await;
    for from in [
        "version = 1 AND provider = 'openai'",
        "provider = 'anthropic'",
    ] {
        world
            .sql(&format!(
                "UPDATE keys SET envelope = (SELECT envelope FROM kept WHERE {from}) \
                 WHERE provider = 'openai'"
            ))
            .await;
        assert_unreadable(&world.resolve("acme", "openai").await, from);
    }
}

#[tokio::test]
async fn a_count_that_is_damaged_never_makes_a_key_vanish() {
    let world = world().await;
    for count in ["0", "-1", "5", "9223372036854775807"] {
        world
            .sql(&format!(
                "UPDATE key_pools SET live_count = {count} WHERE owner = 'workspaces/acme'"
            ))
            .await;
        let response = world.resolve("acme", "openai").await;
        assert!(secrets(&response).contains(&OWN), "{count}");
        assert!(response.own.unwrap().candidates.len() <= 11, "{count}");
    }
    world.sql("DELETE FROM key_pools").await;
    assert!(secrets(&world.resolve("acme", "openai").await).contains(&OWN));
}

#[tokio::test]
async fn taking_the_mark_off_a_deleted_key_revives_nothing() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let key = world.put(&acme, "workspaces/acme", "openai", OWN).await;
    let request = DeleteKeyRequest {
        name: key.name,
        ..Default::default()
    };
    world.keys(&acme).delete_key(request).await.unwrap();
    let own = world.resolve("acme", "openai").await.own.unwrap();
    assert!(own.counted == 0 && own.candidates.is_empty());
    world.sql("UPDATE keys SET deleted_at = NULL").await;
    assert_unreadable(&world.resolve("acme", "openai").await, "mark taken off");
}

#[tokio::test]
async fn storing_or_deleting_the_key_again_mends_a_pool_that_lost_a_row() {
    let world = world().await;
    world
        .sql("DELETE FROM keys WHERE owner = 'workspaces/acme'")
        .await;
    assert_unreadable(&world.resolve("acme", "openai").await, "lost");
    let admin = world.second_admin_token("acme").await;
    world.put(&admin, "workspaces/acme", "openai", OWN).await;
    assert_eq!(
        secrets(&world.resolve("acme", "openai").await),
        [OWN, HOSTED]
    );

    world
        .sql("DELETE FROM keys WHERE owner = 'workspaces/acme'")
        .await;
    let name = "workspaces/acme/keys/openai/default".to_owned();
    let request = DeleteKeyRequest {
        name,
        ..Default::default()
    };
    world.keys(&admin).delete_key(request).await.unwrap();
    let own = world.resolve("acme", "openai").await.own.unwrap();
    assert!(own.counted == 0 && own.candidates.is_empty());
}

#[tokio::test]
async fn storing_a_key_again_mends_a_damaged_data_key() {
    let world = world().await;
    let admin = world.second_admin_token("acme").await;
    world
        .sql("UPDATE data_keys SET wrapped = x'00' WHERE owner = 'workspaces/acme'")
        .await;
    assert_unreadable(&world.resolve("acme", "openai").await, "data key");
    world.put(&admin, "workspaces/acme", "openai", OWN).await;
    assert_eq!(
        secrets(&world.resolve("acme", "openai").await),
        [OWN, HOSTED]
    );
}
