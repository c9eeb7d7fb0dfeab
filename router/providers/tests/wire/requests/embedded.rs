//! Documents within a request: what a caller wrote as JSON text is on the wire as it was written, and
//! nothing of the provider's own fields may say what the neutral schema says.

use proptest::prelude::*;

use super::*;

/// JSON as nobody's writer would write it: any order, numbers in any spelling, white space, escapes.
fn value() -> impl Strategy<Value = String> {
    let numbers = [
        "0",
        "-0",
        "1.0",
        "1.50",
        "1E+2",
        "1e-7",
        "12345678901234567890123",
        "0.1000",
    ];
    let texts = [r#""a""#, r#""\u0061\/\n""#, r#""ü \"x\"""#, r#""""#];
    let plain = prop_oneof![
        prop::sample::select(numbers.to_vec()).prop_map(str::to_owned),
        prop::sample::select(texts.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec!["true", "null", "{ }", "[]"]).prop_map(str::to_owned),
    ];
    plain.prop_recursive(3, 16, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            list.prop_map(|items| format!("[ {}]", items.join(" ,"))),
            members(inner).prop_map(|members| format!("{{{members}}}")),
        ]
    })
}

/// Members in any order, no name twice.
fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::collection::hash_map("[a-zA-Z_]{1,5}", value, 0..4).prop_map(|members| {
        let members = members
            .iter()
            .map(|(name, value)| format!(" \"{name}\":{value}"));
        members.collect::<Vec<_>>().join(",")
    })
}

/// An object that is found again by its mark.
fn object(mark: &'static str) -> impl Strategy<Value = String> {
    (members(value()), value()).prop_map(move |(members, value)| {
        let comma = if members.is_empty() { "" } else { "," };
        format!(r#"{{"{mark}":{value}{comma}{members}}}"#)
    })
}

/// The five documents that a chat may carry.
#[derive(Debug)]
struct Documents {
    parameters: String,
    schema: String,
    arguments: String,
    result: String,
    option: String,
}

fn documents() -> impl Strategy<Value = Documents> {
    let of = (
        object("mark-1"),
        object("mark-2"),
        object("mark-3"),
        object("mark-4"),
        object("mark-5"),
    );
    of.prop_map(
        |(parameters, schema, arguments, result, option)| Documents {
            parameters,
            schema,
            arguments,
            result,
            option,
        },
    )
}

/// An adapter that chats: a row of it, a model, and a field of its own that takes any document.
const CHATS: [(&str, &str, &str); 5] = [
    ("openai/chat_plain.request", "gpt-4.1-mini", "prediction"),
    ("openai/responses_plain.request", "gpt-5.4-pro", "metadata"),
    (
        "anthropic/message_plain.request",
        "claude-haiku-4-5",
        "context_management",
    ),
    (
        "google/generate_plain.request",
        "gemini-3.8-flash",
        "labels",
    ),
    (
        "mistral/chat_plain.request",
        "mistral-small-latest",
        "prediction",
    ),
];

fn chat(documents: &Documents, model: &str, option: &str) -> ChatCall {
    let schema = |text: &str| JsonObject::parse(text).unwrap();
    let call = ToolCall {
        id: "abcdefghi".into(),
        name: "get_weather".into(),
        arguments: documents.arguments.clone(),
        signature: Vec::new(),
    };
    ChatCall {
        model: model.into(),
        max_output_tokens: Some(64),
        tools: vec![Tool {
            name: "get_weather".parse().unwrap(),
            description: String::new(),
            parameters: Some(schema(&documents.parameters)),
            strict: None,
        }],
        response_format: Some(ResponseFormat {
            schema: schema(&documents.schema),
            name: None,
            strict: None,
        }),
        provider_options: options(&format!(r#"{{"{option}":{}}}"#, documents.option)),
        messages: vec![
            user("x"),
            Message::Assistant(vec![AssistantPart::ToolCall(call)]),
            Message::Tool(vec![result("abcdefghi", &documents.result, false)]),
        ],
        ..ChatCall::default()
    }
}

/// A document as it stands within a JSON text.
fn quoted(document: &str) -> String {
    serde_json::to_string(document).unwrap()
}

fn text(request: &WireRequest) -> String {
    String::from_utf8(request.body.to_vec()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn order_and_spelling_of_every_document_of_a_chat_survive_at_every_provider(
        documents in documents(),
        streamed: bool,
    ) {
        for (id, model, option) in CHATS {
            let call = chat(&documents, model, option);
            let body = text(&row(id).adapter().chat(&call, streamed).unwrap());
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{id}: {body}");
            for document in [&documents.parameters, &documents.schema, &documents.option] {
                prop_assert_eq!(body.matches(document.as_str()).count(), 1, "{}: {}", id, body);
            }
            for document in [&documents.arguments, &documents.result] {
                let found = body.matches(document.as_str()).count();
                let within_text = body.matches(&quoted(document)).count();
                prop_assert_eq!(found + within_text, 1, "{}: {}", id, body);
            }
        }
    }

    #[test]
    fn order_and_spelling_survive_in_searches_and_embeddings_too(
        schema in object("mark-1"),
        option in object("mark-2"),
    ) {
        let search = SearchCall {
            model: "deep".into(),
            query: "x".into(),
            output_schema: Some(JsonObject::parse(&schema).unwrap()),
            provider_options: options(&format!(r#"{{"flags":{option}}}"#)),
            ..SearchCall::default()
        };
        let body = text(&row("exa/search_deep.request").adapter().search(&search).unwrap());
        prop_assert!(body.contains(&schema) && body.contains(&option), "{body}");
        for (id, model) in EMBEDDINGS {
            let call = EmbedCall {
                model: model.into(),
                inputs: vec!["a".into(), "b".into()],
                provider_options: options(&format!(r#"{{"extra":{option}}}"#)),
                ..EmbedCall::default()
            };
            let body = text(&row(id).adapter().embed(&call).unwrap());
            prop_assert!(body.contains(&option), "{id}: {body}");
        }
    }
}

const EMBEDDINGS: [(&str, &str); 3] = [
    ("openai/embeddings_base64.request", "text-embedding-3-small"),
    ("google/batch_embed.request", "gemini-embedding-001"),
    ("mistral/embeddings_float.request", "mistral-embed"),
];

/// What no call of any provider may say by an option: the schema says it, Keyway decides it, or it is
/// what the answer is metered by.
const NEVER: [&str; 12] = [
    "model",
    "stream",
    "messages",
    "contents",
    "input",
    "store",
    "stream_options",
    "streamOptions",
    "streamingConfig",
    "usage",
    "api_key",
    "Authorization",
];

/// The same call with one more field of the provider's own.
fn with_option(call: &Call, name: &str) -> Call {
    let options = options(&format!("{{\"{name}\":null}}"));
    match call {
        Call::Chat(call) | Call::Stream(call) => Call::Chat(Box::new(ChatCall {
            provider_options: options,
            ..call.as_ref().clone()
        })),
        Call::Embed(call) => Call::Embed(EmbedCall {
            provider_options: options,
            ..call.clone()
        }),
        Call::Search(call) => Call::Search(Box::new(SearchCall {
            provider_options: options,
            ..call.as_ref().clone()
        })),
    }
}

fn own_options(call: &Call) -> Vec<String> {
    let options = match call {
        Call::Chat(call) | Call::Stream(call) => &call.provider_options,
        Call::Embed(call) => &call.provider_options,
        Call::Search(call) => &call.provider_options,
    };
    options.names().map(str::to_owned).collect()
}

#[test]
fn an_option_that_says_what_the_schema_says_is_refused_by_its_name_at_every_provider() {
    for (id, call, _) in cases() {
        let row = row(id);
        let body = written(&row, &call).unwrap().body;
        let body: Value = serde_json::from_slice(&body).unwrap();
        let own = own_options(&call);
        // Whatever the adapter writes itself, and what nobody may say.
        let mut taken: Vec<String> = NEVER.iter().map(|&name| name.to_owned()).collect();
        taken.extend(body.as_object().unwrap().keys().cloned());
        taken.retain(|name| !own.contains(name));
        for name in taken {
            let refused = written(&row, &with_option(&call, &name)).err();
            let named = EncodeError::OptionNotAllowed { name: name.clone() };
            // An object of which some members are the provider's own is checked within.
            let within = name == "generationConfig";
            assert!(
                refused == Some(named) || within,
                "{id}: {name}: {refused:?}"
            );
        }
    }
}

#[test]
fn what_the_schema_has_is_refused_within_an_options_object_too() {
    let google = row("google/generate_plain.request").adapter();
    for name in [
        "temperature",
        "topP",
        "top_p",
        "maxOutputTokens",
        "stopSequences",
        "seed",
        "responseJsonSchema",
        "responseMimeType",
        "thinkingConfig",
        "candidateCount",
    ] {
        let call = ChatCall {
            model: "gemini-3.8-flash".into(),
            provider_options: options(&format!("{{\"generationConfig\":{{\"{name}\":1}}}}")),
            messages: vec![user("x")],
            ..ChatCall::default()
        };
        let refused = google.chat(&call, false).err();
        let named = EncodeError::OptionNotAllowed { name: name.into() };
        assert_eq!(refused, Some(named));
    }
}
