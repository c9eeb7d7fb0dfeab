//! Events say everything; lists and receipts find them, within one workspace.

use keyway_proto::billing::v1 as wire;

use super::*;
use crate::PageRequest;

#[tokio::test]
async fn an_own_key_event_is_charged_nothing_and_says_everything() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let call_id = one(&ledger, "acme", Source::Own).await;
    let event = events(&ledger, 1).await.remove(0);
    let expected = UsageEvent {
        event_id: format!("{call_id}-1"),
        r#type: "keyway.usage.v1".into(),
        call_id: call_id.to_string(),
        attempt: 1,
        kind: wire::EventKind::Call.into(),
        workspace: "workspaces/acme".into(),
        caller_accessor: "accessor-1".into(),
        labels: [("team".to_owned(), "blue".to_owned())].into(),
        end_user: "user-7".into(),
        endpoint: "chat".into(),
        provider: "openai".into(),
        requested_model: "gpt-5.4".into(),
        served_model: "gpt-5.4-2026-03-05".into(),
        source: wire::Source::Own.into(),
        key_name: "workspaces/acme/keys/openai/default".into(),
        key_version: 3,
        service_tier: "default".into(),
        price_dimensions: [("inference_geo".to_owned(), "global".to_owned())].into(),
        usage: Some(wire::Usage {
            input_tokens: Some(100),
            output_tokens: Some(20),
            ..wire::Usage::default()
        }),
        raw_usage_json: r#"{"prompt_tokens":100,"completion_tokens":20}"#.into(),
        usage_flagged: false,
        basis: wire::Basis::ProviderReported.into(),
        outcome: wire::Outcome::Completed.into(),
        reason: String::new(),
        charge_usd: Some("0.000000000000".into()),
        list_price_usd: Some("0.000550000000".into()),
        estimated_usd: None,
        provider_reported_usd: None,
        price_table: "ab".repeat(32),
        unpriced: false,
        started_at: event.started_at,
        settled_at: event.settled_at,
        period: "2026-11".into(),
        corrects_event_id: String::new(),
        corrects_period: String::new(),
        operation_json: String::new(),
    };
    assert_eq!(event, expected);
    assert_eq!(event.started_at.unwrap().seconds, START.0 / 1_000_000);
    assert_eq!(event.settled_at.unwrap().seconds, START.0 / 1_000_000 + 2);
}

#[tokio::test]
async fn a_hosted_event_is_charged_what_the_settlement_says_and_absent_stays_absent() {
    let home = Home::new().await;
    let ledger = home.start().await;
    one(&ledger, "acme", Source::Hosted).await;
    let unknown = Settlement::without_usage(
        Outcome::Truncated,
        Basis::Unknown,
        "STREAM_TRUNCATED",
        START,
    );
    for settlement in [unknown, failed()] {
        let open = ledger
            .reserve()
            .unwrap()
            .open(attempt("acme", Source::Hosted));
        open.settle(settlement).durable().await.unwrap();
    }
    let charges: Vec<_> = events(&ledger, 3)
        .await
        .into_iter()
        .map(|event| event.charge_usd)
        .collect();
    let text = |amount: &str| Some(amount.to_owned());
    assert_eq!(
        charges,
        [text("0.000550000000"), None, text("0.000000000000")]
    );
}

#[tokio::test]
async fn raw_usage_is_cut_to_4_kib_at_a_character() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let open = ledger.reserve().unwrap().open(attempt("acme", Source::Own));
    let settlement = Settlement {
        raw_usage_json: format!("x{}", "é".repeat(4096)),
        ..completed()
    };
    open.settle(settlement).durable().await.unwrap();
    assert_eq!(
        events(&ledger, 1).await.remove(0).raw_usage_json.len(),
        4095
    );
}

#[tokio::test]
async fn a_list_gives_every_event_once_over_its_pages() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let mut calls = Vec::new();
    for _ in 0..5 {
        calls.push(one(&ledger, "acme", Source::Own).await);
    }
    one(&ledger, "other", Source::Own).await;
    events(&ledger, 6).await;
    let filter = UsageFilter {
        workspace: Some("acme".parse().unwrap()),
        ..UsageFilter::default()
    };
    let (mut token, mut seen, mut pages) = (String::new(), Vec::new(), 0);
    loop {
        let request = PageRequest {
            filter: filter.clone(),
            size: 2,
            token,
            ..PageRequest::default()
        };
        let page = ledger.list(&request).await.unwrap();
        seen.extend(page.events.into_iter().map(|event| event.event_id));
        pages += 1;
        let Some(next) = page.next else { break };
        token = next;
    }
    let ids: Vec<_> = calls.iter().map(|call| call.event_id(1)).collect();
    assert_eq!((seen, pages), (ids, 3));
}

#[tokio::test]
async fn a_list_is_narrowed_by_call_and_time() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let call_id = one(&ledger, "acme", Source::Own).await;
    one(&ledger, "other", Source::Own).await;
    events(&ledger, 2).await;
    let settled_at = START.plus_seconds(2);
    for (call_id, from, to, count) in [
        (None, None, None, 2),
        (Some(call_id), None, None, 1),
        (Some(CallId::new()), None, None, 0),
        (None, Some(settled_at), None, 2),
        (None, Some(settled_at.plus_seconds(1)), None, 0),
        (None, None, Some(settled_at), 0),
        (None, None, Some(settled_at.plus_seconds(1)), 2),
    ] {
        let request = PageRequest {
            call_id,
            from,
            to,
            size: 50,
            ..PageRequest::default()
        };
        let page = ledger.list(&request).await.unwrap();
        assert_eq!(page.events.len(), count, "{request:?}");
    }
    let bad = PageRequest {
        token: "nonsense".into(),
        ..PageRequest::default()
    };
    assert!(matches!(
        ledger.list(&bad).await,
        Err(LedgerError::CursorInvalid)
    ));
}

#[tokio::test]
async fn a_receipt_shows_open_attempts_and_only_to_its_workspace() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
    let attempt = attempt("acme", Source::Own);
    let call_id = attempt.call_id;
    let open = ledger.reserve().unwrap().open(attempt);
    open.durable().await.unwrap();
    let record = ledger.receipt(&acme, call_id).await.unwrap().unwrap();
    assert_eq!((record.open.len(), record.settled.len()), (1, 0));
    assert_eq!(record.open[0].settled_at, None);
    open.settle(completed()).durable().await.unwrap();
    let record = ledger.receipt(&acme, call_id).await.unwrap().unwrap();
    assert_eq!((record.open.len(), record.settled.len()), (0, 1));
    assert!(ledger.receipt(&other, call_id).await.unwrap().is_none());
    assert!(
        ledger
            .receipt(&acme, CallId::new())
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn a_price_table_is_kept_under_its_hash() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let table = keyway_router_pricing::Catalogue::builtin().unwrap();
    assert_eq!(ledger.price_table("").await.unwrap(), None);
    ledger.keep_price_table(&table).await.unwrap();
    home.clock.advance(Duration::from_mins(1));
    ledger.keep_price_table(&table).await.unwrap();
    let kept = ledger.price_table(table.hash()).await.unwrap().unwrap();
    assert_eq!(
        (kept.json.as_str(), kept.effective_at),
        (table.json(), START)
    );
    assert_eq!(ledger.price_table("").await.unwrap(), Some(kept));
    assert_eq!(ledger.price_table("unknown").await.unwrap(), None);
}
