//! What `OpenAI` and Mistral write alike in chat completions: tools, whether they must be called,
//! and the shape of the answer.

use serde::Serialize;

use crate::chat::{ResponseFormat, Tool, ToolChoice};
use crate::json::JsonObject;
use crate::text::Name;

/// A tool.
#[derive(Serialize)]
pub(crate) struct WireTool<'c> {
    r#type: &'static str,
    function: Function<'c>,
}

#[derive(Serialize)]
struct Function<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Parameters<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parameters<'c> {
    Given(&'c JsonObject),
    None {
        r#type: &'static str,
        properties: NoProperties,
    },
}

#[derive(Serialize)]
struct NoProperties {}

impl<'c> WireTool<'c> {
    /// The tool; one without arguments has no schema.
    pub(crate) fn of(tool: &'c Tool) -> Self {
        Self {
            r#type: "function",
            function: Function {
                name: tool.name.as_str(),
                description: &tool.description,
                parameters: tool.parameters.as_ref().map(Parameters::Given),
                strict: tool.strict,
            },
        }
    }

    /// The same where a schema is demanded: without arguments it is that of an empty object.
    pub(crate) fn with_schema(tool: &'c Tool) -> Self {
        let mut wire = Self::of(tool);
        wire.function.parameters.get_or_insert(Parameters::None {
            r#type: "object",
            properties: NoProperties {},
        });
        wire
    }
}

/// Whether tools must be called.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum WireChoice<'c> {
    /// By a word.
    Mode(&'static str),
    /// By the tool's name.
    Tool {
        /// Always `function`.
        r#type: &'static str,
        /// The tool.
        function: NamedFunction<'c>,
    },
}

#[derive(Serialize)]
pub(crate) struct NamedFunction<'c> {
    name: &'c str,
}

impl<'c> WireChoice<'c> {
    /// The choice, with the provider's word for "some tool must be called".
    pub(crate) fn of(choice: &'c ToolChoice, required: &'static str) -> Self {
        match choice {
            ToolChoice::Auto => Self::Mode("auto"),
            ToolChoice::None => Self::Mode("none"),
            ToolChoice::Required => Self::Mode(required),
            ToolChoice::Tool(name) => Self::Tool {
                r#type: "function",
                function: NamedFunction {
                    name: name.as_str(),
                },
            },
        }
    }
}

/// The shape of the answer.
#[derive(Serialize)]
pub(crate) struct WireFormat<'c> {
    r#type: &'static str,
    json_schema: JsonSchema<'c>,
}

#[derive(Serialize)]
struct JsonSchema<'c> {
    name: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    schema: &'c JsonObject,
}

impl<'c> From<&'c ResponseFormat> for WireFormat<'c> {
    fn from(format: &'c ResponseFormat) -> Self {
        Self {
            r#type: "json_schema",
            json_schema: JsonSchema {
                // Both providers demand a name; the model sees it.
                name: format.name.as_ref().map_or("answer", Name::as_str),
                strict: format.strict,
                schema: &format.schema,
            },
        }
    }
}
