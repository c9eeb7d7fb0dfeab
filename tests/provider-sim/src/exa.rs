//! Exa: search, pages like one, contents, answer.

mod check;
mod price;
mod results;

use serde_json::{Value, json};

use crate::exa::price::Cost;
use crate::fixtures;
use crate::reply::{Chunk, Reply, request_id};
use crate::request::Request;
use crate::script::Action;

/// Stands in a body for the cost, which is put in as the exact decimal text.
const COST: &str = "\"@cost@\"";

/// What is wrong with a request.
pub(crate) type Fault = String;

pub(crate) fn answer(request: &Request, action: &Action) -> Reply {
    let reply = match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/search") => search(request, action),
        ("POST", "/findSimilar") => similar(request, action),
        ("POST", "/contents") => contents(request, action),
        ("POST", "/answer") => respond(request, action),
        (method, path) => Ok(error(
            request,
            "Cannot ",
            &format!("{method} {path}"),
            404,
            "NOT_FOUND",
        )),
    };
    reply.unwrap_or_else(|fault| {
        error(
            request,
            "Validation error: ",
            &fault,
            400,
            "INVALID_REQUEST_BODY",
        )
    })
}

fn error(request: &Request, start: &str, fault: &str, status: u16, tag: &str) -> Reply {
    let body =
        json!({"requestId": request_id(request), "error": format!("{start}{fault}"), "tag": tag});
    Reply {
        status,
        ..Reply::like(request, "exa/400_invalid.error", &body)
    }
}

fn search(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::search(request)?;
    let results = results::found(request);
    let kind = request.body["type"].as_str().unwrap_or("auto");
    let summaries = results
        .iter()
        .filter(|result| !result["summary"].is_null())
        .count();
    let cost = price::search(kind, results.len(), summaries);
    let mut body = json!({
        "requestId": request_id(request),
        "resolvedSearchType": if ["auto", "fast", "instant"].contains(&kind) { "neural" } else { kind },
        "results": results,
        "searchTime": 412.5,
    });
    let warnings = check::warnings(request);
    if !warnings.is_empty() {
        body["warnings"] = json!(warnings);
    }
    if request.has("outputSchema") {
        body["output"] = results::output(request, &results);
    }
    if !request.streams() {
        return Ok(whole(
            request,
            action,
            "exa/search_plain.response",
            body,
            &cost,
        ));
    }
    let said = results::output(request, &results)["content"].clone();
    let said = said
        .as_str()
        .map_or_else(|| said.to_string(), str::to_owned);
    Ok(stream(
        request,
        action,
        "exa/search.sse",
        &said,
        &results,
        &cost,
    ))
}

fn similar(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::similar(request)?;
    let results = results::found(request);
    let cost = price::search("auto", results.len(), 0);
    let body = json!({"requestId": request_id(request), "results": results});
    let id = "exa/search_plain.response";
    Ok(whole(request, action, id, body, &cost))
}

fn contents(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::contents(request)?;
    let (results, statuses) = results::pages(request);
    let cost = price::contents(results.len(), &results::kinds(&request.body));
    let body = json!({"requestId": request_id(request), "results": results, "statuses": statuses});
    Ok(whole(request, action, "exa/contents.response", body, &cost))
}

fn respond(request: &Request, action: &Action) -> Result<Reply, Fault> {
    check::answer(request)?;
    let citations = results::citations(request);
    let said = action
        .text
        .as_ref()
        .map_or_else(|| results::said(request), |text| json!(text));
    let cost = price::answer();
    if request.streams() {
        let said = said
            .as_str()
            .map_or_else(|| said.to_string(), str::to_owned);
        return Ok(stream(
            request,
            action,
            "exa/answer.sse",
            &said,
            &citations,
            &cost,
        ));
    }
    let body = json!({"requestId": request_id(request), "answer": said, "citations": citations});
    Ok(whole(request, action, "exa/answer.response", body, &cost))
}

fn whole(request: &Request, action: &Action, id: &str, mut body: Value, cost: &Cost) -> Reply {
    if action.no_usage {
        return Reply::like(request, id, &body);
    }
    body["costDollars"] = json!("@cost@");
    let mut reply = Reply::like(request, id, &body);
    let dollars = cost.dollars(action.cost.as_deref());
    reply.chunks = vec![Chunk::plain(body.to_string().replace(COST, &dollars))];
    reply.reporting(reported(action, cost))
}

fn reported(action: &Action, cost: &Cost) -> Value {
    json!({
        "cost_usd": action.cost.clone().unwrap_or_else(|| cost.total()),
        "row": cost.row, "results": cost.results, "summaries": cost.summaries, "pages": cost.pages,
    })
}

fn stream(
    request: &Request,
    action: &Action,
    id: &str,
    said: &str,
    sources: &[Value],
    cost: &Cost,
) -> Reply {
    let template = fixtures::payloads("exa/answer.sse")
        .into_iter()
        .next()
        .unwrap_or_default();
    let chunk = |content: &str| {
        let mut chunk = template.clone();
        chunk["id"] = json!(format!("chatcmpl-exa{}", request.number));
        chunk["choices"][0]["delta"]["content"] = json!(content);
        Chunk::data(&chunk)
    };
    let mut events: Vec<Chunk> = crate::chat::deltas(said)
        .iter()
        .map(|piece| chunk(piece))
        .collect();
    if let Some(after) = action.error_after_chunks {
        events.truncate(after);
        let error = json!({"error": "An internal error occurred.", "tag": "INTERNAL_ERROR"});
        events.push(Chunk::data(&error));
        return Reply::events(request, id, events);
    }
    let source =
        |page: &Value| json!({"id": page["id"], "url": page["url"], "title": page["title"]});
    events.push(Chunk::data(
        &json!({"citations": sources.iter().map(source).collect::<Vec<_>>()}),
    ));
    if !action.no_usage {
        let dollars = cost.dollars(action.cost.as_deref());
        let event = format!("data: {}\n\n", json!({"costDollars": "@cost@"}));
        events.push(Chunk::plain(event.replace(COST, &dollars)).telling_usage());
    }
    events.push(Chunk::plain("data: [DONE]\n\n"));
    let reply = Reply::events(request, id, events);
    if action.no_usage {
        reply
    } else {
        reply.reporting(reported(action, cost))
    }
}

#[cfg(test)]
mod tests;
