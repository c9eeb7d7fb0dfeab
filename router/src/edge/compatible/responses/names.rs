//! Names of a response's fields.

use super::super::names::Names;

pub(in super::super) const NAMES: Names = Names {
    whole: &WHOLE,
    pieces: &[("].parameters_json", "].parameters")],
    shifted: Some("input"),
};

const WHOLE: [(&str, &str); 24] = [
    ("stop", "keyway.stop"),
    ("seed", "keyway.seed"),
    ("reasoning.budget_tokens", "keyway.reasoning_budget_tokens"),
    ("response_format", "text.format"),
    ("response_format.schema_json", "text.format.schema"),
    ("response_format.name", "text.format.name"),
    ("response_format.strict", "text.format.strict"),
    ("tool_choice.tool", "tool_choice.name"),
    ("end_user", "user"),
    ("labels", "metadata"),
    ("request_id", "idempotency-key"),
    ("credential_mode", "keyway.credential_mode"),
    ("provider_options_json", "keyway.provider_options"),
    ("messages.parts.image", "input.content.image_url"),
    ("messages.parts.image.url", "input.content.image_url"),
    ("messages.parts.tool_call.arguments_json", "input.arguments"),
    ("messages.parts.tool_call.signature", "input.call_id"),
    ("messages.parts.reasoning", "input.encrypted_content"),
    (
        "messages.parts.reasoning.signature",
        "input.encrypted_content",
    ),
    (
        "messages.parts.reasoning.redacted",
        "input.encrypted_content",
    ),
    ("messages.parts.refusal", "input.content.refusal"),
    ("messages.parts.tool_result.call_id", "input.call_id"),
    ("messages.parts.tool_result.is_error", "input.output"),
    ("tools.parameters_json", "tools.parameters"),
];
