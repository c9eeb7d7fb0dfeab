//! Google's JSON: every field under its name in camel case or in snake case, and no other.

use serde_json::{Map, Value};

use crate::google::Fault;

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A number, a text, a flag, a list of them, or JSON that is nobody's message.
    Plain,
    /// A message.
    One(Message),
    /// A list of messages.
    Many(Message),
}

/// The fields of a message, in camel case.
pub(super) type Message = &'static [(&'static str, Kind)];

use Kind::{Many, One, Plain};

pub(super) const GENERATE: Message = &[
    ("model", Plain),
    ("contents", Many(CONTENT)),
    ("systemInstruction", One(CONTENT)),
    ("tools", Many(TOOL)),
    ("toolConfig", One(TOOL_CONFIG)),
    (
        "safetySettings",
        Many(&[("category", Plain), ("threshold", Plain)]),
    ),
    ("generationConfig", One(GENERATION)),
    ("cachedContent", Plain),
    ("serviceTier", Plain),
    ("store", Plain),
    ("continuationToken", Plain),
];
pub(super) const CACHED: Message = &[
    ("name", Plain),
    ("displayName", Plain),
    ("model", Plain),
    ("contents", Many(CONTENT)),
    ("systemInstruction", One(CONTENT)),
    ("tools", Many(TOOL)),
    ("toolConfig", One(TOOL_CONFIG)),
    ("ttl", Plain),
    ("expireTime", Plain),
];
pub(super) const FILE: Message = &[(
    "file",
    One(&[
        ("name", Plain),
        ("displayName", Plain),
        ("mimeType", Plain),
        ("sizeBytes", Plain),
    ]),
)];
pub(super) const COUNT: Message = &[
    ("contents", Many(CONTENT)),
    ("generateContentRequest", One(GENERATE)),
];
pub(super) const EMBED: Message = &[
    ("model", Plain),
    ("content", One(CONTENT)),
    ("taskType", Plain),
    ("title", Plain),
    ("outputDimensionality", Plain),
    (
        "embedContentConfig",
        One(&[
            ("taskType", Plain),
            ("title", Plain),
            ("outputDimensionality", Plain),
            ("autoTruncate", Plain),
        ]),
    ),
];
pub(super) const BATCH_EMBED: Message = &[("requests", Many(EMBED))];
const CONTENT: Message = &[("role", Plain), ("parts", Many(PART))];
const PART: Message = &[
    ("text", Plain),
    ("thought", Plain),
    ("thoughtSignature", Plain),
    (
        "inlineData",
        One(&[("mimeType", Plain), ("data", Plain), ("displayName", Plain)]),
    ),
    (
        "fileData",
        One(&[
            ("mimeType", Plain),
            ("fileUri", Plain),
            ("displayName", Plain),
        ]),
    ),
    (
        "functionCall",
        One(&[("id", Plain), ("name", Plain), ("args", Plain)]),
    ),
    (
        "functionResponse",
        One(&[
            ("id", Plain),
            ("name", Plain),
            ("response", Plain),
            ("parts", Plain),
            ("willContinue", Plain),
            ("scheduling", Plain),
        ]),
    ),
    ("executableCode", Plain),
    ("codeExecutionResult", Plain),
    ("videoMetadata", Plain),
    ("mediaResolution", Plain),
    ("partMetadata", Plain),
];
const TOOL: Message = &[
    ("functionDeclarations", Many(DECLARATION)),
    ("googleSearch", Plain),
    ("googleSearchRetrieval", Plain),
    ("googleMaps", Plain),
    ("codeExecution", Plain),
    ("urlContext", Plain),
    ("fileSearch", Plain),
    ("computerUse", Plain),
];
const DECLARATION: Message = &[
    ("name", Plain),
    ("description", Plain),
    ("parameters", Plain),
    ("parametersJsonSchema", Plain),
    ("response", Plain),
    ("responseJsonSchema", Plain),
    ("behavior", Plain),
];
const TOOL_CONFIG: Message = &[
    (
        "functionCallingConfig",
        One(&[("mode", Plain), ("allowedFunctionNames", Plain)]),
    ),
    ("retrievalConfig", Plain),
    ("includeServerSideToolInvocations", Plain),
];
const GENERATION: Message = &[
    ("temperature", Plain),
    ("topP", Plain),
    ("topK", Plain),
    ("candidateCount", Plain),
    ("maxOutputTokens", Plain),
    ("stopSequences", Plain),
    ("seed", Plain),
    ("presencePenalty", Plain),
    ("frequencyPenalty", Plain),
    ("responseLogprobs", Plain),
    ("logprobs", Plain),
    ("responseMimeType", Plain),
    ("responseSchema", Plain),
    ("responseJsonSchema", Plain),
    (
        "thinkingConfig",
        One(&[
            ("includeThoughts", Plain),
            ("thinkingBudget", Plain),
            ("thinkingLevel", Plain),
        ]),
    ),
    ("mediaResolution", Plain),
    ("responseModalities", Plain),
    ("speechConfig", Plain),
    ("imageConfig", Plain),
    ("enableEnhancedCivicAnswers", Plain),
];

/// The message with every name in camel case. Errors: a name that it does not have, or a value of
/// another kind.
pub(super) fn canonical(value: &Value, message: Message) -> Result<Value, Fault> {
    object(value, message, "")
}

fn object(value: &Value, message: Message, place: &str) -> Result<Value, Fault> {
    let Some(fields) = value.as_object() else {
        return Err(if place.is_empty() {
            Fault::new("Invalid JSON payload received. Expected an object.")
        } else {
            Fault::value(place, "object", value)
        });
    };
    let mut out = Map::new();
    for (name, value) in fields {
        let known = message
            .iter()
            .find(|(camel, _)| camel == name || snake(camel) == *name);
        let (camel, kind) = known.ok_or_else(|| Fault::unknown(name, place))?;
        let here = if place.is_empty() {
            snake(camel)
        } else {
            format!("{place}.{}", snake(camel))
        };
        let read = field(value, *kind, &here)?;
        if out.insert((*camel).to_owned(), read).is_some() {
            return Err(Fault::value(&here, "oneof field is already set", value));
        }
    }
    Ok(Value::Object(out))
}

fn field(value: &Value, kind: Kind, place: &str) -> Result<Value, Fault> {
    match kind {
        // Null is the field left out.
        _ if value.is_null() => Ok(Value::Null),
        Plain => Ok(value.clone()),
        One(message) => object(value, message, place),
        Many(message) => match value {
            Value::Array(items) => {
                let each = items.iter().enumerate();
                each.map(|(at, item)| object(item, message, &format!("{place}[{at}]")))
                    .collect()
            }
            // A single message is taken for a list of one.
            one => Ok(Value::Array(vec![object(
                one,
                message,
                &format!("{place}[0]"),
            )?])),
        },
    }
}

fn snake(camel: &str) -> String {
    let mut out = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_spellings_are_one_name() {
        let snake = json!({"contents": {"parts": {"inline_data": {"mime_type": "image/png"}}}, "generation_config": {"top_p": 1}});
        let camel = json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png"}}]}], "generationConfig": {"topP": 1}});
        assert_eq!(canonical(&snake, GENERATE), Ok(camel));
    }

    #[test]
    fn an_unknown_name_is_told_with_its_place() {
        for (body, message) in [
            (
                json!({"foo": 1}),
                "Unknown name \"foo\": Cannot find field.",
            ),
            (
                json!({"generationConfig": {"foo": 1}}),
                "Unknown name \"foo\" at 'generation_config': Cannot find field.",
            ),
            (
                json!({"contents": [{"parts": [{}, {"foo": 1}]}]}),
                "Unknown name \"foo\" at 'contents[0].parts[1]': Cannot find field.",
            ),
        ] {
            let fault = canonical(&body, GENERATE).unwrap_err();
            assert!(fault.message.ends_with(message), "{}", fault.message);
        }
        assert!(canonical(&json!({"contents": "x"}), GENERATE).is_err());
        assert!(canonical(&json!({"top_p": 1}), GENERATE).is_err());
        assert!(canonical(&json!({"toolConfig": {}, "tool_config": {}}), GENERATE).is_err());
    }
}
