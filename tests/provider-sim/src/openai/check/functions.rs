//! Tools and the choice of one.

use serde_json::Value;

use crate::openai::Fault;
use crate::schema;

pub(super) fn check(body: &Value) -> Result<(), Fault> {
    let tools = &body["tools"];
    let listed = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    if !tools.is_null() && listed.is_empty() {
        return Err(Fault::value(
            "tools",
            "'tools' must be an array with at least one tool",
        ));
    }
    listed.iter().try_for_each(tool)?;
    choice(&body["tool_choice"], listed)?;
    if body["parallel_tool_calls"].is_boolean() && tools.is_null() {
        return Err(Fault::value(
            "parallel_tool_calls",
            "'parallel_tool_calls' is only allowed when 'tools' are specified.",
        ));
    }
    Ok(())
}

fn tool(tool: &Value) -> Result<(), Fault> {
    let definition = match tool["type"].as_str() {
        Some("function") => &tool["function"],
        Some("custom") => &tool["custom"],
        _ => {
            return Err(Fault::value(
                "tools",
                "a tool's type is 'function' or 'custom'",
            ));
        }
    };
    if !legal_name(&definition["name"]) {
        return Err(Fault::value(
            "tools",
            "a tool's name is 1 to 64 characters of a-z, A-Z, 0-9, '_' and '-'",
        ));
    }
    let fault =
        schema::strict_fault(&definition["parameters"]).filter(|_| definition["strict"] == true);
    fault.map_or(Ok(()), |fault| {
        Err(Fault::value(
            "tools",
            format!("Invalid schema for function: {fault}."),
        ))
    })
}

/// 1 to 64 characters of letters, digits, `_` and `-`.
pub(super) fn legal_name(name: &Value) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    name.as_str()
        .is_some_and(|name| (1..=64).contains(&name.len()) && name.chars().all(legal))
}

fn choice(choice: &Value, tools: &[Value]) -> Result<(), Fault> {
    if choice.is_null() || (choice == "none" && tools.is_empty()) {
        return Ok(());
    }
    if tools.is_empty() {
        return Err(Fault::value(
            "tool_choice",
            "'tool_choice' is only allowed when 'tools' are specified.",
        ));
    }
    match (choice.as_str(), choice["type"].as_str()) {
        (Some("none" | "auto" | "required"), _) | (_, Some("allowed_tools")) => Ok(()),
        (_, Some(kind @ ("function" | "custom"))) => {
            let there = tools
                .iter()
                .any(|tool| tool[kind]["name"] == choice[kind]["name"]);
            let message = format!("Tool choice {} not found in 'tools'.", choice[kind]["name"]);
            if there {
                Ok(())
            } else {
                Err(Fault::value("tool_choice", message))
            }
        }
        _ => Err(Fault::value(
            "tool_choice",
            "Supported values are: 'none', 'auto', 'required' or a named tool.",
        )),
    }
}
