//! What a workspace can call: the list, the operator's own names, and the explanation of a route
//! all say what a call then meets.

use keyway_proto::billing::v1::Source;
use keyway_proto::router::v1::{
    ExplainRouteRequest, ExplainRouteResponse, ListModelsRequest, ListModelsResponse, Model,
};
use keyway_proto::vault::v1::{OperatorLimits, WorkspaceServiceUpdateRequest};
use keyway_proto::{Reason, status};
use keyway_words::Usd;
use serde_json::Value;

use crate::harness::{DEMO, Product, Setup, Speaker, Tenant, ask, reason, wait_for};

async fn page(caller: &Speaker, size: i32, token: String) -> ListModelsResponse {
    let request = ListModelsRequest {
        page_size: size,
        page_token: token,
        ..Default::default()
    };
    let answer = caller.router.execution().list_models(request).await;
    answer.unwrap().into_inner()
}

async fn all(caller: &Speaker, size: i32) -> Vec<Model> {
    let (mut models, mut token) = (Vec::new(), String::new());
    loop {
        let page = page(caller, size, token).await;
        assert!(page.models.len() <= 500);
        models.extend(page.models);
        token = page.next_page_token;
        if token.is_empty() {
            return models;
        }
    }
}

async fn explain(speaker: &Speaker, workspace: &str, model: &str) -> ExplainRouteResponse {
    let request = ExplainRouteRequest {
        workspace: workspace.to_owned(),
        model: model.to_owned(),
    };
    let answer = speaker.router.execution().explain_route(request).await;
    answer.unwrap().into_inner()
}

async fn limits(speaker: &Speaker, workspace: &str, limits: OperatorLimits) {
    let request = WorkspaceServiceUpdateRequest {
        name: workspace.to_owned(),
        operator_limits: Some(limits),
        ..Default::default()
    };
    speaker.vault.workspaces().update(request).await.unwrap();
}

#[tokio::test]
async fn the_list_has_every_model_once_with_source_prices_and_capabilities_on_any_page_size() {
    let setup = Setup::new().with(
        "KEYWAY_ROUTER__MODELS__ALIASES",
        "fast=openai/gpt-5-mini, seek=exa/auto",
    );
    let product = setup.start().await;
    let caller = product.caller();
    let whole = all(&caller, 500).await;
    let names: Vec<&str> = whole.iter().map(|model| model.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() > 50, "{}", names.len());
    for size in [1, 7] {
        let again = all(&caller, size).await;
        assert!(
            again
                .iter()
                .map(|model| model.name.as_str())
                .eq(names.iter().copied())
        );
    }
    let find = |name: &str| whole.iter().find(|model| model.name == name).unwrap();
    let mini = find("openai/gpt-5-mini");
    assert_eq!(mini.source(), Source::Hosted);
    assert_eq!(mini.kind, "chat");
    assert!(mini.capabilities.iter().any(|one| one == "tools"));
    assert!(mini.aliases.iter().any(|one| one == "fast"), "{mini:?}");
    let prices: Value = serde_json::from_str(&mini.prices_json).unwrap();
    assert_eq!(prices["unit"], "per_million_tokens");
    let _input: Usd = prices["input"].as_str().unwrap().parse().unwrap();
    assert_eq!(find("openai/text-embedding-3-large").dimensions, 3_072);
    // A call may name every search as the list does.
    assert!(find("exa/auto").aliases.iter().any(|one| one == "seek"));
}

#[tokio::test]
async fn a_list_that_asks_for_what_is_not_there_names_its_field() {
    let product = Product::start().await;
    let execution = product.caller().router.execution();
    for (request, field) in [
        (
            ListModelsRequest {
                page_size: 501,
                ..Default::default()
            },
            "page_size",
        ),
        (
            ListModelsRequest {
                page_token: "x".to_owned(),
                ..Default::default()
            },
            "page_token",
        ),
        (
            ListModelsRequest {
                provider: "nobody".to_owned(),
                ..Default::default()
            },
            "provider",
        ),
    ] {
        let refused = execution.clone().list_models(request).await.unwrap_err();
        assert_eq!(reason(&refused), Some(Reason::FieldInvalid));
        assert_eq!(status::refusal(&refused).field.as_deref(), Some(field));
    }
}

#[tokio::test]
async fn list_and_explanation_say_what_a_call_then_meets() {
    let product = Product::start().await;
    let Tenant {
        name,
        admin,
        caller,
        ..
    } = product.tenant("said-and-done").await;
    // Own key at OpenAI; nothing of its own elsewhere, and no hosted calls at all.
    admin
        .put_key(&name, "openai", "sk-keyway-test-list-0001")
        .await
        .unwrap();
    let none_hosted = OperatorLimits {
        hosted_allowed: Some(false),
        ..Default::default()
    };
    limits(&product.operator(), &name, none_hosted).await;
    let said = async || {
        let page = page(&caller, 1, String::new()).await;
        let of = |id: &str| {
            page.providers
                .iter()
                .find(|one| one.provider == id)
                .cloned()
        };
        (of("anthropic")?.reason == "HOSTED_NOT_ALLOWED").then_some(page)
    };
    let (page, _delay) = wait_for("the new limits", said).await;
    let of = |id: &str| {
        page.providers
            .iter()
            .find(|one| one.provider == id)
            .unwrap()
    };
    assert_eq!(of("openai").source(), Source::Own);
    assert!(of("openai").unknown_models);
    assert!(!of("anthropic").unknown_models);
    assert_eq!(of("anthropic").source(), Source::Unspecified);
    assert!(of("anthropic").message.contains("PutKey"), "{page:?}");

    let known = explain(&admin, &name, "gpt-5-mini").await;
    assert_eq!((known.source(), known.reason.as_str()), (Source::Own, ""));
    assert!(known.known_model);
    assert_eq!(known.candidates.len(), 1);
    assert_eq!(
        (
            known.candidates[0].place,
            known.candidates[0].why_not.as_str()
        ),
        (1, "")
    );
    assert_eq!(caller.chat_once("gpt-5-mini").await.0.source(), Source::Own);

    let refused = explain(&admin, &name, "anthropic/claude-haiku-4-5").await;
    let met = caller
        .chat(ask("anthropic/claude-haiku-4-5"))
        .await
        .unwrap_err();
    assert_eq!(refused.reason, "HOSTED_NOT_ALLOWED");
    assert_eq!(reason(&met), Some(Reason::HostedNotAllowed));
    assert_eq!(met.message(), refused.message);

    let journal = product.simulator().journal().await;
    assert_eq!(journal.len(), 1, "only the call was a call");
}

#[tokio::test]
async fn a_model_that_nobody_lists_works_on_an_own_key_only() {
    let product = Product::start().await;
    let (operator, admin) = (product.operator(), product.admin());
    let before = explain(&operator, DEMO, "openai/gpt-none").await;
    assert_eq!(
        (before.reason.as_str(), before.known_model),
        ("UNPRICED", false)
    );
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-none-0001")
        .await
        .unwrap();
    let said = async || {
        let said = explain(&admin, DEMO, "openai/gpt-none").await;
        (said.source() == Source::Own && !said.known_model).then_some(())
    };
    wait_for("the own key", said).await;
}

#[tokio::test]
async fn the_operators_names_and_dated_ids_reach_their_models() {
    let setup = Setup::new().with("KEYWAY_ROUTER__MODELS__ALIASES", "fast=openai/gpt-5-mini");
    let product = setup.start().await;
    let caller = product.caller();
    let (fast, _) = caller.chat_once("fast").await;
    assert_eq!(
        (fast.provider.as_str(), fast.requested_model.as_str()),
        ("openai", "gpt-5-mini")
    );
    for bare in ["gpt-5-mini", "claude-haiku-4-5"] {
        let said = explain(&product.admin(), DEMO, bare).await;
        assert_eq!((said.source(), said.model.as_str()), (Source::Hosted, bare));
    }
    // A date that no row has finds the provider, and has no price.
    let dated = explain(&product.admin(), DEMO, "gpt-5-mini-2031-02-03").await;
    assert_eq!(
        (dated.provider.as_str(), dated.reason.as_str()),
        ("openai", "UNPRICED")
    );
    let unknown = caller.chat(ask("nobody-knows-this")).await.unwrap_err();
    assert_eq!(reason(&unknown), Some(Reason::ModelUnknown));
}
