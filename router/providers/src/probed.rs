//! What the answer to the check of a key says.

use serde::Deserialize;

use crate::metered::Metered;
use crate::wire::DecodeError;

/// Most models that are named.
const MOST_MODELS: usize = 100;

/// Longest name of a model, in bytes; a longer one is none.
const LONGEST_NAME: usize = 256;

/// A good answer to a probe.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Probed {
    /// The models that the provider lists for the key, in its own words and order: its first page,
    /// at most 100 of them.
    pub models: Vec<String>,
    /// The model and what was used, if the probe was a paid call.
    pub used: Option<(&'static str, Metered)>,
}

/// Google's rows have a name and no id; Mistral's have both, and the id is what a call takes.
#[derive(Deserialize)]
struct List {
    data: Option<Vec<Row>>,
    models: Option<Vec<Row>>,
}

#[derive(Deserialize)]
struct Row {
    id: Option<String>,
    name: Option<String>,
}

impl Probed {
    /// Reads a list of models. Whatever else comes with a good status, such as a page of a proxy on
    /// the way, says nothing about the key.
    pub(crate) fn list(body: &[u8]) -> Result<Self, DecodeError> {
        let malformed = DecodeError::Malformed {
            what: "not a list of models",
        };
        let list: List = serde_json::from_slice(body).map_err(|_json| malformed.clone())?;
        let rows = list.data.or(list.models).ok_or_else(|| malformed.clone())?;
        let name = |row: Row| row.id.or(row.name).ok_or_else(|| malformed.clone());
        let names = rows.into_iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let short = |name: &String| name.len() <= LONGEST_NAME;
        Ok(Self {
            models: names.into_iter().filter(short).take(MOST_MODELS).collect(),
            used: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_list_of_models_says_nothing_about_a_key() {
        for body in [
            "",
            "<html>welcome</html>",
            "{}",
            "[]",
            "null",
            r#"{"data":{}}"#,
            r#"{"data":[{"object":"model"}]}"#,
            r#"{"error":{"message":"no"}}"#,
        ] {
            assert!(Probed::list(body.as_bytes()).is_err(), "{body}");
        }
        let none = Probed::list(br#"{"object":"list","data":[]}"#);
        assert_eq!(none, Ok(Probed::default()));
    }

    #[test]
    fn a_long_list_is_cut_and_a_long_name_left_out() {
        let long = serde_json::json!({"id": "x".repeat(LONGEST_NAME + 1)});
        let row = |number| serde_json::json!({"id": format!("m{number}"), "name": "other"});
        let rows: Vec<_> = (0..=MOST_MODELS).map(row).collect();
        let rows = [vec![long], rows].concat();
        let list = serde_json::json!({"data": rows});
        let models = Probed::list(list.to_string().as_bytes()).unwrap().models;
        assert_eq!(models.len(), MOST_MODELS);
        assert_eq!(models[0], "m0");
    }
}
