//! JSON schemas: a value that fits one, and what a strict one must have.

use serde_json::{Map, Value, json};

/// Deeper schemas (or ones that refer to themselves) end in null.
const DEPTH: usize = 16;

/// A value that fits the schema, always the same for the same schema.
pub(crate) fn instance(schema: &Value) -> Value {
    value(schema, schema, DEPTH)
}

fn value(root: &Value, schema: &Value, depth: usize) -> Value {
    let Some(depth) = depth.checked_sub(1) else {
        return Value::Null;
    };
    if let Some(pointer) = schema["$ref"]
        .as_str()
        .and_then(|name| name.strip_prefix('#'))
    {
        return root
            .pointer(pointer)
            .map_or(Value::Null, |target| value(root, target, depth));
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    let first = ["enum", "anyOf", "oneOf"].map(|name| schema[name].get(0));
    if let [Some(first), ..] = first {
        return first.clone();
    }
    if let [_, Some(branch), _] | [_, _, Some(branch)] = first {
        return value(root, branch, depth);
    }
    let kind = if schema["type"].is_array() {
        &schema["type"][0]
    } else {
        &schema["type"]
    };
    // Google's own schemas spell the types in capitals.
    match kind.as_str().map(str::to_ascii_lowercase).as_deref() {
        Some("string") => json!("sample"),
        Some("integer") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("number") => schema.get("minimum").cloned().unwrap_or(json!(1.5)),
        Some("boolean") => json!(true),
        Some("array") => json!([value(root, &schema["items"], depth)]),
        Some("object") => object(root, schema, depth),
        _ if schema["properties"].is_object() => object(root, schema, depth),
        _ => Value::Null,
    }
}

fn object(root: &Value, schema: &Value, depth: usize) -> Value {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let fields = properties.map(|(name, schema)| (name.clone(), value(root, schema, depth)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// What a strict schema lacks: every object closed, and all its properties required.
pub(crate) fn strict_fault(schema: &Value) -> Option<String> {
    if let Some(properties) = schema["properties"].as_object() {
        if schema["additionalProperties"] != false {
            return Some(
                "'additionalProperties' is required to be supplied and to be false".to_owned(),
            );
        }
        let required = |name: &String| {
            schema["required"]
                .as_array()
                .is_some_and(|all| all.contains(&json!(name)))
        };
        if let Some(missing) = properties.keys().find(|name| !required(name)) {
            return Some(format!(
                "'required' is required to be supplied and to be an array including every key in properties. Missing '{missing}'"
            ));
        }
    }
    match schema {
        Value::Object(fields) => fields.values().find_map(strict_fault),
        Value::Array(items) => items.iter().find_map(strict_fault),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_fits_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "array", "items": {"$ref": "#/$defs/day"}},
                "note": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            },
            "$defs": {"day": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        });
        let expected =
            json!({"city": "sample", "unit": "celsius", "days": [{"n": 1}], "note": null});
        assert_eq!(instance(&schema), expected);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"type": "array", "items": {"$ref": "#"}});
        assert!(instance(&schema).is_array());
    }

    #[test]
    fn a_strict_schema_is_closed_and_requires_everything() {
        let good = json!({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": false});
        assert_eq!(strict_fault(&good), None);
        let open = json!({"type": "object", "properties": {"a": {}}, "required": ["a"]});
        assert!(
            strict_fault(&open)
                .unwrap()
                .contains("additionalProperties")
        );
        let nested = json!({"type": "object", "properties": {"a": open}, "required": ["a"], "additionalProperties": false});
        assert!(strict_fault(&nested).is_some());
        let optional = json!({"type": "object", "properties": {"a": {}}, "required": [], "additionalProperties": false});
        assert!(strict_fault(&optional).unwrap().contains("'a'"));
    }
}
