//! JSON documents that are checked once and then reach the wire as they were written.
//!
//! Key order and the spelling of numbers survive: providers' prompt caches match bytes, and
//! doubles break integers.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// Longest document, in bytes.
pub const MAX_JSON_BYTES: usize = 4 * 1024 * 1024;
/// Deepest nesting of objects and arrays.
pub const MAX_JSON_DEPTH: usize = 64;

/// Why a text is no acceptable JSON document. Says nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJson {
    /// Longer than [`MAX_JSON_BYTES`].
    #[error("must be at most {MAX_JSON_BYTES} bytes of JSON")]
    TooLong,
    /// Nested deeper than [`MAX_JSON_DEPTH`].
    #[error("must be nested at most {MAX_JSON_DEPTH} deep")]
    TooDeep,
    /// Not JSON.
    #[error("must be JSON (line {line}, column {column})")]
    Syntax {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// JSON, but no object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// An object that names a key twice.
    #[error("must not name a key twice")]
    DuplicateKey,
}

/// A valid JSON document: bounded in length and depth, kept as it was written.
#[derive(Debug, Clone)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// Checks a document. White space around it is dropped, within it is kept.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        if text.len() > MAX_JSON_BYTES {
            return Err(InvalidJson::TooLong);
        }
        if depth(text) > MAX_JSON_DEPTH {
            return Err(InvalidJson::TooDeep);
        }
        serde_json::from_str(text)
            .map(Self)
            .map_err(|error| InvalidJson::Syntax {
                line: error.line(),
                column: error.column(),
            })
    }

    /// The document.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for JsonText {}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A valid JSON document that is an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonObject(JsonText);

impl JsonObject {
    /// Checks a document and that it is an object.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        let document = JsonText::parse(text)?;
        if document.as_str().starts_with('{') {
            Ok(Self(document))
        } else {
            Err(InvalidJson::NotAnObject)
        }
    }

    /// The document.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Further fields of a provider's own request, in their own order, each value as it was written.
///
/// The adapter checks the names: none may be a field that the neutral schema has.
#[derive(Debug, Clone, Default)]
pub struct ProviderOptions(Vec<(String, Box<RawValue>)>);

impl ProviderOptions {
    /// Checks the text of a `provider_options_json` field; empty text means no options.
    pub fn parse(text: &str) -> Result<Self, InvalidJson> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let object = JsonObject::parse(text)?;
        let Entries(entries) =
            serde_json::from_str(object.as_str()).map_err(|error| InvalidJson::Syntax {
                line: error.line(),
                column: error.column(),
            })?;
        let mut names: Vec<&str> = entries.iter().map(|(name, _value)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(InvalidJson::DuplicateKey);
        }
        Ok(Self(entries))
    }

    /// Names of the options, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _value)| name.as_str())
    }

    /// Whether an option of that name is given.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|given| given == name)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The options without the one of that name, and the text of that one.
    pub(crate) fn split(&self, name: &str) -> (Self, Option<&str>) {
        let rest = self.0.iter().filter(|(given, _value)| given != name);
        let rest = rest
            .map(|(given, value)| (given.clone(), value.clone()))
            .collect();
        let one = self.0.iter().find(|(given, _value)| given == name);
        (Self(rest), one.map(|(_name, value)| value.get()))
    }
}

impl Serialize for ProviderOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// The entries of an object, duplicates included.
struct Entries(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}

/// The same document without white space between its tokens.
pub(crate) fn compact(document: &RawValue) -> String {
    let mut compact = String::with_capacity(document.get().len());
    let mut scan = Scan::default();
    for character in document.get().chars() {
        let in_text = scan.in_text;
        scan.step(character);
        if in_text || !character.is_ascii_whitespace() {
            compact.push(character);
        }
    }
    compact
}

/// Deepest nesting of a text that may or may not be JSON.
fn depth(text: &str) -> usize {
    let mut scan = Scan::default();
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for character in text.chars() {
        if !scan.in_text {
            match character {
                '{' | '[' => depth = depth.saturating_add(1),
                '}' | ']' => depth = depth.saturating_sub(1),
                _other => {}
            }
        }
        scan.step(character);
        deepest = deepest.max(depth);
    }
    deepest
}

/// Whether a scan stands within a JSON string.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) in_text: bool,
    escaped: bool,
}

impl Scan {
    pub(crate) fn step(&mut self, character: char) {
        match character {
            _any if self.escaped => self.escaped = false,
            '\\' if self.in_text => self.escaped = true,
            '"' => self.in_text = !self.in_text,
            _other => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_keeps_its_key_order_and_number_spelling() {
        let text = r#"{"z":1.0, "a": 12345678901234567890123, "e":1E+2}"#;
        let document = JsonObject::parse(text).unwrap();
        assert_eq!(serde_json::to_string(&document).unwrap(), text);
        let options = ProviderOptions::parse(text).unwrap();
        assert_eq!(
            serde_json::to_string(&options).unwrap(),
            r#"{"z":1.0,"a":12345678901234567890123,"e":1E+2}"#,
        );
    }

    #[test]
    fn a_text_that_is_not_json_is_refused_without_showing_it() {
        let error = JsonText::parse("{\"secret\":").unwrap_err();
        assert!(matches!(error, InvalidJson::Syntax { line: 1, .. }));
        assert!(!error.to_string().contains("secret"));
        assert_eq!(JsonObject::parse("[1]"), Err(InvalidJson::NotAnObject));
        assert!(JsonText::parse("").is_err());
        assert!(JsonText::parse("{} {}").is_err());
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(JsonText::parse(&nested(MAX_JSON_DEPTH)).is_ok());
        assert_eq!(
            JsonText::parse(&nested(MAX_JSON_DEPTH + 1)),
            Err(InvalidJson::TooDeep)
        );
        let brackets = format!("\"\\\"{}\"", "[".repeat(100));
        assert!(
            JsonText::parse(&brackets).is_ok(),
            "brackets within a string do not nest"
        );
        let long = format!("\"{}\"", "a".repeat(MAX_JSON_BYTES));
        assert_eq!(JsonText::parse(&long), Err(InvalidJson::TooLong));
    }

    #[test]
    fn options_that_name_a_key_twice_are_refused() {
        for twice in [r#"{"a":1,"b":2,"a":3}"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(matches!(
                ProviderOptions::parse(twice),
                Err(InvalidJson::DuplicateKey)
            ));
        }
        assert!(ProviderOptions::parse("").unwrap().is_empty());
        assert!(
            ProviderOptions::parse("{\"a\":{\"b\":1}}")
                .unwrap()
                .contains("a")
        );
    }

    #[test]
    fn compacting_keeps_white_space_within_strings() {
        let raw: Box<RawValue> =
            serde_json::from_str("{ \"a b\" : [ 1.50 ,\n \"x \\\" y\" ] }").unwrap();
        assert_eq!(compact(&raw), r#"{"a b":[1.50,"x \" y"]}"#);
    }
}
