//! What a limit of hosted spend costs: those who have none, and those who have room.

use std::time::Duration;

use keyway_proto::vault::v1::{Limits, OperatorLimits, WorkspaceServiceUpdateRequest};
use prost_types::FieldMask;

use super::dead_key::paced;
use super::ledger::many;
use crate::harness::{Product, Speaker, ask};

const MODEL: &str = "openai/gpt-5-mini";
/// 200 calls per second.
const REFUSED: Duration = Duration::from_millis(5);

pub(crate) async fn measure(product: &Product) {
    let free = product.tenant("bench-free").await.caller;
    let room = product.tenant("bench-room").await;
    limit(product, &room.name, "1000").await;
    let spent = product.tenant("bench-spent").await;
    limit(product, &spent.name, "0").await;

    hosted("hosted calls without a limit, nothing beside", &free).await;
    hosted("the same with a limit that leaves room", &room.caller).await;
    let (refused, ()) = tokio::join!(
        paced(&spent.caller, REFUSED),
        hosted(
            "without a limit, beside 200 calls/s that a limit refuses",
            &free
        )
    );
    println!(
        "refused by their limit: {} of {}",
        refused.failed,
        refused.taken.len()
    );
    assert_eq!(refused.failed, refused.taken.len(), "the control");
}

async fn hosted(what: &str, caller: &Speaker) {
    many(what, async || {
        caller.chat(ask(MODEL)).await.expect("a reply");
    })
    .await;
}

async fn limit(product: &Product, workspace: &str, usd: &str) {
    let update = WorkspaceServiceUpdateRequest {
        name: workspace.to_owned(),
        operator_limits: Some(OperatorLimits {
            limits: Some(Limits {
                hosted_spend_per_month_usd: Some(usd.to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["operator_limits.limits.hosted_spend_per_month_usd".to_owned()],
        }),
        ..Default::default()
    };
    let updated = product.operator().vault.workspaces().update(update).await;
    updated.expect("a limit");
}
