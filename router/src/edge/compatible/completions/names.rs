//! Names of a chat completion's fields.

use super::super::names::Names;

/// Also those of embeddings.
pub(in super::super) const NAMES: Names = Names {
    whole: &WHOLE,
    pieces: &PIECES,
    shifted: None,
};

const WHOLE: [(&str, &str); 23] = [
    ("max_output_tokens", "max_completion_tokens"),
    ("reasoning.effort", "reasoning_effort"),
    ("reasoning.budget_tokens", "keyway.reasoning_budget_tokens"),
    (
        "response_format.schema_json",
        "response_format.json_schema.schema",
    ),
    ("response_format.name", "response_format.json_schema.name"),
    ("tool_choice.tool", "tool_choice.function.name"),
    ("end_user", "user"),
    ("labels", "metadata"),
    ("request_id", "idempotency-key"),
    ("credential_mode", "keyway.credential_mode"),
    ("provider_options_json", "keyway.provider_options"),
    ("messages.parts.image.url", "messages.content.image_url.url"),
    (
        "messages.parts.tool_call.arguments_json",
        "messages.tool_calls.function.arguments",
    ),
    (
        "messages.parts.tool_call.signature",
        "messages.tool_calls.id",
    ),
    ("messages.parts.reasoning", "messages.tool_calls.id"),
    (
        "messages.parts.reasoning.signature",
        "messages.tool_calls.id",
    ),
    (
        "messages.parts.reasoning.redacted",
        "messages.tool_calls.id",
    ),
    ("messages.parts.refusal", "messages.refusal"),
    (
        "messages.parts.tool_result.call_id",
        "messages.tool_call_id",
    ),
    ("inputs", "input"),
    ("tools.strict", "tools.function.strict"),
    (
        "response_format.strict",
        "response_format.json_schema.strict",
    ),
    ("tools.parameters_json", "tools.function.parameters"),
];

/// Parts of names with places in them, such as `tools[0].parameters_json`.
const PIECES: [(&str, &str); 5] = [
    ("].name", "].function.name"),
    ("].parameters_json", "].function.parameters"),
    ("].parts[", "].content["),
    ("].parts", "].content"),
    ("inputs[", "input["),
];
