//! The table of the router's settings: what is accepted, and what the reference prints.

mod accepted;
mod calls;
mod ledger;
mod models;
mod providers;
mod relay;
mod vault;

use keyway_chassis::config::Setting;

pub(super) use self::accepted::{ALIASES, MULTIPLIER, NETWORK, PROXY};

/// Every setting, in the order of the reference.
pub(super) fn settings() -> Vec<Setting> {
    [
        calls::SETTINGS,
        vault::SETTINGS,
        ledger::SETTINGS,
        relay::SETTINGS,
        providers::BASE_URLS,
        providers::SETTINGS,
        models::SETTINGS,
    ]
    .concat()
}
