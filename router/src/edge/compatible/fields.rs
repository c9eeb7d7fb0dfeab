//! Reads a request's JSON member by member, so that what nobody took is refused by its name. Values
//! are read where they lie: what is embedded keeps its own order and spelling. Pure.

use std::fmt;

use keyway_proto::{Fault, Reason};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An object whose members are taken one by one.
#[derive(Debug)]
pub(super) struct Object<'a> {
    path: String,
    members: Vec<(String, &'a RawValue)>,
}

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Value<'a> {
    path: String,
    raw: &'a RawValue,
}

impl<'a> Object<'a> {
    /// The object that a body is.
    pub(super) fn body(bytes: &'a [u8]) -> Result<Self, Fault> {
        let raw = serde_json::from_slice::<&RawValue>(bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let form = format!("must be JSON (line {line}, column {column})");
            Fault::field("body", form)
        })?;
        let path = String::new();
        Value { path, raw }.object()
    }

    /// An object without members.
    pub(super) fn empty(path: &str) -> Self {
        let path = path.to_owned();
        let members = Vec::new();
        Self { path, members }
    }

    /// A member, left where it is.
    pub(super) fn peek(&self, name: &str) -> Option<&'a str> {
        let mut members = self.members.iter();
        let (_name, raw) = members.find(|(other, _)| other == name)?;
        Some(raw.get())
    }

    /// Takes a member. One that is `null` is as if it were not there.
    pub(super) fn take(&mut self, name: &str) -> Option<Value<'a>> {
        let at = self.members.iter().position(|(other, _)| other == name)?;
        let (_name, raw) = self.members.remove(at);
        let path = self.at(name);
        (raw.get() != "null").then_some(Value { path, raw })
    }

    /// Takes a member that must be there.
    pub(super) fn must(&mut self, name: &str) -> Result<Value<'a>, Fault> {
        let path = self.at(name);
        self.take(name)
            .ok_or_else(|| Fault::field(path, "must be set"))
    }

    /// Takes a text; empty if it is not there.
    pub(super) fn text(&mut self, name: &str) -> Result<String, Fault> {
        let text = self.take(name).map(|value| value.text());
        Ok(text.transpose()?.unwrap_or_default())
    }

    /// Takes `true` or `false`.
    pub(super) fn truth(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        self.take(name).map(|value| value.truth()).transpose()
    }

    /// Takes a number that is not negative.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<u32>, Fault> {
        self.take(name).map(|value| value.number()).transpose()
    }

    /// Takes a decimal number, as it is spelled.
    pub(super) fn decimal(&mut self, name: &str) -> Result<Option<String>, Fault> {
        self.take(name).map(|value| value.decimal()).transpose()
    }

    /// The path of a member.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Refuses what nobody took.
    pub(super) fn end(self) -> Result<(), Fault> {
        let Some((name, raw)) = self.members.first() else {
            return Ok(());
        };
        if raw.get() == "null" {
            let mut rest = self;
            rest.members.remove(0);
            return rest.end();
        }
        let name: String = name.chars().take(64).collect();
        Err(unsupported(self.at(&name), "it is no field of this edge"))
    }
}

impl<'a> Value<'a> {
    /// Where it stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Its JSON, as it was written.
    pub(super) fn json(&self) -> &'a str {
        self.raw.get()
    }

    pub(super) fn is_text(&self) -> bool {
        self.json().starts_with('"')
    }

    pub(super) fn is_number(&self) -> bool {
        self.json()
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    pub(super) fn object(self) -> Result<Object<'a>, Fault> {
        let read: Members<'a> = self.read("an object")?;
        let mut names: Vec<&str> = read.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(self.must_be("an object that names no member twice"));
        }
        Ok(Object {
            path: self.path,
            members: read.0,
        })
    }

    /// Its elements.
    pub(super) fn list(self) -> Result<Vec<Self>, Fault> {
        let read: Vec<&'a RawValue> = self.read("a list")?;
        let element = |(at, raw)| Self {
            path: format!("{}[{at}]", self.path),
            raw,
        };
        Ok(read.into_iter().enumerate().map(element).collect())
    }

    pub(super) fn text(&self) -> Result<String, Fault> {
        self.read("a text")
    }

    pub(super) fn truth(&self) -> Result<bool, Fault> {
        self.read("true or false")
    }

    pub(super) fn number(&self) -> Result<u32, Fault> {
        self.read("a whole number from 0 to 4294967295")
    }

    pub(super) fn integer(&self) -> Result<i64, Fault> {
        self.read("a whole number of 64 bits")
    }

    pub(super) fn decimal(&self) -> Result<String, Fault> {
        if self.is_number() {
            Ok(self.json().to_owned())
        } else {
            Err(self.must_be("a number"))
        }
    }

    /// The fault of a value of another form.
    pub(super) fn must_be(&self, form: &str) -> Fault {
        let path = if self.path.is_empty() {
            "body"
        } else {
            self.path.as_str()
        };
        Fault::field(path, format!("must be {form}"))
    }

    /// The fault of a value that the neutral schema has no place for.
    pub(super) fn unsupported(&self, why: &str) -> Fault {
        unsupported(self.path.clone(), why)
    }

    fn read<T: Deserialize<'a>>(&self, form: &str) -> Result<T, Fault> {
        serde_json::from_str(self.raw.get()).map_err(|_other| self.must_be(form))
    }
}

/// The fault of a field that can't be honoured.
pub(super) fn unsupported(path: String, why: &str) -> Fault {
    let message = format!("{path} is not supported: {why}");
    Fault::new(Reason::FieldUnsupported, message).at_field(path)
}

/// The members of an object in their order, also those of one name.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;

        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Each)
    }
}
