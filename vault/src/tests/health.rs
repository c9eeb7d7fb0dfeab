//! `ReportHealth`: what routers meet reaches the owner and the other routers, and nothing else.

use keyway_proto::convert;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::*;
use keyway_proto::{Reason, vault::v1::KeyState};
use tonic::Status;

use super::feed::Watch;
use super::harness::{Bearer, NOW, World, in_seconds, reason, states};

const SECRET: &str = "sk-keyway-test-0123456789abcd";
const KEY: &str = "workspaces/acme/keys/openai/default";

struct Setup {
    world: World,
    acme: Bearer,
}

async fn setup() -> Setup {
    let world = World::new().await;
    let acme = world.workspace("acme").await;
    world.put(&acme, "workspaces/acme", "openai", SECRET).await;
    Setup { world, acme }
}

fn change(name: &str, version: u64, state: KeyState) -> HealthChange {
    HealthChange {
        name: name.to_owned(),
        version,
        state: state.into(),
        reason: "HTTP 401".to_owned(),
        ..Default::default()
    }
}

impl Setup {
    async fn report(&self, by: &Bearer, changes: &[HealthChange]) -> Result<(), Status> {
        let changes = changes.to_vec();
        let request = ReportHealthRequest { changes };
        let mut lease = self.world.lease(by);
        lease.report_health(request).await.map(drop)
    }

    async fn tell(&self, version: u64, state: KeyState) {
        let changes = [change(KEY, version, state)];
        self.report(&self.world.router, &changes).await.unwrap();
    }

    async fn key(&self) -> Key {
        let request = GetKeyRequest {
            name: KEY.to_owned(),
        };
        let answer = self.world.keys(&self.acme).get_key(request).await;
        answer.unwrap().into_inner().key.unwrap()
    }

    async fn revision(&self) -> i64 {
        self.world.number("SELECT revision FROM feed").await
    }

    async fn audit_rows(&self) -> i64 {
        let rows = "SELECT count(*) FROM audit_rows WHERE rpc LIKE '%ReportHealth' AND chain = 'workspaces/acme'";
        self.world.number(rows).await
    }
}

#[tokio::test]
async fn a_rejected_key_is_shown_with_its_reason_and_no_revision_moves() {
    let setup = setup().await;
    let (before, etag) = (setup.revision().await, setup.key().await.etag);
    setup.tell(1, KeyState::Rejected).await;
    let key = setup.key().await;
    assert_eq!(key.state(), KeyState::Rejected);
    assert!(
        key.state_reason
            .starts_with("openai refused this key (HTTP 401) on 2026-11-24T00:00:00Z"),
        "{}",
        key.state_reason
    );
    assert!(key.state_reason.contains("KeyService.PutKey"));
    assert_eq!(key.etag, etag, "settings did not change");
    assert_eq!(setup.revision().await, before);
    let listed = ListKeysRequest {
        owner: "workspaces/acme".to_owned(),
        state: KeyState::Rejected.into(),
        ..Default::default()
    };
    let listed = setup.world.keys(&setup.acme).list_keys(listed).await;
    assert_eq!(listed.unwrap().into_inner().keys, [key]);
    let resolved = setup.world.resolve("acme", "openai").await;
    assert_eq!(states(resolved.own.as_ref()), [KeyState::Rejected]);
    assert_eq!(resolved.own.unwrap().candidates[0].health_number, 1);
}

#[tokio::test]
async fn a_late_report_of_an_old_version_changes_nothing_and_a_new_version_starts_well() {
    let setup = setup().await;
    setup.tell(1, KeyState::Rejected).await;
    let world = &setup.world;
    world
        .put(
            &setup.acme,
            "workspaces/acme",
            "openai",
            "sk-keyway-test-second-one",
        )
        .await;
    assert_eq!(setup.key().await.state(), KeyState::Active);
    for version in [0, 1, 3] {
        setup.tell(version, KeyState::Exhausted).await;
    }
    let key = setup.key().await;
    assert_eq!(
        (key.state(), key.state_reason.as_str()),
        (KeyState::Active, "")
    );
    let gone = change("workspaces/acme/keys/openai/gone", 1, KeyState::Rejected);
    setup.report(&world.router, &[gone]).await.unwrap();
}

#[tokio::test]
async fn a_limit_ends_by_itself_and_an_exhaustion_does_not() {
    let setup = setup().await;
    for (state, after) in [
        (KeyState::Limited, KeyState::Active),
        (KeyState::Exhausted, KeyState::Exhausted),
    ] {
        let until = in_seconds(if state == KeyState::Limited { 60 } else { 120 });
        let told = HealthChange {
            until,
            ..change(KEY, 1, state)
        };
        setup.report(&setup.world.router, &[told]).await.unwrap();
        let key = setup.key().await;
        assert_eq!((key.state(), key.state_until), (state, until));
        setup
            .world
            .clock
            .set(convert::from_timestamp(&until.unwrap()).unwrap());
        assert_eq!(setup.key().await.state(), after);
    }
    setup.tell(1, KeyState::Active).await;
    assert_eq!(setup.key().await.state(), KeyState::Active);
    setup.world.clock.set(NOW);
}

#[tokio::test]
async fn the_owners_chain_has_what_the_owner_must_act_on_once() {
    let setup = setup().await;
    for state in [
        KeyState::Rejected,
        KeyState::Rejected,
        KeyState::Active,
        KeyState::Active,
    ] {
        setup.tell(1, state).await;
    }
    assert_eq!(setup.audit_rows().await, 2);
    let limited = HealthChange {
        until: in_seconds(60),
        ..change(KEY, 1, KeyState::Limited)
    };
    setup.report(&setup.world.router, &[limited]).await.unwrap();
    setup.tell(1, KeyState::Active).await;
    assert_eq!(
        setup.audit_rows().await,
        2,
        "a limit comes and goes by itself"
    );
}

#[tokio::test]
async fn a_router_reports_only_of_keys_it_may_resolve_and_all_or_nothing() {
    let setup = setup().await;
    let world = &setup.world;
    let globex = world.workspace("globex").await;
    world
        .put(&globex, "workspaces/globex", "openai", SECRET)
        .await;
    let foreign = change(
        "workspaces/globex/keys/openai/default",
        1,
        KeyState::Rejected,
    );
    let both = [change(KEY, 1, KeyState::Rejected), foreign];
    let refused = setup.report(&world.acme_router, &both).await;
    assert_eq!(reason(refused), Reason::Denied);
    assert_eq!(setup.key().await.state(), KeyState::Active);
    setup.report(&world.acme_router, &both[..1]).await.unwrap();
    assert_eq!(setup.key().await.state(), KeyState::Rejected);
    for nobody in [&setup.acme, &world.operator] {
        let refused = setup.report(nobody, &both[..1]).await;
        assert_eq!(reason(refused), Reason::Denied);
    }
}

#[tokio::test]
async fn a_report_that_can_not_be_read_changes_nothing() {
    let setup = setup().await;
    let router = &setup.world.router;
    let good = change(KEY, 1, KeyState::Rejected);
    let unreadable = change(KEY, 1, KeyState::Unreadable);
    let refused = setup.report(router, &[good.clone(), unreadable]).await;
    assert_eq!(reason(refused), Reason::FieldInvalid);
    let refused = setup.report(router, &vec![good; 65]).await;
    assert_eq!(reason(refused), Reason::FieldInvalid);
    assert_eq!(setup.key().await.state(), KeyState::Active);
}

#[tokio::test]
async fn other_routers_hear_of_it_under_its_own_number_and_resume_there() {
    let setup = setup().await;
    let world = &setup.world;
    let mut all = Watch::open(world, &world.router, "", 0).await.unwrap();
    let mut listed = Watch::open(world, &world.acme_router, "", 0).await.unwrap();
    let started = all.started().await;
    listed.started().await;
    world
        .put(&world.operator, "platform", "openai", SECRET)
        .await;
    let globex = world.workspace("globex").await;
    world
        .put(&globex, "workspaces/globex", "openai", SECRET)
        .await;
    let foreign = "workspaces/globex/keys/openai/default";
    let hosted = "platform/keys/openai/default";
    let names = [foreign, KEY, hosted];
    let changes = names.map(|name| change(name, 1, KeyState::Rejected));
    setup.report(&world.router, &changes).await.unwrap();
    assert_eq!(
        health(&mut all, 3).await,
        [(foreign, 1), (KEY, 2), (hosted, 3)].map(owned)
    );
    assert_eq!(
        health(&mut listed, 2).await,
        [(KEY, 2), (hosted, 3)].map(owned)
    );

    let start = WatchStart {
        instance: "resumed".to_owned(),
        epoch: started.epoch,
        revision: started.revision,
        health_number: 2,
    };
    let mut resumed = Watch::start(world, &world.router, start).await.unwrap();
    assert_eq!(health(&mut resumed, 1).await, [owned((hosted, 3))]);
}

fn owned((name, number): (&str, u64)) -> (String, u64) {
    (name.to_owned(), number)
}

/// The next changes of health, by name and number.
async fn health(watch: &mut Watch, count: usize) -> Vec<(String, u64)> {
    let mut heard = Vec::new();
    while heard.len() < count {
        if let Told::Health(change) = watch.next().await {
            assert_eq!(change.state(), KeyState::Rejected);
            heard.push((change.name, change.health_number));
        }
    }
    heard
}
