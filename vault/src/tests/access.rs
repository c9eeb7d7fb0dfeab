//! Every RPC of the vault is behind the table: nobody without a credential, nobody with another
//! workspace's, and no RPC without a row.

use keyway_proto::vault::v1::*;
use keyway_proto::{FILE_DESCRIPTOR_SET, Reason};
use keyway_vault_access::{Cell, TABLE};
use keyway_words::Role as Word;
use prost_reflect::DescriptorPool;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use super::harness::{Bearer, Client, World, put_request, reason};
use crate::app::{ADMIN, DATA};

/// Full names of the vault's RPCs, from the descriptor set.
fn rpcs() -> Vec<String> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).unwrap();
    pool.services()
        .filter(|service| service.full_name().starts_with("keyway.vault."))
        .flat_map(|service| {
            service
                .methods()
                .map(|method| format!("{}/{}", service.full_name(), method.name()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Calls any RPC with an empty message.
async fn call(client: Client, rpc: &str) -> Result<(), Status> {
    let mut grpc = Grpc::new(client);
    grpc.ready()
        .await
        .map_err(|error| Status::unknown(error.to_string()))?;
    let path: PathAndQuery = format!("/{rpc}").parse().unwrap();
    let codec = ProstCodec::<ListProvidersRequest, ListProvidersRequest>::default();
    let request = Request::new(ListProvidersRequest {});
    grpc.server_streaming(request, path, codec)
        .await?
        .into_inner()
        .message()
        .await
        .map(drop)
}

fn client(world: &World, rpc: &str, bearer: &Bearer) -> Client {
    let service = rpc.split('/').next().unwrap();
    assert!(
        ADMIN.contains(&service) || DATA.contains(&service),
        "{service} is not served"
    );
    let channel = if DATA.contains(&service) {
        &world.data
    } else {
        &world.admin
    };
    Client::new(channel.clone(), bearer.clone())
}

#[test]
fn every_rpc_has_a_row_and_every_row_an_rpc() {
    let mut rpcs = rpcs();
    let mut table: Vec<_> = TABLE
        .iter()
        .map(|row| row.rpc.to_owned())
        .filter(|rpc| rpc.starts_with("keyway.vault."))
        .collect();
    rpcs.sort();
    table.sort();
    assert_eq!(rpcs, table);
    assert!(rpcs.len() > 30);
}

#[tokio::test]
async fn nobody_without_a_credential_reaches_any_rpc() {
    let world = World::new().await;
    let unknown = keyway_vault_crypto::token::generate(
        keyway_vault_crypto::token::TokenKind::Operator,
        &mut keyway_vault_crypto::OsRandom,
    )
    .unwrap();
    let bearers = [
        Bearer::default(),
        Bearer::new("x"),
        Bearer::new(unknown.expose()),
    ];
    for rpc in rpcs() {
        let mut messages = Vec::new();
        for bearer in &bearers {
            let status = call(client(&world, &rpc, bearer), &rpc).await.unwrap_err();
            messages.push(status.message().to_owned());
            assert_eq!(reason(Err::<(), _>(status)), Reason::CallerUnknown, "{rpc}");
        }
        messages.dedup();
        assert_eq!(messages.len(), 1, "{rpc}");
    }
}

#[tokio::test]
async fn a_role_with_an_empty_cell_is_denied_and_no_other_is() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let member = MemberServicePutRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: "service:reader".to_owned(),
        role: Role::Reader.into(),
        ..Default::default()
    };
    world.members(&acme).put(member).await.unwrap();
    let reader = world
        .token(&acme, "acme", Role::Reader, "service:reader")
        .await;
    let caller = world.token(&acme, "acme", Role::Caller, "").await;
    let auditor = TokenServiceCreateRequest {
        role: Role::Auditor.into(),
        subject: "service:auditor".to_owned(),
        ..Default::default()
    };
    let auditor = world
        .tokens(&world.operator)
        .create(auditor)
        .await
        .unwrap()
        .into_inner();
    let roles = [
        (Word::Caller, caller),
        (Word::Reader, reader),
        (Word::Admin, acme.clone()),
        (Word::Auditor, Bearer::new(&auditor.secret)),
        (Word::Operator, world.operator.clone()),
        (Word::Router, world.router.clone()),
    ];
    for rpc in rpcs() {
        let row = keyway_vault_access::row(&rpc).unwrap();
        for (role, bearer) in &roles {
            // An empty message would revoke the very token that is tried next.
            if rpc.ends_with("TokenService/Revoke") {
                continue;
            }
            let answer = call(client(&world, &rpc, bearer), &rpc).await;
            let denied = matches!(&answer, Err(status) if
                keyway_proto::status::refusal(status).reason == Some(Reason::Denied));
            match row.cell(Some(*role)) {
                Cell::Empty => assert!(denied, "{rpc} {role}: {answer:?}"),
                Cell::All | Cell::Yes | Cell::Listed if !rpc.ends_with("ResolveKeys") => {
                    assert!(!denied, "{rpc} {role}: {answer:?}");
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn another_workspace_is_denied_in_the_same_words_whether_it_exists_or_not() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.workspace("globex").await;
    let mut keys = world.keys(&acme);
    let mut statuses = Vec::new();
    for owner in [
        "workspaces/globex",
        "workspaces/nowhere",
        "platform",
        "not an owner",
    ] {
        // The secret is not valid either: access is decided before fields are looked at.
        let status = keys
            .put_key(put_request(owner, "nobody", ""))
            .await
            .unwrap_err();
        assert_eq!(
            reason(Err::<(), _>(status.clone())),
            Reason::Denied,
            "{owner}"
        );
        statuses.push((status.message().to_owned(), status.details().to_vec()));
    }
    statuses.dedup();
    assert_eq!(statuses.len(), 1);
}

#[tokio::test]
async fn an_operator_may_only_switch_a_workspaces_key_off() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let name = world
        .put(
            &acme,
            "workspaces/acme",
            "openai",
            "sk-keyway-test-0123456789",
        )
        .await
        .name;
    let mut keys = world.keys(&world.operator);
    let put = put_request("workspaces/acme", "openai", "sk-keyway-test-of-operator");
    assert_eq!(reason(keys.put_key(put).await), Reason::Denied);
    let update = |disabled| UpdateKeyRequest {
        name: name.clone(),
        disabled,
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["disabled".to_owned()],
        }),
        ..Default::default()
    };
    assert_eq!(reason(keys.update_key(update(false)).await), Reason::Denied);
    keys.update_key(update(true)).await.unwrap();
}
