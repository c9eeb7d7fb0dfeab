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
    let (operator, admin, caller) = (product.operator(), product.admin(), product.caller());
    let (hosted, _) = caller.chat_once(MODEL).await;
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-rate-0001")
        .await
        .expect("a key");
    product.until_served_by(MODEL, Source::Own).await;
    let (unpriced, _) = caller.chat_once(UNPRICED).await;
    assert_eq!(unpriced.list_price_usd, None);
    let listed = table(&operator).await;
    let before = stream(&operator, 3).await;

    // Twice the listed prices, and one for what had none.
    let rows = [
        row("gpt-5-mini", "0.5", "4"),
        row("gpt-of-tomorrow", "1", "1"),
    ]
    .join(",");
    reprice(&file, &format!("[{rows}]"), &operator).await;
    let refused = rerate(&admin, true, "").await.expect_err("not an admin's");
    assert_eq!(reason(&refused), Some(Reason::Denied));
    let would = rerate(&operator, true, "").await.expect("a dry run");
    assert_eq!(stream(&operator, before.len()).await, before);
    let did = rerate(&operator, false, "").await.expect("it is done");
    assert_eq!(did, would);
    assert_eq!(
        did.corrections, did.events,
        "each of them has another price"
    );
    // The hosted one costs as much again; the own ones cost nothing.
    assert_eq!(
        did.difference_usd,
        hosted.charge_usd.clone().expect("a charge")
    );

    let count = before.len() + usize::try_from(did.corrections).expect("a count");
    let after = stream(&operator, count).await;
    assert_eq!(after[..before.len()], before, "no event has changed");
    let corrections = &after[before.len()..];
    for (correction, original) in corrections.iter().zip(&before) {
        assert_eq!(correction.r#type, "keyway.correction.v1");
        assert_eq!(correction.corrects_event_id, original.event_id);
        assert_eq!(correction.corrects_period, original.period);
        assert_eq!(correction.reason, "the list was wrong");
    }
    let of_unpriced = corrections.last().expect("one");
    assert!(usd(of_unpriced.list_price_usd.as_ref()) > Usd::ZERO);
    assert_eq!(of_unpriced.charge_usd.as_deref(), Some("0.000000000000"));
    let told = operator.operations(3).await;
    let began: serde_json::Value = serde_json::from_str(&told[1].operation_json).expect("JSON");
    assert_eq!(
        (began["operation"].as_str(), began["reason"].as_str()),
        (Some("rerate"), Some("the list was wrong"))
    );
    assert!(
        began["accessor"]
            .as_str()
            .is_some_and(|who| !who.is_empty())
    );

    // Back to the table that was in force: what was added is taken away.
    let back = rerate(&operator, false, &listed).await.expect("it is done");
    let added: Usd = did.difference_usd.parse().expect("an amount");
    assert_eq!(
        back.difference_usd,
        Usd::from_pico(-added.pico()).to_string()
    );
    let rows = count + usize::try_from(back.corrections).expect("a count");
    stream(&operator, rows).await;
    csv_sums_to_the_stream(&product, sum(before.iter()), rows).await;
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

#[tokio::test]
async fn a_list_is_narrowed_by_each_of_its_filters() {
    let product = Product::start().await;
    let (admin, caller) = (product.admin(), product.caller());
    let (_, hosted) = caller.chat_once(MODEL).await;
    let (_, other) = caller.chat_once("anthropic/claude-haiku-4-5").await;
    admin
        .put_key(DEMO, "openai", "sk-keyway-test-list-0001")
        .await
        .expect("a key");
    let (own, _) = product.until_served_by(MODEL, Source::Own).await;
    let events = admin.events_of(DEMO, &[&hosted, &other, &own]).await;
    let listed = async |request: ListUsageRequest| -> Vec<String> {
        let answer = admin
            .router
            .billing()
            .list_usage(request)
            .await
            .expect("a list");
        let events = answer.into_inner().events;
        events.into_iter().map(|event| event.call_id).collect()
    };
    let all = ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let filtered = |provider: &str, source: Source| ListUsageRequest {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            provider: provider.to_owned(),
            source: source.into(),
        }),
        ..Default::default()
    };
    assert_eq!(
        listed(filtered("anthropic", Source::Unspecified)).await,
        [other.clone()]
    );
    assert_eq!(listed(filtered("openai", Source::Own)).await, [own.clone()]);
    assert!(!listed(filtered("", Source::Hosted)).await.contains(&own));
    assert_eq!(
        listed(ListUsageRequest {
            call_id: other.clone(),
            ..all.clone()
        })
        .await,
        [other.clone()]
    );
    let at = events
        .iter()
        .find(|event| event.call_id == own)
        .expect("it")
        .settled_at;
    assert!(
        listed(ListUsageRequest {
            from_time: at,
            ..all.clone()
        })
        .await
        .contains(&own)
    );
    let before = listed(ListUsageRequest {
        to_time: at,
        ..all.clone()
    })
    .await;
    assert!(!before.contains(&own) && before.contains(&other));
    let page = ListUsageRequest {
        page_size: 1,
        ..all.clone()
    };
    assert_eq!(listed(page).await, [hosted]);
    let nobody = ListUsageRequest {
        call_id: CallId::new().to_string(),
        ..all
    };
    assert_eq!(listed(nobody).await, Vec::<String>::new());
}
