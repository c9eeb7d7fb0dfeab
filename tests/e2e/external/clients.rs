//! Programs with stubs of other languages, made from the shipped .proto files, take the README's tour.

use std::path::Path;

use serde_json::Value;
use tokio::process::Command;

use crate::docs::root;
use crate::harness::{Logs, Product};

/// A language: where its program lies, and what makes and runs it in a folder with its stubs.
struct Language {
    name: &'static str,
    files: &'static [&'static str],
    run: &'static str,
}

const PYTHON: Language = Language {
    name: "python",
    files: &["tour.py"],
    run: "KEYWAY_STUBS=stubs python3 tour.py",
};

const NODE: Language = Language {
    name: "node",
    files: &["tour.ts", "tsconfig.json", "package.json"],
    run: "ln -s \"$CLIENTS/node/node_modules\" node_modules && node_modules/.bin/tsc -p . && node built/tour.js",
};

const GO: Language = Language {
    name: "go",
    files: &["tour.go", "go.mod", "go.sum"],
    run: "go run .",
};

/// Makes the stubs, and runs the program against the product; what it found.
async fn tour(language: &Language, product: &Product) -> Value {
    let clients = root().join("tests/clients");
    let folder = tempfile::tempdir().expect("a folder");
    for file in language.files {
        let source = clients.join(language.name).join(file);
        std::fs::copy(source, folder.path().join(file)).expect("a file");
    }
    let addresses = &product.running.site.addresses;
    let (name, run) = (language.name, language.run);
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c"])
        .arg(format!("\"$CLIENTS/stubs.sh\" {name} stubs\n{run}"))
        .current_dir(folder.path())
        .env("CLIENTS", &clients)
        .env("KEYWAY_VAULT", addresses.vault.to_string())
        .env("KEYWAY_ROUTER", addresses.router.to_string())
        .env(
            "KEYWAY_OPERATOR_TOKEN",
            product.running.access.operator_token.expose(),
        )
        .output();
    let output = output.await.expect("bash");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
    serde_json::from_slice(&output.stdout).expect("what it found")
}

/// Code and reason of a failure, whatever the language's spelling of the code.
fn failure(found: &Value) -> (String, &str) {
    let code = found[0].as_str().expect("a code").replace('_', "");
    let reason = found[1].as_str().expect("a reason");
    (code.to_lowercase(), reason)
}

async fn takes_the_tour(language: &Language) {
    let product = Product::start().await;
    let _logs = Logs(&product);
    let found = tour(language, &product).await;
    let receipts = found["receipts"].as_array().expect("receipts");
    let sources: Vec<_> = receipts.iter().map(|one| &one["source"]).collect();
    let expected = ["OWN", "OWN", "HOSTED", "HOSTED"].map(|source| format!("SOURCE_{source}"));
    assert_eq!(sources, expected.each_ref());
    for receipt in receipts {
        let free = receipt["charge_usd"] == "0.000000000000";
        assert_eq!(free, receipt["source"] == "SOURCE_OWN", "{receipt}");
    }
    let (code, denied) = failure(&found["denied"]);
    assert_eq!((code.as_str(), denied), ("permissiondenied", "DENIED"));
    for nobody in ["nobody", "revoked"] {
        let (code, reason) = failure(&found[nobody]);
        assert_eq!(
            (code.as_str(), reason),
            ("unauthenticated", "CALLER_UNKNOWN")
        );
    }

    // What it read of its bill is what the calls said, and what stands on the stream.
    let events = product
        .operator()
        .first_events(
            &format!("workspaces/tour-{}", language.name),
            receipts.len(),
        )
        .await;
    let events: Vec<_> = events.iter().map(|event| event.event_id.as_str()).collect();
    let called = receipts.iter().map(|one| one["call_id"].as_str());
    let called: Vec<_> = called
        .map(|id| format!("{}-1", id.expect("an id")))
        .collect();
    assert_eq!(events, called);
    assert_eq!(found["billed"], Value::from(called));
}

#[tokio::test]
async fn a_program_with_python_stubs_takes_the_tour() {
    takes_the_tour(&PYTHON).await;
}

#[tokio::test]
async fn a_program_with_node_stubs_takes_the_tour() {
    takes_the_tour(&NODE).await;
}

#[tokio::test]
async fn a_program_with_go_stubs_takes_the_tour() {
    takes_the_tour(&GO).await;
}

#[test]
fn the_programs_are_locked_with_hashes() {
    let read =
        |file: &str| std::fs::read_to_string(Path::new(&root()).join("tests/clients").join(file));
    let python = read("python/requirements.txt").expect("a lock");
    let pinned = python.lines().filter(|line| line.contains("==")).count();
    assert!(pinned >= 3 && python.matches("--hash=sha256:").count() >= pinned);
    let node = read("node/package-lock.json").expect("a lock");
    let node: Value = serde_json::from_str(&node).expect("JSON");
    let packages = node["packages"].as_object().expect("packages");
    let mut outside = packages.iter().filter(|(name, _)| !name.is_empty());
    assert!(outside.all(|(_, package)| package["integrity"].is_string()));
    let go = read("go/go.sum").expect("a lock");
    assert!(
        go.lines()
            .any(|line| line.starts_with("google.golang.org/grpc v"))
    );
}
