//! The adapter of every provider on the list.

use keyway_words::{ProviderId, for_each_provider};

use crate::adapter::Adapter;

macro_rules! adapters {
    ($($provider:ident $module:ident $facts:tt;)*) => {
        /// The adapter of a provider.
        pub fn adapter(provider: ProviderId) -> Option<&'static dyn Adapter> {
            match provider {
                $(ProviderId::$provider => Some(&crate::$module::$provider),)*
            }
        }
    };
}

for_each_provider!(adapters);

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
