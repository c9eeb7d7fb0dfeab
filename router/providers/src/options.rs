//! Names that `provider_options_json` may set.

use crate::json::ProviderOptions;
use crate::wire::EncodeError;

/// What one endpoint of a provider allows.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Fields of its request that the neutral schema has, or whose answer it can't carry.
    pub(crate) taken: &'static [&'static str],
    /// The options that a call on the platform's key may set: they create or name no object at the
    /// provider and need no price of their own.
    pub(crate) hosted: &'static [&'static str],
}

/// Refuses an option that the schema has, that carries a credential, or that only an own key may
/// use.
pub(crate) fn check(
    options: &ProviderOptions,
    rules: &Rules,
    hosted: bool,
) -> Result<(), EncodeError> {
    for given in options.names() {
        let lower = given.to_ascii_lowercase();
        let is = |name: &&str| name.eq_ignore_ascii_case(&lower);
        let shown = || given.chars().take(64).collect();
        if NEVER.iter().chain(rules.taken).any(is) {
            return Err(EncodeError::OptionNotAllowed { name: shown() });
        }
        if hosted && !rules.hosted.contains(&given) {
            return Err(EncodeError::OptionNeedsOwnKey { name: shown() });
        }
    }
    Ok(())
}

/// Fields of every provider that the schema has or Keyway decides, and places for a credential: a
/// key in a request is no source of keys.
const NEVER: [&str; 30] = [
    "model",
    "stream",
    "messages",
    "contents",
    "input",
    "store",
    "stream_options",
    "streamOptions",
    "streaming_config",
    "streamingConfig",
    "usage",
    "include_usage",
    "system",
    "tools",
    "max_tokens",
    "headers",
    "extra_headers",
    "authorization",
    "auth",
    "auth_token",
    "access_token",
    "token",
    "bearer",
    "api_key",
    "api-key",
    "apikey",
    "x-api-key",
    "key",
    "secret",
    "credentials",
];

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        taken: &["temperature"],
        hosted: &["verbosity"],
    };

    fn checked(json: &str, hosted: bool) -> Result<(), EncodeError> {
        check(&ProviderOptions::parse(json).unwrap(), &RULES, hosted)
    }

    #[test]
    fn what_the_schema_has_and_credentials_are_refused_in_any_case() {
        for name in [
            "model",
            "store",
            "api_key",
            "Authorization",
            "temperature",
            "TEMPERATURE",
        ] {
            let refused = checked(&format!(r#"{{"verbosity":"low","{name}":1}}"#), false);
            assert_eq!(
                refused,
                Err(EncodeError::OptionNotAllowed { name: name.into() })
            );
        }
        assert_eq!(
            checked(r#"{"verbosity":"low","new_field":1}"#, false),
            Ok(())
        );
    }

    #[test]
    fn on_the_platforms_key_only_the_closed_list_is_taken() {
        assert_eq!(checked(r#"{"verbosity":"low"}"#, true), Ok(()));
        assert_eq!(
            checked(r#"{"conversation":"c"}"#, true),
            Err(EncodeError::OptionNeedsOwnKey {
                name: "conversation".into()
            }),
        );
    }
}
