//! Ids and names. Each has one spelling; parsing refuses every other.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::providers::ProviderId;

/// A name that is not of its documented form. The text says what the form is, never what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be {form}")]
pub struct InvalidName {
    /// What was parsed, such as `workspace id`.
    pub what: &'static str,
    /// The accepted form.
    pub form: &'static str,
}

/// Id of a workspace: `[a-z][a-z0-9-]{1,61}[a-z0-9]`. Prints as the bare id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkspaceId(Box<str>);

impl WorkspaceId {
    const INVALID: InvalidName = InvalidName {
        what: "workspace id",
        form: "[a-z][a-z0-9-]{1,61}[a-z0-9]",
    };

    /// The id, without `workspaces/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The resource name, `workspaces/{id}`.
    pub fn resource(&self) -> String {
        format!("workspaces/{}", self.0)
    }

    /// Parses a resource name, `workspaces/{id}`.
    pub fn from_resource(text: &str) -> Result<Self, InvalidName> {
        text.strip_prefix("workspaces/")
            .ok_or(InvalidName {
                what: "workspace",
                form: "workspaces/{id}",
            })?
            .parse()
    }
}

impl FromStr for WorkspaceId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if !(3..=63).contains(&text.len()) || !is_slug(text) {
            return Err(Self::INVALID);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for WorkspaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who owns a key: a workspace or the platform. Prints as `workspaces/{id}` or `platform`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// The platform; its keys are the hosted keys.
    Platform,
    /// A workspace; its keys are its own keys.
    Workspace(WorkspaceId),
}

impl Owner {
    /// The workspace, unless the platform owns it.
    pub fn workspace(&self) -> Option<&WorkspaceId> {
        match self {
            Self::Platform => None,
            Self::Workspace(id) => Some(id),
        }
    }
}

impl FromStr for Owner {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text == "platform" {
            return Ok(Self::Platform);
        }
        WorkspaceId::from_resource(text)
            .map(Self::Workspace)
            .map_err(|_form| InvalidName {
                what: "owner",
                form: "workspaces/{id} or platform",
            })
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Platform => f.write_str("platform"),
            Self::Workspace(id) => write!(f, "workspaces/{id}"),
        }
    }
}

/// Name of a key in its pool: `[a-z]([a-z0-9-]{0,61}[a-z0-9])?`; `default` unless given.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parses a name; the empty text is `default`.
    pub fn or_default(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() {
            Ok(Self::default())
        } else {
            text.parse()
        }
    }
}

impl Default for KeyName {
    fn default() -> Self {
        Self("default".into())
    }
}

impl FromStr for KeyName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if !(1..=63).contains(&text.len()) || !is_slug(text) {
            return Err(InvalidName {
                what: "key name",
                form: "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
            });
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Full name of a key: `{owner}/keys/{provider}/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyPath {
    /// Who owns it.
    pub owner: Owner,
    /// The provider it is for.
    pub provider: ProviderId,
    /// Its name in the pool.
    pub name: KeyName,
}

impl FromStr for KeyPath {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        const INVALID: InvalidName = InvalidName {
            what: "key",
            form: "{owner}/keys/{provider}/{name}",
        };
        let (owner, rest) = text.split_once("/keys/").ok_or(INVALID)?;
        let (provider, name) = rest.split_once('/').ok_or(INVALID)?;
        Ok(Self {
            owner: owner.parse().map_err(|_form| INVALID)?,
            provider: provider.parse()?,
            name: name.parse()?,
        })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/keys/{}/{}", self.owner, self.provider, self.name)
    }
}

/// Id of a call: a time-ordered UUID (version 7), printed with hyphens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(Uuid);

impl CallId {
    /// A new id.
    #[expect(
        clippy::new_without_default,
        reason = "a default would hide that each id is new"
    )]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Id of the event of one attempt of this call: the same for ever.
    pub fn event_id(&self, attempt: u32) -> String {
        format!("{}-{attempt}", self.0)
    }
}

impl FromStr for CallId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = InvalidName {
            what: "call id",
            form: "a UUID",
        };
        if text.len() != 36 {
            return Err(invalid);
        }
        Uuid::try_parse(text).map(Self).map_err(|_form| invalid)
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Starts with a letter, ends with a letter or digit, lower case, digits and hyphens between.
fn is_slug(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes
            .last()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes
            .iter()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_id_is_3_to_63_lower_case_characters() {
        for good in ["abc", "a-1", &"a".repeat(63)] {
            assert_eq!(good.parse::<WorkspaceId>().unwrap().as_str(), good);
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            "1ab",
            "-ab",
            "ab-",
            "aBc",
            "a_c",
            "a/c",
            "ä-c",
            long.as_str(),
        ] {
            assert!(bad.parse::<WorkspaceId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_path_reads_back_as_it_prints() {
        for text in [
            "platform/keys/exa/default",
            "workspaces/acme/keys/openai/spare-2",
        ] {
            assert_eq!(text.parse::<KeyPath>().unwrap().to_string(), text);
        }
        for bad in [
            "keys/openai/x",
            "workspaces/acme/keys/nobody/x",
            "platform/keys/exa/",
            "platform/keys/exa/a/b",
        ] {
            assert!(bad.parse::<KeyPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_id_is_the_call_and_the_attempt() {
        let call: CallId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        assert_eq!(call.event_id(2), "01890a5d-ac96-774b-bcce-b302099a8057-2");
    }
}
