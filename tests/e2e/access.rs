//! Who may do what, over the wire: the written table against every RPC of every listener, as
//! everybody, in every workspace. Whatever comes back is searched for secrets.

mod beside;
mod cells;
mod matrix;
mod people;
mod reflection;
mod requests;
mod table;
mod wire;
mod world;

use std::collections::BTreeSet;
use std::io::Write as _;

use keyway_proto::RPCS;
use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest, TokenServiceRevokeRequest};
use prost::Message as _;
use tonic::Code;

use crate::harness::Logs;
use beside::Beside;
use cells::{Does, Names, Standing};
use matrix::{Outcome, check};
use requests::ACME;
use table::Row;
use world::{Door, World};

/// RPCs that every listener has.
const STANDARD: [&str; 5] = [
    "grpc.health.v1.Health/Check",
    "grpc.health.v1.Health/List",
    "grpc.health.v1.Health/Watch",
    "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];
const WHO_AM_I: &str = "keyway.vault.v1.TokenService/WhoAmI";
const REVOKE: &str = "keyway.vault.v1.TokenService/Revoke";

fn every_rpc() -> Vec<String> {
    let every = RPCS.iter().chain(&STANDARD);
    every.map(|rpc| (*rpc).to_owned()).collect()
}

#[test]
fn the_table_with_full_names_is_the_designs() {
    let designed = table::designed(&every_rpc()).unwrap_or_else(|error| panic!("{error}"));
    let sorted = |mut rows: Vec<Row>| {
        rows.sort();
        rows
    };
    assert_eq!(sorted(designed), sorted(table::written()));
}

#[tokio::test]
async fn every_rpc_answers_everybody_as_the_table_says_and_shows_no_secret() {
    let world = World::new().await;
    let _logs = Logs(&world.product);
    let table = table::written();
    let (mut outcome, mut walked) = (Outcome::default(), BTreeSet::new());
    for door in world.doors() {
        let mut rpcs = reflection::rpcs(&door.open_to_all()).await;
        rpcs.extend(STANDARD.map(str::to_owned)); // it names no older version of itself
        rpcs.sort();
        rpcs.dedup();
        outcome = outcome.with(check(&world, &door, &rpcs, &table).await);
        walked.extend(rpcs);
    }
    outcome = outcome.with(ends(&world, &table).await);
    // Nobody lost a token to a request that was denied, or that was for somebody else.
    let still_there = [WHO_AM_I.to_owned()];
    outcome = outcome.with(check(&world, &world.doors()[0], &still_there, &table).await);

    let every: BTreeSet<String> = every_rpc().into_iter().collect();
    assert_eq!(
        walked, every,
        "what the listeners offer is not what the contract has"
    );
    let report = format!(
        "{} RPCs, {} credentials: {} cells compared, {} of them allowed\n",
        walked.len(),
        world.credentials.len(),
        outcome.cells,
        outcome.allowed
    );
    std::io::stderr()
        .write_all(report.as_bytes())
        .expect("a report");
    assert!(
        outcome.violations.is_empty(),
        "{} are wrong:\n{}",
        outcome.violations.len(),
        outcome.violations.join("\n")
    );
    assert_eq!(
        outcome.denials.len(),
        1,
        "denials differ: {:?}",
        outcome.denials
    );
    assert_eq!(
        outcome.strangers.len(),
        1,
        "strangers are told apart: {:?}",
        outcome.strangers
    );
    let keys = [ACME, requests::GLOBEX, "platform"].map(|owner| format!("key of {owner}"));
    for key in keys {
        assert!(
            outcome.shown.contains(&key),
            "the search did not find the {key} where it stands"
        );
    }
    assert!(outcome.cells > 4_000, "only {} cells", outcome.cells);
}

/// Everybody ends a token that only this is for, by its accessor and without: who may, is nobody
/// afterwards.
async fn ends(world: &World, table: &[Row]) -> Outcome {
    let rows: Vec<&Row> = table.iter().filter(|row| row.rpc == REVOKE).collect();
    let channel = world.doors()[0].open_to_all();
    let mut outcome = Outcome::default();
    for (column, role) in [
        (1, Role::Caller),
        (2, Role::Reader),
        (3, Role::Admin),
        (4, Role::Operator),
        (5, Role::Auditor),
    ] {
        let workspace = (column < 4).then(|| ACME.to_owned());
        let who = Standing {
            column,
            workspace: workspace.clone(),
            listed: None,
        };
        for by_accessor in [false, true] {
            let (token, accessor) = throwaway(world, role, workspace.clone()).await;
            let request = TokenServiceRevokeRequest {
                accessor: if by_accessor { accessor } else { String::new() },
                ..Default::default()
            };
            let headers = [format!("Bearer {token}")];
            let heard = wire::call(
                &channel,
                &headers,
                REVOKE,
                vec![request.encode_to_vec()],
                false,
            )
            .await;
            let may = cells::allowed(&rows, &who, &Names::Caller, Does::EndsItself).expect("a row");
            let after = wire::call(&channel, &headers, WHO_AM_I, vec![Vec::new()], false).await;
            outcome.cells += 1;
            if (heard.code == Code::Ok) != may || (after.code == Code::Unauthenticated) != may {
                outcome
                    .violations
                    .push(format!("{role:?} ends itself: {heard:?}, then {after:?}"));
            }
        }
    }
    outcome
}

async fn throwaway(world: &World, role: Role, workspace: Option<String>) -> (String, String) {
    let maker = if workspace.is_some() {
        "admin of workspaces/acme"
    } else {
        "operator"
    };
    let maker = world
        .credentials
        .iter()
        .find(|one| one.name == maker)
        .expect("a maker");
    let speaker = world
        .product
        .speaker(maker.headers[0].trim_start_matches("Bearer "));
    let request = TokenServiceCreateRequest {
        workspace: workspace.unwrap_or_default(),
        role: role.into(),
        ..Default::default()
    };
    let created = speaker
        .vault
        .tokens()
        .create(request)
        .await
        .expect("a token")
        .into_inner();
    (created.secret, created.token.expect("a token").accessor)
}

#[tokio::test]
async fn a_handler_beside_the_layers_an_rpc_without_a_row_and_a_key_in_an_answer_are_reported() {
    let world = World::new().await;
    let table = table::written();
    let wrong = Beside::start(&world.handles.key).await;
    let door = Door {
        name: "wrong server",
        address: wrong.address,
        tls: None,
        knows_routers: true,
    };
    let rpcs: Vec<String> = ["List", "Export", "Checkpoint"]
        .map(|method| format!("keyway.vault.v1.AuditService/{method}"))
        .to_vec();
    let outcome = check(&world, &door, &rpcs, &table).await;
    let reported = |text: &str| {
        outcome
            .violations
            .iter()
            .filter(|line| line.contains(text))
            .count()
    };
    let refused = outcome.cells - outcome.allowed;
    assert_eq!(
        reported("by the table, but"),
        refused,
        "a cell went unnoticed"
    );
    assert!(refused > outcome.allowed);
    assert_eq!(
        reported("message shows the stored key, base64") * 3,
        outcome.cells
    );

    let door = &world.doors()[0];
    let forgotten: Vec<Row> = table
        .into_iter()
        .filter(|row| row.rpc != WHO_AM_I)
        .collect();
    let outcome = check(&world, door, &[WHO_AM_I.to_owned()], &forgotten).await;
    assert_eq!(outcome.violations, [format!("{WHO_AM_I} has no row")]);
    let outcome = check(
        &world,
        door,
        &["keyway.vault.v1.KeyService/Export".to_owned()],
        &forgotten,
    )
    .await;
    assert_eq!(outcome.violations.len(), 2, "{:?}", outcome.violations);
}
