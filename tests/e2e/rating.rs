//! A price that was wrong: events are rated again, nothing that was written changes, and the month's CSV
//! sums to the stream.

use std::path::Path;

use keyway_proto::Reason;
use keyway_proto::billing::v1::{
    GetPriceTableRequest, ListUsageRequest, RerateRequest, RerateResponse, Source, UsageEvent,
    UsageFilter,
};
use keyway_words::{CallId, Usd};
use tokio::process::Command;
use tonic::Status;

use crate::harness::{DEMO, Logs, Product, Setup, Speaker, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
/// The simulator has it; the catalogue does not.
const UNPRICED: &str = "openai/gpt-of-tomorrow";

fn row(model: &str, input: &str, output: &str) -> String {
    format!(
        r#"{{"provider":"openai","model":"{model}","kind":"chat","currency":"USD","unit":"per_million_tokens",
            "input":"{input}","output":"{output}","source":"this test"}}"#
    )
}

async fn table(operator: &Speaker) -> String {
    let request = GetPriceTableRequest::default();
    let answer = operator.router.billing().get_price_table(request).await;
    answer.expect("a table").into_inner().price_table
}

async fn rerate(speaker: &Speaker, dry_run: bool, table: &str) -> Result<RerateResponse, Status> {
    let request = RerateRequest {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        price_table: table.to_owned(),
        dry_run,
        reason: "the list was wrong".to_owned(),
        ..Default::default()
    };
    let answer = speaker.router.billing().rerate(request).await?;
    Ok(answer.into_inner())
}

fn usd(text: Option<&String>) -> Usd {
    text.map_or(Usd::ZERO, |text| text.parse().expect("an amount"))
}

fn sum<'e>(events: impl Iterator<Item = &'e UsageEvent>) -> Usd {
    events.fold(Usd::ZERO, |sum, event| {
        sum.checked_add(usd(event.charge_usd.as_ref()))
            .expect("it fits")
    })
}

/// Writes other prices and waits until they are in force.
async fn reprice(file: &Path, rows: &str, operator: &Speaker) {
    let before = table(operator).await;
    std::fs::write(file, rows).expect("a file");
    let changed = async || (table(operator).await != before).then_some(());
    wait_for("the new prices", changed).await;
}

#[tokio::test]
async fn rating_again_adds_what_its_dry_run_said_and_changes_no_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prices.json");
    std::fs::write(&file, "[]").expect("a file");
    let overlay = file.clone();
    let setup = Setup::new().options(|options| options.price_overlay = Some(overlay));
    let product = setup.start().await;
    let _logs = Logs(&product);
    let (operator, admin) = (product.operator(), product.admin());
    let before = some_calls(&product).await;
    let listed = table(&operator).await;

    // Twice the listed prices, and one for what had none.
    let rows = [
        row("gpt-5-mini", "0.5", "4"),
        row("gpt-of-tomorrow", "1", "1"),
    ];
    reprice(&file, &format!("[{}]", rows.join(",")), &operator).await;
    let refused = rerate(&admin, true, "").await.expect_err("not an admin's");
    assert_eq!(reason(&refused), Some(Reason::Denied));
    let would = rerate(&operator, true, "").await.expect("a dry run");
    let did = rerate(&operator, false, "").await.expect("it is done");
    assert_eq!(did, would);
    // What was hosted costs as much again; the own ones cost nothing.
    let charged = sum(before.iter());
    assert_eq!(did.difference_usd, charged.to_string());
    let count = before.len() + usize::try_from(did.corrections).expect("a count");
    let after = stream(&operator, count).await;
    assert_eq!(after[..before.len()], before, "no event has changed");
    are_right(&after[before.len()..], &before);
    is_told(&operator).await;

    // Back to the table that was in force: what was added is taken away.
    let back = rerate(&operator, false, &listed).await.expect("it is done");
    let taken = Usd::from_pico(-charged.pico());
    assert_eq!(back.difference_usd, taken.to_string());
    let rows = count + usize::try_from(back.corrections).expect("a count");
    stream(&operator, rows).await;
    csv_sums_to_the_stream(&product, charged, rows).await;
}

/// The events of calls on the platform's key, on an own one, and of a model that has no price.
async fn some_calls(product: &Product) -> Vec<UsageEvent> {
    let (admin, caller) = (product.admin(), product.caller());
    caller.chat_once(MODEL).await;
    let secret = "sk-keyway-test-rate-0001";
    admin.put_key(DEMO, "openai", secret).await.expect("a key");
    product.until_served_by(MODEL, Source::Own).await;
    let (unpriced, last) = caller.chat_once(UNPRICED).await;
    assert_eq!(unpriced.list_price_usd, None);
    admin.events_of(DEMO, &[&last]).await;
    let all = ListUsageRequest {
        page_size: 500,
        ..of_demo()
    };
    let answer = admin.router.billing().list_usage(all).await;
    answer.expect("a list").into_inner().events
}

fn of_demo() -> ListUsageRequest {
    ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    }
}

/// One correction for each event that used something, the last for what had no price.
fn are_right(corrections: &[UsageEvent], events: &[UsageEvent]) {
    let used: Vec<_> = (events.iter())
        .filter(|event| event.usage.is_some())
        .collect();
    assert_eq!(corrections.len(), used.len());
    for (correction, original) in corrections.iter().zip(used) {
        assert_eq!(correction.r#type, "keyway.correction.v1");
        assert_eq!(correction.corrects_event_id, original.event_id);
        assert_eq!(correction.corrects_period, original.period);
        assert_eq!(correction.reason, "the list was wrong");
    }
    let of_unpriced = corrections.last().expect("one");
    assert!(usd(of_unpriced.list_price_usd.as_ref()) > Usd::ZERO);
    assert_eq!(of_unpriced.charge_usd.as_deref(), Some("0.000000000000"));
}

/// Who asked, and why, stands on the stream.
async fn is_told(operator: &Speaker) {
    let told = operator.operations(3).await;
    let began: serde_json::Value = serde_json::from_str(&told[1].operation_json).expect("JSON");
    assert_eq!(
        (began["operation"].as_str(), began["reason"].as_str()),
        (Some("rerate"), Some("the list was wrong"))
    );
    let by = began["accessor"].as_str();
    assert!(by.is_some_and(|who| !who.is_empty()), "{began}");
}

/// The first usage events and corrections of the demo workspace.
async fn stream(speaker: &Speaker, least: usize) -> Vec<UsageEvent> {
    speaker.first_events(DEMO, least).await
}

async fn csv_sums_to_the_stream(product: &Product, charge: Usd, rows: usize) {
    let (router, token) = (
        product.running.site.addresses.router.to_string(),
        product.running.access.admin_token.expose(),
    );
    let month = product.admin().first_events(DEMO, 1).await.remove(0).period;
    let (code, csv, said) = usage(&router, token, &["--month", &month]).await;
    assert_eq!((code, csv.as_str()), (Some(2), ""), "{said}");
    assert!(said.contains("is not over"), "{said}");
    let asked = ["--month", &month, "--workspace", DEMO, "--so-far"];
    let (code, csv, said) = usage(&router, token, &asked).await;
    assert_eq!(code, Some(0), "{said}");
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let at = lines[0]
        .iter()
        .position(|name| *name == "charge_usd")
        .expect("a column");
    let pico = lines[1..]
        .iter()
        .map(|line| line[at].parse::<Usd>().map_or(0, Usd::pico));
    assert_eq!(Usd::from_pico(pico.sum()), charge, "{csv}");
    assert_eq!(lines.len() - 1, rows, "{csv}");
    assert!(said.contains(&format!("charge {charge} USD")), "{said}");
}

async fn usage(router: &str, token: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
        .env_clear()
        .env("KEYWAY_ROUTER", router)
        .env("KEYWAY_ADMIN_TOKEN", token)
        .arg("usage")
        .args(args)
        .output()
        .await
        .expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[tokio::test]
async fn what_is_asked_wrong_is_refused_by_its_field_and_writes_nothing() {
    let product = Product::start().await;
    let operator = product.operator();
    let right = RerateRequest {
        reason: "a test".to_owned(),
        ..Default::default()
    };
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let wrong = [
        (
            "reason",
            RerateRequest {
                reason: " ".to_owned(),
                ..right.clone()
            },
        ),
        (
            "price_table",
            RerateRequest {
                price_table: "ab".repeat(32),
                ..right.clone()
            },
        ),
        (
            "to_time",
            RerateRequest {
                from_time: time(2),
                to_time: time(2),
                ..right
            },
        ),
    ];
    for (field, request) in wrong {
        let refused = operator
            .router
            .billing()
            .rerate(request)
            .await
            .expect_err(field);
        assert_eq!(reason(&refused), Some(Reason::FieldInvalid), "{refused:?}");
        let told = keyway_proto::status::refusal(&refused).field;
        assert_eq!(told.as_deref(), Some(field));
    }
    let list = ListUsageRequest::default();
    let listed = operator
        .router
        .billing()
        .list_usage(list)
        .await
        .expect("a list");
    assert_eq!(listed.into_inner().events, Vec::new());
}

/// The calls of what is listed.
async fn listed(admin: &Speaker, request: ListUsageRequest) -> Vec<String> {
    let answer = admin.router.billing().list_usage(request).await;
    let events = answer.expect("a list").into_inner().events;
    events.into_iter().map(|event| event.call_id).collect()
}

fn filtered(provider: &str, source: Source) -> ListUsageRequest {
    let mut request = of_demo();
    if let Some(filter) = &mut request.filter {
        provider.clone_into(&mut filter.provider);
        filter.source = source.into();
    }
    request
}

#[tokio::test]
async fn a_list_is_narrowed_by_each_of_its_filters() {
    let product = Product::start().await;
    let (admin, caller) = (product.admin(), product.caller());
    let (_, hosted) = caller.chat_once(MODEL).await;
    let (_, other) = caller.chat_once("anthropic/claude-haiku-4-5").await;
    let secret = "sk-keyway-test-list-0001";
    admin.put_key(DEMO, "openai", secret).await.expect("a key");
    product.until_served_by(MODEL, Source::Own).await;
    // Its call may have begun with a hosted attempt that never left; the next one does not.
    let (_, own) = caller.chat_once(MODEL).await;
    let last = admin.events_of(DEMO, &[&own]).await.remove(0);
    let at = last.settled_at;
    let by_provider = listed(&admin, filtered("anthropic", Source::Unspecified)).await;
    assert_eq!(by_provider, std::slice::from_ref(&other));
    let by_source = listed(&admin, filtered("openai", Source::Own)).await;
    assert!(by_source.contains(&own) && !by_source.contains(&hosted));
    let of_hosted = listed(&admin, filtered("", Source::Hosted)).await;
    assert!(!of_hosted.contains(&own));
    let of_call = |call_id: &str| ListUsageRequest {
        call_id: call_id.to_owned(),
        ..of_demo()
    };
    let by_call = listed(&admin, of_call(&other)).await;
    assert_eq!(by_call, std::slice::from_ref(&other));
    let nobody = CallId::new().to_string();
    assert_eq!(listed(&admin, of_call(&nobody)).await, Vec::<String>::new());
    let (mut since, mut until, mut page) = (of_demo(), of_demo(), of_demo());
    (since.from_time, until.to_time, page.page_size) = (at, at, 1);
    assert!(listed(&admin, since).await.contains(&own));
    let before = listed(&admin, until).await;
    assert!(!before.contains(&own) && before.contains(&other));
    assert_eq!(listed(&admin, page).await, [hosted]);
}
