//! What a body may hold on the platform's key: only what is listed.
//!
//! All workspaces share the platform's account at the provider. What names or creates an object that
//! is stored there would be seen by others, so a member that no list knows is refused, also one that
//! the provider has not invented yet.

use serde_json::value::RawValue;

use super::body::Members;

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything: it is the caller's own matter.
    Any,
    /// An object of these members, or no object and no list.
    Object(&'static [(&'static str, Shape)]),
    /// A list of such values, or no object and no list.
    List(&'static Shape),
    /// An object whose member `type` says which members it may have beside it; without a type, the
    /// first ones.
    Typed(&'static [(&'static str, &'static [(&'static str, Shape)])]),
    /// An object of which one member's word must begin with one of these.
    Word(&'static str, &'static [&'static str]),
}

impl Shape {
    /// The path of the first thing that is not listed.
    pub fn refused(&self, json: &str) -> Result<(), String> {
        self.check(json, "")
    }

    fn check(&self, json: &str, path: &str) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::List(shape) => {
                if !json.starts_with('[') {
                    return scalar(json, path);
                }
                let items: Vec<&RawValue> =
                    serde_json::from_str(json).map_err(|_json| shown(path))?;
                let mut items = items.iter().enumerate();
                items.try_for_each(|(at, item)| shape.check(item.get(), &format!("{path}[{at}]")))
            }
            Self::Object(listed) => object(json, path, |_members| Some(listed), &[]),
            Self::Typed(kinds) => object(
                json,
                path,
                |members| {
                    let word = word(members, "type");
                    let Some(word) = word else {
                        let untyped = members.0.iter().all(|(name, _)| name != "type");
                        return kinds.first().map(|(_, listed)| *listed).filter(|_| untyped);
                    };
                    let kind = kinds.iter().find(|(kind, _)| *kind == word);
                    kind.map(|(_, listed)| *listed)
                },
                &["type"],
            ),
            Self::Word(name, beginnings) => {
                let members: Members<'_> =
                    serde_json::from_str(json).map_err(|_json| shown(path))?;
                let word = word(&members, name);
                let twice = members.0.iter().filter(|(other, _)| other == name).count() > 1;
                match word {
                    _ if twice => Err(shown(&below(path, name))),
                    Some(word) if !beginnings.iter().any(|begin| word.starts_with(begin)) => {
                        Err(shown(&below(path, name)))
                    }
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Checks the members of an object by the list that they choose.
fn object(
    json: &str,
    path: &str,
    listed: impl FnOnce(&Members<'_>) -> Option<&'static [(&'static str, Shape)]>,
    also: &[&str],
) -> Result<(), String> {
    if !json.starts_with('{') {
        return scalar(json, path);
    }
    let members: Members<'_> = serde_json::from_str(json).map_err(|_json| shown(path))?;
    let listed = listed(&members).ok_or_else(|| shown(&below(path, "type")))?;
    let mut seen: Vec<&str> = Vec::with_capacity(members.0.len());
    for (name, value) in &members.0 {
        let twice = seen.contains(&name.as_str());
        seen.push(name);
        let shape = listed.iter().find(|(known, _)| known == name);
        match shape {
            Some((_, shape)) if !twice => shape.check(value.get(), &below(path, name))?,
            None if also.contains(&name.as_str()) && !twice => {}
            // Nothing is there.
            None if value.get() == "null" => {}
            _ => return Err(shown(&below(path, name))),
        }
    }
    Ok(())
}

fn word(members: &Members<'_>, name: &str) -> Option<String> {
    let (_, value) = members.0.iter().find(|(other, _)| other == name)?;
    serde_json::from_str(value.get()).ok()
}

/// A text, a number or nothing can hold nothing that is not listed.
fn scalar(json: &str, path: &str) -> Result<(), String> {
    if json.starts_with(['{', '[']) {
        return Err(shown(path));
    }
    Ok(())
}

fn below(path: &str, name: &str) -> String {
    let name: String = name.chars().take(64).filter(|c| !c.is_control()).collect();
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

fn shown(path: &str) -> String {
    let path = if path.is_empty() { "body" } else { path };
    path.chars().take(160).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PART: Shape = Shape::Typed(&[
        ("text", &[("text", Shape::Any)]),
        ("file", &[("file", Shape::Object(&[("data", Shape::Any)]))]),
    ]);
    const BODY: Shape = Shape::Object(&[
        ("model", Shape::Any),
        ("parts", Shape::List(&PART)),
        ("tool", Shape::Word("type", &["function"])),
    ]);

    #[test]
    fn only_what_is_listed_passes_and_the_rest_is_named() {
        for (json, refused) in [
            (r#"{"model":"m","parts":"text"}"#, None),
            (r#"{"parts":[{"type":"text","text":{"file_id":1}}]}"#, None),
            (r#"{"parts":[{"text":"x"}]}"#, None),
            (r#"{"new":1}"#, Some("new")),
            (r#"{"new":null}"#, None),
            (r#"{"parts":{}}"#, Some("parts")),
            (r#"{"parts":[{"type":"image"}]}"#, Some("parts[0].type")),
            (r#"{"parts":[{"type":7}]}"#, Some("parts[0].type")),
            (
                r#"{"parts":[{"type":"file","file":{"id":"x"}}]}"#,
                Some("parts[0].file.id"),
            ),
            (
                r#"{"parts":[{"type":"text","type":"file"}]}"#,
                Some("parts[0].type"),
            ),
            (r#"{"model":1,"\u006dodel":2}"#, Some("model")),
            (r#"{"tool":{"type":"function_x"}}"#, None),
            (r#"{"tool":{"type":"search"}}"#, Some("tool.type")),
            (
                r#"{"tool":{"type":"function","type":"search"}}"#,
                Some("tool.type"),
            ),
            ("[]", Some("body")),
        ] {
            assert_eq!(BODY.refused(json).err().as_deref(), refused, "{json}");
        }
    }
}
