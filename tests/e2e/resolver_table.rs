//! The table of whose key serves a call, cell by cell, at the running product: every state of a
//! workspace's own pool and of the platform's, under every mode, with what the provider saw.

mod pools;

use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::{
    CredentialMode, FailureClass, OperatorLimits, Policy, UpdateKeyRequest,
    WorkspaceServiceUpdateRequest,
};
use prost_types::FieldMask;

use crate::damage::live::Live;
use crate::harness::{Logs, Product, Speaker, Tenant, ask, only_attempt, reason};
use pools::{fill, sick, spoil};

const MODEL: &str = "openai/gpt-5-mini";

/// What is expected, written by hand.
const EXPECTED: &str = include_str!("resolver_table/expected.md");

#[tokio::test]
async fn every_state_of_an_own_pool_serves_or_refuses_as_the_table_says() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let live = Live::open(&product).await;
    sick(&product).await;
    let mut wrong = Vec::new();
    for (number, row) in rows("The workspace's pool").enumerate() {
        let [pool, with_hosted, with_fallback, own_only, hosted_only] = row;
        let tenant = product.tenant(&format!("row-{number}")).await;
        fill(&tenant.admin, &tenant.name, "openai", pool).await;
        spoil(&live, &tenant.name, pool).await;
        meet_the_sick(&tenant, pool).await;
        let mut cell = async |column: &str, mode, expected: &str| {
            let got = served(&product, &tenant, mode).await;
            if got != expected {
                wrong.push(format!("[{pool}] {column}: {got}, not {expected}"));
            }
        };
        cell(
            "OWN_THEN_HOSTED",
            CredentialMode::OwnThenHosted,
            with_hosted,
        )
        .await;
        cell("OWN_ONLY", CredentialMode::OwnOnly, own_only).await;
        cell("HOSTED_ONLY", CredentialMode::HostedOnly, hosted_only).await;
        name_every_class(&tenant).await;
        // The refusals before were of the old policy, which the feed takes away in its time.
        let expected = with_fallback;
        let heard = async || {
            (served(&product, &tenant, CredentialMode::OwnThenHosted).await == expected)
                .then_some(())
        };
        if expected == with_hosted {
            cell("with fallback_on", CredentialMode::OwnThenHosted, expected).await;
        } else {
            crate::harness::wait_for(pool, heard).await;
        }
        cell(
            "OWN_ONLY with fallback_on",
            CredentialMode::OwnOnly,
            own_only,
        )
        .await;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn of_the_platforms_pool_a_workspace_sees_a_class_and_nothing_else() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let live = Live::open(&product).await;
    sick(&product).await;
    let operator = product.operator();
    let mut wrong = Vec::new();
    for (number, [provider, pool, expected]) in rows("The platform's pool").enumerate() {
        operator
            .delete_key(&format!("platform/keys/{provider}/k0"))
            .await
            .ok();
        operator
            .delete_key(&format!("platform/keys/{provider}/default"))
            .await
            .ok();
        fill(&operator, "platform", provider, pool).await;
        spoil(&live, "platform", pool).await;
        let model = format!(
            "{provider}/{}",
            if provider == "openai" {
                "gpt-5-mini"
            } else {
                "mistral-small-latest"
            }
        );
        for when in ["meeting it", "knowing it"] {
            // A workspace of its own: what it resolves is not cached.
            let tenant = product
                .tenant(&format!("{when}-{number}").replace(' ', "-"))
                .await;
            let before = product.simulator().journal().await.len();
            let refused = tenant.caller.chat(ask(&model)).await.expect_err(pool);
            let told = reason(&refused).map_or("?", |reason| reason.as_str());
            if told != expected {
                wrong.push(format!(
                    "{provider} [{pool}], {when}: {refused:?}, not {expected}"
                ));
            }
            let sent = product.simulator().journal().await.len() - before;
            assert!(when == "meeting it" || sent == 0, "{pool}: {sent} sent");
            let words = refused.message();
            assert!(
                !words.contains("platform/keys") && !words.contains("k0"),
                "{words}"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_platforms_key_needs_the_operators_leave_and_a_price() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let tenant = product.tenant("unpriced").await;
    let mut request = ask("openai/a-model-that-nobody-priced");
    let refused = tenant.caller.chat(request.clone()).await.unwrap_err();
    assert_eq!(
        reason(&refused).map(Reason::as_str),
        Some("UNPRICED"),
        "{refused:?}"
    );
    request.model = MODEL.to_owned();

    let tenant = product.tenant("not-allowed").await;
    let update = WorkspaceServiceUpdateRequest {
        name: tenant.name.clone(),
        operator_limits: Some(OperatorLimits {
            hosted_allowed: Some(false),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["operator_limits.hosted_allowed".to_owned()],
        }),
        ..Default::default()
    };
    product
        .operator()
        .vault
        .workspaces()
        .update(update)
        .await
        .unwrap();
    for mode in [CredentialMode::OwnThenHosted, CredentialMode::HostedOnly] {
        assert_eq!(served(&product, &tenant, mode).await, "HOSTED_NOT_ALLOWED");
    }
    assert_eq!(
        served(&product, &tenant, CredentialMode::OwnOnly).await,
        "NO_KEY"
    );
    assert!(product.simulator().journal().await.is_empty());
}

/// The rows of the table below a heading; `none` is an empty cell.
fn rows<const N: usize>(heading: &str) -> impl Iterator<Item = [&'static str; N]> {
    let section = EXPECTED
        .split("\n## ")
        .find(|text| text.starts_with(heading));
    let lines = section.expect("a section").lines();
    let table = lines.filter(|line| line.starts_with('|')).skip(2);
    table.map(|line| {
        let cells = line.trim_matches('|').split('|').map(str::trim);
        let cells = cells.map(|cell| if cell == "none" { "" } else { cell });
        let cells: Vec<_> = cells.collect();
        cells.try_into().unwrap_or_else(|cells| panic!("{cells:?}"))
    })
}

/// One call on the own pool, by which the router learns which of its keys are sick.
async fn meet_the_sick(tenant: &Tenant, pool: &str) {
    let sick = ["rejected", "exhausted", "limited"];
    if !pool.split(' ').any(|key| sick.contains(&key)) {
        return;
    }
    let mut request = ask(MODEL);
    request.set_credential_mode(CredentialMode::OwnOnly);
    // It may be served by the last key, or refused.
    drop(tenant.caller.chat(request).await);
}

/// Who serves a call: `HOSTED`, `OWN` with the key's place in the pool, or the reason why nobody. A
/// call that is served leaves once, one that is refused not at all.
async fn served(product: &Product, tenant: &Tenant, mode: CredentialMode) -> String {
    let before = product.simulator().journal().await.len();
    let mut request = ask(MODEL);
    request.set_credential_mode(mode);
    let answer = tenant.caller.chat(request).await;
    let journal = product.simulator().journal().await;
    let sent = &journal[before..];
    match answer {
        Err(refused) => {
            assert!(sent.is_empty(), "{refused:?} after {sent:?}");
            reason(&refused).map_or_else(
                || format!("{refused:?}"),
                |reason| reason.as_str().to_owned(),
            )
        }
        Ok(answer) => {
            let (attempt, _) = only_attempt(answer.receipt);
            assert_eq!(sent.len(), 1, "{sent:?}");
            let place = attempt.key_name.rsplit('k').next().unwrap_or_default();
            let last4 = sent[0]["credential"]["last4"].as_str().unwrap_or_default();
            let is_own = attempt.source() == Source::Own;
            assert_eq!(last4 == "tive", is_own, "{sent:?}");
            if is_own {
                format!("OWN {place}")
            } else {
                "HOSTED".to_owned()
            }
        }
    }
}

/// Names every class after which the platform's key may be tried.
async fn name_every_class(tenant: &Tenant) {
    let classes = [
        FailureClass::RateLimited,
        FailureClass::KeyExhausted,
        FailureClass::KeyRejected,
        FailureClass::ProviderUnavailable,
        FailureClass::ProviderTimeout,
        FailureClass::ModelNotAvailable,
    ];
    let update = WorkspaceServiceUpdateRequest {
        name: tenant.name.clone(),
        policy: Some(Policy {
            fallback_on: classes.map(Into::into).to_vec(),
            ..Default::default()
        }),
        update_mask: Some(FieldMask {
            paths: vec!["policy.fallback_on".to_owned()],
        }),
        ..Default::default()
    };
    tenant
        .admin
        .vault
        .workspaces()
        .update(update)
        .await
        .unwrap();
}

impl Speaker {
    /// Switches a key off.
    async fn disable(&self, name: &str) {
        let request = UpdateKeyRequest {
            name: name.to_owned(),
            disabled: true,
            update_mask: Some(FieldMask {
                paths: vec!["disabled".to_owned()],
            }),
            ..Default::default()
        };
        self.vault.keys().update_key(request).await.unwrap();
    }
}
