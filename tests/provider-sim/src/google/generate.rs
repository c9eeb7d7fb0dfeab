//! Generating and counting.
//!
//! With `thinkingConfig` the answer thinks, by its level or budget; the thoughts are told only with
//! `includeThoughts`. A refusal is a prompt that was blocked, and what a filter took away is a
//! candidate that ended with `SAFETY`. Calls of tools carry a signature (`signature`).

use serde_json::{Value, json};

use crate::chat::{self, Answer, Asked, Choice, Finish, Format, Tool, arguments};
use crate::count::{self, Counts};
use crate::google::cached::{self, Continued};
use crate::google::usage::{self, Modalities};
use crate::google::{Fault, NAME, check, files, names, signature, stream};
use crate::models;
use crate::reply::{Reply, request_id};
use crate::request::Request;
use crate::script::Action;

const PLAIN: &str = "google/generate_plain.response";
const THOUGHT: &str = "The question is short, so is the answer.";

pub(super) fn answer(request: &Request, action: &Action) -> Result<Reply, Fault> {
    let body = names::canonical(&request.body, names::GENERATE)?;
    let Continued { body, cached } = cached::continued(request, body)?;
    check::generate(request, &body)?;
    let body = files::inlined(request, body)?;
    let modalities = modalities(&body);
    let mut asked = asked(request, &body, modalities);
    let cached = cached.min(asked.input.input);
    asked.input.input -= cached;
    asked.input.cache_read = cached;
    check::context(request, modalities.sum() * request.factor)?;
    let mut answer = chat::answer(&asked, action);
    if answer.finish == Finish::Refusal && action.usage.is_none() {
        answer.counts.output = 0;
        answer.counts.reasoning = 0;
    }
    let tier = action
        .service_tier
        .as_deref()
        .or(body["serviceTier"].as_str())
        .unwrap_or("");
    let told = action
        .usage
        .is_none()
        .then_some((modalities, request.factor));
    let usage = usage::metadata(answer.counts, told, tier);
    let reply = Answered {
        parts: parts(request, &body, &answer),
        word: word(&answer.finish),
        blocked: answer.finish == Finish::Refusal,
        model: action.served_model.as_deref().unwrap_or(request.model()),
        id: request_id(request),
        counts: answer.counts,
        usage: if action.no_usage {
            Value::Null
        } else {
            usage.clone()
        },
    };
    let reported = json!({"counts": answer.counts, "served_model": reply.model, "service_tier": tier, "usage": usage});
    let sent = if request.streams() {
        stream::reply(request, action, &reply)
    } else {
        Reply::like(request, PLAIN, &reply.body(&reply.parts, true))
    };
    Ok(if action.no_usage {
        sent
    } else {
        sent.reporting(reported)
    })
}

pub(super) fn count(request: &Request) -> Result<Reply, Fault> {
    let body = names::canonical(&request.body, names::COUNT)?;
    let whole = &body["generateContentRequest"];
    let asked = if whole.is_null() { &body } else { whole };
    if !asked["contents"].is_array() {
        return Err(Fault::new(
            "* CountTokensRequest.contents: contents is not specified",
        ));
    }
    let tokens = modalities(asked).sum() * request.factor;
    let details = json!([{"modality": "TEXT", "tokenCount": tokens}]);
    let body = json!({"totalTokens": tokens, "promptTokensDetails": details});
    Ok(Reply::like(request, PLAIN, &body))
}

/// An answer in this provider's words.
pub(super) struct Answered<'r> {
    pub(super) parts: Vec<Value>,
    pub(super) word: String,
    /// The prompt was blocked: there is no candidate.
    pub(super) blocked: bool,
    pub(super) model: &'r str,
    pub(super) id: String,
    pub(super) counts: Counts,
    pub(super) usage: Value,
}

impl Answered<'_> {
    /// A reply, or a part of one, with these parts; `last`: it tells how the answer ended.
    pub(super) fn body(&self, parts: &[Value], last: bool) -> Value {
        let mut body = json!({});
        if self.blocked {
            body["promptFeedback"] = json!({"blockReason": "PROHIBITED_CONTENT"});
        } else {
            let mut candidate = json!({"index": 0});
            if !parts.is_empty() {
                candidate["content"] = json!({"parts": parts, "role": "model"});
            } else if self.word == "MAX_TOKENS" {
                candidate["content"] = json!({"role": "model"});
            }
            if last {
                candidate["finishReason"] = json!(self.word);
            }
            if last && self.word == "CONTINUATION" {
                candidate["continuationToken"] = json!("c2ltLWNvbnRpbnVhdGlvbg==");
            }
            body["candidates"] = json!([candidate]);
        }
        if !self.usage.is_null() {
            body["usageMetadata"] = self.usage.clone();
        }
        body["modelVersion"] = json!(self.model);
        body["responseId"] = json!(self.id);
        body
    }
}

fn word(finish: &Finish) -> String {
    match finish {
        Finish::Stop | Finish::Tools | Finish::Sequence(_) | Finish::Refusal => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::Filter => "SAFETY",
        Finish::Scripted(word) => word,
    }
    .to_owned()
}

fn parts(request: &Request, body: &Value, answer: &Answer) -> Vec<Value> {
    let model = request.model();
    let thinking = &body["generationConfig"]["thinkingConfig"];
    let thinks = answer.counts.reasoning > 0 && answer.finish != Finish::Refusal;
    let mut parts = Vec::new();
    if thinks && thinking["includeThoughts"] == true {
        parts.push(json!({"text": THOUGHT, "thought": true}));
    }
    if !answer.text.is_empty() {
        let mut part = json!({"text": answer.text});
        if thinks && signature::demanded(model) {
            part["thoughtSignature"] = json!(signature::of(model, &part));
        }
        parts.push(part);
    }
    let known = models::find(NAME, model);
    for (index, call) in answer.calls.iter().enumerate() {
        let mut made = json!({"name": call.name, "args": arguments(call)});
        // The second generation tells no id.
        if signature::demanded(model) {
            made["id"] = json!(format!("fc-Sim{:08}{index}", request.number));
        }
        let mut part = json!({"functionCall": made});
        let reasons = known.is_none_or(|model| model.can("reasoning"));
        if index == 0 && reasons && signature::demanded(model) {
            part["thoughtSignature"] = json!(signature::of(model, &part));
        }
        parts.push(part);
    }
    parts
}

fn asked(request: &Request, body: &Value, modalities: Modalities) -> Asked {
    let contents = body["contents"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let config = &body["generationConfig"];
    let users = contents.iter().filter(|content| content["role"] != "model");
    let mut earlier: Vec<String> = users.map(texts).filter(|text| !text.is_empty()).collect();
    let (choice, allowed) = choice(&body["toolConfig"]["functionCallingConfig"]);
    let mut tools = tools(body);
    tools.retain(|tool| allowed.is_empty() || allowed.contains(&tool.name));
    Asked {
        last_user: earlier.pop().unwrap_or_default(),
        earlier,
        tool_result: contents.last().and_then(result),
        tools,
        choice,
        one_call_only: false,
        format: format(config),
        stops: strings(&config["stopSequences"]),
        limit: config["maxOutputTokens"].as_u64(),
        reasoning: reasoning(&config["thinkingConfig"]),
        input: Counts {
            input: modalities.sum(),
            ..Counts::default()
        },
        factor: request.factor,
    }
}

fn modalities(body: &Value) -> Modalities {
    let mut all = Modalities::default();
    if body["systemInstruction"].is_object() {
        all.add(&body["systemInstruction"]);
    }
    for content in body["contents"].as_array().into_iter().flatten() {
        all.add(content);
    }
    let config = &body["generationConfig"];
    all.text += count::json(&body["tools"])
        + count::json(&config["responseJsonSchema"])
        + count::json(&config["responseSchema"]);
    all
}

fn texts(content: &Value) -> String {
    let parts = content["parts"].as_array().into_iter().flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}

/// What the tools of the last content said: by convention `output` or `error`.
fn result(content: &Value) -> Option<String> {
    let parts = content["parts"].as_array().into_iter().flatten();
    let said = parts
        .map(|part| &part["functionResponse"]["response"])
        .filter(|response| !response.is_null());
    let texts: Vec<String> = said
        .map(|response| {
            let inner = ["output", "error"]
                .iter()
                .find_map(|name| response.get(*name));
            let inner = inner.unwrap_or(response);
            inner
                .as_str()
                .map_or_else(|| inner.to_string(), str::to_owned)
        })
        .collect();
    (!texts.is_empty()).then(|| texts.join(" "))
}

fn tools(body: &Value) -> Vec<Tool> {
    let tools = body["tools"].as_array().into_iter().flatten();
    let declared = tools.flat_map(|tool| {
        tool["functionDeclarations"]
            .as_array()
            .into_iter()
            .flatten()
    });
    let declared = declared.map(|tool| {
        let schema = [&tool["parametersJsonSchema"], &tool["parameters"]];
        let schema = schema.into_iter().find(|schema| !schema.is_null());
        Tool {
            name: tool["name"].as_str().unwrap_or_default().to_owned(),
            schema: schema.cloned().unwrap_or_default(),
        }
    });
    declared.collect()
}

fn choice(config: &Value) -> (Choice, Vec<String>) {
    let allowed = strings(&config["allowedFunctionNames"]);
    let choice = match (config["mode"].as_str(), allowed.as_slice()) {
        (Some("NONE"), _) => Choice::None,
        (Some("ANY"), [one]) => Choice::Named(one.clone()),
        (Some("ANY"), _) => Choice::Any,
        _ => Choice::Auto,
    };
    (choice, allowed)
}

fn format(config: &Value) -> Format {
    let schemas = [&config["responseJsonSchema"], &config["responseSchema"]];
    match schemas.into_iter().find(|schema| !schema.is_null()) {
        Some(schema) => Format::Schema(schema.clone()),
        None if config["responseMimeType"] == "application/json" => Format::AnyJson,
        None => Format::Text,
    }
}

/// Tokens of thinking: by the level, or the budget up to the automatic amount.
fn reasoning(config: &Value) -> u64 {
    const AUTOMATIC: u64 = 128;
    if let Some(budget) = config["thinkingBudget"].as_i64() {
        return u64::try_from(budget).map_or(AUTOMATIC, |budget| budget.min(AUTOMATIC));
    }
    match config["thinkingLevel"].as_str() {
        Some("MINIMAL") => 16,
        Some("LOW") => 64,
        Some("HIGH") => 256,
        Some("XHIGH") => 512,
        _ if config.is_null() => 0,
        _ => AUTOMATIC,
    }
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}
