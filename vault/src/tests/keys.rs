//! `KeyService`.

use keyway_proto::Reason;
use keyway_proto::vault::v1::*;
use prost_types::FieldMask;

use super::harness::{World, in_seconds, put_request, reason, secrets, states};

const SECRET: &str = "sk-keyway-test-0123456789abcd";

fn update(name: &str, paths: &[&str]) -> UpdateKeyRequest {
    UpdateKeyRequest {
        name: name.to_owned(),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_key_goes_in_shows_its_mask_and_comes_out_at_the_router_only() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    assert_eq!(key.name, "workspaces/acme/keys/openai/default");
    assert_eq!(
        (key.version, key.mask.as_str(), key.state()),
        (1, "…abcd", KeyState::Active)
    );
    let get = GetKeyRequest {
        name: key.name.clone(),
    };
    let got = world.keys(&acme).get_key(get).await.unwrap().into_inner();
    assert!(!format!("{got:?}").contains(SECRET));
    assert_eq!(got.key.unwrap(), key);
    let response = world.resolve("acme", "openai").await;
    assert_eq!(secrets(&response), [SECRET]);
    assert_eq!(response.workspace_state(), WorkspaceState::Active);
    assert_eq!(response.own.unwrap().order(), PoolOrder::Ordered);
    assert_eq!(response.lease.unwrap().seconds, 900);
}

#[tokio::test]
async fn a_new_secret_is_a_new_version_and_equal_secrets_have_equal_fingerprints() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let globex = world.workspace("globex").await;
    let one = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let two = world
        .put(
            &acme,
            "workspaces/acme",
            "openai",
            "sk-keyway-test-another-one",
        )
        .await;
    let three = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let other = world
        .put(&globex, "workspaces/globex", "openai", SECRET)
        .await;
    assert_eq!([one.version, two.version, three.version], [1, 2, 3]);
    assert_eq!(one.fingerprint, three.fingerprint);
    assert!(one.fingerprint != two.fingerprint && one.fingerprint != other.fingerprint);
    assert_ne!(one.etag, three.etag);
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [SECRET]);
}

#[tokio::test]
async fn a_deleted_key_is_no_key_and_whoever_takes_its_name_goes_on_from_its_version() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    let delete = DeleteKeyRequest {
        name: key.name.clone(),
        ..Default::default()
    };
    world.keys(&acme).delete_key(delete.clone()).await.unwrap();
    assert_eq!(
        reason(world.keys(&acme).delete_key(delete).await),
        Reason::KeyNotFound
    );
    let own = world.resolve("acme", "openai").await.own.unwrap();
    assert!(own.counted == 0 && own.candidates.is_empty());
    let again = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    // Its health, and what it costs, are not the deleted one's.
    assert_eq!(again.version, key.version + 1);
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [SECRET]);
}

#[tokio::test]
async fn an_update_changes_what_its_mask_names_and_nothing_else() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let name = world
        .put(&acme, "workspaces/acme", "openai", SECRET)
        .await
        .name;
    let mut keys = world.keys(&acme);
    let request = UpdateKeyRequest {
        label: "spare".to_owned(),
        disabled: true,
        order: 7,
        ..update(&name, &["label", "order"])
    };
    let key = keys
        .update_key(request)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(
        (key.label.as_str(), key.order, key.disabled),
        ("spare", 7, false)
    );
    for (paths, field) in [(&[][..], "update_mask"), (&["secret"][..], "update_mask")] {
        let status = keys.update_key(update(&name, paths)).await.unwrap_err();
        assert!(status.message().starts_with(field), "{}", status.message());
    }
    let stale = UpdateKeyRequest {
        etag: "old".to_owned(),
        ..update(&name, &["label"])
    };
    assert_eq!(reason(keys.update_key(stale).await), Reason::StaleEtag);
}

#[tokio::test]
async fn disabled_and_expired_keys_are_candidates_without_their_secrets() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let name = world
        .put(&acme, "workspaces/acme", "openai", SECRET)
        .await
        .name;
    let request = UpdateKeyRequest {
        disabled: true,
        ..update(&name, &["disabled"])
    };
    world.keys(&acme).update_key(request).await.unwrap();
    let response = world.resolve("acme", "openai").await;
    assert_eq!(states(response.own.as_ref()), [KeyState::Disabled]);
    assert!(secrets(&response).is_empty());

    let request = UpdateKeyRequest {
        expire_time: in_seconds(60),
        ..update(&name, &["disabled", "expire_time"])
    };
    world.keys(&acme).update_key(request).await.unwrap();
    assert_eq!(secrets(&world.resolve("acme", "openai").await), [SECRET]);
    world.clock.advance(std::time::Duration::from_mins(1));
    let response = world.resolve("acme", "openai").await;
    assert_eq!(states(response.own.as_ref()), [KeyState::Expired]);
    assert!(secrets(&response).is_empty());
}

#[tokio::test]
async fn a_pool_is_in_order_and_holds_ten_keys() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let put = async |name: &str, order| {
        let request = PutKeyRequest {
            key_name: name.to_owned(),
            order: Some(order),
            ..put_request(
                "workspaces/acme",
                "openai",
                &format!("sk-keyway-test-{name}-secret"),
            )
        };
        world.keys(&acme).put_key(request).await
    };
    for (number, name) in ["j", "i", "h", "g", "f", "e", "d", "c", "b", "a"]
        .iter()
        .enumerate()
    {
        put(name, u32::try_from(number / 2).unwrap()).await.unwrap();
    }
    assert_eq!(reason(put("k", 0).await), Reason::LimitReached);
    put("a", 4).await.unwrap();
    let own = world.resolve("acme", "openai").await.own.unwrap();
    let names: Vec<_> = own
        .candidates
        .iter()
        .map(|c| c.name.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["i", "j", "g", "h", "e", "f", "c", "d", "a", "b"]);
    assert_eq!(own.counted, 10);
}

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
async fn a_request_repeated_gets_its_first_answer_and_another_under_its_id_is_refused() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let put = async |request: &PutKeyRequest| world.keys(&acme).put_key(request.clone()).await;
    let first = put(&request).await.unwrap().into_inner();
    assert_eq!(put(&request).await.unwrap().into_inner(), first);
    let other = PutKeyRequest {
        secret: "sk-keyway-test-another".to_owned(),
        ..request.clone()
    };
    assert_eq!(reason(put(&other).await), Reason::RequestRepeated);
    world.clock.advance(std::time::Duration::from_hours(25));
    assert_eq!(
        put(&other).await.unwrap().into_inner().key.unwrap().version,
        2
    );
}

#[tokio::test]
async fn checking_only_stores_nothing() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        validate_only: true,
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let key = world
        .keys(&acme)
        .put_key(request)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(key.version, 1);
    assert_eq!(world.number("SELECT count(*) FROM keys").await, 0);
    assert_eq!(
        world
            .number("SELECT count(*) FROM data_keys WHERE owner <> 'system'")
            .await,
        0
    );
}

#[tokio::test]
async fn an_etag_stands_for_a_key_that_exists() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let with = |etag: &str| PutKeyRequest {
        etag: etag.to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    assert_eq!(
        reason(world.keys(&acme).put_key(with("any")).await),
        Reason::StaleEtag
    );
    let key = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    world.keys(&acme).put_key(with(&key.etag)).await.unwrap();
    assert_eq!(
        reason(world.keys(&acme).put_key(with(&key.etag)).await),
        Reason::StaleEtag
    );
}

#[tokio::test]
async fn no_plaintext_reaches_the_database_files() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    world.keys(&acme).put_key(request).await.unwrap();
    world.resolve("acme", "openai").await;
    let token = acme.0.clone().unwrap();
    for entry in std::fs::read_dir(world.database.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap() == "operator" {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        for planted in [SECRET, token.as_str()] {
            for piece in planted.as_bytes().windows(12) {
                assert!(
                    !bytes.windows(12).any(|found| found == piece),
                    "{}",
                    path.display()
                );
            }
        }
    }
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
async fn a_new_secret_lifts_nothing_that_the_key_was_bound_to() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let first = PutKeyRequest {
        label: "spare".to_owned(),
        order: Some(3),
        allowed_models: vec!["gpt-*".to_owned()],
        expire_time: in_seconds(60),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let mut keys = world.keys(&acme);
    let first = keys.put_key(first).await.unwrap().into_inner().key.unwrap();
    let rotated = world
        .put(
            &acme,
            "workspaces/acme",
            "openai",
            "sk-keyway-test-next-one",
        )
        .await;
    assert_eq!(rotated.version, 2);
    assert_eq!(
        (
            &rotated.label,
            rotated.order,
            &rotated.allowed_models,
            rotated.expire_time
        ),
        (&first.label, 3, &first.allowed_models, first.expire_time)
    );
    world.clock.advance(std::time::Duration::from_mins(1));
    let late = world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    assert_eq!(late.state(), KeyState::Active, "a time that is over goes");
    assert_eq!(late.allowed_models, ["gpt-*"]);
}

#[tokio::test]
async fn checking_only_finds_that_a_pool_is_full() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let named = |name: &str| PutKeyRequest {
        key_name: name.to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"] {
        world.keys(&acme).put_key(named(name)).await.unwrap();
    }
    let request = PutKeyRequest {
        validate_only: true,
        ..named("k")
    };
    let refused = world.keys(&acme).put_key(request).await;
    assert_eq!(reason(refused), Reason::LimitReached);
}

#[tokio::test]
async fn of_equal_requests_at_once_one_is_done_and_all_get_its_answer() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let request = PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", SECRET)
    };
    let all = (0..8).map(|_again| {
        let (mut keys, request) = (world.keys(&acme), request.clone());
        async move { keys.put_key(request).await }
    });
    for answer in futures::future::join_all(all).await {
        assert_eq!(answer.unwrap().into_inner().key.unwrap().version, 1);
    }
    let puts = "SELECT count(*) FROM audit_rows WHERE rpc LIKE '%/PutKey'";
    assert_eq!(world.number(puts).await, 1);
}

#[tokio::test]
async fn a_request_id_belongs_to_the_subject_that_used_it() {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    let second = MemberServicePutRequest {
        workspace: "workspaces/acme".to_owned(),
        subject: "service:second".to_owned(),
        role: Role::Admin.into(),
        ..Default::default()
    };
    world.members(&acme).put(second).await.unwrap();
    let second = world
        .token(&acme, "acme", Role::Admin, "service:second")
        .await;
    let request = |secret: &str| PutKeyRequest {
        request_id: "one".to_owned(),
        ..put_request("workspaces/acme", "openai", secret)
    };
    world.keys(&acme).put_key(request(SECRET)).await.unwrap();
    let other = request("sk-keyway-test-another-one");
    let answer = world.keys(&second).put_key(other).await.unwrap();
    assert_eq!(answer.into_inner().key.unwrap().version, 2);
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
