//! Embeddings, one or many. Only the second generation tells usage. A vector cut below its model's
//! dimensions is not of length one: the provider cuts and leaves it so.

use serde_json::{Value, json};

use crate::count::{self, Counts};
use crate::embedding::{numbers, vector};
use crate::google::{Fault, NAME, known_model, names};
use crate::models;
use crate::reply::Reply;
use crate::request::Request;
use crate::script::Action;

const MOST_ROWS: usize = 100;
const TASKS: [&str; 8] = [
    "RETRIEVAL_QUERY",
    "RETRIEVAL_DOCUMENT",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
    "CLUSTERING",
    "QUESTION_ANSWERING",
    "FACT_VERIFICATION",
    "CODE_RETRIEVAL_QUERY",
];

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    let batch = request.path.ends_with(":batchEmbedContents");
    let message = if batch {
        names::BATCH_EMBED
    } else {
        names::EMBED
    };
    let body = names::canonical(&request.body, message)?;
    known_model(request, "embedding")?;
    let one = [body.clone()];
    let rows = if batch {
        body["requests"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    } else {
        &one
    };
    if rows.is_empty() || rows.len() > MOST_ROWS {
        return Err(Fault::new(format!(
            "* BatchEmbedContentsRequest.requests: at most {MOST_ROWS} requests can be in one batch"
        )));
    }
    let mut tokens = 0;
    let mut embeddings = Vec::new();
    for row in rows {
        let text = text(request, row, batch)?;
        tokens += count::text(&text);
        let vector = vector(&format!("{NAME} {text}"), full(request));
        let cut = vector.get(..dimensions(request, row)?).unwrap_or_default();
        embeddings.push(json!({"values": numbers(cut)}));
    }
    let mut answer = if batch {
        json!({"embeddings": embeddings})
    } else {
        json!({"embedding": embeddings.pop()})
    };
    let counts = action.usage.unwrap_or(Counts {
        input: tokens * request.factor,
        ..Counts::default()
    });
    if request.model().starts_with("gemini-embedding-001") || action.no_usage {
        return Ok(Reply::like(request, "google/batch_embed.response", &answer));
    }
    let details = json!([{"modality": "TEXT", "tokenCount": counts.prompt()}]);
    let usage = json!({"promptTokenCount": counts.prompt(), "promptTokensDetails": details});
    answer["usageMetadata"] = usage.clone();
    let reported = json!({"counts": counts, "served_model": request.model(), "usage": usage});
    Ok(Reply::like(request, "google/batch_embed.response", &answer).reporting(reported))
}

/// The text of a row, which names the model of the path and fits into it.
fn text(request: &Request, row: &Value, batch: bool) -> Result<String, Fault> {
    let named = row["model"].as_str();
    let path = format!("models/{}", request.model());
    if named.is_some_and(|named| named != path) || (batch && named.is_none()) {
        return Err(Fault::new(
            "* BatchEmbedContentsRequest.requests.model: the model must be the one of the batch",
        ));
    }
    let parts = row["content"]["parts"].as_array().into_iter().flatten();
    let text: String = parts.filter_map(|part| part["text"].as_str()).collect();
    if text.is_empty() {
        return Err(Fault::new(
            "* EmbedContentRequest.content: content is empty",
        ));
    }
    let task = row["taskType"].as_str();
    if task.is_some_and(|task| !TASKS.contains(&task)) {
        return Err(Fault::value("task_type", "an enum value", &row["taskType"]));
    }
    if !row["title"].is_null() && task != Some("RETRIEVAL_DOCUMENT") {
        return Err(Fault::new(
            "* EmbedContentRequest.title: only for task_type RETRIEVAL_DOCUMENT",
        ));
    }
    Ok(text)
}

fn full(request: &Request) -> usize {
    models::find(NAME, request.model())
        .and_then(|model| model.dimensions)
        .unwrap_or(3072)
}

fn dimensions(request: &Request, row: &Value) -> Result<usize, Fault> {
    let flat = &row["outputDimensionality"];
    let wanted = if flat.is_null() {
        &row["embedContentConfig"]["outputDimensionality"]
    } else {
        flat
    };
    if wanted.is_null() {
        return Ok(full(request));
    }
    let fits = wanted
        .as_u64()
        .and_then(|wanted| usize::try_from(wanted).ok())
        .filter(|wanted| (1..=full(request)).contains(wanted));
    let range = format!("from 1 to {}", full(request));
    fits.ok_or_else(|| Fault::value("output_dimensionality", &range, wanted))
}
