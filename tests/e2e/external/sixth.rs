//! A sixth provider: the files of a template and one line of the registry, and a copy of the workspace
//! speaks it, at every place where the five are spoken.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use keyway_proto::billing::v1::{Basis, Source};
use keyway_proto::router::v1::{ChatResponse, FinishReason, part};
use keyway_proto::vault::v1::ListProvidersRequest;
use keyway_proto::{Reason, status};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::docs::root;
use crate::harness::{DEMO, Logs, Setup, only_attempt, say};

/// Where the registry is, and before which line the new one goes: it is in the order of ids.
const REGISTRY: &str = "proto/words/src/providers.rs";
const BEFORE: &str = "            Anthropic ";
const TEMPLATE: &str = "tests/template";

/// The files below a folder, by their path in it. What was built and what git keeps is left out.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut left) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let name = entry.file_name();
            if kind.is_dir() && name != "target" && name != ".git" && name != ".ci" {
                left.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let below = path.strip_prefix(folder).unwrap().to_owned();
                found.insert(below, fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Writes what is not there yet: a file that stays as it is need not be built again.
fn write(path: &Path, bytes: &[u8]) {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Makes the folder a copy of the workspace with the sixth provider.
fn with_the_sixth(copy: &Path) {
    let mut made = files(&root());
    let mut template = files(&root().join(TEMPLATE));
    let line = String::from_utf8(template.remove(Path::new("line")).unwrap()).unwrap();
    let registry = String::from_utf8(made[Path::new(REGISTRY)].clone()).unwrap();
    let (before, after) = registry.split_once(BEFORE).unwrap();
    let registry = format!("{before}{line}{BEFORE}{after}");
    made.insert(PathBuf::from(REGISTRY), registry.into_bytes());
    for (path, bytes) in template {
        let old = made.insert(path.clone(), bytes);
        assert!(old.is_none(), "{} is new", path.display());
    }
    for (path, bytes) in &made {
        write(&copy.join(path), bytes);
    }
    fs::create_dir_all(copy).unwrap();
    for path in files(copy).keys().filter(|path| !made.contains_key(*path)) {
        fs::remove_file(copy.join(path)).unwrap();
    }
}

/// What differs from the workspace: the new files, and the lines that were added to old ones.
fn differences(copy: &Path) -> (Vec<String>, Vec<String>) {
    let (old, new) = (files(&root()), files(copy));
    assert!(old.keys().all(|path| new.contains_key(path)));
    let (mut added, mut lines) = (Vec::new(), Vec::new());
    for (path, bytes) in &new {
        let Some(before) = old.get(path) else {
            added.push(path.display().to_string());
            continue;
        };
        if before != bytes {
            let before = String::from_utf8_lossy(before);
            let after = String::from_utf8_lossy(bytes);
            let after = after.lines();
            let new: Vec<&str> = after
                .filter(|&line| !before.lines().any(|old| old == line))
                .collect();
            assert_eq!(
                before.lines().count() + new.len(),
                String::from_utf8_lossy(bytes).lines().count()
            );
            lines.extend(
                new.iter()
                    .map(|line| format!("{}: {}", path.display(), line.trim())),
            );
        }
    }
    (added, lines)
}

/// The folder of what is built.
fn target() -> &'static Path {
    let program = Path::new(env!("CARGO_BIN_EXE_keyway-tests"));
    program.ancestors().nth(2).expect("a target folder")
}

/// Gives a target folder what is built of other people's crates, so that only the workspace's are built
/// again. Those of the copy have the same names there as the workspace's here, so they need a folder of
/// their own.
fn warm(built: &Path) {
    let debug = target().join("debug");
    for kind in [".fingerprint", "build", "deps"] {
        for entry in fs::read_dir(debug.join(kind)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let name = name.trim_start_matches("lib");
            if !["keyway", "provider", "e2e"]
                .iter()
                .any(|ours| name.starts_with(ours))
            {
                link(
                    &entry.path(),
                    &built.join("debug").join(kind).join(entry.file_name()),
                );
            }
        }
    }
}

fn link(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if !to.exists() {
            fs::hard_link(from, to).unwrap();
        }
        return;
    }
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        link(&entry.path(), &to.join(entry.file_name()));
    }
}

/// Builds the copy.
fn build(copy: &Path, program: &Path) {
    let built = target().join("sixth-provider-built");
    warm(&built);
    // Selecting the tests too keeps the features, and so what is built, of the dependencies.
    let cargo = Command::new(env!("CARGO"))
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", &built)
        .args(["build", "--offline", "--locked", "--quiet"])
        .args(["-p", "keyway", "-p", "keyway-tests", "--bin", "keyway"])
        .args(["--features", "keyway-tests/external"])
        .output()
        .expect("cargo is there");
    let said = String::from_utf8_lossy(&cargo.stderr);
    assert!(cargo.status.success(), "{said}");
    fs::copy(built.join("debug/keyway"), program).unwrap();
}

/// Acme, which answers every request in the same words; what it was asked, each as its head and body.
struct Acme {
    listener: TcpListener,
}

impl Acme {
    /// Answers one request on a connection of its own.
    async fn answer(&self) -> String {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut asked = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).await.unwrap();
            asked.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&asked).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.to_ascii_lowercase();
            let length = length
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                let (kind, reply) = if body.contains("\"stream\":true") {
                    ("text/event-stream", STREAMED)
                } else {
                    ("application/json", WHOLE)
                };
                let reply = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{reply}",
                    reply.len()
                );
                stream.write_all(reply.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
                return text;
            }
        }
    }
}

const WHOLE: &str =
    r#"{"words":"An anvil.","why":"done","spent":{"read":3,"written":2},"model":"anvil-1"}"#;
const STREAMED: &str = "data: {\"words\":\"An \",\"model\":\"anvil-1\"}\n\ndata: {\"words\":\"anvil.\"}\n\n\
     data: {\"why\":\"done\",\"spent\":{\"read\":3,\"written\":2}}\n\n";

#[tokio::test]
async fn a_sixth_provider_is_its_own_files_and_one_line_and_serves_a_call() {
    let copy = target().join("sixth-provider");
    with_the_sixth(&copy);
    let (added, lines) = differences(&copy);
    assert_eq!(
        added,
        [
            "router/pricing/prices/acme.json",
            "router/providers/src/acme.rs"
        ]
    );
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with(REGISTRY), "{lines:?}");

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("keyway");
    let building = tokio::task::spawn_blocking({
        let program = program.clone();
        move || build(&copy, &program)
    });
    building.await.unwrap();
    serve_calls(program).await;
}

async fn serve_calls(program: PathBuf) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let acme = Acme { listener };
    let product = Setup::new()
        .with("KEYWAY_ROUTER__PROVIDERS__ACME__BASE_URL", &base)
        .program(program)
        .start()
        .await;
    let _logs = Logs(&product);
    let (admin, caller) = (product.admin(), product.caller());

    let mut keys = admin.vault.keys();
    let listed = keys.list_providers(ListProvidersRequest::default()).await;
    let listed = listed.unwrap().into_inner().providers;
    let listed = listed.iter().find(|provider| provider.id == "acme");
    assert_eq!(listed.unwrap().display_name, "Acme");
    let stored = admin.put_key(DEMO, "acme", "acme-keyway-test-0001").await;
    stored.unwrap();

    let request = say("acme/anvil-1", "What falls?");
    let (answer, asked) = tokio::join!(caller.chat(request.clone()), acme.answer());
    assert!(asked.starts_with("POST /v1/say HTTP/1.1"), "{asked}");
    assert!(
        asked.contains("x-acme-key: acme-keyway-test-0001"),
        "{asked}"
    );
    assert!(
        asked.ends_with(r#"{"model":"anvil-1","turns":[{"who":"you","words":["What falls?"]}],"most":256,"stream":false}"#),
        "{asked}"
    );
    let (streamed, _) = tokio::join!(caller.try_stream_chat(request.clone()), acme.answer());
    let mut ids = Vec::new();
    for answer in [answer.unwrap(), streamed.unwrap()] {
        ids.push(check(answer));
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    for event in admin.events_of(DEMO, &ids).await {
        assert_eq!(
            (event.provider.as_str(), event.source()),
            ("acme", Source::Own)
        );
        assert_eq!(event.basis(), Basis::ProviderReported);
        // Three tokens at 2 USD for a million, and two at 5.
        assert_eq!(event.list_price_usd.as_deref(), Some("0.000016000000"));
        assert_eq!(event.charge_usd.as_deref(), Some("0.000000000000"));
    }

    // What it can't do is refused by its field.
    let mut hot = request;
    hot.temperature = Some("0.5".to_owned());
    let refused = caller.chat(hot).await.unwrap_err();
    let refused = status::refusal(&refused);
    assert_eq!(refused.reason, Some(Reason::FieldUnsupported));
    assert_eq!(refused.field.as_deref(), Some("temperature"));
}

/// The answer is Acme's; its call id.
fn check(answer: ChatResponse) -> String {
    assert_eq!(answer.finish_reason(), FinishReason::Stop);
    let parts = answer.message.unwrap().parts;
    assert_eq!(parts.len(), 1, "{parts:?}");
    assert_eq!(
        parts[0].part,
        Some(part::Part::Text("An anvil.".to_owned()))
    );
    only_attempt(answer.receipt).1
}
