//! The neutral schema's names of fields as this edge's callers know them. Pure.

use keyway_proto::Fault;

/// The same fault about the field that its caller wrote.
pub(super) fn renamed(mut fault: Fault) -> Fault {
    let Some(field) = fault.field.take() else {
        return fault;
    };
    let name = name(&field);
    if name != field {
        fault.message = fault.message.replacen(&field, &name, 1);
    }
    fault.field = Some(name);
    fault
}

fn name(field: &str) -> String {
    for (neutral, here) in NAMES {
        if field == neutral {
            return here.to_owned();
        }
    }
    let mut name = field.to_owned();
    for (neutral, here) in PARTS {
        name = name.replace(neutral, here);
    }
    name
}

const NAMES: [(&str, &str); 23] = [
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
const PARTS: [(&str, &str); 5] = [
    ("].name", "].function.name"),
    ("].parameters_json", "].function.parameters"),
    ("].parts[", "].content["),
    ("].parts", "].content"),
    ("inputs[", "input["),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_the_field_as_its_caller_wrote_it() {
        for (neutral, here) in [
            ("reasoning.effort", "reasoning_effort"),
            ("tools[3].parameters_json", "tools[3].function.parameters"),
            ("messages[0].parts[1].image", "messages[0].content[1].image"),
            ("inputs[7]", "input[7]"),
            ("temperature", "temperature"),
        ] {
            let fault = renamed(Fault::field(neutral, "must be so"));
            assert_eq!(fault.field.as_deref(), Some(here));
            assert_eq!(fault.message, format!("{here}: must be so"));
        }
        let plain = Fault::new(keyway_proto::Reason::NoKey, "no key");
        assert_eq!(renamed(plain.clone()), plain);
    }
}
