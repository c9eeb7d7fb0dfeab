//! Over real files: what a copy of the database from before the destruction gives to somebody who
//! has the master key, and what one from after it does not.

use std::fs;
use std::time::Duration;

use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::{KeyState, ResolveKeysRequest, ResolveKeysResponse};
use keyway_vault_crypto::{self as crypto, SealContext, WrapContext};
use keyway_words::CallId;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, QueryResult, Statement};
use tempfile::TempDir;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

use super::{ACME, SECRET, delete, trusting};
use crate::master_key::{Readers, read_file};
use crate::tests::harness::{World, on_postgres, secrets, states, stranger_to};

#[tokio::test]
async fn a_copy_from_before_the_destruction_opens_with_the_master_key_and_one_from_after_does_not()
{
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let globex = world.workspace("globex").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    world
        .put(&globex, "workspaces/globex", "openai", OTHER)
        .await;
    let wrapped = wrapped_of(&world).await;
    delete(&world, &acme).await;

    let before = Copy::of(&world).await;
    assert_eq!(before.open_all(&world), [SECRET, OTHER]);
    assert!(before.found(&wrapped), "the search finds what is there");

    world.clock.advance(Duration::from_hours(72));
    trusting(&world).sweep().await.unwrap();
    let after = Copy::of(&world).await;
    assert_eq!(after.open_all(&world), [OTHER]);
    assert!(!after.found(&wrapped), "not in the log, not in a free page");
    for table in ["members", "tokens", "requests", "keys", "key_pools"] {
        let column = match table {
            "members" | "tokens" => "workspace",
            "requests" => "scope",
            _ => "owner",
        };
        let left = format!("SELECT count(*) FROM {table} WHERE {column} LIKE '%acme%'");
        assert_eq!(world.number(&left).await, 0, "{table}");
    }
    let facts = "SELECT count(*) FROM audit_rows WHERE facts LIKE '%data_keys_destroyed%'";
    assert_eq!(world.number(facts).await, 2, "in both chains");
}

#[tokio::test]
async fn a_second_vault_that_had_the_key_at_hand_opens_nothing_after_the_destruction() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    let replica = world.replica().await;
    assert_eq!(secrets(&resolve(&world, &replica).await), [SECRET]);
    world
        .sql("CREATE TABLE kept AS SELECT * FROM keys; CREATE TABLE pools AS SELECT * FROM key_pools")
        .await;
    delete(&world, &acme).await;
    world.clock.advance(Duration::from_hours(72));
    trusting(&world).sweep().await.unwrap();
    assert!(secrets(&resolve(&world, &replica).await).is_empty());
    // Somebody who brings everything back but the data key gets nothing from memory either.
    world
        .sql(
            "INSERT INTO keys SELECT * FROM kept; INSERT INTO key_pools SELECT * FROM pools; \
             UPDATE workspaces SET state = 'WORKSPACE_STATE_ACTIVE'",
        )
        .await;
    let resolved = resolve(&world, &replica).await;
    assert!(secrets(&resolved).is_empty());
    assert_eq!(states(resolved.own.as_ref()), [KeyState::Unreadable]);
}

#[tokio::test]
async fn an_end_that_was_interrupted_after_its_first_step_goes_on() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, ACME, "openai", SECRET).await;
    delete(&world, &acme).await;
    world.clock.advance(Duration::from_hours(72));
    world
        .sql("UPDATE workspaces SET destroyed_at = 1 WHERE id = 'acme'")
        .await;
    trusting(&world).sweep().await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM keys").await, 0);
    let purged = "SELECT count(*) FROM workspaces WHERE purged_at IS NOT NULL";
    assert_eq!(world.number(purged).await, 1);
    let rows = world.number("SELECT count(*) FROM audit_rows").await;
    trusting(&world).sweep().await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM audit_rows").await, rows);
}

const OTHER: &str = "sk-keyway-test-globex-9876543210";

async fn resolve(world: &World, data: &Channel) -> ResolveKeysResponse {
    let request = ResolveKeysRequest {
        workspace: ACME.to_owned(),
        provider: "openai".to_owned(),
        call_id: CallId::new().to_string(),
        key: String::new(),
    };
    LeaseServiceClient::new(InterceptedService::new(data.clone(), world.router.clone()))
        .resolve_keys(request)
        .await
        .unwrap()
        .into_inner()
}

/// What somebody gets who copies the database: on SQLite its files as they lie there, on PostgreSQL
/// what a dump holds (a server's own files keep old rows for a while, as `Store::scrub` says).
struct Copy {
    rows: Vec<QueryResult>,
    wrapped: Vec<Vec<u8>>,
    /// What database, log and index held before anybody opened the copy: who opens it and closes it
    /// again empties its log.
    files: Vec<Vec<u8>>,
}

impl Copy {
    async fn of(world: &World) -> Self {
        let folder = (!on_postgres()).then(|| files(world));
        let files = folder.as_ref().map_or_else(Vec::new, contents);
        let connection = match &folder {
            Some(folder) => stranger_to(&folder.path().join("vault.db"), "rw").await,
            None => world.stranger().await,
        };
        let rows = rows(&connection, ROWS).await;
        let wrapped = rows_of_data_keys(&connection).await;
        connection.close().await.unwrap();
        Self {
            rows,
            wrapped,
            files,
        }
    }

    /// Whether any 16 bytes of the wrapped key stand anywhere in the copy.
    fn found(&self, wrapped: &[u8]) -> bool {
        // The header of an envelope is the same in every row; what follows is not.
        let own = wrapped.get(wrapped.len() - 48..).unwrap();
        let stands_in = |bytes: &[u8]| {
            own.windows(16)
                .any(|piece| bytes.windows(16).any(|place| place == piece))
        };
        let mut everything = self.files.iter().chain(&self.wrapped);
        everything.any(|bytes| stands_in(bytes))
    }

    /// Everything of workspaces that the master key opens, read without any code of the vault's
    /// service.
    fn open_all(&self, world: &World) -> Vec<String> {
        let master = read_file(&world.database.key(), Readers::Owner).unwrap();
        let mut opened = Vec::new();
        for row in &self.rows {
            let text = |at: usize| row.try_get_by_index::<String>(at).unwrap_or_default();
            let number = |at: usize| row.try_get_by_index::<i64>(at).unwrap_or_default();
            let (id, owner) = (text(0), text(1));
            let context = WrapContext {
                owner: &owner,
                data_key_id: &id,
                generation: number(2).try_into().unwrap(),
            };
            let wrapped: Vec<u8> = row.try_get_by_index(3).unwrap();
            let Ok(data_key) = crypto::unwrap(&master, &context, &wrapped) else {
                continue;
            };
            let (provider, name, row_id) = (text(4), text(5), text(6));
            let context = SealContext {
                owner: &owner,
                provider: &provider,
                name: &name,
                row_id: &row_id,
                version: number(7).try_into().unwrap(),
                data_key_id: &id,
            };
            let envelope: Vec<u8> = row.try_get_by_index(8).unwrap_or_default();
            let secret = crypto::open(&data_key, &context, &envelope).unwrap();
            opened.push(secret.expose().to_owned());
        }
        opened
    }
}

fn contents(folder: &TempDir) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

/// Copies database, log and index.
fn files(world: &World) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(world.database.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name.to_str().unwrap().starts_with("vault.db") {
            fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    folder
}

const ROWS: &str = "SELECT d.id, d.owner, d.generation, d.wrapped, k.provider, k.name, k.row_id, \
                    k.version, k.envelope FROM data_keys d LEFT JOIN keys k ON k.data_key_id = d.id \
                    WHERE d.owner <> 'system' ORDER BY d.owner";

async fn rows(connection: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_all_raw(statement).await.unwrap()
}

async fn rows_of_data_keys(connection: &DatabaseConnection) -> Vec<Vec<u8>> {
    let rows = rows(connection, "SELECT wrapped FROM data_keys").await;
    let wrapped = rows.iter().map(|row| row.try_get_by_index(0).unwrap());
    wrapped.collect()
}

async fn wrapped_of(world: &World) -> Vec<u8> {
    let sql = "SELECT wrapped FROM data_keys WHERE owner = 'workspaces/acme'";
    let connection = world.stranger().await;
    let wrapped = rows(&connection, sql).await[0].try_get_by_index(0).unwrap();
    connection.close().await.unwrap();
    wrapped
}
