//! One line as a request. What is wrong with it is said without a word of what stands there.

use std::fmt;

use keyway_chassis::proto::vault::v1::PutKeyRequest;
use keyway_words::{KeyName, Owner, ProviderId, Secret};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What stands for a key or a pool among the lines of a file.
pub(super) type Identity = [u8; 32];

/// A line that is a request.
pub(super) struct Row {
    /// Everything but the secret.
    request: PutKeyRequest,
    secret: Secret,
}

impl Row {
    /// Tells keys apart.
    pub(super) fn identity(&self) -> Identity {
        let name = match self.request.key_name.as_str() {
            "" => "default",
            name => name,
        };
        digest(&[&self.request.owner, &self.request.provider, name])
    }

    /// Tells pools apart.
    pub(super) fn pool(&self) -> Identity {
        digest(&[&self.request.owner, &self.request.provider])
    }

    /// The request with its secret, for one sending. A request id makes the same line of a second
    /// run the same request; it is made of everything but the secret, which must not be guessed from
    /// it, so `attempt` tells another secret of the same line from the first.
    pub(super) fn request(&self, attempt: u32, validate_only: bool) -> PutKeyRequest {
        let id = digest(&[&format!("{:?}", self.request), &attempt.to_string()]);
        let (short, _rest) = id.split_at(16);
        let request_id = if validate_only {
            String::new()
        } else {
            hex::encode(short)
        };
        PutKeyRequest {
            secret: self.secret.expose().to_owned(),
            request_id,
            validate_only,
            ..self.request.clone()
        }
    }
}

fn digest(parts: &[&str]) -> Identity {
    let mut digest = Sha256::new_with_prefix(b"keyway import/1");
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

/// Reads a line. `owner` stands for lines that name none.
pub(super) fn parse(line: &[u8], owner: Option<&str>) -> Result<Row, String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let Fields(fields) = serde_json::from_slice(line).map_err(|error| {
        // The library's own message may repeat what it read.
        format!(
            "the line is not one JSON object (column {})",
            error.column()
        )
    })?;
    let mut request = PutKeyRequest::default();
    let mut secret = Secret::new(String::new());
    let mut known: Vec<&str> = Vec::new();
    for (name, value) in fields {
        let name = FIELDS.iter().find(|field| **field == name.as_str());
        let name = *name.ok_or_else(|| format!("a field is none of {}", FIELDS.join(", ")))?;
        if known.contains(&name) {
            return Err(format!("{name}: stands twice"));
        }
        known.push(name);
        if name == "secret" {
            secret = Secret::new(text(name, &value)?);
        } else {
            set(&mut request, name, &value)?;
        }
    }
    if secret.is_empty() {
        return Err("secret: is missing".to_owned());
    }
    request.owner = owner_of(&request.owner, owner)?;
    check_names(&request)?;
    Ok(Row { request, secret })
}

const FIELDS: [&str; 8] = [
    "owner",
    "provider",
    "secret",
    "key_name",
    "order",
    "expire_time",
    "allowed_models",
    "label",
];

fn set(request: &mut PutKeyRequest, name: &str, value: &Value) -> Result<(), String> {
    match name {
        "owner" => request.owner = text(name, value)?,
        "provider" => request.provider = text(name, value)?,
        "key_name" => request.key_name = text(name, value)?,
        "order" => request.order = Some(read(name, value, "a whole number from 0 to 4294967295")?),
        "expire_time" => {
            let accepted = || format!("{name}: must be a time such as 2027-01-31T00:00:00Z");
            let time = text(name, value)?.parse().map_err(|_form| accepted())?;
            request.expire_time = Some(time);
        }
        "allowed_models" => request.allowed_models = read(name, value, "a list of texts")?,
        _ => request.label = text(name, value)?,
    }
    Ok(())
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    read(name, value, "a text")
}

fn read<T: for<'de> Deserialize<'de>>(
    name: &str,
    value: &Value,
    accepted: &str,
) -> Result<T, String> {
    serde_json::from_str(&value.0).map_err(|_form| format!("{name}: must be {accepted}"))
}

fn owner_of(given: &str, default: Option<&str>) -> Result<String, String> {
    match (given, default) {
        ("", Some(owner)) => Ok(owner.to_owned()),
        ("", None) => {
            Err("owner: is missing; --owner gives one to all lines without it".to_owned())
        }
        (owner, Some(default)) if owner != default => {
            Err("owner: is another one than --owner says".to_owned())
        }
        (owner, _) => Ok(owner.to_owned()),
    }
}

/// Names decide which key a line is of, so they are checked before anything is sent; the vault
/// checks everything else.
fn check_names(request: &PutKeyRequest) -> Result<(), String> {
    let said = |field: &str, error: keyway_words::InvalidName| format!("{field}: {error}");
    let _owner: Owner = request
        .owner
        .parse()
        .map_err(|error| said("owner", error))?;
    let _provider: ProviderId = match request.provider.as_str() {
        "" => return Err("provider: is missing".to_owned()),
        text => text.parse().map_err(|error| said("provider", error))?,
    };
    KeyName::or_default(&request.key_name)
        .map(drop)
        .map_err(|error| said("key_name", error))
}

/// A value as it stands in the line, wiped afterwards.
struct Value(Zeroizing<String>);

/// The fields in their order, also those that stand twice.
struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            let value: Box<str> = value.into();
            fields.push((name, Value(Zeroizing::new(value.into()))));
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "sk-keyway-test-0123456789";

    fn refused(line: &str) -> String {
        let complaint = match parse(line.as_bytes(), Some("workspaces/acme")) {
            Ok(_row) => panic!("{line} is taken"),
            Err(complaint) => complaint,
        };
        assert!(
            !complaint.contains(SECRET) && !complaint.contains("oops"),
            "{complaint}"
        );
        complaint
    }

    #[test]
    fn a_line_becomes_the_request_that_it_says() {
        let line = format!(
            r#"{{"owner":"platform","provider":"openai","secret":"{SECRET}","key_name":"spare","order":3,"expire_time":"2027-01-31T00:00:00Z","allowed_models":["gpt-*"],"label":"from the old system"}}"#
        );
        let request = parse(line.as_bytes(), None).unwrap().request(0, false);
        assert_eq!(request.owner, "platform");
        assert_eq!((request.secret.as_str(), request.order), (SECRET, Some(3)));
        assert_eq!(request.expire_time.unwrap().seconds, 1_801_353_600);
        assert_eq!(request.allowed_models, ["gpt-*"]);
        assert_eq!(request.request_id.len(), 32);
    }

    #[test]
    fn a_bad_line_is_told_its_field_and_nothing_of_it_is_repeated() {
        let with = |rest: &str| format!(r#"{{"provider":"openai","secret":"{SECRET}"{rest}}}"#);
        for (line, start) in [
            ("oops".to_owned(), "the line is not one JSON object"),
            (
                format!(r#"["{SECRET}"]"#),
                "the line is not one JSON object",
            ),
            (with(","), "the line is not one JSON object"),
            (with(r#","oops":1"#), "a field is none of owner"),
            (with(r#","secret":"oops-again""#), "secret: stands twice"),
            (with(r#","order":-1"#), "order: must be a whole number"),
            (with(r#","order":"oops""#), "order: must be"),
            (with(r#","expire_time":"oops""#), "expire_time: must be"),
            (
                with(r#","allowed_models":"oops""#),
                "allowed_models: must be",
            ),
            (
                with(r#","owner":"workspaces/oops""#),
                "owner: is another one",
            ),
            (with(r#","key_name":"OOPS oops""#), "key_name: "),
            (r#"{"provider":"openai"}"#.to_owned(), "secret: is missing"),
            (
                r#"{"provider":"openai","secret":5}"#.to_owned(),
                "secret: must be a text",
            ),
            (
                format!(r#"{{"secret":"{SECRET}"}}"#),
                "provider: is missing",
            ),
            (
                format!(r#"{{"provider":"oops","secret":"{SECRET}"}}"#),
                "provider: ",
            ),
        ] {
            let complaint = refused(&line);
            assert!(complaint.starts_with(start), "{line}: {complaint}");
        }
        let nobody = format!(r#"{{"provider":"openai","secret":"{SECRET}"}}"#);
        let complaint = parse(nobody.as_bytes(), None).err().unwrap();
        assert!(complaint.contains("--owner"), "{complaint}");
    }

    #[test]
    fn the_request_id_is_the_same_for_the_same_line_and_says_nothing_of_the_secret() {
        let id = |line: &str, attempt| {
            let row = parse(line.as_bytes(), Some("workspaces/acme")).unwrap();
            row.request(attempt, false).request_id
        };
        let line = |secret: &str, label: &str| {
            format!(r#"{{"provider":"openai","secret":"{secret}","label":"{label}"}}"#)
        };
        let first = id(&line(SECRET, "a"), 0);
        assert_eq!(id(&line(SECRET, "a"), 0), first);
        assert_eq!(id(&line("sk-keyway-test-another", "a"), 0), first);
        assert_ne!(id(&line(SECRET, "b"), 0), first);
        assert_ne!(id(&line(SECRET, "a"), 1), first);
    }
}
