//! What the operator switched off: a provider, a model, a workspace, or all hosted calls.
//!
//! The file is read again while the router runs. One that can't be read or understood changes
//! nothing: what was off stays off.

mod file;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arc_swap::ArcSwap;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Catalogue;
use keyway_words::{ProviderId, WorkspaceId};
use serde::Deserialize;

pub use file::{SwitchFile, SwitchFileError};

/// What is off. A new state is a new value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Off {
    hosted: bool,
    providers: HashSet<ProviderId>,
    models: HashSet<(ProviderId, String)>,
    workspaces: HashSet<WorkspaceId>,
}

/// What is off now. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Switches(Arc<ArcSwap<Off>>);

impl Switches {
    /// What is off now.
    pub fn now(&self) -> Arc<Off> {
        self.0.load_full()
    }

    /// Puts another state into force.
    fn put(&self, off: Off) {
        self.0.store(Arc::new(off));
    }
}

/// The file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Written {
    hosted: bool,
    providers: Vec<String>,
    models: Vec<String>,
    workspaces: Vec<String>,
}

impl Off {
    /// Reads the file's text; empty means that nothing is off.
    fn parse(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        if !text.trim_start().starts_with('{') {
            return Err("must be one JSON object, or empty".to_owned());
        }
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut off = Self {
            hosted: written.hosted,
            ..Self::default()
        };
        for provider in &written.providers {
            off.providers.insert(named("providers", provider)?);
        }
        for model in &written.models {
            let form = || format!("models: {model:?} must be provider/model");
            let (provider, id) = model.split_once('/').ok_or_else(form)?;
            let provider = provider.parse().map_err(|_form| form())?;
            off.models.insert((provider, id.to_owned()));
        }
        for workspace in &written.workspaces {
            let id = WorkspaceId::from_resource(workspace);
            let id = id.map_err(|form| format!("workspaces: {workspace:?}: {form}"))?;
            off.workspaces.insert(id);
        }
        Ok(off)
    }

    /// Whether nothing may be sent to a provider, not even to test a key.
    pub fn provider(&self, provider: ProviderId) -> bool {
        self.providers.contains(&provider)
    }

    /// Whether hosted calls are off.
    pub const fn hosted(&self) -> bool {
        self.hosted
    }

    /// Refuses a call that is off, on whichever key.
    pub fn check(
        &self,
        workspace: &WorkspaceId,
        (provider, model): (ProviderId, &str),
        catalogue: &Catalogue,
    ) -> Result<(), Fault> {
        let what = if self.workspaces.contains(workspace) {
            format!("workspaces/{workspace}")
        } else if self.providers.contains(&provider) {
            provider.to_string()
        } else if self.has_model(provider, model, catalogue) {
            format!("{provider}/{model}")
        } else {
            return Ok(());
        };
        Err(Fault::new(
            Reason::SwitchedOff,
            format!("the operator switched {what} off; ask the operator, or call another model"),
        ))
    }

    /// By its own name, by another id of the same row, or as a dated id of a model that is off.
    fn has_model(&self, provider: ProviderId, model: &str, catalogue: &Catalogue) -> bool {
        if self.models.is_empty() {
            return false;
        }
        let row = catalogue.find(provider, model);
        let row = row.map(keyway_router_pricing::Model::id);
        let mut of_provider = self.models.iter().filter(|(owner, _)| *owner == provider);
        of_provider.any(|(_, off)| {
            let rest = model.strip_prefix(off.as_str());
            let dated = rest.is_some_and(|rest| {
                let date = rest.strip_prefix('-').unwrap_or("x");
                date.len() >= 8
                    && date
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || byte == b'-')
            });
            let found = catalogue.find(provider, off);
            dated || off == model || found.is_some_and(|found| Some(found.id()) == row)
        })
    }

    /// Everything that is off, one word for each, for logs and events.
    fn words(&self) -> BTreeSet<String> {
        let hosted = self.hosted.then(|| "hosted".to_owned());
        let providers = self.providers.iter().map(|id| format!("provider {id}"));
        let models = self.models.iter();
        let models = models.map(|(provider, id)| format!("model {provider}/{id}"));
        let workspaces = self.workspaces.iter().map(|id| format!("workspaces/{id}"));
        hosted
            .into_iter()
            .chain(providers)
            .chain(models)
            .chain(workspaces)
            .collect()
    }
}

fn named(field: &str, provider: &str) -> Result<ProviderId, String> {
    provider
        .parse()
        .map_err(|form| format!("{field}: {provider:?}: {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, workspace: &str, model: &str) -> bool {
        let off = Off::parse(text).unwrap();
        let table = Catalogue::builtin().unwrap();
        let (provider, id) = model.split_once('/').unwrap();
        let workspace = workspace.parse().unwrap();
        let checked = off.check(&workspace, (provider.parse().unwrap(), id), &table);
        checked.is_err_and(|fault| fault.reason == Reason::SwitchedOff)
    }

    #[test]
    fn what_is_off_is_off_under_every_name_and_nothing_else_is() {
        let model = r#"{"models": ["openai/gpt-5-mini"]}"#;
        assert!(refused(model, "acme", "openai/gpt-5-mini"));
        assert!(refused(model, "acme", "openai/gpt-5-mini-2031-01-01"));
        assert!(!refused(model, "acme", "openai/gpt-5-mini-high"));
        assert!(!refused(model, "acme", "openai/gpt-5"));
        let provider = r#"{"providers": ["exa"]}"#;
        assert!(refused(provider, "acme", "exa/auto"));
        assert!(!refused(provider, "acme", "openai/gpt-5"));
        let workspace = r#"{"workspaces": ["workspaces/acme"]}"#;
        assert!(refused(workspace, "acme", "openai/gpt-5"));
        assert!(!refused(workspace, "other", "openai/gpt-5"));
        assert!(!refused("", "acme", "openai/gpt-5"));
    }

    #[test]
    fn a_file_that_says_something_else_is_refused_with_its_place() {
        for text in [
            "x",
            "[]",
            r#"{"everything": true}"#,
            r#"{"providers": ["nobody"]}"#,
            r#"{"models": ["gpt-5"]}"#,
            r#"{"workspaces": ["acme"]}"#,
        ] {
            assert!(Off::parse(text).is_err(), "{text}");
        }
    }
}
