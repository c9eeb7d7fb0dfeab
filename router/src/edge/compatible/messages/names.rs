//! Names of a message's fields.

use super::super::names::Names;

pub(in super::super) const NAMES: Names = Names {
    whole: &WHOLE,
    pieces: &[("].parameters_json", "].input_schema")],
    shifted: Some("messages"),
};

const WHOLE: [(&str, &str); 26] = [
    ("max_output_tokens", "max_tokens"),
    ("stop", "stop_sequences"),
    ("seed", "keyway.seed"),
    ("reasoning.effort", "output_config.effort"),
    ("reasoning.budget_tokens", "thinking.budget_tokens"),
    ("response_format", "output_config.format"),
    ("response_format.schema_json", "output_config.format.schema"),
    ("response_format.name", "keyway.schema_name"),
    ("response_format.strict", "keyway.schema_strict"),
    ("tool_choice.tool", "tool_choice.name"),
    (
        "parallel_tool_calls",
        "tool_choice.disable_parallel_tool_use",
    ),
    ("end_user", "metadata.user_id"),
    ("labels", "keyway.labels"),
    ("request_id", "idempotency-key"),
    ("credential_mode", "keyway.credential_mode"),
    ("provider_options_json", "keyway.provider_options"),
    ("messages.parts.image.url", "messages.content.source.url"),
    (
        "messages.parts.tool_call.arguments_json",
        "messages.content.input",
    ),
    ("messages.parts.tool_call.signature", "messages.content.id"),
    ("messages.parts.reasoning", "messages.content.signature"),
    (
        "messages.parts.reasoning.signature",
        "messages.content.signature",
    ),
    ("messages.parts.reasoning.redacted", "messages.content.data"),
    (
        "messages.parts.tool_result.call_id",
        "messages.content.tool_use_id",
    ),
    (
        "messages.parts.tool_result.is_error",
        "messages.content.is_error",
    ),
    ("messages.parts.refusal", "messages.content"),
    ("tools.parameters_json", "tools.input_schema"),
];
