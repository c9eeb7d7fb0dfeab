//! Rules, boards and pages for those on call: every figure that they name is one that the services show,
//! every condition has its alert and its page, and the collector lets nothing out that it does not name.

use std::collections::BTreeSet;
use std::fs;

use keyway::Part;
use serde_json::Value;

use crate::docs::{read, root};
use crate::harness::{Collector, DEMO, Logs, Product, Setup, ask, wait_for};
use crate::tls::Pair;

const RULES: &str = "deploy/kubernetes/components/monitoring/rules.yaml";
const BOARDS: [&str; 2] = ["deploy/grafana/vault.json", "deploy/grafana/router.json"];
const COLLECTOR: &str = "deploy/telemetry/collector.yaml";
const MODEL: &str = "openai/gpt-5-mini";

/// Words of a text that are names of figures.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    let figures = words.filter(|word| word.starts_with("keyway_") || is_model(word));
    figures
        .map(|word| {
            let ends = ["_bucket", "_sum", "_count"];
            let bare = ends.iter().find_map(|end| word.strip_suffix(end));
            bare.unwrap_or(word).to_owned()
        })
        .collect()
}

fn is_model(word: &str) -> bool {
    word.starts_with("gen_ai_client_")
}

/// Names of all series of a text of figures.
fn shown(metrics: &str) -> BTreeSet<String> {
    let series = metrics.lines().filter(|line| !line.starts_with('#'));
    let bare = series.filter_map(|line| line.split(['{', ' ']).next());
    names(&bare.collect::<Vec<_>>().join(" "))
}

/// Values of a label in the series of one figure.
fn values(metrics: &str, figure: &str, label: &str) -> BTreeSet<String> {
    let series = metrics
        .lines()
        .filter(|line| line.starts_with(&format!("{figure}{{")));
    series
        .filter_map(|line| line.split_once(&format!("{label}=\""))?.1.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_figure_of_the_rules_and_boards_is_one_that_the_services_show() {
    let product = Pair::new().start().await.product;
    let secret = "sk-keyway-test-figures-0001";
    product
        .admin()
        .put_key(DEMO, "openai", secret)
        .await
        .expect("stored");
    let caller = product.caller();
    caller.stream_chat(ask(MODEL)).await;
    let all = async || {
        let mut found = shown(&product.metrics(Part::Vault).await);
        found.extend(shown(&product.metrics(Part::Router).await));
        found.contains("keyway_vault_data_keys").then_some(found)
    };
    let (mut found, _) = wait_for("the figures", all).await;
    // What a command writes for a node exporter, and what identity providers and trouble bring.
    found.extend(names(&read("router/src/cli/reconcile.rs")));
    for source in [
        "vault/src/issuers.rs",
        "vault/src/issuers/key_source.rs",
        "vault/src/counters.rs",
        "router/src/counters.rs",
        "chassis/src/serve/refusals.rs",
    ] {
        found.extend(names(&read(source)));
    }
    for file in [RULES].into_iter().chain(BOARDS) {
        let named = names(&read(file));
        assert!(named.len() >= 10, "{file}");
        let missing: Vec<_> = named.difference(&found).collect();
        assert!(missing.is_empty(), "{file}: {missing:?}");
    }
}

#[tokio::test]
async fn every_counter_of_an_alert_is_shown_before_it_counts() {
    let product = Product::start().await;
    let mut metrics = product.metrics(Part::Vault).await;
    metrics += &product.metrics(Part::Router).await;
    let rules = read(RULES);
    let series: BTreeSet<&str> = rules
        .split("increase(")
        .skip(1)
        .filter_map(|rest| rest.split(['[', '{']).next())
        // One per RPC and reason, whose rule knows a series that is new.
        .filter(|name| *name != "keyway_rpcs_total")
        // One per file, where there is TLS.
        .filter(|name| *name != "keyway_tls_reloads_total")
        .collect();
    assert!(series.len() >= 5, "{series:?}");
    for name in series {
        assert!(shown(&metrics).contains(name), "{name}");
    }
}

#[tokio::test]
async fn every_condition_of_readiness_has_an_alert_and_a_page() {
    let product = Product::start().await;
    let (rules, pages) = (read(RULES), read("docs/operations.md"));
    let mut conditions = 0;
    for part in [Part::Vault, Part::Router] {
        product.until_well(part).await;
        let metrics = product.metrics(part).await;
        for (figure, label, bad) in [
            ("keyway_ready", "condition", 0),
            ("keyway_degraded", "what", 1),
        ] {
            for name in values(&metrics, figure, label) {
                let series = format!("expr: {figure}{{{label}=\"{name}\"}} == {bad}\n");
                assert!(rules.contains(&series), "no alert on {series}");
                assert!(
                    pages.contains(&format!("\n| `{name}` | ")),
                    "no row of {name}"
                );
                conditions += 1;
            }
        }
    }
    assert!(conditions >= 15, "{conditions}");
}

#[test]
fn every_alert_names_a_page_that_is_there_and_every_page_is_in_the_index() {
    let (rules, index) = (read(RULES), read("docs/operations.md"));
    let mut alerts = 0;
    for rule in rules.split("- alert: ").skip(1) {
        let name = rule.lines().next().expect("a name");
        let page = rule
            .split("runbook: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let page = page.unwrap_or_else(|| panic!("{name} has no page"));
        let (file, section) = page.split_once('#').unwrap_or((page, ""));
        assert!(root().join(file).exists(), "{name}: {page}");
        let sections: Vec<String> = read(file)
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .map(|title| title.to_lowercase().replace(' ', "-"))
            .collect();
        assert!(
            section.is_empty() || sections.contains(&section.to_owned()),
            "{name}: {page}"
        );
        assert!(index.contains(name), "{name} is not in the index");
        alerts += 1;
    }
    assert!(alerts >= 25, "{alerts}");
    for page in fs::read_dir(root().join("docs/runbooks")).expect("the runbooks") {
        let name = page.expect("an entry").file_name();
        let link = format!("(runbooks/{})", name.to_str().expect("text"));
        assert!(index.contains(&link), "{link} is not in the index");
    }
}

#[test]
fn a_board_is_one_that_grafana_reads() {
    for file in BOARDS {
        let board: Value = serde_json::from_str(&read(file)).expect(file);
        let panels = board["panels"].as_array().expect("panels");
        let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
        assert!(panels.len() >= 10 && ids.len() == panels.len(), "{file}");
        for panel in panels {
            for part in ["title", "type", "gridPos", "datasource"] {
                assert!(!panel[part].is_null(), "{file}: {part} of {panel}");
            }
            let targets = panel["targets"].as_array().expect("targets");
            assert!(
                targets.iter().all(|target| target["expr"].is_string()),
                "{file}"
            );
        }
    }
}

/// The items of a list in the collector's configuration.
fn allowed() -> BTreeSet<String> {
    let text = read(COLLECTOR);
    let list = text.split("allowed_keys:\n").nth(1).expect("a list");
    let items = list
        .lines()
        .map_while(|line| line.trim().strip_prefix("- "));
    items.map(str::to_owned).collect()
}

#[tokio::test]
async fn the_collector_lets_out_what_the_services_export_and_nothing_else() {
    let collector = Collector::start().await;
    let endpoint = format!("http://{}", collector.address);
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__TRACES__ENDPOINT", &endpoint)
        .with("KEYWAY_VAULT__TRACES__ENDPOINT", &endpoint);
    let product = setup.start().await;
    let _logs = Logs(&product);
    product.caller().chat_once(MODEL).await;
    let both = async || {
        let spans = collector.spans();
        let of = |service: &str| spans.iter().any(|made| made.service == service);
        (of("keyway-vault") && of("keyway-router")).then_some(spans)
    };
    let (spans, _) = wait_for("spans of both", both).await;
    let exported: BTreeSet<String> = spans
        .into_iter()
        .flat_map(|made| made.span.attributes)
        .map(|pair| pair.key)
        .collect();
    let allowed = allowed();
    let dropped = exported.difference(&allowed);
    // The library adds where in the code a span was made.
    let dropped: Vec<_> = dropped.filter(|key| *key != "target").collect();
    assert!(dropped.is_empty(), "exported and not let out: {dropped:?}");
    let risky = [
        "prompt",
        "content",
        "message",
        "authorization",
        "header",
        "body",
        "url",
        "user",
    ];
    for key in &allowed {
        assert!(!risky.iter().any(|word| key.contains(word)), "{key}");
    }
}

#[test]
fn the_collector_takes_out_every_form_of_secret() {
    let text = read(COLLECTOR);
    let blocked = text.lines().find(|line| line.contains("blocked_values:"));
    let blocked = blocked.expect("forms of secrets");
    for form in ["kw[aocr]_", "sk-", "AIza", "Bearer "] {
        assert!(blocked.contains(form), "{form}");
    }
    assert!(text.contains("allow_all_keys: false"));
    let traces = text.split("    traces:\n").nth(1).expect("a pipeline");
    let processors = traces.lines().find(|line| line.contains("processors:"));
    assert!(
        processors.expect("processors").contains("redaction"),
        "{traces}"
    );
}
