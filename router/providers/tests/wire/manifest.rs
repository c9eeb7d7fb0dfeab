//! The manifest of the fixtures, and what of it is not built yet.

use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue};
use keyway_router_providers::{Adapter, registry};
use serde_json::Value;

/// Rows that nothing reads yet, by the start of their id, and why.
const NOT_BUILT: [(&str, &str); 11] = [
    ("google/models.", "keys are not tested yet"),
    (
        "google/embed.request",
        "the batch method is always used, as the official SDK does",
    ),
    ("mistral/models.", "keys are not tested yet"),
    ("openai/models.", "keys are not tested yet"),
    ("anthropic/models.", "keys are not tested yet"),
    ("anthropic/count_tokens.", "nothing counts tokens yet"),
    (
        "anthropic/cached.request",
        "the neutral schema has no cache marks on blocks",
    ),
    ("exa/answer_stream.request", "searches are not streamed"),
    ("exa/answer.sse", "searches are not streamed"),
    ("exa/search.sse", "searches are not streamed"),
    (
        "openai/embeddings_float.request",
        "vectors are always asked for as base64",
    ),
];

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
        let provider = self.id.split('/').next().expect("an id names its provider");
        registry::adapter(provider.parse().expect("a known provider")).expect("it is built")
    }

    fn is_not_built(&self) -> bool {
        NOT_BUILT
            .iter()
            .any(|(start, _why)| self.id.starts_with(start))
    }
}

/// The rows of a kind that are built.
pub(crate) fn rows(kind: &str) -> Vec<Row> {
    let rows = all()
        .into_iter()
        .filter(|row| row.kind == kind && !row.is_not_built());
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
fn every_row_is_tested_or_listed_as_not_built() {
    let rows = all();
    for (start, why) in NOT_BUILT {
        assert!(
            rows.iter().any(|row| row.id.starts_with(start)),
            "{start} is stale: {why}"
        );
    }
    let mut tested: Vec<String> = crate::requests::tested_ids();
    tested.extend(crate::replies::tested_ids());
    tested.extend(crate::searches::tested_ids());
    tested.extend(crate::streams::tested_ids());
    tested.extend(crate::failures::tested_ids());
    tested.sort();
    let mut built: Vec<String> = rows
        .iter()
        .filter(|row| !row.is_not_built())
        .map(|row| row.id.clone())
        .collect();
    built.sort();
    assert_eq!(tested, built);
}
