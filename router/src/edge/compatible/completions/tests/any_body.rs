//! Any body is read, or refused with the field.

use keyway_words::ProviderId;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::super::embeddings;
use super::super::super::shape::Shape;
use super::super::super::tests::turn::seal;

const SHAPES: [Shape; 3] = [Shape::Completions, Shape::Messages, Shape::Responses];

const WORDS: [&str; 44] = [
    "model",
    "messages",
    "role",
    "user",
    "assistant",
    "tool",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "tools",
    "function",
    "name",
    "arguments",
    "id",
    "tool_calls",
    "tool_call_id",
    "data:image/png;base64,AAAA",
    "json_schema",
    "schema",
    "stream",
    "stop",
    "n",
    "keyway",
    "kwtc1_",
    "refusal",
    "input",
    "system",
    "tool_use",
    "tool_result",
    "tool_use_id",
    "thinking",
    "signature",
    "source",
    "base64",
    "input_text",
    "output_text",
    "function_call",
    "function_call_output",
    "call_id",
    "reasoning",
    "encrypted_content",
    "summary",
];

fn value() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(WORDS.to_vec());
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Any JSON, as often as not in a place where it may stand.
fn body() -> impl Strategy<Value = Value> {
    (value(), value(), 0..6).prop_map(|(one, other, kind)| match kind {
        0 => one,
        1 => json!({"model": "m", "messages": one, "tools": other}),
        4 => json!({"model": "m", "input": one, "tools": other}),
        5 => json!({"model": "m", "input": [{"type": "message", "role": "user", "content": one}, other]}),
        2 => json!({"model": "m", "messages": [{"role": "assistant", "content": one, "tool_calls": other}]}),
        _ => json!({"model": "m", "messages": [{"role": "user", "content": one}], "tool_choice": other}),
    })
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused_with_a_field_in_every_shape(body in body()) {
        let text = body.to_string();
        for shape in SHAPES {
            let of = |_name: &str| Ok(ProviderId::Anthropic);
            if let Err(fault) = shape.read(text.as_bytes(), String::new(), &seal(), of) {
                prop_assert!(fault.field.is_some(), "{}", fault.message);
            }
        }
        if let Err(fault) = embeddings::request(text.as_bytes(), String::new()) {
            prop_assert!(fault.field.is_some(), "{}", fault.message);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for shape in SHAPES {
            let read = shape.read(&bytes, String::new(), &seal(), |_name| Ok(ProviderId::OpenAi));
            prop_assert!(read.is_err());
        }
    }
}
