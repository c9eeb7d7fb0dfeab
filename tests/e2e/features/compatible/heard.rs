//! Answers in `OpenAI`'s shape, read here by hand, as what they say whatever the shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// What a neutral answer of a case says, in this shape.
pub(super) fn of(answer: &Value) -> Value {
    let (mut text, mut refusal, mut reasoning) = (String::new(), String::new(), String::new());
    let (mut calls, mut signed) = (Vec::new(), false);
    for part in answer["parts"].as_array().expect("parts") {
        text.push_str(part["text"].as_str().unwrap_or_default());
        refusal.push_str(part["refusal"].as_str().unwrap_or_default());
        let block = &part["reasoning"];
        reasoning.push_str(block["text"].as_str().unwrap_or_default());
        signed |= block["signed"] == true;
        let call = &part["tool_call"];
        if !call.is_null() {
            calls.push(json!({
                "name": call["name"],
                "arguments": call["arguments_json"],
                "sealed": signed || call["signed"] == true,
            }));
            signed = false;
        }
    }
    json!({
        "text": text,
        "refusal": refusal,
        "reasoning": reasoning,
        "calls": calls,
        "finish": answer["finish"],
        "provider_finish": answer["provider_finish"],
        "usage": answer["usage"],
    })
}

/// A whole answer.
pub(super) fn whole(answer: &Value) -> Value {
    assert_eq!(answer["object"], "chat.completion");
    let choice = &answer["choices"][0];
    heard(
        &choice["message"],
        &choice["finish_reason"],
        &answer["usage"],
        &answer["keyway"],
    )
}

/// The turn of a streamed one.
pub(super) fn message(events: &str) -> Value {
    joined(events).0
}

/// A streamed answer.
pub(super) fn streamed(events: &str) -> Value {
    let (message, finish, usage, own) = joined(events);
    heard(&message, &finish, &usage, &own)
}

/// The events of a streamed one, put together as clients do: turn, finish, usage and what is Keyway's.
fn joined(events: &str) -> (Value, Value, Value, Value) {
    let mut message = json!({"tool_calls": []});
    let (mut finish, mut usage, mut own) = (Value::Null, Value::Null, Value::Null);
    let mut done = false;
    for event in events.split("\n\n").filter(|event| !event.is_empty()) {
        assert!(!done, "{events}");
        let data = event.strip_prefix("data: ").expect("a data line");
        if data == "[DONE]" {
            done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(chunk["object"], "chat.completion.chunk", "{chunk}");
        if !chunk["keyway"].is_null() {
            own = chunk["keyway"].clone();
        }
        let Some(choice) = chunk["choices"].get(0) else {
            assert!(usage.is_null() && !finish.is_null(), "{events}");
            usage = chunk["usage"].clone();
            continue;
        };
        assert!(chunk.get("usage").is_some_and(Value::is_null), "{chunk}");
        if !choice["finish_reason"].is_null() {
            finish = choice["finish_reason"].clone();
        }
        add(&mut message, &choice["delta"]);
    }
    assert!(done, "{events}");
    (message, finish, usage, own)
}

fn add(message: &mut Value, delta: &Value) {
    for name in ["content", "refusal", "reasoning_content"] {
        append(&mut message[name], &delta[name]);
    }
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        let at = usize::try_from(call["index"].as_u64().expect("a place")).unwrap();
        let calls = message["tool_calls"].as_array_mut().unwrap();
        if at == calls.len() {
            calls.push(call.clone());
        } else {
            let arguments = &call["function"]["arguments"];
            append(&mut calls[at]["function"]["arguments"], arguments);
        }
    }
}

fn append(to: &mut Value, more: &Value) {
    if let Some(more) = more.as_str() {
        *to = format!("{}{more}", to.as_str().unwrap_or_default()).into();
    }
}

fn heard(message: &Value, finish: &Value, usage: &Value, own: &Value) -> Value {
    let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
    let calls = message["tool_calls"].as_array().into_iter().flatten();
    let calls = calls.map(|call| {
        assert_eq!(call["type"], "function");
        let id = call["id"].as_str().expect("an id");
        json!({
            "name": call["function"]["name"],
            "arguments": call["function"]["arguments"],
            "sealed": id.starts_with("kwtc1_"),
        })
    });
    let told = own["finish_reason"].as_str().expect("a finish");
    let here = match told {
        "STOP" => "stop",
        "LENGTH" => "length",
        "TOOL_CALLS" => "tool_calls",
        _ => "content_filter",
    };
    assert_eq!(finish, here);
    let attempts = own["receipt"]["attempts"].as_array().expect("attempts");
    json!({
        "text": text("content"),
        "refusal": text("refusal"),
        "reasoning": text("reasoning_content"),
        "calls": calls.collect::<Vec<_>>(),
        "finish": told,
        "provider_finish": own["provider_finish"],
        "usage": counts(attempts.last().expect("one"), usage),
    })
}

/// The counts that are not zero, by the names of a case. `OpenAI`'s own must be their sums.
fn counts(attempt: &Value, told: &Value) -> Value {
    let Some(of) = Known::of(attempt) else {
        assert!(told.is_null(), "{told}");
        return json!({});
    };
    let (input, output) = (of.input() + of.cached(), of.output());
    assert_eq!(told["prompt_tokens"], input, "{told}");
    if output.is_some() {
        assert_eq!(told["completion_tokens"].as_u64(), output, "{told}");
    }
    assert_eq!(told["total_tokens"], input + output.unwrap_or(0), "{told}");
    let details = &told["completion_tokens_details"]["reasoning_tokens"];
    assert_eq!(details.as_u64(), of.count("reasoning_tokens"));
    of.case()
}

/// What a receipt says of an attempt's tokens.
pub(super) struct Known<'a>(&'a serde_json::Map<String, Value>);

impl<'a> Known<'a> {
    pub(super) fn of(attempt: &'a Value) -> Option<Self> {
        attempt["usage"].as_object().map(Self)
    }

    /// That of the last attempt of an answer.
    pub(super) fn last(own: &'a Value) -> Option<Self> {
        let attempts = own["receipt"]["attempts"].as_array().expect("attempts");
        Self::of(attempts.last().expect("one"))
    }

    pub(super) fn count(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    pub(super) fn input(&self) -> u64 {
        self.count("input_tokens").unwrap_or(0)
    }

    pub(super) fn cached(&self) -> u64 {
        let read = self.count("cache_read_tokens").unwrap_or(0);
        read + self.count("cache_write_tokens").unwrap_or(0)
    }

    pub(super) fn output(&self) -> Option<u64> {
        self.count("output_tokens")
    }

    /// The counts that are not zero, by the names of a case.
    pub(super) fn case(&self) -> Value {
        let known = self.0.iter().filter(|(_, count)| **count != 0);
        let named = known.map(|(name, count)| {
            let name = name.trim_end_matches("_tokens").to_owned();
            (name, count.clone())
        });
        named.collect()
    }
}

/// Arguments whatever the spelling of their numbers and spaces.
pub(super) fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_no_json| text.into())
}

/// Events with their names, each of which is that of its data.
pub(super) fn named(events: &str) -> Vec<Value> {
    let events = events.split_terminator("\n\n").map(|event| {
        let (name, data) = event.split_once('\n').expect("two lines");
        let data = data.strip_prefix("data: ").expect("a data line");
        let data: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(name, format!("event: {}", data["type"].as_str().unwrap()));
        data
    });
    events.collect()
}

/// What a neutral answer of a case says in a shape that has a place for reasoning: an id is sealed for
/// the sake of its own signature only.
pub(super) fn of_blocks(answer: &Value, refuses: bool) -> Value {
    let mut heard = of(answer);
    let parts = answer["parts"].as_array().expect("parts").iter();
    let calls = parts.filter_map(|part| part["tool_call"].as_object());
    let calls = calls.map(|call| {
        json!({
            "name": call["name"],
            "arguments": arguments(call["arguments_json"].as_str().unwrap()),
            "sealed": call["signed"],
        })
    });
    heard["calls"] = calls.collect::<Vec<_>>().into();
    if !refuses {
        let said = |name: &str| heard[name].as_str().unwrap().to_owned();
        heard["text"] = (said("text") + &said("refusal")).into();
        heard["refusal"] = "".into();
    }
    heard
}

/// Lengths and counts of a list of vectors.
pub(super) fn vectors(answer: &Value) -> Value {
    let list = answer["data"].as_array().expect("a list");
    let lengths = list.iter().enumerate().map(|(at, vector)| {
        assert_eq!(vector["index"], at);
        match &vector["embedding"] {
            Value::String(text) => STANDARD.decode(text).expect("base64").len() / 4,
            numbers => numbers.as_array().expect("numbers").len(),
        }
    });
    let lengths: Vec<usize> = lengths.collect();
    let attempts = answer["keyway"]["receipt"]["attempts"].as_array();
    let last = attempts.and_then(|attempts| attempts.last()).expect("one");
    json!({"lengths": lengths, "usage": counts(last, &answer["usage"])})
}
