//! Settings of models, prices and what is switched off.

use keyway_chassis::config::{Default, Kind, Setting};

use super::accepted::{ALIASES, MULTIPLIER, is_aliases, is_multiplier};

pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        path: "models.aliases",
        kind: Kind::Checked {
            accepted: ALIASES,
            check: is_aliases,
        },
        default: Default::Is(""),
        help: "The operator's own names for models, as fast=openai/gpt-5-mini,deep=anthropic/claude-opus-4-5. They win over names of the catalogue.",
    },
    Setting {
        path: "switches.file",
        kind: Kind::Path,
        default: Default::Absent,
        help: "JSON file of what is switched off: {\"hosted\": true, \"providers\": [\"openai\"], \"models\": [\"openai/gpt-5\"], \"workspaces\": [\"workspaces/acme\"]}, each optional. It must exist, and may be empty; it is read again every second and at SIGHUP.",
    },
    Setting {
        path: "prices.overlay",
        kind: Kind::Path,
        default: Default::Absent,
        help: "JSON file of price rows that replace or add to the built-in ones; followed while the router runs.",
    },
    Setting {
        path: "prices.multiplier",
        kind: Kind::Checked {
            accepted: MULTIPLIER,
            check: is_multiplier,
        },
        default: Default::Is("1"),
        help: "Factor on the list price of hosted calls.",
    },
    Setting {
        path: "prices.charge_estimates",
        kind: Kind::Bool,
        default: Default::Is("false"),
        help: "Whether a hosted call of a model whose provider tells no usage is charged what the counting rule of the price table estimates; otherwise the charge is not known, and the estimate stands beside it.",
    },
];
