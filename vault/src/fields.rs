//! Checks of request fields. Each names the field and what is accepted, never what was given.

use keyway_proto::{Fault, convert};
use keyway_words::{Owner, Secret, Timestamp, WorkspaceId};

/// Bounds of a provider key in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretBounds {
    pub(crate) shortest: usize,
    pub(crate) longest: usize,
}

/// A provider key: printable ASCII within bounds, without white space around it.
pub(crate) fn secret(secret: &Secret, bounds: SecretBounds) -> Result<(), Fault> {
    let SecretBounds { shortest, longest } = bounds;
    let text = secret.expose();
    let printable = text
        .bytes()
        .all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let trimmed = text.trim().len() == text.len();
    if (shortest..=longest).contains(&text.len()) && printable && trimmed {
        return Ok(());
    }
    Err(Fault::field(
        "secret",
        format!(
            "must be {shortest} to {longest} printable ASCII characters without white space around them"
        ),
    ))
}

/// An owner, `workspaces/{id}` or `platform`.
pub(crate) fn owner(field: &str, text: &str) -> Result<Owner, Fault> {
    text.parse()
        .map_err(|error: keyway_words::InvalidName| Fault::field(field, error.to_string()))
}

/// A workspace by its resource name.
pub(crate) fn workspace(field: &str, text: &str) -> Result<WorkspaceId, Fault> {
    WorkspaceId::from_resource(text).map_err(|error| Fault::field(field, error.to_string()))
}

/// Any name of the words, with the error of its form.
pub(crate) fn parsed<T>(field: &str, text: &str) -> Result<T, Fault>
where
    T: std::str::FromStr<Err = keyway_words::InvalidName>,
{
    text.parse()
        .map_err(|error: keyway_words::InvalidName| Fault::field(field, error.to_string()))
}

/// Free text of at most 200 characters, without control characters.
pub(crate) fn text(field: &str, text: &str) -> Result<String, Fault> {
    if text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Fault::field(
        field,
        "must be at most 200 characters without control characters",
    ))
}

/// A subject, `oidc:{issuer}#{sub}` or `service:{name}`.
pub(crate) fn subject(field: &str, text: &str) -> Result<String, Fault> {
    let graphic = text.len() <= LONGEST_SUBJECT && text.bytes().all(|byte| byte.is_ascii_graphic());
    let formed = text
        .strip_prefix("service:")
        .is_some_and(|name| !name.is_empty())
        || text
            .strip_prefix("oidc:")
            .and_then(|rest| rest.split_once('#'))
            .is_some_and(|(issuer, sub)| !issuer.is_empty() && !sub.is_empty());
    if graphic && formed {
        return Ok(text.to_owned());
    }
    Err(Fault::field(
        field,
        "must be oidc:{issuer}#{sub} or service:{name}, at most 256 visible ASCII characters",
    ))
}

/// A list of models: each a name, or a prefix with `*` at its end.
pub(crate) fn models(models: &[String]) -> Result<String, Fault> {
    let good = |model: &String| {
        let stem = model.strip_suffix('*').unwrap_or(model);
        (1..=LONGEST_TEXT).contains(&model.len())
            && stem
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'*')
    };
    if models.len() <= MOST_MODELS && models.iter().all(good) {
        return Ok(serde_json::Value::from(models).to_string());
    }
    Err(Fault::field(
        "allowed_models",
        "must be at most 100 names of 1 to 200 visible ASCII characters; `*` may stand at the end only",
    ))
}

/// A time that is still to come.
pub(crate) fn future(
    field: &str,
    time: Option<&prost_types::Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Fault> {
    let Some(time) = time else { return Ok(None) };
    match convert::from_timestamp(time) {
        Some(at) if at > now => Ok(Some(at)),
        Some(_) | None => Err(Fault::field(field, "must be a time in the future")),
    }
}

/// A request id: empty, or up to 36 printable ASCII characters.
pub(crate) fn request_id(text: &str) -> Result<(), Fault> {
    if text.len() <= 36 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Fault::field(
        "request_id",
        "must be up to 36 printable ASCII characters",
    ))
}

/// How many rows a page has: 50 unless given, at most 500.
pub(crate) fn page_size(given: i32) -> Result<u64, Fault> {
    match given {
        0 => Ok(50),
        1..=500 => Ok(u64::try_from(given).unwrap_or(50)),
        _ => Err(Fault::field("page_size", "must be 0 to 500")),
    }
}

const LONGEST_TEXT: usize = 200;
const LONGEST_SUBJECT: usize = 256;
const MOST_MODELS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_8_to_4096_printable_characters_without_white_space_around_it() {
        let bounds = SecretBounds {
            shortest: 8,
            longest: 4096,
        };
        let check = |text: &str| secret(&Secret::new(text.to_owned()), bounds);
        for good in ["12345678", &"x".repeat(4096), "with some spaces"] {
            assert!(check(good).is_ok());
        }
        let long = "x".repeat(4097);
        for bad in [
            "",
            "1234567",
            &long,
            " 12345678",
            "12345678\n",
            "12345678 ",
            "sk-ключ-ключ",
            "a\u{7f}345678",
        ] {
            let fault = check(bad).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("secret"));
            assert!(
                bad.is_empty() || !fault.message.contains(bad),
                "{}",
                fault.message
            );
        }
    }

    #[test]
    fn a_subject_is_of_a_service_or_of_an_issuer() {
        for good in ["service:ci", "oidc:https://id.example#123"] {
            assert!(subject("subject", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "service:",
            "ci",
            "oidc:x",
            "oidc:#s",
            "oidc:i#",
            "service:a b",
        ] {
            assert!(subject("subject", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_star_stands_at_the_end_of_a_model_only() {
        assert_eq!(
            models(&["gpt-*".to_owned(), "o3".to_owned()]).unwrap(),
            r#"["gpt-*","o3"]"#
        );
        for bad in ["", "*-mini", "a**", "a b"] {
            assert!(models(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
