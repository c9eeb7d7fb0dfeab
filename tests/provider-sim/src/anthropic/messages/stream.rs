//! The events of a streamed message.

use serde_json::{Value, json};

use super::SIGNATURE;
use crate::chat::deltas;
use crate::count::Counts;
use crate::fixtures;
use crate::reply::Chunk;
use crate::script::Action;

/// All events of a message that is streamed.
pub(super) fn events(action: &Action, message: &Value, counts: Counts) -> Vec<Chunk> {
    let usage = &message["usage"];
    let mut start = message.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["stop_sequence"] = Value::Null;
    remove(&mut start, "stop_details");
    if !usage.is_null() {
        start["usage"]["output_tokens"] = json!(counts.output.min(1));
        remove(&mut start["usage"], "output_tokens_details");
    }
    let mut events = vec![
        Chunk::named(&json!({"type": "message_start", "message": start})),
        Chunk::named(&json!({"type": "ping"})),
    ];
    let blocks = message["content"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate();
    events.extend(blocks.flat_map(|(index, block)| block_events(index, block)));
    if let Some(after) = action.error_after_chunks {
        events.truncate(after);
        let error = fixtures::events("anthropic/midstream_error.sse")
            .pop()
            .unwrap_or_default();
        events.push(Chunk::plain(error));
        return events;
    }
    let mut delta =
        json!({"stop_reason": message["stop_reason"], "stop_sequence": message["stop_sequence"]});
    if !message["stop_details"].is_null() {
        delta["stop_details"] = message["stop_details"].clone();
    }
    let mut last = json!({"type": "message_delta", "delta": delta});
    if !usage.is_null() {
        last["usage"] = usage.clone();
        // The split by lifetime and the tiers are in message_start only.
        for field in ["cache_creation", "service_tier", "inference_geo", "speed"] {
            remove(&mut last["usage"], field);
        }
    }
    let last = Chunk::named(&last);
    events.push(if usage.is_null() {
        last
    } else {
        last.telling_usage()
    });
    events.push(Chunk::named(&json!({"type": "message_stop"})));
    events
}

fn block_events(index: usize, block: &Value) -> Vec<Chunk> {
    let mut opening = block.clone();
    let delta = |kind: &str, field: &str, piece: &str| json!({"type": kind, field: piece});
    let pieces: Vec<Value> = match block["type"].as_str() {
        Some("thinking") => {
            opening["thinking"] = json!("");
            opening["signature"] = json!("");
            let text = deltas(block["thinking"].as_str().unwrap_or_default());
            let text = text
                .iter()
                .map(|piece| delta("thinking_delta", "thinking", piece));
            text.chain([delta("signature_delta", "signature", SIGNATURE)])
                .collect()
        }
        Some("tool_use") => {
            opening["input"] = json!({});
            let input = block["input"].to_string();
            // The provider sends no text for an empty object.
            let input = if input == "{}" {
                Vec::new()
            } else {
                deltas(&input)
            };
            let input = input
                .iter()
                .map(|piece| delta("input_json_delta", "partial_json", piece));
            std::iter::once(delta("input_json_delta", "partial_json", ""))
                .chain(input)
                .collect()
        }
        _ => {
            opening["text"] = json!("");
            let text = deltas(block["text"].as_str().unwrap_or_default());
            text.iter()
                .map(|piece| delta("text_delta", "text", piece))
                .collect()
        }
    };
    let start = json!({"type": "content_block_start", "index": index, "content_block": opening});
    let middle = pieces
        .into_iter()
        .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta}));
    let stop = json!({"type": "content_block_stop", "index": index});
    std::iter::once(start)
        .chain(middle)
        .chain([stop])
        .map(|event| Chunk::named(&event))
        .collect()
}

fn remove(object: &mut Value, name: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove(name);
    }
}
