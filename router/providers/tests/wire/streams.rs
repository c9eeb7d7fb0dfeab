//! Streamed answers: whole, cut into pieces at every byte, with other line ends, broken off.

use keyway_router_providers::chat::{
    AssistantPart, ChatDelta, Finish, ReasoningPart, StreamEnd, ToolCall,
};
use keyway_router_providers::sse::SseDecoder;
use keyway_router_providers::{
    Adapter, DecodeError, FailureClass, Metered, StreamDecoder, registry,
};
use keyway_words::{Basis, ProviderId};
use proptest::prelude::*;

use crate::manifest::{Row, rows};
use crate::replies::{assert_usage, expected_turn, turn};

pub(crate) fn tested_ids() -> Vec<String> {
    chats().into_iter().map(|row| row.id).collect()
}

/// The streams of chats. Those of searches pass on the native edge only.
fn chats() -> Vec<Row> {
    let rows = rows("stream").into_iter();
    rows.filter(|row| row.expect.get("finish").is_some())
        .collect()
}

/// All that a stream gave.
#[derive(Debug, PartialEq)]
struct Outcome {
    parts: Vec<AssistantPart>,
    end: Result<StreamEnd, DecodeError>,
    metered: Metered,
}

fn read<'b>(adapter: &dyn Adapter, pieces: impl IntoIterator<Item = &'b [u8]>) -> Outcome {
    let mut decoder = adapter.chat_stream().unwrap();
    let mut deltas = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = decoder.push(piece, &mut deltas);
        if result.is_err() {
            break;
        }
    }
    let end = end(adapter, decoder.as_mut());
    assert_eq!(
        result.err().as_ref(),
        end.as_ref().err().filter(|e| **e != DecodeError::Truncated)
    );
    Outcome {
        parts: join(deltas),
        end,
        metered: decoder.meter().clone(),
    }
}

fn end(adapter: &dyn Adapter, decoder: &mut dyn StreamDecoder) -> Result<StreamEnd, DecodeError> {
    let is_finished = decoder.is_finished();
    let end = decoder.end();
    if adapter.provider() == ProviderId::Google {
        assert!(!is_finished, "its streams end with their bodies");
    } else {
        assert_eq!(end.is_ok(), is_finished);
    }
    end
}

/// Joins deltas to the turn that they add up to.
fn join(deltas: Vec<ChatDelta>) -> Vec<AssistantPart> {
    let mut parts: Vec<AssistantPart> = Vec::new();
    let mut calls: Vec<usize> = Vec::new();
    for delta in deltas {
        match (delta, parts.last_mut()) {
            (ChatDelta::Text(more), Some(AssistantPart::Text(text)))
            | (ChatDelta::Refusal(more), Some(AssistantPart::Refusal(text))) => {
                text.push_str(&more);
            }
            (ChatDelta::Text(text), _) => parts.push(AssistantPart::Text(text)),
            (ChatDelta::Refusal(text), _) => parts.push(AssistantPart::Refusal(text)),
            (ChatDelta::Reasoning(more), Some(AssistantPart::Reasoning(part)))
                if part.signature.is_empty() =>
            {
                part.text.push_str(&more.text);
                part.signature = more.signature;
            }
            (ChatDelta::Reasoning(part), _) => parts.push(AssistantPart::Reasoning(part)),
            (ChatDelta::ToolCall(more), _) => {
                let index = usize::try_from(more.index).unwrap();
                if index == calls.len() {
                    calls.push(parts.len());
                    parts.push(AssistantPart::ToolCall(ToolCall::default()));
                }
                let AssistantPart::ToolCall(call) = &mut parts[calls[index]] else {
                    panic!("the index of a call is that of a call")
                };
                call.id.push_str(&more.id.unwrap_or_default());
                call.name.push_str(&more.name.unwrap_or_default());
                call.arguments.push_str(&more.arguments);
                call.signature.extend(more.signature);
            }
        }
    }
    parts
}

fn whole(row: &Row) -> Outcome {
    read(row.adapter(), [row.bytes().as_slice()])
}

fn row(id: &str) -> Row {
    chats().into_iter().find(|row| row.id == id).unwrap()
}

fn adapter(provider: ProviderId) -> &'static dyn Adapter {
    registry::adapter(provider).unwrap()
}

#[test]
fn every_stream_reads_as_expected() {
    for row in chats() {
        let (id, expect) = (&row.id, &row.expect);
        let outcome = whole(&row);
        assert_eq!(turn(&outcome.parts), expected_turn(expect), "{id}");
        match (&outcome.end, expect["finish"].as_str()) {
            (Ok(end), Some(word)) => assert_eq!(end.provider_finish, word, "{id}"),
            (Err(DecodeError::Provider(failure)), None | Some("failed")) => {
                let error = &expect["error"];
                let word = |name: &str| error[name].as_str();
                let code = word("type").or(word("status")).or(word("code"));
                assert_eq!(failure.code.as_deref(), code, "{id}");
                let class = match code {
                    Some("rate_limit_exceeded") => FailureClass::RateLimited,
                    _other => FailureClass::Unavailable,
                };
                assert_eq!(failure.class, class, "{id}");
            }
            (Err(DecodeError::Truncated), None) => assert!(expect["error"].is_null(), "{id}"),
            (end, word) => panic!("{id}: {end:?} instead of {word:?}"),
        }
        if expect["usage"].is_null() {
            assert!(!outcome.metered.complete, "{id}");
        } else if expect["finish"].is_null() {
            assert_eq!(outcome.metered.basis(), Basis::Partial, "{id}");
            let input = outcome.metered.usage.unwrap().input_tokens;
            assert_eq!(input, expect["usage"]["input"].as_u64(), "{id}");
        } else {
            assert_usage(id, &outcome.metered, &expect["usage"]);
        }
    }
}

#[test]
fn a_stream_reads_the_same_cut_at_every_byte_in_single_bytes_and_with_other_line_ends() {
    for row in chats() {
        let (adapter, bytes, expected) = (row.adapter(), row.bytes(), whole(&row));
        for at in 0..bytes.len() {
            let (head, tail) = bytes.split_at(at);
            assert_eq!(
                read(adapter, [head, tail]),
                expected,
                "{} cut at {at}",
                row.id
            );
        }
        assert_eq!(read(adapter, bytes.chunks(1)), expected, "{}", row.id);
        assert_eq!(read(adapter, bytes.chunks(37)), expected, "{}", row.id);
        let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            assert_eq!(
                read(adapter, text.as_bytes().chunks(5)),
                expected,
                "{}",
                row.id
            );
            let marked = format!("\u{feff}: comment{end}{text}");
            assert_eq!(read(adapter, [marked.as_bytes()]), expected, "{}", row.id);
        }
    }
}

#[test]
fn a_stream_that_stops_at_any_byte_before_its_terminator_is_truncated() {
    for row in chats() {
        let (bytes, outcome) = (row.bytes(), whole(&row));
        let text = String::from_utf8(bytes.clone()).unwrap();
        let last = last_incomplete(&row.id, &text);
        for at in 0..=last {
            let cut = read(row.adapter(), [&bytes[..at]]);
            let failed = matches!(cut.end, Err(DecodeError::Provider(_))) && outcome.end.is_err();
            assert!(
                failed || cut.end == Err(DecodeError::Truncated),
                "{} at {at}",
                row.id
            );
        }
    }
}

/// How many bytes of a stream may have come while it still is incomplete.
fn last_incomplete(id: &str, text: &str) -> usize {
    let end_of = |mark: &str| text.find(mark).map(|at| at + mark.len());
    let last = match id.split('/').next() {
        Some("anthropic") => end_of("message_stop\"}"),
        // The chunk with the reason is the last one; the first byte of its empty line ends it.
        Some("google") => {
            let reason = end_of("finishReason").or(end_of("blockReason"));
            reason.and_then(|at| text.get(at..)?.find("\r\n\r\n").map(|end| at + end + 2))
        }
        // The last event carries the whole response; its line ends it.
        Some("openai") if id.contains("/responses_") => Some(text.trim_end().len()),
        _chat_completions => end_of("[DONE]"),
    };
    last.unwrap_or(text.len())
}

#[test]
fn a_cut_stream_knows_what_was_seen_until_then() {
    let early = whole(&row("anthropic/truncated.sse")).metered;
    assert_eq!(early.basis(), Basis::Partial);
    let usage = early.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(14), Some(1))
    );
    assert_eq!(early.served_model.as_deref(), Some("claude-haiku-5-5"));

    let nothing = whole(&row("openai/chat_truncated.sse")).metered;
    assert_eq!(nothing.basis(), Basis::Unknown);
    assert_eq!(
        nothing.served_model.as_deref(),
        Some("gpt-4.1-mini-2025-04-14")
    );
}

#[test]
fn counts_that_may_still_grow_are_partial_and_the_last_ones_replace_them() {
    let chunk = |finish: &str, tokens: u32| {
        format!(
            "data: {{\"choices\":[{{\"delta\":{{}},\"finish_reason\":{finish}}}],\
             \"usage\":{{\"prompt_tokens\":5,\"completion_tokens\":{tokens}}}}}\n\n"
        )
    };
    let openai = adapter(ProviderId::OpenAi);
    let running = [chunk("null", 1), chunk("null", 2)].concat();
    let metered = read(openai, [running.as_bytes()]).metered;
    assert_eq!(metered.basis(), Basis::Partial);
    assert_eq!(metered.usage.unwrap().output_tokens, Some(2));
    let ended = [running, chunk("\"stop\"", 3)].concat();
    let metered = read(openai, [ended.as_bytes()]).metered;
    assert_eq!(metered.basis(), Basis::ProviderReported);
    assert_eq!(metered.usage.unwrap().output_tokens, Some(3));

    // Without the closing counts, the output at the start is only a placeholder.
    let text = String::from_utf8(row("anthropic/message_plain.sse").bytes()).unwrap();
    let closing = concat!(
        r#","usage":{"input_tokens":14,"cache_creation_input_tokens":0,"#,
        r#""cache_read_input_tokens":0,"output_tokens":16}"#,
    );
    assert!(text.contains(closing));
    let text = text.replace(closing, "");
    let outcome = read(adapter(ProviderId::Anthropic), [text.as_bytes()]);
    assert!(outcome.end.is_ok());
    assert_eq!(outcome.metered.basis(), Basis::Partial);
}

#[test]
fn ends_are_told_apart() {
    for (id, finish) in [
        ("openai/chat_plain.sse", Finish::Stop),
        ("openai/chat_refusal.sse", Finish::Refusal),
        ("openai/chat_tool_parallel.sse", Finish::ToolCalls),
        ("openai/responses_plain.sse", Finish::Stop),
        ("openai/responses_refusal.sse", Finish::Refusal),
        ("openai/responses_max_tokens.sse", Finish::Length),
        ("openai/responses_tool_parallel.sse", Finish::ToolCalls),
        ("anthropic/refusal.sse", Finish::Refusal),
        ("anthropic/tool_no_arguments.sse", Finish::ToolCalls),
        ("mistral/chat_tool_parallel.sse", Finish::ToolCalls),
        ("mistral/chat_finish_error.sse", Finish::Other),
    ] {
        assert_eq!(whole(&row(id)).end.unwrap().finish, finish, "{id}");
    }
}

#[test]
fn a_signature_comes_whole_with_the_last_piece_of_its_block() {
    let parts = whole(&row("anthropic/thinking.sse")).parts;
    let expected = ReasoningPart {
        text: "Check divisors up to 45: none divide 2027.".into(),
        signature: b"EqoBCkgIARABGAIiQexampleSignature==".to_vec(),
        redacted: false,
    };
    assert_eq!(parts[0], AssistantPart::Reasoning(expected));

    let split = r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"Eq"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"oB"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"Er=="}}

data: {"type":"content_block_stop","index":1}

"#;
    let outcome = read(adapter(ProviderId::Anthropic), [split.as_bytes()]);
    let part = |signature: &str, redacted| {
        let signature = signature.into();
        AssistantPart::Reasoning(ReasoningPart {
            text: String::new(),
            signature,
            redacted,
        })
    };
    assert_eq!(outcome.parts, [part("EqoB", false), part("Er==", true)]);
}

/// A stream of these events, which come before the end of a response.
fn events(events: &[&str]) -> String {
    let end = r#"{"type":"response.completed","response":{"status":"completed"}}"#;
    let data = [events, &[end]].concat().join("\n\ndata: ");
    format!("data: {data}\n\n")
}

#[test]
fn a_response_streams_its_reasoning_signed_and_parts_of_it_apart() {
    let text = events(&[
        r#"{"type":"response.new_kind","delta":{"any":1}}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"a"}"#,
        r#"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":1,"delta":"b"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","encrypted_content":"x="}}"#,
    ]);
    let outcome = read(adapter(ProviderId::OpenAi), [text.as_bytes()]);
    assert!(outcome.end.is_ok());
    let part = ReasoningPart {
        text: "a\n\nb".into(),
        signature: b"rs_1:x=".to_vec(),
        redacted: false,
    };
    assert_eq!(outcome.parts, [AssistantPart::Reasoning(part)]);
}

#[test]
fn a_call_of_a_response_that_came_in_no_pieces_is_not_lost() {
    let text = events(&[
        r#"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}}"#,
    ]);
    let outcome = read(adapter(ProviderId::OpenAi), [text.as_bytes()]);
    assert_eq!(outcome.end.unwrap().finish, Finish::ToolCalls);
    let call = ToolCall {
        id: "c".into(),
        name: "f".into(),
        arguments: "{}".into(),
        signature: Vec::new(),
    };
    assert_eq!(outcome.parts, [AssistantPart::ToolCall(call)]);
}

#[test]
fn pieces_of_a_call_belong_together_by_index_and_name_it_once() {
    let chunk = |index: u32, rest: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"tool_calls\":[{{\"index\":{index},{rest}}}]}}}}]}}\n\n"
        )
    };
    let text = [
        chunk(7, r#""id":"a","function":{"name":"f","arguments":"{\"x"}"#),
        chunk(3, r#""id":"b","function":{"name":"g","arguments":"{}"}"#),
        chunk(7, r#""id":"a","function":{"name":"f","arguments":"\":1}"}"#),
    ]
    .concat();
    let parts = read(adapter(ProviderId::OpenAi), [text.as_bytes()]).parts;
    let call = |id: &str, name: &str, arguments: &str| {
        AssistantPart::ToolCall(ToolCall {
            id: id.into(),
            name: name.into(),
            arguments: arguments.into(),
            signature: Vec::new(),
        })
    };
    assert_eq!(parts, [call("a", "f", "{\"x\":1}"), call("b", "g", "{}")]);
}

#[test]
fn deltas_before_an_error_in_the_same_piece_are_not_lost_and_the_error_stays() {
    let row = row("openai/chat_midstream_error.sse");
    let mut decoder = row.adapter().chat_stream().unwrap();
    let mut deltas = Vec::new();
    let error = decoder.push(&row.bytes(), &mut deltas).unwrap_err();
    assert_eq!(deltas, [ChatDelta::Text("Partial".into())]);
    assert_eq!(
        decoder.push(b"data: [DONE]\n\n", &mut deltas),
        Err(error.clone())
    );
    assert_eq!(decoder.end(), Err(error));
}

#[test]
fn nothing_after_the_terminator_is_read() {
    for id in [
        "openai/chat_plain.sse",
        "openai/responses_plain.sse",
        "anthropic/message_plain.sse",
        "mistral/chat_plain.sse",
    ] {
        let row = row(id);
        let mut bytes = row.bytes();
        bytes.extend_from_slice(b"data: {\"error\":{}}\n\ndata: \xff\n\n");
        assert_eq!(read(row.adapter(), [bytes.as_slice()]), whole(&row), "{id}");
    }
}

#[test]
fn an_event_that_is_no_json_is_malformed() {
    for provider in [
        ProviderId::OpenAi,
        ProviderId::Anthropic,
        ProviderId::Google,
        ProviderId::Mistral,
    ] {
        for text in [
            "data: {\"choices\":\n\n",
            "data: x\n\n",
            "data: {\"type\":7}\n\n",
        ] {
            let end = read(adapter(provider), [text.as_bytes()]).end;
            let is_malformed = matches!(end, Err(DecodeError::Malformed { .. }));
            // OpenAI's chunks have no type, so that one says nothing to it.
            assert!(is_malformed || text.contains("type"), "{provider}: {text}");
        }
    }
}

proptest! {
    #[test]
    fn the_same_stream_gives_the_same_answer_however_it_is_cut(
        which in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let rows = chats();
        let row = which.get(&rows);
        let bytes = row.bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        prop_assert_eq!(read(row.adapter(), pieces), whole(row));
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for provider in [
        ProviderId::OpenAi,
        ProviderId::Anthropic,
        ProviderId::Google,
        ProviderId::Mistral,
    ] {
            read(adapter(provider), [bytes.as_slice()]);
        }
    }
}

#[test]
fn what_an_error_within_a_stream_says_was_used_is_kept() {
    let openai = r#"{"error":{"message":"x","type":"server_error"},"choices":[],
        "usage":{"prompt_tokens":10,"completion_tokens":2,"total_tokens":12}}"#;
    let google = r#"{"error":{"code":500,"message":"x","status":"INTERNAL"},
        "usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":2,"totalTokenCount":12}}"#;
    let cases = [
        (ProviderId::OpenAi, "/chat/completions", openai),
        (
            ProviderId::Google,
            "/v1beta/models/x:streamGenerateContent",
            google,
        ),
    ];
    for (provider, path, error) in cases {
        let event = format!("data: {}\n\n", error.replace('\n', ""));
        let adapter = registry::adapter(provider).unwrap();
        let mut decoder = adapter.chat_stream().unwrap();
        let refused = decoder.push(event.as_bytes(), &mut Vec::new());
        assert!(
            matches!(refused, Err(DecodeError::Provider(_))),
            "{refused:?}"
        );
        let api = adapter.native().unwrap();
        let found = api.find(&http::Method::POST, path).unwrap();
        let mut meter = api.meter(found.endpoint, "x", None);
        let mut events = Vec::new();
        SseDecoder::default()
            .push(event.as_bytes(), &mut events)
            .unwrap();
        assert!(meter.event(&events[0]).is_err());
        for metered in [decoder.meter(), meter.metered()] {
            let usage = metered.usage.unwrap();
            assert_eq!(
                (usage.input_tokens, usage.output_tokens),
                (Some(10), Some(2))
            );
        }
    }
}
