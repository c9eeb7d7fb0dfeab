//! What `ListKeys` and `ListProviders` show.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;

use super::SECRET;
use crate::tests::harness::{World, reason};

#[tokio::test]
async fn pages_cover_the_list_once_and_a_token_fits_its_own_list_only() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    for provider in ["openai", "exa", "anthropic"] {
        world.put(&acme, "workspaces/acme", provider, SECRET).await;
    }
    let request = ListKeysRequest {
        owner: "workspaces/acme".to_owned(),
        page_size: 2,
        ..Default::default()
    };
    let first = world
        .keys(&acme)
        .list_keys(request.clone())
        .await
        .unwrap()
        .into_inner();
    let rest = ListKeysRequest {
        page_token: first.next_page_token.clone(),
        ..request.clone()
    };
    let second = world
        .keys(&acme)
        .list_keys(rest)
        .await
        .unwrap()
        .into_inner();
    let providers: Vec<_> = first
        .keys
        .iter()
        .chain(&second.keys)
        .map(|key| key.provider.as_str())
        .collect();
    assert_eq!(providers, ["anthropic", "exa", "openai"]);
    assert!(second.next_page_token.is_empty());
    let elsewhere = ListKeysRequest {
        provider: "exa".to_owned(),
        page_token: first.next_page_token,
        ..request
    };
    assert_eq!(
        reason(world.keys(&acme).list_keys(elsewhere).await),
        Reason::FieldInvalid
    );
}

#[tokio::test]
async fn a_list_by_a_state_that_nobody_knows_is_refused_and_not_the_whole_list() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = ListKeysRequest {
        owner: "workspaces/acme".to_owned(),
        state: 77,
        ..Default::default()
    };
    let refused = world.keys(&acme).list_keys(request).await;
    assert_eq!(reason(refused), Reason::FieldInvalid);
}

#[tokio::test]
async fn every_provider_of_the_product_can_be_listed_with_what_its_keys_look_like() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let answer = world
        .keys(&acme)
        .list_providers(ListProvidersRequest {})
        .await;
    let providers = answer.unwrap().into_inner().providers;
    let ids: Vec<&str> = providers.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["anthropic", "exa", "google", "mistral", "openai"]);
    for one in &providers {
        let told = [&one.display_name, &one.format_hint, &one.probe_cost];
        assert!(told.iter().all(|text| !text.is_empty()), "{one:?}");
        assert!(!one.used_for.is_empty(), "{one:?}");
    }
}
