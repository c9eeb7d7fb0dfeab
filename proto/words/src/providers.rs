//! The registry of providers: the one list, a line for each. Everything that differs by provider is made
//! of it or stands in the provider's own files; `docs/adding-a-provider.md` says which those are.

use std::fmt;
use std::str::FromStr;

use crate::names::InvalidName;

/// Calls a macro with every provider, by id: type, module (which is the id), and its facts, see
/// [`Facts`].
#[macro_export]
#[rustfmt::skip]
macro_rules! for_each_provider {
    ($made:ident) => {
        $made! {
            // Type   id         name         is used for             keys look like           a check of a key costs         its key in the environment           in telemetry
            Anthropic anthropic ("Anthropic", ["chat"],               "sk-ant-…",              "nothing: it lists models",    ["ANTHROPIC_API_KEY"],               "anthropic");
            Exa       exa       ("Exa",       ["search"],             "a UUID",                "one search, about 0.004 USD", ["EXA_API_KEY"],                     "exa");
            Google    google    ("Google",    ["chat", "embeddings"], "AIza…",                 "nothing: it lists models",    ["GEMINI_API_KEY", "GOOGLE_API_KEY"], "gcp.gemini");
            Mistral   mistral   ("Mistral",   ["chat", "embeddings"], "32 letters and digits", "nothing: it lists models",    ["MISTRAL_API_KEY"],                 "mistral_ai");
            OpenAi    openai    ("OpenAI",    ["chat", "embeddings"], "sk-…",                  "nothing: it lists models",    ["OPENAI_API_KEY"],                  "openai");
        }
    };
}

/// What is told of a provider without speaking to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Its name as people write it.
    pub display_name: &'static str,
    /// What its keys are used for: `chat`, `embeddings`, `search`.
    pub used_for: &'static [&'static str],
    /// What its keys look like, in words.
    pub key_format: &'static str,
    /// What a check of a key costs there, in words.
    pub check_cost: &'static str,
    /// The variables in which people keep its key; the first that is set counts.
    pub key_variables: &'static [&'static str],
    /// Its name in telemetry, as OpenTelemetry has it.
    pub telemetry: &'static str,
}

macro_rules! ids {
    ($first:ident $first_id:ident $first_facts:tt; $($other:ident $other_id:ident $other_facts:tt;)*) => {
        ids! { @each $first $first_id $first_facts; $($other $other_id $other_facts;)* }

        const ACCEPTED: &str = concat!("one of ", stringify!($first_id) $(, ", ", stringify!($other_id))*);
    };
    (@each $($provider:ident $id:ident ($name:literal, $used:tt, $format:literal, $cost:literal, $variables:tt, $telemetry:literal);)*) => {
        /// A provider that Keyway speaks.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProviderId {
            $(#[doc = concat!("`", $name, "`.")] $provider,)*
        }

        impl ProviderId {
            /// Every provider, by id.
            pub const ALL: [Self; [$(stringify!($id)),*].len()] = [$(Self::$provider),*];

            /// The id, as it stands in names and configuration.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$provider => stringify!($id),)*
                }
            }

            /// What is told of it without speaking to it.
            pub const fn facts(self) -> Facts {
                match self {
                    $(Self::$provider => Facts {
                        display_name: $name,
                        used_for: &$used,
                        key_format: $format,
                        check_cost: $cost,
                        key_variables: &$variables,
                        telemetry: $telemetry,
                    },)*
                }
            }
        }
    };
}

for_each_provider!(ids);

impl FromStr for ProviderId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|id| id.as_str() == text)
            .ok_or(InvalidName {
                what: "provider",
                form: ACCEPTED,
            })
    }
}

impl fmt::Display for ProviderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_the_order_of_ids_and_none_stands_twice() {
        let ids = ProviderId::ALL.map(ProviderId::as_str);
        assert!(ids.is_sorted_by(|before, after| before < after), "{ids:?}");
        for id in ProviderId::ALL {
            assert_eq!(id.as_str().parse(), Ok(id));
            assert!(!id.facts().used_for.is_empty());
        }
        let refused = "nobody".parse::<ProviderId>().unwrap_err();
        assert!(ids.iter().all(|id| refused.form.contains(id)), "{refused}");
    }
}
