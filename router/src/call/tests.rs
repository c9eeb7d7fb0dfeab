//! Slips of a caller end as one field error; what is right reaches the neutral call unchanged.

use keyway_chassis::access::Caller;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{AssistantPart, Message, UserPart};
use keyway_words::Role;

use super::*;

fn origin() -> Origin {
    let caller = Caller {
        accessor: "a-1".into(),
        subject: "service:ci".into(),
        role: Role::Caller,
        workspace: Some("acme".parse().unwrap()),
        expire_time: None,
        listed: None,
        grants: std::sync::Arc::new([]),
        others: std::sync::Arc::new([]),
    };
    Origin {
        id: CallId::new(),
        caller,
        deadline: Deadline::NONE,
    }
}

fn catalogue() -> Catalogue {
    Catalogue::builtin().unwrap()
}

fn turn(role: wire::ChatRole, part: wire::part::Part) -> wire::Message {
    wire::Message {
        role: role.into(),
        parts: vec![wire::Part { part: Some(part) }],
    }
}

fn text(text: &str) -> wire::part::Part {
    wire::part::Part::Text(text.into())
}

fn request() -> wire::ChatRequest {
    wire::ChatRequest {
        model: "openai/gpt-5-mini".into(),
        messages: vec![turn(wire::ChatRole::User, text("hi"))],
        ..wire::ChatRequest::default()
    }
}

fn parse(change: impl FnOnce(&mut wire::ChatRequest)) -> Result<Call, Fault> {
    let mut request = request();
    change(&mut request);
    Call::chat(origin(), request, false, &catalogue())
}

fn field(change: impl FnOnce(&mut wire::ChatRequest)) -> String {
    let fault = parse(change).unwrap_err();
    assert_eq!(fault.reason, Reason::FieldInvalid, "{fault:?}");
    fault.field.unwrap()
}

#[test]
fn a_model_is_named_with_its_provider_or_found_in_the_catalogue() {
    let table = catalogue();
    let named =
        |text: &str| model(text, &table).map(|(provider, model)| format!("{provider} {model}"));
    assert_eq!(named("openai/gpt-5-mini").unwrap(), "openai gpt-5-mini");
    assert_eq!(named("gpt-5-mini").unwrap(), "openai gpt-5-mini");
    assert_eq!(
        named("openai/no-such-model-yet").unwrap(),
        "openai no-such-model-yet"
    );
    assert_eq!(named("openai/ft:gpt/x:y").unwrap(), "openai ft:gpt/x:y");
    for unknown in ["nope", "nobody/gpt-5-mini"] {
        assert_eq!(
            named(unknown).unwrap_err().reason,
            Reason::ModelUnknown,
            "{unknown}"
        );
    }
    for bad in ["", "openai/", "a b", "ä", &"x".repeat(161)] {
        assert_eq!(
            named(bad).unwrap_err().reason,
            Reason::FieldInvalid,
            "{bad}"
        );
    }
}

#[test]
fn a_credential_mode_that_is_not_known_is_refused_and_not_read_as_the_widest() {
    assert_eq!(
        field(|request| request.credential_mode = 9),
        "credential_mode"
    );
    let table = catalogue();
    let search = wire::SearchRequest {
        query: "rust".into(),
        credential_mode: 9,
        ..wire::SearchRequest::default()
    };
    let embed = wire::EmbedRequest {
        model: "openai/text-embedding-3-small".into(),
        inputs: vec!["x".into()],
        credential_mode: -1,
        ..wire::EmbedRequest::default()
    };
    let refused = [
        Call::search(origin(), search, &table),
        Call::embed(origin(), embed, &table),
    ];
    for refused in refused {
        let fault = refused.unwrap_err();
        assert_eq!(fault.reason, Reason::FieldInvalid);
        assert_eq!(fault.field.as_deref(), Some("credential_mode"));
    }
}

#[test]
fn labels_and_ids_are_bounded() {
    let label = |name: &str, value: &str| {
        let (name, value) = (name.to_owned(), value.to_owned());
        field(|request| drop(request.labels.insert(name, value)))
    };
    assert_eq!(label("", "x"), "labels");
    assert_eq!(label(&"k".repeat(65), "x"), "labels");
    assert_eq!(label("k", &"v".repeat(257)), "labels");
    assert_eq!(label("k", "a\nb"), "labels");
    let many = |count: usize| {
        (0..count)
            .map(|at| (format!("k{at}"), "v".into()))
            .collect()
    };
    assert_eq!(field(|request| request.labels = many(17)), "labels");
    let call = parse(|request| request.labels = many(16)).unwrap();
    assert_eq!(call.labels.len(), 16);
    assert_eq!(
        field(|request| request.end_user = "u".repeat(129)),
        "end_user"
    );
    assert_eq!(
        field(|request| request.request_id = "a b".into()),
        "request_id"
    );
}

#[test]
fn a_slip_names_its_field() {
    use wire::ChatRole::{Assistant, System, Tool, Unspecified, User};
    assert_eq!(field(|request| request.messages.clear()), "messages");
    assert_eq!(
        field(|request| request.messages = vec![turn(Unspecified, text("x"))]),
        "messages[0].role"
    );
    let image = |image| wire::part::Part::Image(image);
    let empty = wire::Image::default();
    assert_eq!(
        field(|request| request.messages.push(turn(User, image(empty.clone())))),
        "messages[1].parts[0].image"
    );
    let plain = wire::Image {
        source: Some(wire::image::Source::Url("http://127.0.0.1/x.png".into())),
        ..wire::Image::default()
    };
    assert_eq!(
        field(|request| request.messages.push(turn(User, image(plain)))),
        "messages[1].parts[0].image"
    );
    for role in [System, Assistant, Tool] {
        let part = image(empty.clone());
        assert_eq!(
            field(|request| request.messages.push(turn(role, part))),
            "messages[1].parts[0]",
            "{role:?}"
        );
    }
}

#[test]
fn a_slip_in_the_settings_names_its_field() {
    assert_eq!(
        field(|request| request.temperature = Some("warm".into())),
        "temperature"
    );
    assert_eq!(
        field(|request| request.max_output_tokens = Some(0)),
        "max_output_tokens"
    );
    assert_eq!(field(|request| request.stop = vec![String::new()]), "stop");
    assert_eq!(
        field(|request| request.provider_options_json = "{".into()),
        "provider_options_json"
    );
    assert_eq!(
        field(|request| request.reasoning = Some(wire::Reasoning {
            effort: "much".into(),
            budget_tokens: None
        })),
        "reasoning.effort"
    );
    let tool = |name: &str, json: &str| wire::Tool {
        name: name.into(),
        parameters_json: json.into(),
        ..wire::Tool::default()
    };
    assert_eq!(
        field(|request| request.tools = vec![tool("a b", "")]),
        "tools[0].name"
    );
    assert_eq!(
        field(|request| request.tools = vec![tool("a", "[1]")]),
        "tools[0].parameters_json"
    );
}

#[test]
fn a_conversation_reaches_the_neutral_call_unchanged() {
    let call = parse(|request| {
        request.messages.push(turn(
            wire::ChatRole::Assistant,
            wire::part::Part::ToolCall(wire::ToolCall {
                id: "c1".into(),
                name: "f".into(),
                arguments_json: "{\"b\":1.0, \"a\":2}".into(),
                signature: vec![1],
            }),
        ));
    });
    let Work::Chat(chat) = call.unwrap().work else {
        panic!("a chat")
    };
    assert_eq!(
        chat.messages[0],
        Message::User(vec![UserPart::Text("hi".into())])
    );
    let Message::Assistant(parts) = &chat.messages[1] else {
        panic!("the assistant's turn")
    };
    let AssistantPart::ToolCall(tool) = &parts[0] else {
        panic!("a tool call")
    };
    assert_eq!(tool.arguments, "{\"b\":1.0, \"a\":2}");
}

#[test]
fn searches_and_embeddings_are_bounded_too() {
    let embed = |inputs: Vec<String>| {
        let model = "openai/text-embedding-3-small".into();
        let request = wire::EmbedRequest {
            model,
            inputs,
            ..wire::EmbedRequest::default()
        };
        Call::embed(origin(), request, &catalogue()).map_err(|fault| fault.field.unwrap())
    };
    assert!(embed(vec!["a".into()]).is_ok());
    assert_eq!(embed(Vec::new()).unwrap_err(), "inputs");
    assert_eq!(
        embed(vec!["a".into(), String::new()]).unwrap_err(),
        "inputs[1]"
    );
    let search = |query: &str| {
        let request = wire::SearchRequest {
            query: query.into(),
            ..wire::SearchRequest::default()
        };
        Call::search(origin(), request, &catalogue()).map_err(|fault| fault.field.unwrap())
    };
    let call = search("rust").unwrap();
    assert_eq!(
        (call.provider, call.model.as_str()),
        (ProviderId::Exa, "auto")
    );
    assert_eq!(search("").unwrap_err(), "query");
}
