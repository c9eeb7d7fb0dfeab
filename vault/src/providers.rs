//! The providers that keys can be stored for, as people see them.

use keyway_proto::vault::v1::Provider;
use keyway_words::ProviderId;

/// All of them, by id.
pub(crate) fn all() -> Vec<Provider> {
    ProviderId::ALL.into_iter().map(describe).collect()
}

fn describe(id: ProviderId) -> Provider {
    let facts = id.facts();
    Provider {
        id: id.to_string(),
        display_name: facts.display_name.to_owned(),
        used_for: facts.used_for.iter().map(|&word| word.to_owned()).collect(),
        format_hint: facts.key_format.to_owned(),
        probe_cost: facts.check_cost.to_owned(),
    }
}
