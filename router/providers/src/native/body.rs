//! The body of a request: a JSON object that is read where it lies, so that an edit changes the
//! bytes of one member and no other byte.

use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Why a body can't be read. Says nothing of its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBody {
    /// No JSON object.
    #[error("must be a JSON object (line {line}, column {column})")]
    NotAnObject {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// Two members of one name: it is not clear which one counts.
    #[error("must not name a member twice")]
    Twice,
}

/// A change of one member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Its name.
    pub name: &'static str,
    /// Its new value, JSON.
    pub json: String,
}

/// A JSON object as it was written.
#[derive(Debug, Clone)]
pub struct NativeBody {
    bytes: Bytes,
    members: Vec<(String, Range<usize>)>,
}

impl NativeBody {
    /// Reads the members of an object.
    pub fn parse(bytes: Bytes) -> Result<Self, InvalidBody> {
        let read: Members<'_> =
            serde_json::from_slice(&bytes).map_err(|error| InvalidBody::NotAnObject {
                line: error.line(),
                column: error.column(),
            })?;
        let start = bytes.as_ptr().addr();
        let mut members: Vec<(String, Range<usize>)> = Vec::with_capacity(read.0.len());
        for (name, value) in read.0 {
            if members.iter().any(|(other, _)| *other == name) {
                return Err(InvalidBody::Twice);
            }
            let at = value.get().as_ptr().addr().saturating_sub(start);
            members.push((name, at..at.saturating_add(value.get().len())));
        }
        Ok(Self { bytes, members })
    }

    /// As it was written.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The JSON of a member.
    pub fn json(&self, name: &str) -> Option<&str> {
        let (_, at) = self.members.iter().find(|(other, _)| other == name)?;
        std::str::from_utf8(self.bytes.get(at.clone())?).ok()
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.json(name)?).ok()
    }

    /// Whether a member is `true`.
    pub fn is_true(&self, name: &str) -> bool {
        self.json(name) == Some("true")
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Option<Self> {
        Self::parse(Bytes::copy_from_slice(self.json(name)?.as_bytes())).ok()
    }

    /// The names of the members, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// The same object with some members set: one that is there keeps its place, one that is not
    /// becomes the first.
    pub fn edited(&self, edits: &[Edit]) -> Bytes {
        if edits.is_empty() {
            return self.bytes.clone();
        }
        let (inside, mut first) = (self.opening().saturating_add(1), true);
        let mut edited = BytesMut::with_capacity(self.bytes.len().saturating_add(64));
        edited.extend_from_slice(self.bytes.get(..inside).unwrap_or_default());
        for edit in edits.iter().filter(|edit| self.json(edit.name).is_none()) {
            let comma = if first { "" } else { "," };
            first = false;
            let member = format!("{comma}\"{}\":{}", edit.name, edit.json);
            edited.extend_from_slice(member.as_bytes());
        }
        if !first && !self.members.is_empty() {
            edited.extend_from_slice(b",");
        }
        let mut from = inside;
        for (name, at) in &self.members {
            let Some(edit) = edits.iter().find(|edit| edit.name == name) else {
                continue;
            };
            edited.extend_from_slice(self.bytes.get(from..at.start).unwrap_or_default());
            edited.extend_from_slice(edit.json.as_bytes());
            from = at.end;
        }
        edited.extend_from_slice(self.bytes.get(from..).unwrap_or_default());
        edited.freeze()
    }

    /// Where the object begins.
    fn opening(&self) -> usize {
        let blank = |byte: &u8| byte.is_ascii_whitespace();
        self.bytes.iter().take_while(|byte| blank(byte)).count()
    }
}

/// The members of an object, in order, none left out.
pub(super) struct Members<'a>(pub(super) Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    if members.len() >= MOST_MEMBERS {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

/// Members of one object: no API has a tenth of it.
const MOST_MEMBERS: usize = 1_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn body(json: &str) -> NativeBody {
        NativeBody::parse(Bytes::copy_from_slice(json.as_bytes())).unwrap()
    }

    fn set(name: &'static str, json: &str) -> Edit {
        Edit {
            name,
            json: json.to_owned(),
        }
    }

    #[test]
    fn an_edit_changes_one_member_and_no_other_byte() {
        let edits = [set("store", "false"), set("b", "[1]")];
        for (before, after) in [
            ("{}", r#"{"store":false,"b":[1]}"#),
            (" {\n } ", " {\"store\":false,\"b\":[1]\n } "),
            (
                r#"{ "a": 1.0, "store" : true }"#,
                r#"{"b":[1], "a": 1.0, "store" : false }"#,
            ),
            (
                r#"{"b":{"store":1},"sto\u0072e":null}"#,
                r#"{"b":[1],"sto\u0072e":false}"#,
            ),
        ] {
            assert_eq!(body(before).edited(&edits), after, "{before}");
        }
    }

    #[test]
    fn without_edits_the_bytes_are_the_same() {
        let json = "{ \"a\" : [ 1 , 2 ]\t}\n";
        assert_eq!(body(json).edited(&[]), json);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused_however_it_is_spelled() {
        for json in [r#"{"a":1,"a":2}"#, r#"{"a":1,"\u0061":2}"#] {
            let refused = NativeBody::parse(Bytes::from_static(json.as_bytes()));
            assert_eq!(refused.unwrap_err(), InvalidBody::Twice);
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for json in [
            "",
            "[]",
            "null",
            "{",
            "{\"a\":1}x",
            "\"{}\"",
            "{\"a\":\"\u{1}\"}",
        ] {
            let refused = NativeBody::parse(Bytes::copy_from_slice(json.as_bytes()));
            assert!(
                matches!(refused, Err(InvalidBody::NotAnObject { .. })),
                "{json}"
            );
        }
    }

    proptest! {
        #[test]
        fn an_edited_object_reads_as_the_old_one_with_that_member(
            members in proptest::collection::btree_map("[a-z]{1,4}", any::<i64>(), 0..6),
            blank in "[ \n\t]{0,3}",
        ) {
            let json = format!("{blank}{}{blank}", serde_json::to_string(&members).unwrap());
            let edited = body(&json).edited(&[set("a", "\"x\"")]);
            let mut expected = serde_json::to_value(&members).unwrap();
            expected["a"] = "x".into();
            let read: serde_json::Value = serde_json::from_slice(&edited).unwrap();
            prop_assert_eq!(read, expected);
        }
    }
}
