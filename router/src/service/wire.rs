//! Answers in the contract's messages.

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{AssistantPart, ChatDelta, Finish, ReasoningPart};
use keyway_router_providers::search::{PageFailure, SearchResult};
use keyway_words::CallId;

use crate::execute::{Answer, Done, Execution};

pub(super) fn chat(done: Done) -> Result<wire::ChatResponse, Fault> {
    let Answer::Chat(reply) = done.answer else {
        return Err(Execution::lost());
    };
    let parts = reply.parts.into_iter().map(part).collect();
    Ok(wire::ChatResponse {
        message: Some(wire::Message {
            role: wire::ChatRole::Assistant.into(),
            parts,
        }),
        finish_reason: finish(reply.finish).into(),
        provider_finish: reply.provider_finish,
        receipt: Some(done.receipt),
    })
}

pub(super) fn embed(done: Done) -> Result<wire::EmbedResponse, Fault> {
    let Answer::Embed(reply) = done.answer else {
        return Err(Execution::lost());
    };
    let embeddings = reply
        .vectors
        .into_iter()
        .map(|values| wire::Embedding { values })
        .collect();
    Ok(wire::EmbedResponse {
        embeddings,
        receipt: Some(done.receipt),
    })
}

pub(super) fn search(done: Done) -> Result<wire::SearchResponse, Fault> {
    let Answer::Search(reply) = done.answer else {
        return Err(Execution::lost());
    };
    let json = reply.answer_json.map(|json| json.as_str().to_owned());
    Ok(wire::SearchResponse {
        results: reply.results.into_iter().map(result).collect(),
        answer: reply.answer.unwrap_or_default(),
        answer_json: json.unwrap_or_default(),
        failures: reply.failures.into_iter().map(page_failure).collect(),
        warnings: reply.warnings,
        receipt: Some(done.receipt),
    })
}

pub(super) fn call_id(id: CallId) -> wire::StreamChatResponse {
    event(wire::stream_chat_response::Event::CallId(id.to_string()))
}

pub(super) fn delta(delta: ChatDelta) -> wire::StreamChatResponse {
    use wire::stream_chat_response::Event;
    event(match delta {
        ChatDelta::Text(text) => Event::Text(text),
        ChatDelta::Refusal(text) => Event::Refusal(text),
        ChatDelta::Reasoning(part) => Event::Reasoning(wire::ReasoningDelta {
            text: part.text,
            signature: part.signature,
            redacted: part.redacted,
        }),
        ChatDelta::ToolCall(call) => Event::ToolCall(wire::ToolCallDelta {
            index: call.index,
            id: call.id.unwrap_or_default(),
            name: call.name.unwrap_or_default(),
            arguments_json: call.arguments,
            signature: call.signature,
        }),
    })
}

pub(super) fn end(done: Done) -> Result<wire::StreamChatResponse, Fault> {
    let Answer::Stream(end) = done.answer else {
        return Err(Execution::lost());
    };
    Ok(event(wire::stream_chat_response::Event::End(
        wire::ChatEnd {
            finish_reason: finish(end.finish).into(),
            provider_finish: end.provider_finish,
            receipt: Some(done.receipt),
        },
    )))
}

fn event(event: wire::stream_chat_response::Event) -> wire::StreamChatResponse {
    wire::StreamChatResponse { event: Some(event) }
}

fn part(part: AssistantPart) -> wire::Part {
    use wire::part::Part;
    let part = match part {
        AssistantPart::Text(text) => Part::Text(text),
        AssistantPart::Refusal(text) => Part::Refusal(text),
        AssistantPart::Reasoning(ReasoningPart {
            text,
            signature,
            redacted,
        }) => Part::Reasoning(wire::ReasoningPart {
            text,
            signature,
            redacted,
        }),
        AssistantPart::ToolCall(call) => Part::ToolCall(wire::ToolCall {
            id: call.id,
            name: call.name,
            arguments_json: call.arguments,
            signature: call.signature,
        }),
    };
    wire::Part { part: Some(part) }
}

fn finish(finish: Finish) -> wire::FinishReason {
    match finish {
        Finish::Stop => wire::FinishReason::Stop,
        Finish::Length => wire::FinishReason::Length,
        Finish::ToolCalls => wire::FinishReason::ToolCalls,
        Finish::ContentFilter => wire::FinishReason::ContentFilter,
        Finish::Refusal => wire::FinishReason::Refusal,
        Finish::Pause => wire::FinishReason::Pause,
        Finish::Other => wire::FinishReason::Other,
    }
}

fn result(result: SearchResult) -> wire::SearchResult {
    wire::SearchResult {
        url: result.url,
        title: result.title,
        published_date: result.published_date,
        author: result.author,
        text: result.text,
        highlights: result.highlights,
        summary: result.summary,
    }
}

fn page_failure(failure: PageFailure) -> wire::PageFailure {
    wire::PageFailure {
        url: failure.url,
        tag: failure.tag,
        http_status: failure.http_status.map_or(0, u32::from),
    }
}
