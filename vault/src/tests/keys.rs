//! `KeyService`.

mod lists;
mod repeats;

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
