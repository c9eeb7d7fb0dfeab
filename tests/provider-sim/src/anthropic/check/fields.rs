//! The fields beside the turns.

use serde_json::Value;

use crate::anthropic::check::new;
use crate::anthropic::{Fault, NAME};
use crate::models::{self, Model};
use crate::request::Request;

pub(super) fn limit(request: &Request) -> Result<(), Fault> {
    if !request.has("max_tokens") {
        return Err(Fault::new("max_tokens: Field required"));
    }
    let Some(limit) = request.body["max_tokens"].as_u64() else {
        return Err(Fault::new("max_tokens: Input should be a valid integer"));
    };
    let most = models::find(NAME, request.model()).and_then(|model| model.max_output);
    match most.filter(|most| limit > *most) {
        Some(most) => Err(Fault::new(format!(
            "max_tokens: {limit} > {most}, which is the maximum allowed number of output tokens for {}",
            request.model()
        ))),
        None => Ok(()),
    }
}

pub(super) fn sampling(request: &Request) -> Result<(), Fault> {
    let fields = ["temperature", "top_p", "top_k"];
    let Some(field) = fields.into_iter().find(|field| request.has(field)) else {
        return Ok(());
    };
    if new(request) {
        return Err(Fault::extra(field));
    }
    let strict = models::find(NAME, request.model())
        .is_some_and(|model| model.refuses("no_sampling_params"));
    let default = |field: &&str| {
        !request.has(field) || (**field != *"top_k" && request.body[*field].as_f64() == Some(1.0))
    };
    let other = fields.into_iter().find(|field| !default(field));
    match other.filter(|_| strict) {
        Some(field) => Err(Fault::new(format!(
            "{field}: this model only supports the default value"
        ))),
        None => in_range(request, "temperature").and_then(|()| in_range(request, "top_p")),
    }
}

fn in_range(request: &Request, field: &str) -> Result<(), Fault> {
    let value = &request.body[field];
    let good = value.is_null()
        || value
            .as_f64()
            .is_some_and(|number| (0.0..=1.0).contains(&number));
    if good {
        Ok(())
    } else {
        Err(Fault::new(format!("{field}: Input should be from 0 to 1")))
    }
}

pub(super) fn words(request: &Request) -> Result<(), Fault> {
    let body = &request.body;
    for (field, words) in [
        ("service_tier", ["auto", "standard_only"]),
        ("speed", ["standard", "fast"]),
    ] {
        if request.has(field)
            && !body[field]
                .as_str()
                .is_some_and(|word| words.contains(&word))
        {
            return Err(Fault::new(format!(
                "{field}: Input should be one of {words:?}"
            )));
        }
    }
    let stops = &body["stop_sequences"];
    let stop = |stop: &Value| stop.as_str().is_some_and(|stop| !stop.trim().is_empty());
    if request.has("stop_sequences")
        && !stops.as_array().is_some_and(|stops| stops.iter().all(stop))
    {
        return Err(Fault::new(
            "stop_sequences: each stop sequence must contain non-whitespace",
        ));
    }
    let metadata = body["metadata"].as_object().into_iter().flatten();
    let unknown = metadata
        .map(|(name, _)| name)
        .find(|name| *name != "user_id");
    unknown.map_or(Ok(()), |name| {
        Err(Fault::extra(&format!("metadata.{name}")))
    })
}

pub(super) fn thinking(body: &Value) -> Result<(), Fault> {
    let thinking = &body["thinking"];
    match thinking["type"].as_str() {
        None if thinking.is_null() => return Ok(()),
        Some("adaptive" | "between_tools" | "disabled") => {}
        Some("enabled") => {
            let budget = thinking["budget_tokens"].as_u64().unwrap_or(0);
            if budget < 1024 {
                return Err(Fault::new(
                    "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
                ));
            }
            if body["max_tokens"]
                .as_u64()
                .is_some_and(|limit| budget >= limit)
            {
                return Err(Fault::new(
                    "`max_tokens` must be greater than `thinking.budget_tokens`",
                ));
            }
        }
        _ => {
            return Err(Fault::new(
                "thinking.type: Input should be 'adaptive', 'enabled', 'between_tools' or 'disabled'",
            ));
        }
    }
    let display = &thinking["display"];
    let good = display.is_null() || display == "summarized" || display == "omitted";
    if good {
        Ok(())
    } else {
        Err(Fault::new(
            "thinking.display: Input should be 'summarized' or 'omitted'",
        ))
    }
}

pub(super) fn output_config(config: &Value) -> Result<(), Fault> {
    let fields = config.as_object().into_iter().flatten();
    if let Some((unknown, _)) = fields
        .into_iter()
        .find(|(name, _)| *name != "effort" && *name != "format")
    {
        return Err(Fault::extra(&format!("output_config.{unknown}")));
    }
    let efforts = ["low", "medium", "high", "xhigh", "max"];
    let effort = &config["effort"];
    if !effort.is_null() && !effort.as_str().is_some_and(|word| efforts.contains(&word)) {
        return Err(Fault::new(format!(
            "output_config.effort: Input should be one of {efforts:?}"
        )));
    }
    let format = &config["format"];
    let good =
        format.is_null() || (format["type"] == "json_schema" && format["schema"].is_object());
    if good {
        Ok(())
    } else {
        Err(Fault::new(
            "output_config.format: Input should be a json_schema with a schema",
        ))
    }
}

pub(super) fn tools(body: &Value, model: Option<&Model>) -> Result<(), Fault> {
    let tools = body["tools"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    for tool in tools
        .iter()
        .filter(|tool| tool["type"].is_null() || tool["type"] == "custom")
    {
        let name = tool["name"].as_str().unwrap_or_default();
        if name.is_empty() || name.len() > 128 || !name.chars().all(legal) {
            return Err(Fault::new(
                "tools.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
            ));
        }
        if tool["input_schema"]["type"] != "object" {
            return Err(Fault::new(
                "tools.input_schema.type: Input should be 'object'",
            ));
        }
    }
    let choice = &body["tool_choice"];
    let Some(kind) = choice["type"].as_str() else {
        return if choice.is_null() {
            Ok(())
        } else {
            Err(Fault::new("tool_choice.type: Field required"))
        };
    };
    if tools.is_empty() {
        return Err(Fault::new(
            "tool_choice may only be specified while providing tools",
        ));
    }
    if ["any", "tool"].contains(&kind)
        && model.is_some_and(|model| model.refuses("no_forced_tool_use"))
    {
        return Err(Fault::new(
            "tool_choice: this model does not support forced tool use",
        ));
    }
    match kind {
        "auto" | "any" | "none" => Ok(()),
        "tool" if tools.iter().any(|tool| tool["name"] == choice["name"]) => Ok(()),
        "tool" => Err(Fault::new(format!(
            "tool_choice: Tool {} not found in provided tools",
            choice["name"]
        ))),
        _ => Err(Fault::new(
            "tool_choice.type: Input should be 'auto', 'any', 'tool' or 'none'",
        )),
    }
}
