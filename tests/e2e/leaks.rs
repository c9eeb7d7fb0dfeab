//! No secret is in a file, a log, an error or a metric, in any spelling; and the search that says
//! so finds each of them when one is put there.

mod paths;
pub(crate) mod search;
mod sinks;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway::Part;
use keyway_proto::router::v1::ChatRequest;
use keyway_proto::vault::v1::{Role, TokenServiceCreateRequest, WorkspaceServiceCreateRequest};
use keyway_proto::{Fault, Reason};
use tonic::Status;

use crate::harness::{DEMO, Logs, Product, Setup, ask};
use search::{SPELLINGS, Search};
use sinks::Sink;

/// A key like any other.
const PLAIN_KEY: &str = "sk-keyway-test-Zq7vW9xTb4KmP2dR8uJ5nYc3";
/// A key that every spelling spells in its own way.
const ODD_KEY: &str = "sk-keyway-test-\"Hg6\\w+/Xf=1%Lz&0<Vq>9'Sd";
const PROMPT: &str = "Zebra-quilt \"7319\" hums under violet tarpaulins";
const COMPLETION: &str = "Marzipan otters\\4471 juggle bronze umbrellas";
const UNKNOWN_TOKEN: &str = "kwc_9Qm2Xv7Lp4Tz8Rw3Bn6Hd1Kf5Js0Gy9Ca2Ve7Ui4Oq8Mx3";

#[tokio::test]
async fn no_secret_is_in_a_file_a_log_an_error_or_a_metric() {
    let temporary = tempfile::tempdir().expect("a folder");
    let folder = temporary.path().to_str().expect("UTF-8").to_owned();
    let setup = Setup::new()
        .with("KEYWAY_VAULT__LOG__LEVEL", "trace")
        .with("KEYWAY_ROUTER__LOG__LEVEL", "trace")
        .with("TMPDIR", &folder)
        .with("SQLITE_TMPDIR", &folder);
    let mut product = setup.start().await;
    let (search, held) = plant(&product).await;
    let mut shown = paths::walk(&product, &held.admin_token).await;
    assert!(
        shown.len() >= 3 * 60,
        "only {} pieces of errors",
        shown.len()
    );
    shown.extend(sinks::operations(&product).await);
    shown.extend(sinks::processes(&product));
    shown.extend(sinks::files(temporary.path()));
    let mut files = sinks::files(product.state());
    for (part, line) in [
        (Part::Vault, "ResolveKeys"),
        (Part::Router, "ExecutionService/Chat"),
    ] {
        let log = product.log(part);
        assert!(
            log.contains(line),
            "{line} is not in the log of the {}",
            part.as_str()
        );
    }

    // What a kill leaves behind, the write-ahead logs above all.
    product.kill(Part::Router).await;
    product.kill(Part::Vault).await;
    files.extend(sinks::files(product.state()));
    files.extend(sinks::files(temporary.path()));
    let wal = files
        .iter()
        .any(|(name, bytes)| name == "vault.db-wal" && !bytes.is_empty());
    assert!(wal, "there is a write-ahead log to look into");

    let mut leaks = found(&search, &shown);
    leaks.extend(
        found(&search, &files)
            .into_iter()
            .filter_map(without_holders),
    );
    assert_eq!(leaks, BTreeMap::new());
    let own = found(&search, &files);
    for (file, name) in HOLDERS {
        let holds = own.get(file).is_some_and(|names| names.contains_key(name));
        assert!(holds, "{name} was not found in {file}, which holds it");
    }
}

#[tokio::test]
async fn a_leak_is_found_in_every_sink_and_every_spelling() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (search, _held) = plant(&product).await;
    let planted = [
        ("own key", PLAIN_KEY),
        ("odd key", ODD_KEY),
        ("prompt", PROMPT),
    ];
    for (name, secret) in planted {
        for (spelling, _) in SPELLINGS {
            let twin = format!("before {} after", spell(spelling, secret));
            let case = format!("{name}, {spelling}");

            for file in ["leak.tmp", "logs/leak.log"] {
                let path = product.state().join(file);
                std::fs::write(&path, &twin).expect("a file");
                let leaks = found(&search, &sinks::files(product.state()));
                assert!(leaks[file].contains_key(name), "{case} in {file}");
                std::fs::remove_file(path).expect("it was there");
            }

            let mut shown = sinks::operations(&product).await;
            for (sink, text) in &mut shown {
                if *sink == sinks::metrics_of(Part::Router) {
                    text.extend(format!("keyway_leak_total{{label=\"{twin}\"}} 1\n").bytes());
                }
            }
            let leaks = found(&search, &shown);
            assert!(
                leaks[&sinks::metrics_of(Part::Router)].contains_key(name),
                "{case}"
            );

            let in_message = Status::from(Fault::new(Reason::Internal, twin.clone()));
            let leaks = found(&search, &sinks::status("a", &in_message));
            assert!(leaks["message of a"].contains_key(name), "{case}");
            let in_details = Status::from(Fault::new(Reason::Internal, "b").with("why", twin));
            let leaks = found(&search, &sinks::status("b", &in_details));
            assert!(leaks["details of b"].contains_key(name), "{case}");
            assert!(!leaks.contains_key("message of b"), "{case}");
        }
    }
}

#[tokio::test]
async fn what_the_product_itself_writes_down_is_found() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let (search, _held) = plant(&product).await;
    // Names and labels are there to be written down: these are secrets in the wrong field.
    let create = WorkspaceServiceCreateRequest {
        workspace_id: "careless".to_owned(),
        display_name: PLAIN_KEY.to_owned(),
        first_admin: "service:careless".to_owned(),
        ..Default::default()
    };
    product
        .operator()
        .vault
        .workspaces()
        .create(create)
        .await
        .unwrap();
    let request = ChatRequest {
        labels: [("note".to_owned(), hex::encode(PROMPT))].into(),
        ..ask("openai/gpt-5-mini")
    };
    let answer = product.caller().chat(request).await.unwrap();
    let call_id = answer.receipt.expect("a receipt").call_id;
    product.admin().events_of(DEMO, &[&call_id]).await;
    let leaks = found(&search, &sinks::files(product.state()));
    for (database, name) in [("vault.db", "own key"), ("ledger.db", "prompt")] {
        let mut files = leaks.iter().filter(|(file, _)| file.starts_with(database));
        assert!(
            files.any(|(_, names)| names.contains_key(name)),
            "{database}: {leaks:?}"
        );
    }
}

/// Secrets that only the test holds.
struct Held {
    /// Never written to any file by anybody.
    admin_token: String,
}

/// Where a secret must be, and nowhere else: the file and the secret.
const HOLDERS: [(&str, &str); 6] = [
    ("keyway.env", "operator token"),
    ("keyway.env", "admin token"),
    ("keyway.env", "call token"),
    ("operator.token", "operator token"),
    ("router.token", "router token"),
    ("master.key", "master key"),
];
/// Outside of the product: what the simulator has read.
const SIMULATOR: [&str; 2] = ["provider-sim.journal", "logs/provider-sim.log"];

async fn plant(product: &Product) -> (Search, Held) {
    let mut search = Search::default();
    let constants = [
        ("own key", PLAIN_KEY),
        ("odd key", ODD_KEY),
        ("prompt", PROMPT),
        ("completion", COMPLETION),
        ("unknown token", UNKNOWN_TOKEN),
        ("hosted key", "sk-keyway-simulator-openai-hosted"),
        ("Google's hosted key", "sk-keyway-simulator-google-hosted"),
        ("Mistral's hosted key", "sk-keyway-simulator-mistral-hosted"),
    ];
    for (name, text) in constants {
        search.plant(name, text.as_bytes());
    }
    let access = &product.running.access;
    search.plant("operator token", access.operator_token.expose().as_bytes());
    search.plant("admin token", access.admin_token.expose().as_bytes());
    search.plant("call token", access.call_token.expose().as_bytes());
    let state = &product.running.site.state;
    let router = std::fs::read_to_string(state.router_token()).expect("a token");
    search.plant("router token", router.trim().as_bytes());
    let master = std::fs::read_to_string(state.master_key()).expect("a key");
    let master = master.trim().rsplit(':').next().expect("a key");
    search.plant("master key", &STANDARD.decode(master).expect("base64"));
    let request = TokenServiceCreateRequest {
        workspace: DEMO.to_owned(),
        role: Role::Admin.into(),
        subject: "service:demo-admin".to_owned(),
        ..Default::default()
    };
    let admin_token = product.admin().token(request).await;
    search.plant("new token", admin_token.as_bytes());
    (search, Held { admin_token })
}

fn found(search: &Search, sinks: &[Sink]) -> BTreeMap<String, BTreeMap<String, &'static str>> {
    let mut leaks: BTreeMap<String, BTreeMap<String, &'static str>> = BTreeMap::new();
    for (sink, bytes) in sinks {
        let names = search.find(bytes);
        if !names.is_empty() {
            leaks.entry(sink.clone()).or_default().extend(names);
        }
    }
    leaks
}

/// What a file must not hold of what was found in it.
fn without_holders(
    (file, mut names): (String, BTreeMap<String, &'static str>),
) -> Option<(String, BTreeMap<String, &'static str>)> {
    names.retain(|name, _| !HOLDERS.contains(&(file.as_str(), name.as_str())));
    let is_simulators = SIMULATOR.iter().any(|prefix| file.starts_with(prefix));
    (!is_simulators && !names.is_empty()).then_some((file, names))
}

/// One way to spell a secret, from its middle, so that only pieces of it are there.
fn spell(spelling: &str, secret: &str) -> String {
    let piece = secret.get(7..secret.len() - 7).expect("a piece");
    let bytes = piece.as_bytes();
    match spelling {
        "hex" => hex::encode(bytes),
        "base64" => STANDARD.encode(format!("x{piece}")),
        "percent" => {
            percent_encoding::percent_encode(bytes, percent_encoding::NON_ALPHANUMERIC).to_string()
        }
        "JSON" => serde_json::json!(piece).to_string(),
        "JSON, all escaped" => {
            let escaped = bytes
                .iter()
                .map(|byte| ["\\u00", &hex::encode([*byte])].concat());
            escaped.collect()
        }
        _ => piece.to_owned(),
    }
}
