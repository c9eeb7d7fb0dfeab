//! Hosted spend of a workspace in a month: parallel calls stay within the limit, the rest is exact
//! afterwards, and whoever has no limit is not asked.

use futures::future::join_all;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::router::v1::{ChatRequest, ExplainRouteRequest, HostedSpend};
use keyway_proto::vault::v1::{Limits, OperatorLimits, Policy, WorkspaceServiceUpdateRequest};
use keyway_words::Usd;
use prost_types::FieldMask;
use tonic::Status;

use crate::edges::harness::Http;
use crate::harness::{Logs, Product, Setup, Speaker, Tenant, ask, only_attempt, reason, wait_for};

pub(super) const MODEL: &str = "openai/gpt-5-mini";
const PARALLEL: usize = 1_000;

/// Many calls at once, and none of them refused for another reason.
pub(super) fn setup() -> Setup {
    Setup::new()
        .with("KEYWAY_ROUTER__LIMITS__WORKSPACE_CALLS", "2000")
        .with("KEYWAY_ROUTER__LIMITS__CALLS", "2000")
}

/// Sets the operator's limit of a workspace.
pub(super) async fn limit(product: &Product, workspace: &str, usd: Option<&str>) {
    let update = WorkspaceServiceUpdateRequest {
        name: workspace.to_owned(),
        operator_limits: Some(OperatorLimits {
            limits: Some(Limits {
                hosted_spend_per_month_usd: usd.map(str::to_owned),
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: Some(mask("operator_limits.limits.hosted_spend_per_month_usd")),
        ..Default::default()
    };
    let updated = product.operator().vault.workspaces().update(update).await;
    updated.expect("a limit");
}

fn mask(path: &str) -> FieldMask {
    FieldMask {
        paths: vec![path.to_owned()],
    }
}

/// How the month stands; `None` until the router has heard of a limit.
pub(super) async fn stands(caller: &Speaker, workspace: &str) -> Option<HostedSpend> {
    let request = ExplainRouteRequest {
        workspace: workspace.to_owned(),
        model: MODEL.to_owned(),
    };
    let answer = caller.router.execution().explain_route(request).await;
    answer.expect("an explanation").into_inner().hosted_spend
}

pub(super) fn usd(text: &str) -> Usd {
    text.parse().expect("an amount")
}

pub(super) fn times(amount: Usd, count: usize) -> Usd {
    Usd::from_pico(amount.pico() * i128::try_from(count).expect("a count"))
}

/// One call whose answer is bounded closely, so that it may cost little more than it does.
pub(super) fn small() -> ChatRequest {
    ChatRequest {
        max_output_tokens: Some(32),
        ..ask(MODEL)
    }
}

/// The charge of one such call.
pub(super) async fn charge(caller: &Speaker) -> Usd {
    let answer = caller.chat(small()).await.expect("a reply");
    let (attempt, _) = only_attempt(answer.receipt);
    assert_eq!(attempt.source(), Source::Hosted);
    usd(&attempt.charge_usd.expect("a charge"))
}

/// Makes calls at once; how many were answered. The others must say why.
pub(super) async fn at_once(callers: &[Speaker], count: usize) -> usize {
    let calls = (0..count).map(async |number| callers[number % callers.len()].chat(small()).await);
    let mut answered = 0;
    for answer in join_all(calls).await {
        match answer {
            Ok(_) => answered += 1,
            Err(status) => is_the_limit(&status),
        }
    }
    answered
}

fn is_the_limit(status: &Status) {
    assert_eq!(reason(status), Some(Reason::SpendLimit), "{status:?}");
}

/// Calls one after the other until the limit refuses one; how many were answered.
pub(super) async fn until_refused(caller: &Speaker) -> usize {
    let mut answered = 0;
    loop {
        match caller.chat(small()).await {
            Ok(_) => answered += 1,
            Err(status) => {
                is_the_limit(&status);
                return answered;
            }
        }
    }
}

/// Waits until nothing is held any more.
pub(super) async fn settled(caller: &Speaker, workspace: &str) -> HostedSpend {
    let quiet = async || {
        let spend = stands(caller, workspace).await?;
        (usd(&spend.held_usd) == Usd::ZERO).then_some(spend)
    };
    wait_for("every slice to be back", quiet).await.0
}

pub(super) async fn limited(product: &Product, tenant: &Tenant, amount: Usd) {
    limit(product, &tenant.name, Some(&amount.to_string())).await;
    let heard = async || {
        let spend = stands(&tenant.admin, &tenant.name).await?;
        (usd(&spend.limit_usd) == amount).then_some(())
    };
    wait_for("the limit", heard).await;
}

#[tokio::test]
async fn a_thousand_parallel_calls_spend_no_more_than_the_limit_and_the_rest_is_exact() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("spend").await;
    let price = charge(&tenant.caller).await;
    // The call before the limit counts, too.
    let amount = times(price, 101);
    limited(&product, &tenant, amount).await;
    let callers: Vec<_> = (0..8)
        .map(|_| product.speaker(&tenant.call_token))
        .collect();
    let answered = at_once(&callers, PARALLEL).await;
    let spend = settled(&tenant.admin, &tenant.name).await;
    assert_eq!(usd(&spend.spent_usd), times(price, answered + 1));
    assert!(answered <= 100, "{answered}");

    // Until what is left is less than a call may cost.
    let more = until_refused(&tenant.caller).await;
    let spend = settled(&tenant.admin, &tenant.name).await;
    let spent = times(price, answered + more + 1);
    assert_eq!(usd(&spend.spent_usd), spent);
    assert!(spent <= amount, "{spend:?}");
    let rest = amount.checked_sub(spent).expect("it fits");
    assert_eq!(usd(&spend.remaining_usd), rest);
    assert!(answered + more >= 80, "{answered} and {more}");

    // An own key and a workspace without a limit are asked nothing; a raised limit lets more pass.
    let secret = "sk-keyway-test-spend-0001";
    tenant
        .admin
        .put_key(&tenant.name, "anthropic", secret)
        .await
        .unwrap();
    let own = async || {
        tenant
            .caller
            .chat(ask("anthropic/claude-haiku-4-5"))
            .await
            .ok()
    };
    wait_for("a call on an own key", own).await;
    product.caller().chat_once(MODEL).await;
    limited(&product, &tenant, times(price, 1_000)).await;
    charge(&tenant.caller).await;
}

#[tokio::test]
async fn the_lower_limit_holds_and_a_refusal_says_how_the_month_stands() {
    let product = setup().start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("lower").await;
    limited(&product, &tenant, usd("5")).await;
    let update = WorkspaceServiceUpdateRequest {
        name: tenant.name.clone(),
        policy: Some(Policy {
            limits: Some(Limits {
                hosted_spend_per_month_usd: Some("0.000001".to_owned()),
                ..Default::default()
            }),
            ..Default::default()
        }),
        update_mask: Some(mask("policy.limits.hosted_spend_per_month_usd")),
        ..Default::default()
    };
    tenant
        .admin
        .vault
        .workspaces()
        .update(update)
        .await
        .unwrap();
    let before = product.simulator().journal().await.len();
    let refused = async || tenant.caller.chat(small()).await.err();
    let (status, _) = wait_for("a refusal", refused).await;
    is_the_limit(&status);
    for part in [
        "up to 0.0000",
        "of 0.000001000000 USD",
        "0.000000000000 are held",
        "WorkspaceService.Update",
    ] {
        assert!(
            status.message().contains(part),
            "{part}: {}",
            status.message()
        );
    }
    // Refused calls left nothing at the provider or on the stream.
    let http = Http::bearing(&product, &tenant.call_token);
    let body = serde_json::json!({
        "model": "gpt-5-mini", "max_completion_tokens": 32,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let passed = http.at("/openai/v1/chat/completions", &body).await;
    assert_eq!(passed.reason(), "SPEND_LIMIT", "{}", passed.text());
    assert_eq!(passed.header("x-should-retry"), "false");
    let after = product.simulator().journal().await.len();
    let spend = settled(&tenant.admin, &tenant.name).await;
    assert!(after - before <= 1, "what the router had not heard of yet");
    assert!(usd(&spend.spent_usd) <= times(usd("0.001"), 1));
}

#[tokio::test]
async fn a_call_that_may_cost_more_than_can_be_said_does_not_pass_a_limit() {
    // Twelve digits after the point leave a bound of 64 bits no room.
    let factor = ("KEYWAY_ROUTER__PRICES__MULTIPLIER", "1.000000000001");
    let product = setup().with(factor.0, factor.1).start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("unsayable").await;
    limited(&product, &tenant, usd("0.000000000001")).await;
    let http = Http::bearing(&product, &tenant.call_token);
    let body = serde_json::json!({
        "model": "gpt-5-mini", "max_completion_tokens": u64::MAX,
        "messages": [{"role": "user", "content": "hi"}],
    });
    let before = product.simulator().journal().await.len();
    let passed = http.at("/openai/v1/chat/completions", &body).await;
    assert_eq!(passed.reason(), "SPEND_LIMIT", "{}", passed.text());
    assert_eq!(product.simulator().journal().await.len(), before);
}
