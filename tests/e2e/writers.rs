//! Many writers at once on the embedded database: they wait for each other, and none is turned away.

use std::io::Write as _;
use std::time::Duration;

use keyway_proto::vault::v1::{PutKeyRequest, Role, TokenServiceCreateRequest, UpdateKeyRequest};
use tokio::time::Instant;
use tonic::{Request, Status};

use crate::harness::{Product, Speaker, Tenant};

const WRITERS: usize = 32;
const ROUNDS: usize = 8;
/// What a caller with little patience gives a change.
const DEADLINE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn of_32_writers_at_once_none_sees_the_database_busy_and_none_misses_its_deadline() {
    let product = Product::start().await;
    let tenant = product.tenant("acme").await;
    let mut running = Vec::new();
    for writer in 0..WRITERS {
        let (admin, name) = (tenant.admin.clone(), tenant.name.clone());
        running.push(tokio::spawn(write(admin, name, writer)));
    }
    let mut longest = Duration::ZERO;
    let mut done = 0;
    for writer in running {
        for (what, took, answer) in writer.await.expect("a task") {
            assert!(answer.is_ok(), "{what} after {took:?}: {answer:?}");
            longest = longest.max(took);
            done += 1;
        }
    }
    assert_eq!(done, WRITERS * ROUNDS * 3);
    assert_eq!(versions(&tenant).await, WRITERS * ROUNDS);
    let told = writeln!(
        std::io::stderr(),
        "{done} changes by {WRITERS} writers, the longest took {longest:?} of {DEADLINE:?}"
    );
    drop(told);
    product.stop().await;
}

type Answers = Vec<(&'static str, Duration, Result<(), Status>)>;

/// Stores a key, changes it and makes a token, again and again. Every writer stores under the same
/// name as seven others, so that they meet at a row as well.
async fn write(admin: Speaker, owner: String, writer: usize) -> Answers {
    let name = format!("shared-{}", writer % 4);
    let mut answers = Answers::new();
    for round in 0..ROUNDS {
        let put = PutKeyRequest {
            owner: owner.clone(),
            provider: "openai".to_owned(),
            key_name: name.clone(),
            secret: format!("sk-keyway-test-writer-{writer}-{round}"),
            ..Default::default()
        };
        let update = UpdateKeyRequest {
            name: format!("{owner}/keys/openai/{name}"),
            label: format!("{writer} {round}"),
            update_mask: Some(prost_types::FieldMask {
                paths: vec!["label".to_owned()],
            }),
            ..Default::default()
        };
        let token = TokenServiceCreateRequest {
            workspace: owner.clone(),
            role: Role::Caller.into(),
            ..Default::default()
        };
        let started = Instant::now();
        let answer = admin.vault.keys().put_key(within(put)).await.map(drop);
        answers.push(("PutKey", started.elapsed(), answer));
        let started = Instant::now();
        let answer = admin
            .vault
            .keys()
            .update_key(within(update))
            .await
            .map(drop);
        answers.push(("UpdateKey", started.elapsed(), answer));
        let started = Instant::now();
        let answer = admin.vault.tokens().create(within(token)).await.map(drop);
        answers.push(("Create", started.elapsed(), answer));
    }
    answers
}

fn within<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// The sum of the stored keys' versions: how many secrets were stored.
async fn versions(tenant: &Tenant) -> usize {
    let request = keyway_proto::vault::v1::ListKeysRequest {
        owner: tenant.name.clone(),
        ..Default::default()
    };
    let answer = tenant.admin.vault.keys().list_keys(request).await.unwrap();
    let versions = answer.into_inner().keys.into_iter().map(|key| key.version);
    usize::try_from(versions.sum::<u64>()).unwrap()
}
