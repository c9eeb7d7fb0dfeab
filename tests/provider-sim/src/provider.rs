//! The providers that are simulated: the one place that lists them.

use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;
use crate::{anthropic, exa, google, mistral, openai};

/// The path of a provider's base URL, as its SDK takes it; `None` if it is not simulated.
pub fn base_path(provider: &str) -> Option<String> {
    let known = Provider::ALL.into_iter();
    let provider = known.into_iter().find(|known| known.name() == provider)?;
    let below = match provider {
        Provider::OpenAi => "/v1",
        _ => "",
    };
    Some(format!("/{}{below}", provider.name()))
}

/// A provider, by the first part of the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Provider {
    OpenAi,
    Anthropic,
    Google,
    Mistral,
    Exa,
}

impl Provider {
    const ALL: [Self; 5] = [
        Self::OpenAi,
        Self::Anthropic,
        Self::Google,
        Self::Mistral,
        Self::Exa,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::Mistral => "mistral",
            Self::Exa => "exa",
        }
    }

    /// Splits `/openai/v1/models` into the provider and `/v1/models`.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|provider| {
            let rest = path.strip_prefix('/')?.strip_prefix(provider.name())?;
            rest.starts_with('/').then_some((provider, rest))
        })
    }

    /// The header that only this provider reads its key from.
    pub(crate) const fn key_header(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::Mistral => None,
            Self::Anthropic | Self::Exa => Some("x-api-key"),
            Self::Google => Some("x-goog-api-key"),
        }
    }

    /// The reply that the provider would give.
    pub(crate) fn answer(self, request: &Request, action: &Action) -> Reply {
        let refusal = request.credential().map_or_else(
            || Some(self.no_key()),
            |(_, key)| self.refused_state(key).map(|id| (id, key)),
        );
        if let Some((id, key)) = refusal {
            return Reply::fixture(request, id).with_key(key);
        }
        match self {
            Self::OpenAi => openai::answer(request, action),
            Self::Anthropic => anthropic::answer(request, action),
            Self::Google => google::answer(request, action),
            Self::Mistral => mistral::answer(request, action),
            Self::Exa => exa::answer(request, action),
        }
    }

    const fn no_key(self) -> (&'static str, &'static str) {
        let id = match self {
            Self::OpenAi => "openai/401_no_key.error",
            Self::Anthropic => "anthropic/401_bad_key.error",
            Self::Google => "google/403_no_key.error",
            Self::Mistral => "mistral/401_bad_key.error",
            Self::Exa => "exa/401_bad_key.error",
        };
        (id, "")
    }

    /// The error that a key in a bad state gets, by a word in the key.
    fn refused_state(self, key: &str) -> Option<&'static str> {
        let words = ["bad", "quota", "ratelimited", "forbidden"];
        let state = words.iter().position(|word| {
            key.starts_with(&format!("{word}-")) || key.contains(&format!("-{word}-"))
        })?;
        self.errors().get(state).copied()
    }

    /// For a rejected key, no credit, too many requests, not allowed.
    const fn errors(self) -> [&'static str; 4] {
        match self {
            Self::OpenAi => [
                "openai/401_bad_key.error",
                "openai/429_quota.error",
                "openai/429_rate.error",
                "openai/403_country.error",
            ],
            Self::Anthropic => [
                "anthropic/401_bad_key.error",
                "anthropic/402_billing.error",
                "anthropic/429_rate.error",
                "anthropic/403_permission.error",
            ],
            Self::Google => [
                "google/400_bad_key.error",
                "google/429_daily_quota.error",
                "google/429_rate.error",
                "google/403_permission.error",
            ],
            // It tells no credit apart from no capacity, and no plan apart from a guardrail.
            Self::Mistral => [
                "mistral/401_bad_key.error",
                "mistral/429_capacity.error",
                "mistral/429_rate.error",
                "mistral/403_guardrail.error",
            ],
            Self::Exa => [
                "exa/401_bad_key.error",
                "exa/402_no_credits.error",
                "exa/429_rate.error",
                "exa/403_forbidden.error",
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_provider() {
        assert_eq!(
            Provider::of_path("/openai/v1/models"),
            Some((Provider::OpenAi, "/v1/models"))
        );
        assert_eq!(
            Provider::of_path("/exa/search"),
            Some((Provider::Exa, "/search"))
        );
        assert_eq!(Provider::of_path("/openaix/v1/models"), None);
        assert_eq!(
            Provider::of_path("/google/v1beta/models"),
            Some((Provider::Google, "/v1beta/models"))
        );
        assert_eq!(Provider::of_path("/cohere/v1/models"), None);
    }

    #[test]
    fn a_word_in_the_key_is_its_state() {
        let state = |key| Provider::Anthropic.refused_state(key);
        assert_eq!(state("bad-key"), Some("anthropic/401_bad_key.error"));
        assert_eq!(state("sk-quota-1"), Some("anthropic/402_billing.error"));
        assert_eq!(state("sk-keyway-test-0001"), None);
        assert_eq!(state("sk-badge-1"), None);
    }
}
