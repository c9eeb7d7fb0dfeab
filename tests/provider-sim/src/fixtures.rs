//! The providers' fixtures, carried in the program.

use std::sync::OnceLock;

use serde_json::Value;

const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/fixtures.rs"));
const MANIFEST: &str = include_str!("../fixtures/manifest.json");

/// One authored reply.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) text: &'static str,
    pub(crate) stream: bool,
}

/// The reply with this id, as `openai/429_rate.error`. `None` for an unknown id or a request fixture.
pub(crate) fn find(id: &str) -> Option<Fixture> {
    let row = manifest().iter().find(|row| row["id"] == id)?;
    let status = u16::try_from(row["status"].as_u64()?).ok()?;
    let headers = row["headers"].as_object().into_iter().flatten();
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
    Some(Fixture {
        status,
        headers: headers.collect(),
        text: text(row["file"].as_str()?),
        stream: row["kind"] == "stream",
    })
}

/// Id and status of every error.
#[cfg(test)]
pub(crate) fn errors() -> Vec<(&'static str, u64)> {
    let errors = manifest().iter().filter(|row| row["kind"] == "error");
    errors
        .filter_map(|row| Some((row["id"].as_str()?, row["status"].as_u64()?)))
        .collect()
}

/// The JSON of the file with this name, as `openai/chat_plain.response.json`; null if there is none.
pub(crate) fn json(file: &str) -> Value {
    serde_json::from_str(text(file)).unwrap_or(Value::Null)
}

/// The events of a stream file, each with its blank line at the end.
pub(crate) fn events(file: &str) -> Vec<&'static str> {
    frames(text(file))
        .into_iter()
        .filter(|event| !event.trim().is_empty())
        .collect()
}

/// The events of a stream, whatever ends its lines; what follows the last blank line is one too.
pub(crate) fn frames(mut text: &str) -> Vec<&str> {
    let mut frames = Vec::new();
    loop {
        let ends = ["\n\n", "\n\r\n"].into_iter();
        let end = ends
            .filter_map(|end| Some(text.find(end)? + end.len()))
            .min();
        let (frame, rest) = text.split_at(end.unwrap_or(text.len()));
        if frame.is_empty() {
            return frames;
        }
        frames.push(frame);
        text = rest;
    }
}

/// The payloads of a stream file's `data:` lines.
pub(crate) fn payloads(file: &str) -> Vec<Value> {
    let lines = text(file)
        .lines()
        .filter_map(|line| line.strip_prefix("data: "));
    lines
        .filter_map(|data| serde_json::from_str(data).ok())
        .collect()
}

fn text(file: &str) -> &'static str {
    FILES
        .iter()
        .find(|(name, _)| *name == file)
        .map_or("", |(_, text)| text)
}

fn manifest() -> &'static [Value] {
    static ROWS: OnceLock<Vec<Value>> = OnceLock::new();
    ROWS.get_or_init(|| serde_json::from_str(MANIFEST).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reply_of_the_manifest_is_carried() {
        for row in manifest() {
            let file = row["file"].as_str().unwrap();
            assert!(!text(file).is_empty(), "{file}");
            let found = find(row["id"].as_str().unwrap());
            assert_eq!(found.is_some(), row["kind"] != "request", "{file}");
        }
        assert!(manifest().len() > 150);
    }
}
