//! The list of providers. The only place that matches on them.

use keyway_words::ProviderId;

use crate::adapter::Adapter;

/// The adapter of a provider; `None` if it is not built yet.
pub fn adapter(_provider: ProviderId) -> Option<&'static dyn Adapter> {
    None
}
