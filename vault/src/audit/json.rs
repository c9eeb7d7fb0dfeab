//! Rows and checkpoints as JSON, in the form in which gRPC tools print the messages: camelCase
//! names, 64-bit numbers as texts, bytes in base64, absent where empty.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_words::Timestamp;
use serde::{Deserialize, Deserializer, de};
use serde_json::{Value, json};

use crate::store::audit::Row;
use crate::store::checkpoints::CheckpointRow;

/// A checkpoint as the response of `AuditService.Checkpoint`.
pub(crate) fn checkpoint(row: &CheckpointRow) -> Value {
    json!({
        "chain": row.chain,
        "sequence": row.sequence.to_string(),
        "hash": STANDARD.encode(&row.hash),
        "time": Timestamp(row.time).rfc3339(),
        "signature": STANDARD.encode(&row.signature),
        "publicKey": STANDARD.encode(&row.public_key),
        "epoch": row.epoch,
    })
}

/// The rows of one message of an export, or the one row that it is, as tools that work line by
/// line make it. A message without rows is `{}`.
pub(crate) fn rows(mut value: Value) -> Result<Vec<Row>, serde_json::Error> {
    let rows: Vec<RowJson> = if let Some(rows) = value.get_mut("rows") {
        serde_json::from_value(rows.take())?
    } else if value == json!({}) {
        Vec::new()
    } else {
        vec![serde_json::from_value(value)?]
    };
    Ok(rows.into_iter().map(Row::from).collect())
}

/// The checkpoint that a response is, or that a line of the vault's JSON log carries; `None` for a
/// line that carries none.
pub(crate) fn noted(value: Value) -> Result<Option<CheckpointRow>, serde_json::Error> {
    let json: CheckpointJson = match value.get("checkpoint").and_then(Value::as_str) {
        Some(text) => serde_json::from_str(text)?,
        None if value.get("signature").is_some() => serde_json::from_value(value)?,
        None if value.is_object() => return Ok(None),
        None => return Err(de::Error::custom("not an object")),
    };
    Ok(Some(json.into()))
}

/// A row.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowJson {
    chain: String,
    #[serde(deserialize_with = "integer")]
    sequence: i64,
    #[serde(deserialize_with = "time")]
    time: i64,
    #[serde(default)]
    accessor: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    rpc: String,
    #[serde(default)]
    resource: String,
    #[serde(default)]
    decision: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    facts_json: String,
    #[serde(default, deserialize_with = "bytes")]
    hash: Vec<u8>,
    #[serde(default)]
    form: i64,
    #[serde(default)]
    source: String,
    #[serde(default)]
    trace_id: String,
}

impl From<RowJson> for Row {
    fn from(row: RowJson) -> Self {
        Self {
            chain: row.chain,
            sequence: row.sequence,
            time: row.time,
            accessor: row.accessor,
            subject: row.subject,
            rpc: row.rpc,
            resource: row.resource,
            decision: row.decision,
            reason: row.reason,
            facts: row.facts_json,
            hash: row.hash,
            form: row.form,
            source: row.source,
            trace_id: row.trace_id,
        }
    }
}

/// A checkpoint.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CheckpointJson {
    chain: String,
    #[serde(deserialize_with = "integer")]
    sequence: i64,
    #[serde(deserialize_with = "bytes")]
    hash: Vec<u8>,
    #[serde(deserialize_with = "time")]
    time: i64,
    #[serde(default)]
    epoch: String,
    #[serde(deserialize_with = "bytes")]
    signature: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    public_key: Vec<u8>,
}

impl From<CheckpointJson> for CheckpointRow {
    fn from(json: CheckpointJson) -> Self {
        Self {
            chain: json.chain,
            sequence: json.sequence,
            hash: json.hash,
            time: json.time,
            epoch: json.epoch,
            signature: json.signature,
            public_key: json.public_key,
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Text(String),
    Number(i64),
}

fn integer<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    match Number::deserialize(from)? {
        Number::Number(number) => Ok(number),
        Number::Text(text) => text
            .parse()
            .map_err(|_form| de::Error::custom("not a whole number")),
    }
}

fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    STANDARD
        .decode(text)
        .map_err(|_form| de::Error::custom("not base64"))
}

/// RFC 3339 in microseconds; a time between two of them is no time of ours.
fn time<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = |_form| de::Error::custom("not a time in RFC 3339");
    let time: prost_types::Timestamp = text.parse().map_err(wrong)?;
    let micros = i64::from(time.nanos / 1_000);
    if time.nanos % 1_000 != 0 {
        return Err(de::Error::custom("a time finer than microseconds"));
    }
    let seconds = time.seconds.checked_mul(1_000_000);
    seconds
        .and_then(|seconds| seconds.checked_add(micros))
        .ok_or_else(|| de::Error::custom("a time out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_reads_back_from_its_own_json_and_from_a_log_line() {
        let row = CheckpointRow {
            chain: "system".to_owned(),
            sequence: 12,
            hash: vec![7; 32],
            time: 1_795_478_400_000_001,
            epoch: "e".to_owned(),
            signature: vec![8; 64],
            public_key: vec![9; 32],
        };
        let text = checkpoint(&row).to_string();
        let read = noted(serde_json::from_str(&text).unwrap());
        assert_eq!(read.unwrap(), Some(row.clone()));
        let line = json!({ "level": "INFO", "chain": "system", "checkpoint": text });
        assert_eq!(noted(line).unwrap(), Some(row));
        assert_eq!(noted(json!({ "level": "INFO" })).unwrap(), None);
        for bad in [
            json!([]),
            json!({ "signature": "" }),
            json!({ "checkpoint": "{}" }),
        ] {
            assert!(noted(bad).is_err());
        }
    }

    #[test]
    fn a_row_as_grpcurl_prints_it_is_read_and_nothing_is_left_out_in_silence() {
        let text = r#"{"rows": [{"chain": "system", "sequence": "3",
            "time": "2026-11-24T00:00:00.000001Z", "subject": "service:x", "rpc": "r",
            "decision": "ALLOWED", "factsJson": "{\"a\":1}", "hash": "Bwc=", "form": 2}]}"#;
        let read = |text: &str| rows(serde_json::from_str(text).unwrap());
        let row = read(text).unwrap().remove(0);
        assert_eq!(
            (row.sequence, row.time, row.form),
            (3, 1_795_478_400_000_001, 2)
        );
        assert_eq!((row.facts.as_str(), row.hash), (r#"{"a":1}"#, vec![7, 7]));
        let (_before, alone) = text.split_once('[').unwrap();
        let (alone, _behind) = alone.rsplit_once(']').unwrap();
        assert_eq!(read(alone).unwrap().len(), 1);
        assert!(read("{}").unwrap().is_empty());
        for (good, bad) in [
            (
                "2026-11-24T00:00:00.000001Z",
                "2026-11-24T00:00:00.0000001Z",
            ),
            ("2026-11-24T00:00:00.000001Z", "yesterday"),
            ("\"3\"", "\"three\""),
            ("Bwc=", "Bwc"),
            ("sequence", "sequenc"),
        ] {
            assert!(read(&text.replace(good, bad)).is_err(), "{bad}");
        }
        assert!(read("[]").is_err() && read(r#"{"row":[]}"#).is_err());
    }
}
