//! The alerting rules as Prometheus itself reads them: each alert comes when its time has, alone, and not a
//! moment earlier. What the boards ask is asked of the same parser.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::docs::read;

const RULES: &str = "deploy/kubernetes/components/monitoring/rules.yaml";

/// What is scraped every 15 s, and when an alert comes of it. Values are in promtool's notation: `0x39 1x40` is 0
/// for the first ten minutes, and then 1.
struct Case {
    alert: &'static str,
    series: &'static [(&'static str, &'static str)],
    /// The last look at which nothing is alerted.
    quiet: &'static str,
    /// The first at which this alert fires, and no other.
    fires: &'static str,
}

/// A gauge or counter of which an alert comes so long after minute ten.
macro_rules! case {
    ($alert:literal, $quiet:literal, $fires:literal, $($series:literal: $values:literal),+) => {
        Case {
            alert: concat!("Keyway", $alert),
            series: &[$(($series, $values)),+],
            quiet: $quiet,
            fires: $fires,
        }
    };
}

/// Of two series the first is a neighbour that is worse and must alert nobody.
const CASES: &[Case] = &[
    case!("Down", "11m45s", "12m",
        "up{service=\"another\"}": "0x100",
        "up{service=\"keyway-vault-operations\"}": "1x39 0x60"),
    case!("Down", "11m45s", "12m", "up{service=\"keyway-router-operations\"}": "1x39 0x60"),
    case!("NotStarted", "19m45s", "20m", "keyway_ready{condition=\"started\"}": "1x39 0x60"),
    case!("RuntimeBlocked", "10m", "10m15s", "keyway_ready{condition=\"runtime\"}": "1x39 0x60"),
    case!("MigrationPending", "14m45s", "15m", "keyway_ready{condition=\"migrations\"}": "1x39 0x60"),
    case!("DatabaseAway", "10m45s", "11m", "keyway_ready{condition=\"database\"}": "1x39 0x60"),
    case!("DatabaseRolledBack", "9m45s", "10m", "keyway_ready{condition=\"database_history\"}": "1x39 0x60"),
    case!("MasterKeyAway", "10m45s", "11m", "keyway_ready{condition=\"master_key\"}": "1x39 0x60"),
    case!("AuditUnwritable", "10m15s", "10m30s", "keyway_ready{condition=\"audit\"}": "1x39 0x60"),
    case!("VaultFeedDead", "10m45s", "11m", "keyway_ready{condition=\"vault_feed\"}": "1x39 0x60"),
    case!("LedgerUnwritable", "10m15s", "10m30s", "keyway_ready{condition=\"ledger\"}": "1x39 0x60"),
    case!("RelayDown", "14m45s", "15m", "keyway_degraded{what=\"relay\"}": "0x39 1x60"),
    case!("SequencerStuck", "10m45s", "11m", "keyway_degraded{what=\"stream\"}": "0x39 1x60"),
    case!("PricesRefused", "10m45s", "11m", "keyway_degraded{what=\"prices\"}": "0x39 1x60"),
    case!("SwitchesRefused", "10m45s", "11m", "keyway_degraded{what=\"switches\"}": "0x39 1x60"),
    case!("FeedLags", "10m45s", "11m", "keyway_router_feed_lag_seconds": "15x39 16x60"),
    case!("SlowRouter", "9m45s", "10m",
        "keyway_vault_watches_cut_total{why=\"other\"}": "0+1x100",
        "keyway_vault_watches_cut_total{why=\"slow\"}": "0x39 1x60"),
    case!("RelayLags", "14m45s", "15m", "keyway_router_relay_oldest_seconds": "300x39 301x60"),
    case!("RelayConflict", "9m45s", "10m", "keyway_router_relay_conflicts_total": "0x39 1x60"),
    case!("ReconcileDiffers", "9m45s", "10m", "keyway_reconcile_differences{between=\"ledger_stream\"}": "0x39 1x60"),
    case!("ReconcileDiffers", "9m45s", "10m", "keyway_reconcile_conflicts": "0x39 1x60"),
    case!("SlowConsumer", "19m45s", "20m", "keyway_router_consumer_behind_seconds": "3600x39 3601x60"),
    case!("SweeperStuck", "11m45s", "12m", "keyway_router_attempts_left_open": "0x39 1x60"),
    case!("ClockJumped", "9m45s", "10m", "keyway_clock_jumps_total{direction=\"backward\"}": "0x39 1x60"),
    // On the platform's key a tenth of the attempts fail, and from minute 20 on all of them: that is more than a
    // fifth of five minutes half a minute later. On the customers' own keys all fail.
    case!("HostedCallsFail", "30m15s", "30m30s",
        "keyway_router_attempts_total{source=\"own\",outcome=\"failed\",provider=\"openai\"}": "0+90x200",
        "keyway_router_attempts_total{source=\"hosted\",outcome=\"failed\",provider=\"openai\"}": "0+1x79 89+10x120",
        "keyway_router_attempts_total{source=\"hosted\",outcome=\"completed\",provider=\"openai\"}": "0+9x79 711x120"),
    case!("BreakersOpen", "19m45s", "20m",
        "keyway_router_breakers_total{what=\"closed\"}": "0+5x100",
        "keyway_router_breakers_total{what=\"opened\"}": "0x39 15x39 45x60"),
    case!("SpendLimitReached", "9m45s", "10m",
        "keyway_router_shed_total{reason=\"HOSTED_RATE_LIMITED\"}": "0+9x100",
        "keyway_router_shed_total{reason=\"SPEND_LIMIT\"}": "0x39 1x60"),
    case!("Overloaded", "19m45s", "20m", "keyway_router_shed_total{reason=\"OVERLOADED\"}": "0x39 60x39 300x60"),
    case!("CertificateEnds", "9m45s", "10m", "keyway_tls_certificate_expires_seconds{use=\"data\"}": "259200x39 259199x60"),
    case!("TlsFilesRefused", "9m45s", "10m",
        "keyway_tls_reloads_total{outcome=\"taken\"}": "0+1x100",
        "keyway_tls_reloads_total{outcome=\"refused\"}": "0x39 1x60"),
    // A series that is new has not grown.
    case!("Bugs", "9m45s", "10m",
        "keyway_rpcs_total{rpc=\"Chat\",code=\"Unavailable\",reason=\"OVERLOADED\"}": "0+9x100",
        "keyway_rpcs_total{rpc=\"Chat\",code=\"Internal\",reason=\"INTERNAL\"}": "_x40 1x60"),
    case!("Bugs", "14m45s", "15m", "keyway_rpcs_total{rpc=\"Chat\",code=\"DataLoss\",reason=\"KEY_UNREADABLE\"}": "1x59 2x60"),
    case!("AuditBroken", "9m45s", "10m", "keyway_vault_audit_breaks_total": "0x39 1x60"),
];

/// The rules without the object that the operator of Prometheus wants around them.
fn rules() -> String {
    let (_object, spec) = read(RULES)
        .split_once("\nspec:\n")
        .map(owned)
        .expect("a spec");
    let lines = spec
        .lines()
        .map(|line| line.strip_prefix("  ").expect("under spec"));
    lines.fold(String::new(), |all, line| all + line + "\n")
}

fn owned((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

/// Severity of every alert by its name.
fn severities(rules: &str) -> Vec<(&str, &str)> {
    let each = rules.split("- alert: ").skip(1);
    each.map(|rule| {
        let severity = rule.split("severity: ").nth(1).expect("a severity");
        let word = severity.split(' ').next().expect("a word");
        (rule.lines().next().expect("a name"), word)
    })
    .collect()
}

/// The file of tests that promtool reads.
fn tests(rules: &str) -> String {
    let severities = severities(rules);
    let mut file = "rule_files: [rules.yaml]\nevaluation_interval: 15s\ntests:\n".to_owned();
    for case in CASES {
        let found = severities.iter().find(|(name, _)| *name == case.alert);
        let (name, severity) = found.unwrap_or_else(|| panic!("there is no {}", case.alert));
        file += "  - interval: 15s\n    input_series:\n";
        for (series, values) in case.series {
            writeln!(file, "      - {{ series: '{series}', values: '{values}' }}").expect("text");
        }
        file += "    promql_expr_test:\n";
        let alerted =
            format!("[{{ labels: '{{alertname=\"{name}\",severity=\"{severity}\"}}', value: 1 }}]");
        for (time, wanted) in [(case.quiet, "[]"), (case.fires, &*alerted)] {
            let expression = "count by (alertname, severity) (ALERTS{alertstate=\"firing\"})";
            writeln!(
                file,
                "      - {{ expr: '{expression}', eval_time: {time}, exp_samples: {wanted} }}"
            )
            .expect("text");
        }
    }
    file
}

fn promtool(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("promtool");
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.expect("promtool is missing: Debian has it in prometheus");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
}

#[test]
fn prometheus_reads_the_rules_and_each_alert_fires_alone_and_when_its_time_has_come() {
    let (folder, rules) = (tempfile::tempdir().expect("a folder"), rules());
    fs::write(folder.path().join("rules.yaml"), &rules).expect("written");
    fs::write(folder.path().join("tests.yaml"), tests(&rules)).expect("written");
    promtool(
        folder.path(),
        &["check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"],
    );
    promtool(folder.path(), &["test", "rules", "tests.yaml"]);
    let names = severities(&rules).into_iter().map(|(name, _)| name);
    let shown = CASES.iter().map(|case| case.alert);
    assert_eq!(
        names.collect::<BTreeSet<_>>(),
        shown.collect(),
        "each has a case"
    );
}

#[test]
fn prometheus_reads_what_the_boards_ask() {
    let mut rules = Vec::new();
    for file in ["deploy/grafana/vault.json", "deploy/grafana/router.json"] {
        let board: Value = serde_json::from_str(&read(file)).expect(file);
        let panels = board["panels"].as_array().expect("panels");
        for target in panels
            .iter()
            .filter_map(|panel| panel["targets"].as_array())
        {
            for asked in target {
                let name = format!("asked_{}", rules.len());
                rules.push(json!({"record": name, "expr": asked["expr"]}));
            }
        }
    }
    assert!(rules.len() >= 30, "{}", rules.len());
    let groups = json!({"groups": [{"name": "boards", "rules": rules}]});
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("boards.yaml"), groups.to_string()).expect("written");
    promtool(folder.path(), &["check", "rules", "boards.yaml"]);
}
