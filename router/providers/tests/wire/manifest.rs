//! The manifest of the fixtures: each row has a test against what it expects.

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_router_providers::{Adapter, registry};
use serde_json::Value;

/// One fixture.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) endpoint: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) expect: Value,
    file: String,
}

impl Row {
    /// The bytes of the fixture.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        std::fs::read(folder().join(&self.file)).expect("a fixture that the manifest names exists")
    }

    /// The fixture as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes()).expect("the fixture is JSON")
    }

    /// The adapter of the row's provider.
    pub(crate) fn adapter(&self) -> &'static dyn Adapter {
        let provider = self.provider().parse().expect("a known provider");
        registry::adapter(provider).expect("it is built")
    }

    /// The id of its provider.
    pub(crate) fn provider(&self) -> &str {
        self.id.split('/').next().expect("an id names its provider")
    }
}

/// The rows of a kind.
pub(crate) fn rows(kind: &str) -> Vec<Row> {
    let rows = all().into_iter().filter(|row| row.kind == kind);
    let rows: Vec<Row> = rows.collect();
    assert!(!rows.is_empty(), "no row of kind {kind}");
    rows
}

fn all() -> Vec<Row> {
    let text = std::fs::read(folder().join("manifest.json")).expect("the manifest exists");
    let rows: Vec<Value> = serde_json::from_slice(&text).expect("the manifest is a list");
    rows.iter().map(row).collect()
}

fn row(row: &Value) -> Row {
    let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
    let header = |(name, value): (&String, &Value)| {
        let name: HeaderName = name.parse().unwrap();
        (
            name,
            HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
        )
    };
    Row {
        id: text("id"),
        kind: text("kind"),
        endpoint: text("endpoint"),
        status: row["status"].as_u64().unwrap_or(200).try_into().unwrap(),
        headers: row["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(header)
            .collect(),
        expect: row["expect"].clone(),
        file: text("file"),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/provider-sim/fixtures")
}

#[test]
fn every_row_has_a_test_against_what_it_expects() {
    let mut tested: Vec<String> = crate::requests::tested_ids();
    tested.extend(crate::replies::tested_ids());
    tested.extend(crate::searches::tested_ids());
    tested.extend(crate::models::tested_ids());
    tested.extend(crate::streams::tested_ids());
    tested.extend(crate::failures::tested_ids());
    tested.extend(crate::native::tested_ids());
    tested.sort();
    let mut all: Vec<String> = all().into_iter().map(|row| row.id).collect();
    all.sort();
    assert_eq!(tested, all);
}
