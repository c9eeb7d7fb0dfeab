//! Answers as JSON that is the same in every run: ids and signatures have names of their own.

use keyway_proto::billing::v1::Usage;
use keyway_proto::router::v1::{
    AttemptReceipt, ChatResponse, Embedding, Message, Part, SearchResponse, part,
};
use keyway_proto::status;
use serde_json::{Value, json};
use tonic::Status;

use crate::harness::only_attempt;

/// What a call gave: an answer, or an error.
pub(super) type Said = Result<Value, Value>;

/// An error: its reason, its field and its words. A streamed call has its request one level deeper.
pub(super) fn refused(status: &Status) -> Value {
    let refusal = status::refusal(status);
    let field = refusal.field.as_deref();
    let field = field.map(|field| field.trim_start_matches("request."));
    json!({
        "reason": refusal.reason.map(keyway_proto::Reason::as_str),
        "field": field,
        "message": status.message(),
    })
}

pub(super) fn chat(answer: ChatResponse) -> Value {
    let finish = answer.finish_reason().as_str_name();
    let finish = finish.trim_start_matches("FINISH_REASON_").to_owned();
    let mut calls = 0;
    let parts = answer.message.unwrap_or_default().parts;
    let parts: Vec<Value> = parts
        .into_iter()
        .map(|part| said(part, &mut calls))
        .collect();
    json!({
        "parts": parts,
        "finish": finish,
        "provider_finish": answer.provider_finish,
        "usage": counts(&only_attempt(answer.receipt).0),
    })
}

fn said(part: Part, calls: &mut usize) -> Value {
    match part.part.expect("a part") {
        part::Part::Text(text) => json!({"text": text}),
        part::Part::Refusal(text) => json!({"refusal": text}),
        part::Part::Reasoning(part) => json!({"reasoning": {
            "text": part.text,
            "signed": !part.signature.is_empty(),
            "redacted": part.redacted,
        }}),
        part::Part::ToolCall(call) => {
            *calls += 1;
            json!({"tool_call": {
                "name": call.name,
                "arguments_json": call.arguments_json,
                "signed": !call.signature.is_empty(),
            }})
        }
        other => panic!("no part of an answer: {other:?}"),
    }
}

fn counts(attempt: &AttemptReceipt) -> Value {
    let usage: Usage = attempt.usage.unwrap_or_default();
    let counts = [
        ("input", usage.input_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("output", usage.output_tokens),
        ("reasoning", usage.reasoning_tokens),
        ("requests", usage.requests),
        ("search_results", usage.search_results),
        ("content_pages", usage.content_pages),
        ("summaries", usage.summaries),
    ];
    let known = counts
        .into_iter()
        .filter(|(_, count)| count.is_some_and(|count| count > 0));
    known
        .map(|(name, count)| (name.to_owned(), json!(count)))
        .collect()
}

/// Lengths and counts of vectors; the values are the simulator's own.
pub(super) fn vectors(embeddings: &[Embedding], attempt: &AttemptReceipt) -> Value {
    let lengths: Vec<usize> = embeddings
        .iter()
        .map(|vector| vector.values.len())
        .collect();
    json!({"lengths": lengths, "usage": counts(attempt)})
}

pub(super) fn search(answer: SearchResponse) -> Value {
    let (attempt, _) = only_attempt(answer.receipt);
    let pages = answer.results.iter().map(|page| {
        json!({
            "url": page.url,
            "text": !page.text.is_empty(),
            "highlights": page.highlights.len(),
            "summary": !page.summary.is_empty(),
        })
    });
    json!({
        "results": pages.collect::<Vec<_>>(),
        "answer": answer.answer,
        "answer_json": answer.answer_json,
        "failures": answer.failures.len(),
        "usage": counts(&attempt),
    })
}

/// The ids and signatures of a turn, each with the name that it has in a case.
pub(super) fn names(turn: &Message) -> Vec<(String, String)> {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut names = Vec::new();
    for (number, part) in turn.parts.iter().enumerate() {
        let (id, signature) = match &part.part {
            Some(part::Part::ToolCall(call)) => (call.id.clone(), call.signature.clone()),
            Some(part::Part::Reasoning(part)) => (String::new(), part.signature.clone()),
            _ => continue,
        };
        names.push((id, format!("id-{number}")));
        names.push((
            STANDARD.encode(&signature),
            format!("signature-{number:02}"),
        ));
        if let Ok(text) = String::from_utf8(signature) {
            // A signature of responses is an item's id and its content.
            let pieces = text.split_once(':').unwrap_or(("", &text));
            names.push((pieces.0.to_owned(), format!("item-{number}")));
            names.push((pieces.1.to_owned(), format!("signature-{number:02}")));
        }
    }
    names.retain(|(found, _)| !found.is_empty());
    names
}
