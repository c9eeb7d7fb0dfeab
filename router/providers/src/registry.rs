//! The list of providers. The only place that matches on them.

use keyway_words::ProviderId;

use crate::adapter::Adapter;
use crate::anthropic::Anthropic;
use crate::exa::Exa;
use crate::google::Google;
use crate::mistral::Mistral;
use crate::openai::OpenAi;

/// The adapter of a provider; `None` if it is not built yet.
pub fn adapter(provider: ProviderId) -> Option<&'static dyn Adapter> {
    match provider {
        ProviderId::Anthropic => Some(&Anthropic),
        ProviderId::Exa => Some(&Exa),
        ProviderId::Google => Some(&Google),
        ProviderId::Mistral => Some(&Mistral),
        ProviderId::OpenAi => Some(&OpenAi),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_adapter_says_whose_it_is_and_its_base_url_is_one_of_its_hosts() {
        for adapter in ProviderId::ALL.into_iter().filter_map(adapter) {
            assert!(self::adapter(adapter.provider()).is_some());
            let host = adapter.base_url().strip_prefix("https://").unwrap();
            let host = host.split('/').next().unwrap();
            assert!(adapter.key_hosts().contains(&host));
            assert!(!adapter.base_url().ends_with('/'));
        }
    }
}
