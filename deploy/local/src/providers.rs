//! Where each provider is: at its real address with a key from the environment, at the simulator, or
//! where a setting puts it. Decided per provider.

use std::ffi::OsStr;

use keyway_words::{ProviderId, Secret};

use crate::child::Environment;

/// Where a provider is.
#[derive(Debug)]
pub(crate) enum Place {
    /// At its own address, or where a setting puts it, with the key of this variable.
    Real {
        /// The variable.
        variable: &'static str,
        /// The key.
        key: Secret,
    },
    /// At the simulator, with a key that is worth nothing.
    Simulator,
    /// Where a setting puts it, or at its own address if the simulator does not speak as it; the
    /// environment has no key for it.
    Elsewhere,
}

/// One provider and where it is.
#[derive(Debug)]
pub(crate) struct Placed {
    /// The provider.
    pub(crate) provider: ProviderId,
    /// Where it is.
    pub(crate) place: Place,
}

/// Decides for every provider. `all_simulated`: the simulator was asked for.
pub(crate) fn place_all(environment: &Environment, all_simulated: bool) -> Vec<Placed> {
    let placed = |provider| Placed {
        provider,
        place: place(environment, provider, all_simulated),
    };
    ProviderId::ALL.into_iter().map(placed).collect()
}

fn place(environment: &Environment, provider: ProviderId, all_simulated: bool) -> Place {
    let moved = environment.contains_key(OsStr::new(&base_url_variable(provider)));
    let simulated = provider_sim::base_path(provider.as_str()).is_some();
    let variables = provider.facts().key_variables.iter();
    let key = variables.copied().find_map(|variable| {
        let key = environment.get(OsStr::new(variable))?.to_str()?.trim();
        (!key.is_empty()).then(|| Place::Real {
            variable,
            key: Secret::new(key.to_owned()),
        })
    });
    match key {
        _ if all_simulated && !moved && simulated => Place::Simulator,
        Some(real) => real,
        None if moved || !simulated => Place::Elsewhere,
        None => Place::Simulator,
    }
}

/// The variable that puts a provider somewhere else.
fn base_url_variable(provider: ProviderId) -> String {
    format!(
        "KEYWAY_ROUTER__PROVIDERS__{}__BASE_URL",
        provider.as_str().to_uppercase()
    )
}

/// The environment for the processes: without provider keys and without what only clients need.
pub(crate) fn without_secrets(environment: &Environment) -> Environment {
    let secret = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            ProviderId::ALL
                .iter()
                .any(|provider| provider.facts().key_variables.contains(&name))
                || (name.starts_with("KEYWAY_") && !name.contains("__"))
        })
    };
    environment
        .iter()
        .filter(|(name, _)| !secret(name))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn shown(pairs: &[(&str, &str)], all_simulated: bool) -> Vec<String> {
        place_all(&environment(pairs), all_simulated)
            .into_iter()
            .map(|placed| match placed.place {
                Place::Real { variable, key } => {
                    format!("{} {variable} {}", placed.provider, key.expose())
                }
                Place::Simulator => format!("{} simulator", placed.provider),
                Place::Elsewhere => format!("{} elsewhere", placed.provider),
            })
            .collect()
    }

    #[test]
    fn every_provider_is_decided_for_itself() {
        let pairs = [
            ("OPENAI_API_KEY", "sk-keyway-test-1"),
            ("GOOGLE_API_KEY", " g "),
            ("EXA_API_KEY", ""),
            (
                "KEYWAY_ROUTER__PROVIDERS__MISTRAL__BASE_URL",
                "http://127.0.0.1:1",
            ),
        ];
        assert_eq!(
            shown(&pairs, false),
            [
                "anthropic simulator",
                "exa simulator",
                "google GOOGLE_API_KEY g",
                "mistral elsewhere",
                "openai OPENAI_API_KEY sk-keyway-test-1",
            ]
        );
    }

    #[test]
    fn without_keys_every_provider_is_at_the_simulator() {
        let places = place_all(&Environment::new(), false);
        let simulated = |placed: &Placed| matches!(placed.place, Place::Simulator);
        assert!(
            places.len() == 5 && places.iter().all(simulated),
            "{places:?}"
        );
    }

    #[test]
    fn asking_for_the_simulator_leaves_the_keys_alone() {
        let pairs = [("OPENAI_API_KEY", "sk-keyway-test-1")];
        assert_eq!(shown(&pairs, true).last().unwrap(), "openai simulator");
    }

    #[test]
    fn settings_reach_the_processes_and_secrets_do_not() {
        let pairs = [
            ("OPENAI_API_KEY", "k"),
            ("KEYWAY_ADMIN_TOKEN", "t"),
            ("KEYWAY_VAULT", "127.0.0.1:1"),
            ("KEYWAY_VAULT__ADMIN__LISTEN", "127.0.0.1:2"),
            ("PATH", "/bin"),
        ];
        let kept = without_secrets(&environment(&pairs));
        let names: Vec<_> = kept.keys().map(|name| name.to_str().unwrap()).collect();
        assert_eq!(names, ["KEYWAY_VAULT__ADMIN__LISTEN", "PATH"]);
    }
}
