//! The crates depend on each other only along the edges that the architecture allows.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// Every crate of the workspace by its folder, with the folders that it may depend on.
/// `proto/words` is allowed to all but provider-sim.
const ALLOWED: &[(&str, &[&str])] = &[
    ("proto/words", &[]),
    ("vault/crypto", &["proto/words"]),
    ("vault/access", &["proto/words"]),
    ("router/providers", &["proto/words"]),
    ("router/pricing", &["proto/words"]),
    ("proto", &["proto/words"]),
    ("migrations", &["proto/words", "tests/servers"]), // servers for its tests
    ("chassis", &["proto", "proto/words"]),
    (
        "router/billing",
        &[
            "router/pricing",
            "migrations",
            "chassis",
            "proto",
            "proto/words",
            "tests/servers", // for its tests
        ],
    ),
    (
        "vault",
        &[
            "vault/crypto",
            "vault/access",
            "migrations",
            "chassis",
            "proto",
            "proto/words",
            "tests/servers", // for its tests
        ],
    ),
    (
        "router",
        &[
            "router/providers",
            "router/pricing",
            "router/billing",
            "migrations",
            "chassis",
            "proto",
            "proto/words",
        ],
    ),
    ("tests/provider-sim", &[]),
    // Starts servers for tests; nothing of the product, and no product depends on it.
    ("tests/servers", &[]),
    (
        "tests/fuzz",
        &[
            "vault",
            "vault/crypto",
            "router",
            "router/providers",
            "proto/words",
        ],
    ),
    (
        "deploy/local",
        &[
            "vault",
            "router",
            "migrations",
            "chassis",
            "tests/provider-sim",
            "proto/words",
        ],
    ),
    (
        "tests",
        &["deploy/local", "proto", "proto/words", "tests/servers"],
    ),
];

type Edges = BTreeMap<String, BTreeSet<String>>;

/// What cargo says of the workspace's members.
fn metadata() -> Value {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--manifest-path",
            manifest,
        ])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("metadata is JSON")
}

/// Every path dependency of every member, of every kind (normal, build, dev), as folders.
fn edges() -> Edges {
    let metadata = metadata();
    let root = text(&metadata["workspace_root"]).to_owned();
    let folder = |path: &str| {
        path.strip_prefix(&root)
            .expect("inside the workspace")
            .trim_start_matches('/')
            .to_owned()
    };
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let from = folder(manifest.trim_end_matches("/Cargo.toml"));
            let dependencies = package["dependencies"].as_array().expect("dependencies");
            let to = dependencies
                .iter()
                .filter_map(|d| d["path"].as_str())
                .map(folder)
                .collect();
            (from, to)
        })
        .collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

/// Every edge that is not allowed, and every crate that the table does not know.
fn violations(edges: &Edges) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut found = Vec::new();
    for (from, targets) in edges {
        let Some(row) = allowed.get(from.as_str()) else {
            found.push(format!("{from} has no row in the table of allowed edges"));
            continue;
        };
        let wrong = targets.iter().filter(|to| !row.contains(&to.as_str()));
        found.extend(wrong.map(|to| format!("{from} must not depend on {to}")));
    }
    found
}

#[test]
fn every_edge_between_crates_is_allowed() {
    let edges = edges();
    assert_eq!(
        edges.len(),
        ALLOWED.len(),
        "a crate of the layout is missing"
    );
    assert_eq!(violations(&edges), Vec::<String>::new());
}

/// A process that dies on a word in its environment is for tests only. (In a release build the feature
/// does nothing even where it is on; `.ci/long` looks into the binary.)
#[test]
fn only_the_test_package_asks_for_failpoints() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("packages");
    let mut askers = Vec::new();
    for package in packages {
        assert!(
            package["features"]["default"]
                .as_array()
                .is_none_or(Vec::is_empty),
            "{} has default features",
            package["name"]
        );
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        let asks = |dependency: &Value| {
            let features = dependency["features"].as_array().expect("features");
            features.iter().any(|feature| feature == "failpoints")
        };
        if dependencies.iter().any(asks) {
            askers.push(text(&package["name"]));
        }
    }
    assert_eq!(askers, ["keyway-tests"]);
}

#[test]
fn a_forbidden_edge_is_found() {
    let mut edges = edges();
    edges
        .entry("router".to_owned())
        .or_default()
        .insert("vault/crypto".to_owned());
    edges
        .entry("tests/provider-sim".to_owned())
        .or_default()
        .insert("proto/words".to_owned());
    edges.entry("extra".to_owned()).or_default();
    assert_eq!(
        violations(&edges),
        [
            "extra has no row in the table of allowed edges",
            "router must not depend on vault/crypto",
            "tests/provider-sim must not depend on proto/words",
        ]
    );
}
