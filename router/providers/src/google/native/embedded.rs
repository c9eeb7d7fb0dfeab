//! The texts of a request for embeddings, since its answer may tell no usage.

use serde::Deserialize;

use crate::native::NativeBody;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Row {
    content: Content,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    text: String,
}

/// Bytes of all texts, of one request or of a batch. What is not of this form has none: the provider
/// refuses it.
pub(super) fn text_bytes(body: &NativeBody) -> u64 {
    let rows = body.json("requests").map_or_else(
        || {
            let content = body
                .json("content")
                .and_then(|json| serde_json::from_str(json).ok());
            content.map(|content| vec![Row { content }])
        },
        |json| serde_json::from_str::<Vec<Row>>(json).ok(),
    );
    let rows = rows.unwrap_or_default();
    let parts = rows.iter().flat_map(|row| &row.content.parts);
    parts.fold(0, |sum, part| sum.saturating_add(bytes(&part.text)))
}

fn bytes(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn of(json: &str) -> u64 {
        let body = NativeBody::parse(Bytes::copy_from_slice(json.as_bytes())).unwrap();
        text_bytes(&body)
    }

    #[test]
    fn every_text_of_one_request_and_of_a_batch_is_counted_in_bytes() {
        assert_eq!(
            of(r#"{"content":{"parts":[{"text":"abc"},{"text":"é"}]}}"#),
            5
        );
        let row = r#"{"model":"m","content":{"role":"user","parts":[{"text":"four"}]}}"#;
        assert_eq!(of(&format!(r#"{{"requests":[{row},{row}]}}"#)), 8);
    }

    #[test]
    fn what_is_no_text_counts_nothing() {
        for json in [
            "{}",
            r#"{"content":"text"}"#,
            r#"{"requests":{"content":1}}"#,
            r#"{"content":{"parts":[{"inlineData":{"data":"AAAA"}}]}}"#,
        ] {
            assert_eq!(of(json), 0, "{json}");
        }
    }
}
