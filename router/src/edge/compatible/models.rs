//! The models that a workspace can use, in `OpenAI`'s shape. Pure.

use keyway_proto::billing::v1::Source;
use keyway_proto::router::v1 as wire;
use serde_json::{Value, json};

/// The list: what the workspace has a key for.
pub(super) fn list(models: &[wire::Model]) -> Value {
    let usable = models.iter().filter(|model| is_usable(model));
    json!({"object": "list", "data": usable.map(one).collect::<Vec<_>>()})
}

/// Whether a call of it would get a key.
pub(super) fn is_usable(model: &wire::Model) -> bool {
    model.source() != Source::Unspecified && model.kind != "search"
}

/// One model. When it was made is not known, and the shape demands a number.
pub(super) fn one(model: &wire::Model) -> Value {
    let provider = model.name.split('/').next().unwrap_or_default();
    json!({
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": provider,
        "keyway": {
            "kind": model.kind,
            "source": model.source().as_str_name(),
            "aliases": model.aliases,
            "context_window": known(model.context_window),
            "max_output_tokens": known(model.max_output_tokens),
            "dimensions": known(model.dimensions),
        },
    })
}

const fn known(number: u64) -> Option<u64> {
    if number == 0 { None } else { Some(number) }
}
