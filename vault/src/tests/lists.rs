//! Lists of keys by state: full pages, whatever stands between the keys that are wanted.

use std::time::Duration;

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use prost_types::FieldMask;

use super::harness::{Bearer, World, in_seconds, put_request, reason};

const ACME: &str = "workspaces/acme";

async fn put(world: &World, by: &Bearer, provider: &str, name: &str) {
    let request = PutKeyRequest {
        key_name: name.to_owned(),
        ..put_request(ACME, provider, &format!("sk-keyway-test-{provider}-{name}"))
    };
    world.keys(by).put_key(request).await.unwrap();
}

async fn update(world: &World, by: &Bearer, name: &str, change: UpdateKeyRequest, path: &str) {
    let request = UpdateKeyRequest {
        name: format!("{ACME}/keys/{name}"),
        update_mask: Some(FieldMask {
            paths: vec![path.to_owned()],
        }),
        ..change
    };
    world.keys(by).update_key(request).await.unwrap();
}

/// Every page of a list by state, as the names on it.
async fn pages(world: &World, by: &Bearer, state: KeyState, page_size: i32) -> Vec<Vec<String>> {
    let (mut pages, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListKeysRequest {
            owner: ACME.to_owned(),
            state: state.into(),
            page_size,
            page_token,
            ..Default::default()
        };
        let page = world
            .keys(by)
            .list_keys(request)
            .await
            .unwrap()
            .into_inner();
        assert!(page.keys.iter().all(|key| key.state() == state));
        let name = |key: Key| format!("{}/{}", key.provider, key.key_name);
        pages.push(page.keys.into_iter().map(name).collect());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
    }
}

#[tokio::test]
async fn a_page_by_state_is_full_while_more_keys_match() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for provider in ["anthropic", "exa", "openai"] {
        for name in ["a", "b", "c", "d"] {
            put(&world, &acme, provider, name).await;
        }
    }
    let off = UpdateKeyRequest {
        disabled: true,
        ..Default::default()
    };
    for name in ["anthropic/d", "exa/a", "openai/b", "openai/c", "openai/d"] {
        update(&world, &acme, name, off.clone(), "disabled").await;
    }
    assert_eq!(
        pages(&world, &acme, KeyState::Disabled, 2).await,
        [
            vec!["anthropic/d", "exa/a"],
            vec!["openai/b", "openai/c"],
            vec!["openai/d"]
        ]
    );
    let active = pages(&world, &acme, KeyState::Active, 7).await;
    assert_eq!(active.len(), 1, "no empty page after the last");
    assert_eq!(active[0].len(), 7);
}

#[tokio::test]
async fn a_list_by_state_knows_the_time_and_what_opens() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for name in ["a", "b", "c"] {
        put(&world, &acme, "openai", name).await;
    }
    let soon = UpdateKeyRequest {
        expire_time: in_seconds(60),
        ..Default::default()
    };
    update(&world, &acme, "openai/a", soon, "expire_time").await;
    assert_eq!(
        pages(&world, &acme, KeyState::Expired, 50).await,
        [Vec::<String>::new()]
    );
    world.clock.advance(Duration::from_mins(1));
    world
        .sql("UPDATE keys SET envelope = x'00' WHERE name = 'b'")
        .await;
    let of = async |state| pages(&world, &acme, state, 50).await;
    assert_eq!(of(KeyState::Expired).await, [["openai/a"]]);
    assert_eq!(of(KeyState::Unreadable).await, [["openai/b"]]);
    assert_eq!(of(KeyState::Active).await, [["openai/c"]]);
}

#[tokio::test]
async fn a_page_token_of_one_state_is_none_of_another() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for name in ["a", "b"] {
        put(&world, &acme, "openai", name).await;
    }
    let request = |state: KeyState, page_token: String| ListKeysRequest {
        owner: ACME.to_owned(),
        state: state.into(),
        page_size: 1,
        page_token,
        ..Default::default()
    };
    let mut keys = world.keys(&acme);
    let first = keys.list_keys(request(KeyState::Active, String::new()));
    let token = first.await.unwrap().into_inner().next_page_token;
    assert!(!token.is_empty());
    let other = keys.list_keys(request(KeyState::Disabled, token)).await;
    assert_eq!(reason(other), Reason::FieldInvalid);
}

#[tokio::test]
async fn an_operator_learns_that_there_is_no_such_workspace_and_a_stranger_does_not() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = ListKeysRequest {
        owner: "workspaces/nowhere".to_owned(),
        ..Default::default()
    };
    let operator = world.keys(&world.operator).list_keys(request.clone()).await;
    assert_eq!(reason(operator), Reason::WorkspaceNotFound);
    let stranger = world.keys(&acme).list_keys(request).await;
    assert_eq!(reason(stranger), Reason::Denied);
}
