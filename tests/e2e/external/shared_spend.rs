//! One limit of spend and of requests for two routers on one PostgreSQL, also when one of them is killed with calls in flight.

use futures::future::join_all;
use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::vault::v1::{Limits, OperatorLimits, WorkspaceServiceUpdateRequest};
use keyway_test_servers::Postgres;
use keyway_words::Usd;
use prost_types::FieldMask;
use serde_json::json;
use tonic::Status;

use crate::harness::{Logs, Product, VaultDatabase, reason, wait_for};
use crate::spend::{
    at_once, charge, limited, settled, setup, small, stands, times, until_refused, usd,
};

const PARALLEL: usize = 1_000;

#[tokio::test]
async fn two_routers_spend_no_more_than_one_limit_and_a_dead_one_gives_its_slice_back() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "shared_spend").await;
    let ledger = [
        ("KEYWAY_ROUTER__LEDGER__PATH", ""),
        ("KEYWAY_ROUTER__LEDGER__URL", database.url.as_str()),
        ("KEYWAY_ROUTER__LEDGER__LEASE", "6s"),
    ];
    let setup = ledger
        .iter()
        .fold(setup(), |setup, (name, value)| setup.with(name, value));
    let mut product = setup.start().await;
    let second = product.second_router(&ledger).await;
    let tenant = product.tenant("shared-spend").await;
    let other = second.speaker(&tenant.call_token);
    let price = charge(&tenant.caller).await;
    let amount = times(price, 101);
    limited(&product, &tenant, amount).await;
    let heard = async || {
        let spend = stands(&second.speaker(&tenant.token), &tenant.name).await?;
        (usd(&spend.limit_usd) == amount).then_some(())
    };
    wait_for("the limit at the other router", heard).await;

    let callers = [product.speaker(&tenant.call_token), other.clone()];
    let logs = Logs(&product);
    let mut answered = 1 + at_once(&callers, PARALLEL).await;
    let spend = settled(&tenant.admin, &tenant.name).await;
    assert_eq!(usd(&spend.spent_usd), times(price, answered));
    for caller in &callers {
        answered += until_refused(caller).await;
        let spend = settled(&tenant.admin, &tenant.name).await;
        assert_eq!(usd(&spend.spent_usd), times(price, answered));
        assert!(usd(&spend.spent_usd) <= amount, "{spend:?}");
    }
    assert!(answered >= 80, "{answered}");

    // Ten more calls' worth, and a router that dies with calls in flight.
    let amount = times(price, answered + 10);
    limited(&product, &tenant, amount).await;
    drop(logs);
    let simulator = product.simulator();
    let rule = json!({"match": {"method": "POST"}, "action": {"hold": "killed"}});
    simulator.script(&rule).await;
    let caller = product.speaker(&tenant.call_token);
    let dying = tokio::spawn(async move { caller.chat(small()).await });
    simulator.until_held("killed", 1).await;
    let admin = second.speaker(&tenant.token);
    let spend = stands(&admin, &tenant.name).await.expect("a limit");
    assert!(usd(&spend.held_usd) > Usd::ZERO, "{spend:?}");
    product.kill(Part::Router).await;
    simulator.reset().await;
    dying.await.unwrap().expect_err("its router is gone");
    let spend = settled(&admin, &tenant.name).await;
    assert_eq!(usd(&spend.spent_usd), times(price, answered));
    let more = until_refused(&other).await;
    assert!((5..=10).contains(&more), "{more}");
    let spend = settled(&admin, &tenant.name).await;
    assert_eq!(usd(&spend.spent_usd), times(price, answered + more));
}

#[tokio::test]
async fn two_routers_make_no_more_hosted_requests_a_minute_than_one_limit() {
    let server = Postgres::start().expect("PostgreSQL");
    let database = VaultDatabase::ledger_on(&server, "shared_rate").await;
    let ledger = [
        ("KEYWAY_ROUTER__LEDGER__PATH", ""),
        ("KEYWAY_ROUTER__LEDGER__URL", database.url.as_str()),
    ];
    let setup = ledger
        .iter()
        .fold(setup(), |setup, (name, value)| setup.with(name, value));
    let product = setup.start().await;
    let _logs = Logs(&product);
    let second = product.second_router(&ledger).await;
    let tenant = product.tenant("shared-rate").await;
    // Before any call, so that no router has a lease without it.
    limit(&product, &tenant.name).await;
    let callers = [
        product.speaker(&tenant.call_token),
        second.speaker(&tenant.call_token),
    ];
    let calls = (0..300).map(async |number| callers[number % 2].chat(small()).await);
    let mut answered = 0;
    for answer in join_all(calls).await {
        match answer {
            Ok(_) => answered += 1,
            Err(status) => is_limited(&status),
        }
    }
    // What one router leased and did not use is the other's after a moment.
    for caller in callers.iter().chain(&callers) {
        loop {
            match caller.chat(small()).await {
                Ok(_) => answered += 1,
                Err(status) => break is_limited(&status),
            }
        }
    }
    assert!(answered <= RATE && answered > RATE / 2, "{answered}");
    let sent = product.simulator().journal().await;
    let hosted = sent.iter().filter(|sent| sent["method"] == "POST").count();
    assert!(hosted <= usize::try_from(RATE).unwrap() + 1, "{hosted}");
    let secret = "sk-keyway-test-shared-rate-0001";
    tenant
        .admin
        .put_key(&tenant.name, "openai", secret)
        .await
        .unwrap();
    for caller in &callers {
        let own = async || caller.chat(small()).await.ok();
        wait_for("a call on an own key", own).await;
    }
}

async fn limit(product: &Product, workspace: &str) {
    let update = WorkspaceServiceUpdateRequest {
        name: workspace.to_owned(),
        operator_limits: Some(OperatorLimits {
            limits: Some(Limits {
                hosted_requests_per_minute: Some(RATE),
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["operator_limits.limits.hosted_requests_per_minute".to_owned()],
        }),
        ..Default::default()
    };
    let updated = product.operator().vault.workspaces().update(update).await;
    updated.expect("a limit");
}

fn is_limited(status: &Status) {
    assert_eq!(
        reason(status),
        Some(Reason::HostedRateLimited),
        "{status:?}"
    );
}

const RATE: u64 = 60;
