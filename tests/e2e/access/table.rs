//! The access table, read from the two documents that hold it: `table.md` with full names, and the
//! design's own text with short ones.

use crate::docs::read;

/// The columns, in the order of the documents.
pub(super) const COLUMNS: [&str; 7] = [
    "anyone",
    "call token",
    "reader",
    "admin",
    "operator",
    "auditor",
    "router",
];

/// One RPC, or the part of it that a row is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    /// Full name, `keyway.vault.v1.KeyService/GetKey`.
    pub(super) rpc: String,
    /// `policy`, `operator_limits`, `workspace chain`, `system chain`, or nothing.
    pub(super) part: String,
    /// The words of the cells, in the order of [`COLUMNS`].
    pub(super) cells: Vec<String>,
}

const PARTS: [&str; 4] = [
    "policy",
    "operator_limits",
    "workspace chain",
    "system chain",
];

/// `table.md`.
pub(super) fn written() -> Vec<Row> {
    let text = read("vault/access/table.md");
    let mut rows = Vec::new();
    for (names, cells) in lines(&text) {
        let part = part_of(&names);
        for rpc in names.split('`').filter(|name| name.contains('/')) {
            rows.push(Row {
                rpc: rpc.to_owned(),
                part: part.clone(),
                cells: cells.clone(),
            });
        }
    }
    rows
}

/// The design's table, its short names made full with `all_rpcs`. Fails on a word that means no RPC.
pub(super) fn designed(all_rpcs: &[String]) -> Result<Vec<Row>, String> {
    let text = read("vault/access/design.md");
    let mut rows = Vec::new();
    for (names, cells) in lines(&text) {
        let part = part_of(&names);
        for rpc in full_names(&names, all_rpcs)? {
            rows.push(Row {
                rpc,
                part: part.clone(),
                cells: cells.clone(),
            });
        }
    }
    Ok(rows)
}

/// First cell and the other seven of every line of the table but its head.
fn lines(text: &str) -> Vec<(String, Vec<String>)> {
    let lines = text.lines().filter(|line| line.starts_with("| "));
    let rows = lines.filter(|line| !line.starts_with("| RPC "));
    rows.map(|line| {
        let inner = line.strip_prefix('|').and_then(|l| l.strip_suffix('|'));
        let mut cells = inner
            .expect("a row")
            .split('|')
            .map(|cell| cell.trim().to_owned());
        let names = cells.next().expect("a first cell");
        let cells: Vec<String> = cells.collect();
        assert_eq!(cells.len(), COLUMNS.len(), "{line}");
        (names, cells)
    })
    .collect()
}

fn part_of(names: &str) -> String {
    let bare = names.trim_end_matches('`');
    let part = PARTS.into_iter().find(|part| bare.ends_with(part));
    part.unwrap_or_default().to_owned()
}

/// `Audit List, Export: workspace chain` names the RPCs `List` and `Export` of `AuditService`.
fn full_names(names: &str, all_rpcs: &[String]) -> Result<Vec<String>, String> {
    let mut found = Vec::new();
    for group in names.split(';') {
        let bare = group
            .split([':', '(', '`'])
            .next()
            .unwrap_or_default()
            .trim();
        let (service, methods) = bare.split_once(' ').unwrap_or((bare, ""));
        let of_service: Vec<&String> = all_rpcs
            .iter()
            .filter(|rpc| is_service(rpc, service))
            .collect();
        if of_service.is_empty() {
            return Err(format!("{group}: no service is called {service}"));
        }
        if methods.is_empty() {
            found.extend(of_service.into_iter().cloned()); // `Reflection`, `Lease (all)`
            continue;
        }
        for method in methods.split(',').map(str::trim) {
            let meant: Vec<_> = of_service
                .iter()
                .filter(|rpc| is_method(rpc, method))
                .collect();
            if meant.is_empty() {
                return Err(format!("{group}: {service} has no {method}"));
            }
            found.extend(meant.into_iter().map(|rpc| (*rpc).clone()));
        }
    }
    Ok(found)
}

/// `Key`, `KeyService` and `Seal` name services; `Reflection` both versions of one.
fn is_service(rpc: &str, short: &str) -> bool {
    let service = rpc
        .split('/')
        .next()
        .and_then(|name| name.rsplit('.').next());
    let service = service.unwrap_or_default();
    service == short
        || service.strip_suffix("Service") == Some(short)
        || service.strip_prefix("Server") == Some(short)
}

/// `Get` is `GetKey` of `KeyService`, `Summarize` is `SummarizeUsage` of `BillingService`. The table
/// says nothing of health's `List`; it shows what `Check` shows.
fn is_method(rpc: &str, short: &str) -> bool {
    let (service, method) = rpc.split_once('/').expect("a full name");
    let nouns = ["", "Key", "Keys", "Usage"];
    nouns.iter().any(|noun| method == format!("{short}{noun}"))
        || (service == "grpc.health.v1.Health" && (short, method) == ("Check", "List"))
}
