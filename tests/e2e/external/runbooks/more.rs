//! The pages for outages, the bill and an installation from nothing. Each test makes the trouble first.

use std::path::Path;

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{ListUsageRequest, Source, UsageFilter};
use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest};
use rustix::process::Resource;
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::json;

use super::{MODEL, blocks, path, programs, run, shell};
use crate::exhausted::limit;
use crate::external::relay::published;
use crate::harness::{
    BOUND, Broker, DEMO, Logs, Product, Setup, ask, only_attempt, reason, wait_for,
};

/// Not room for one page of the write-ahead log.
const DISK: u64 = 4 << 10;

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

/// Where both services tell how they stand.
fn operations(product: &Product) -> [(&'static str, String); 2] {
    [
        (
            "VAULT_OPERATIONS",
            product.operations(Part::Vault).to_string(),
        ),
        (
            "ROUTER_OPERATIONS",
            product.operations(Part::Router).to_string(),
        ),
    ]
}

#[tokio::test]
async fn the_runbook_of_a_first_install_ends_with_an_answer() {
    let setup = Setup::new();
    let mut product = setup.start().await; // for its simulator alone
    let base = format!("http://{}/openai/v1", product.simulator().address());
    for part in [Part::Router, Part::Vault] {
        product.kill(part).await; // its addresses are free now
    }
    let router = format!("KEYWAY_ROUTER__PROVIDERS__OPENAI__BASE_URL='{base}'");
    let (folder, home) = (
        programs("", &router),
        tempfile::tempdir().expect("a folder"),
    );
    let addresses = &product.running.site.addresses;
    let script = format!(
        "trap 'kill $(jobs -p); wait' EXIT\n{}",
        blocks("first-install", "run")
    );
    let mut bash = shell(&folder, &script);
    bash.env("HOME_OF_KEYWAY", home.path())
        .env("PLATFORM_KEY", "sk-keyway-test-first-install-0001")
        .env("VAULT", addresses.vault.to_string())
        .env("VAULT_DATA", addresses.vault_data.to_string())
        .env("ROUTER", addresses.router.to_string());
    bash.envs(operations(&product));
    let ended = tokio::time::timeout(BOUND * 2, bash.output()).await;
    let ended = ended.expect("in time").expect("bash");
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{said}");
    assert!(
        said.contains("SOURCE_HOSTED") && said.matches("\"ready\":true").count() >= 4,
        "{said}"
    );
    let name = "first-install";
    assert!(
        !said.contains("sk-keyway-test-first-install-0001"),
        "{name}: {said}"
    );
}

#[tokio::test]
async fn the_runbook_of_an_upgrade_stops_migrates_and_starts() {
    let mut product = Product::start().await;
    let backups = tempfile::tempdir().expect("a folder");
    let state = &product.running.site.state;
    let (vault, ledger) = (state.vault_database(), state.ledger_database());
    let mut variables = [
        ("VAULT_DATABASE", vault.as_path()),
        ("LEDGER_DATABASE", &ledger),
        ("BACKUPS", backups.path()),
    ]
    .map(path)
    .to_vec();
    variables.extend(operations(&product));
    let said = run("upgrade", &mut product, &variables).await;
    assert_eq!(said.matches("\"ready\":true").count(), 2, "{said}");
    assert!(backups.path().join("vault.db").exists() && backups.path().join("ledger.db").exists());
    product.caller().chat(ask(MODEL)).await.expect("an answer");
}

#[tokio::test]
async fn the_runbook_that_revokes_a_platform_key_leaves_no_moment_without_one() {
    let mut product = Product::start().await;
    product.until_served_by(MODEL, Source::Hosted).await;
    let new = "sk-keyway-test-runbook-platform-0002";
    let variables = [
        ("PROVIDER", "openai"),
        ("KEY_NAME", "default"),
        ("NEW_NAME", "second"),
        ("NEW_KEY", new),
    ];
    let variables = variables.map(|(name, value)| (name, value.to_owned()));
    let load = super::Load::start(&product);
    let said = run("revoke-a-platform-key", &mut product, &variables).await;
    let (served, failed) = load.stop().await;
    assert!(failed.is_empty() && !served.is_empty(), "{failed:?}");
    assert!(!said.contains(new), "{said}");
    let sent = product.simulator().last().await;
    product.caller().chat(ask(MODEL)).await.expect("an answer");
    let journal = product.simulator().journal().await;
    assert!(journal.len() > usize::try_from(sent).unwrap_or_default() - 1);
    assert_eq!(
        journal.last().expect("a request")["credential"]["last4"],
        "0002"
    );
}

#[tokio::test]
async fn the_runbook_that_revokes_a_call_token_ends_that_token_and_no_other() {
    let mut product = Product::start().await;
    let request = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Caller.into(),
        label: "checkout".to_owned(),
        ..Default::default()
    };
    let token = product.admin().token(request).await;
    let thief = product.speaker(&token);
    thief.chat(ask(MODEL)).await.expect("an answer");
    let variables = [("LABEL", "checkout".to_owned())];
    let said = run("revoke-a-call-token", &mut product, &variables).await;
    assert!(!said.contains(&token), "{said}");
    let refused = thief.chat(ask(MODEL)).await.unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::CallerUnknown));
    product.caller().chat(ask(MODEL)).await.expect("an answer");
}

#[tokio::test]
async fn the_runbook_of_a_provider_outage_switches_it_off_and_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let switches = folder.path().join("switches.json");
    std::fs::write(&switches, "{}").expect("a file");
    let setup = Setup::new().with("KEYWAY_ROUTER__SWITCHES__FILE", &text(&switches));
    let mut product = setup.start().await;
    let mut variables = vec![
        ("PROVIDER", "openai".to_owned()),
        ("MODEL", MODEL.to_owned()),
        ("SWITCHES", text(&switches)),
    ];
    variables.extend(operations(&product));
    let said = run("provider-outage", &mut product, &variables).await;
    assert!(
        said.contains("SWITCHED_OFF") && said.contains("receipt"),
        "{said}"
    );
}

#[tokio::test]
async fn the_runbook_of_a_vault_that_is_down_brings_it_back() {
    let mut product = Product::start().await;
    product.kill(Part::Vault).await;
    product.until_missing(Part::Router, "vault_feed").await;
    let variables = operations(&product);
    let said = run("vault-down", &mut product, &variables).await;
    assert!(
        said.contains("the vault does not answer") && said.contains("\"vault_feed\""),
        "{said}"
    );
    product.until_well(Part::Router).await;
    product.caller().chat(ask(MODEL)).await.expect("an answer");
}

#[tokio::test]
async fn the_runbook_of_a_full_ledger_ends_with_calls() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LOG__LEVEL", "warn");
    let mut product = setup.start().await;
    limit(&mut product, Part::Router, Resource::Fsize, Some(DISK));
    product.until_missing(Part::Router, "ledger").await;
    let router = product.id(Part::Router);
    let ledger = product.running.site.state.ledger_database();
    let mut variables = vec![
        ("LEDGER_DATABASE", text(&ledger)),
        (
            "MAKE_ROOM",
            format!("prlimit --pid {router} --fsize=unlimited"),
        ),
    ];
    variables.extend(operations(&product));
    run("ledger-full", &mut product, &variables).await;
    product.caller().chat(ask(MODEL)).await.expect("an answer");
}

#[tokio::test]
async fn the_runbook_of_a_stuck_sequencer_ends_with_a_stream_that_moves() {
    let setup = Setup::new().with("KEYWAY_ROUTER__LEDGER__LEASE", "6s");
    let mut product = setup.start().await;
    let ledger = product.running.site.state.ledger_database();
    let stranger = Database::connect(format!("sqlite://{}?mode=rw", ledger.display())).await;
    let stranger = stranger.expect("the ledger");
    let broken = "CREATE TRIGGER broken BEFORE INSERT ON stream_positions BEGIN SELECT RAISE(ABORT, 'no'); END";
    stranger.execute_unprepared(broken).await.expect("done");
    stranger.close().await.expect("closed");
    let (call, _) = wait_for("a call", async || {
        product.caller().chat(ask(MODEL)).await.ok()
    })
    .await;
    let call = only_attempt(call.receipt).1;
    let degraded = async || {
        let (status, body) = product.readyz(Part::Router).await?;
        assert_eq!(status, 200, "calls go on: {body}");
        body.contains(r#""degraded":["stream"]"#).then_some(())
    };
    wait_for("a stream that is told to stand", degraded).await;
    let log = product.log(Part::Router);
    assert!(log.contains("events have waited longer than"), "{log}");
    let mend = format!("sqlite3 {} ", ledger.display());
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("mend");
    std::fs::write(
        &script,
        format!("{mend} 'PRAGMA busy_timeout = 5000; DROP TRIGGER broken'\n"),
    )
    .expect("a file");
    let mut variables = vec![("MEND", format!("sh {}", script.display()))];
    variables.extend(operations(&product));
    run("sequencer-stuck", &mut product, &variables).await;
    product.admin().events_of(DEMO, &[&call]).await;
}

#[tokio::test]
async fn the_runbook_of_a_wrong_price_corrects_the_bill_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let [prices, right] = ["prices.json", "right.json"].map(|name| folder.path().join(name));
    let row = |input: &str| {
        let row = json!({
            "provider": "openai", "model": "gpt-5-mini", "kind": "chat", "currency": "USD",
            "unit": "per_million_tokens", "input": input, "output": "2.00", "source": "this test",
        });
        json!([row]).to_string()
    };
    std::fs::write(&prices, row("25")).expect("a file");
    std::fs::write(&right, row("0.25")).expect("a file");
    let setup = Setup::new().with("KEYWAY_ROUTER__PRICES__OVERLAY", &text(&prices));
    let mut product = setup.start().await;
    let before = product.caller().chat_once(MODEL).await;
    product.admin().events_of(DEMO, &[&before.1]).await;
    let variables = [
        ("PRICES", text(&prices)),
        ("RIGHT_PRICES", text(&right)),
        ("FROM", "2026-01-01T00:00:00Z".to_owned()),
        ("TO", "2126-01-01T00:00:00Z".to_owned()),
    ];
    let said = run("wrong-price-shipped", &mut product, &variables).await;
    assert!(said.contains("\"corrections\": \"1\""), "{said}");
    let mine = UsageFilter {
        workspace: DEMO.to_owned(),
        ..Default::default()
    };
    let request = ListUsageRequest {
        filter: Some(mine),
        ..Default::default()
    };
    let corrected = async || {
        let listed = product
            .operator()
            .router
            .billing()
            .list_usage(request.clone())
            .await;
        let events = listed.expect("a list").into_inner().events;
        let count = events
            .iter()
            .filter(|event| !event.corrects_event_id.is_empty())
            .count();
        (count == 1).then_some(())
    };
    wait_for("one correction", corrected).await;
}

#[tokio::test]
async fn the_runbook_that_replays_billing_ends_with_books_that_agree() {
    let broker = Broker::start();
    let setup = broker
        .setup()
        .with("KEYWAY_ROUTER__RELAY__DEDUPLICATE", "2s");
    let mut product = setup.start().await;
    for _ in 0..5 {
        product.caller().chat_once(MODEL).await;
    }
    published(&product, &broker, 5).await;
    broker.lose_last().await;
    let day = |from: i64| {
        let today = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .expect("after 1970")
            .as_secs();
        let day = i64::try_from(today / 86_400).expect("a day") + from;
        let time = prost_types::Timestamp {
            seconds: day * 86_400,
            nanos: 0,
        };
        time.to_string()
            .split('T')
            .next()
            .expect("a day")
            .to_owned()
    };
    let config = product.running.site.state.config(Part::Router);
    let variables = [("CONFIG", text(&config)), ("FROM", day(-1)), ("TO", day(2))];
    let _said = run("replay-billing", &mut product, &variables).await;
    let _logs = Logs(&product);
    // What was there already came once more, and counts once.
    let stored = broker.stored().await;
    let ids: std::collections::BTreeSet<_> = stored.iter().map(|stored| &stored.id).collect();
    assert_eq!(ids.len(), 5);
}

#[tokio::test]
async fn the_runbook_of_a_clock_that_jumped_shows_what_went_by_it() {
    let mut product = Product::start().await;
    product.caller().chat_once(MODEL).await;
    let mut variables = vec![
        ("FROM", "2026-01-01T00:00:00Z".to_owned()),
        ("TO", "2126-01-01T00:00:00Z".to_owned()),
    ];
    variables.extend(operations(&product));
    let said = run("clock-jump", &mut product, &variables).await;
    assert!(
        said.contains("keyway_clock_jumps_total{direction=\"backward\"} 0"),
        "{said}"
    );
    assert!(said.contains("none waits for its end"), "{said}");
}
