//! The streamed answer: as events with `alt=sse`, otherwise as one list that grows.

use serde_json::{Value, json};

use crate::chat::deltas;
use crate::count;
use crate::fixtures;
use crate::google::event;
use crate::google::generate::Answered;
use crate::reply::{Chunk, Reply};
use crate::request::{Request, text};
use crate::script::Action;

const STREAM: &str = "google/generate_plain.sse";

pub(super) fn reply(request: &Request, action: &Action, answer: &Answered<'_>) -> Reply {
    let mut payloads = payloads(request, answer);
    let told = payloads.len();
    let mut whole = true;
    if let Some(after) = action.error_after_chunks {
        payloads.truncate(after);
        payloads.extend(fixtures::payloads("google/midstream_error.sse").pop());
        whole = false;
    }
    let sse = text(&request.query, "alt") == Some("sse");
    let last = payloads.len().saturating_sub(1);
    let chunk = |(at, payload): (usize, &Value)| {
        let chunk = if sse {
            event(payload)
        } else {
            let (before, after) = (
                if at == 0 { "[" } else { "," },
                if at == last { "]" } else { "" },
            );
            Chunk::plain(format!("{before}{payload}\r\n{after}"))
        };
        let tells = whole && at + 1 == told && !answer.usage.is_null();
        if tells { chunk.telling_usage() } else { chunk }
    };
    let chunks: Vec<Chunk> = payloads.iter().enumerate().map(chunk).collect();
    let mut reply = Reply::events(request, STREAM, chunks);
    if !sse {
        reply.set_header("content-type", "application/json; charset=UTF-8");
    }
    reply
}

/// One reply for each piece. The counts grow; the last ones are those of the whole answer.
fn payloads(request: &Request, answer: &Answered<'_>) -> Vec<Value> {
    let pieces: Vec<Value> = answer.parts.iter().flat_map(pieces).collect();
    if pieces.is_empty() {
        return vec![answer.body(&[], true)];
    }
    let mut said = 0;
    let last = pieces.len() - 1;
    let each = pieces.iter().enumerate().map(|(at, piece)| {
        let mut body = answer.body(std::slice::from_ref(piece), at == last);
        if piece["thought"] != true {
            said += count::text(piece["text"].as_str().unwrap_or_default()) * request.factor;
        }
        if let Some(usage) = body.get_mut("usageMetadata").filter(|_| at < last) {
            let candidates = said.min(answer.counts.output.saturating_sub(answer.counts.reasoning));
            usage["candidatesTokenCount"] = json!(candidates);
            usage["totalTokenCount"] =
                json!(answer.counts.prompt() + candidates + answer.counts.reasoning);
        }
        body
    });
    each.collect()
}

/// A text in pieces, the last with its signature; a call whole.
fn pieces(part: &Value) -> Vec<Value> {
    let Some(text) = part["text"].as_str() else {
        return vec![part.clone()];
    };
    let deltas = deltas(text);
    let last = deltas.len().saturating_sub(1);
    let piece = |(at, delta): (usize, &String)| {
        let mut piece = json!({"text": delta});
        for field in ["thought", "thoughtSignature"] {
            let wanted = field == "thought" || at == last;
            if wanted && !part[field].is_null() {
                piece[field] = part[field].clone();
            }
        }
        piece
    };
    deltas.iter().enumerate().map(piece).collect()
}
