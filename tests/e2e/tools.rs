//! Tools through the product: parallel calls go to the caller one by one, and their results go back
//! with whatever the provider demands with them.

use keyway_proto::router::v1::{
    ChatRequest, ChatRole, FinishReason, Message, Part, Tool, ToolCall, ToolResult, part,
};

use crate::harness::{Logs, Product, say};

const CHATS: [&str; 4] = [
    "openai/gpt-4.1-mini",
    "anthropic/claude-haiku-4-5",
    "google/gemini-3.8-flash",
    "mistral/mistral-small-latest",
];

#[tokio::test]
async fn parallel_calls_go_there_and_their_results_come_back() {
    let product = Product::start().await;
    let _logs = Logs(&product);
    for model in CHATS {
        for stream in [false, true] {
            there_and_back(&product, model, stream).await;
        }
    }
}

async fn there_and_back(product: &Product, model: &str, stream: bool) {
    let caller = product.caller();
    let mut request = say(model, "[sim:tools]");
    request.tools = ["get_weather", "get_time"].map(tool).into();
    let send = async |request: ChatRequest| {
        if stream {
            return caller.stream_chat(request).await;
        }
        let answer = caller.chat(request).await;
        answer.unwrap_or_else(|status| panic!("{model}: {status:?}"))
    };
    let answer = send(request.clone()).await;
    assert_eq!(
        answer.finish_reason(),
        FinishReason::ToolCalls,
        "{answer:?}"
    );
    let asked = answer.message.clone().unwrap();
    let calls = called(&asked);
    let names: Vec<&str> = calls.iter().map(|call| call.name.as_str()).collect();
    assert_eq!(names, ["get_weather", "get_time"]);
    assert!(
        calls
            .iter()
            .all(|call| call.arguments_json == r#"{"city":"sample"}"#)
    );
    assert_ne!(calls[0].id, calls[1].id);
    let results = calls.iter().zip(["18 C", "noon"]).map(|(call, text)| Part {
        part: Some(part::Part::ToolResult(ToolResult {
            call_id: call.id.clone(),
            text: text.to_owned(),
            is_error: false,
        })),
    });
    request.messages.push(asked.clone());
    request.messages.push(Message {
        role: ChatRole::Tool.into(),
        parts: results.collect(),
    });
    let answer = send(request.clone()).await;
    let text = text(&answer.message.unwrap());
    assert!(
        text.starts_with("The tool said: ") && text.contains("noon"),
        "{text}"
    );

    // Google demands its signature back with the first call of the group: the simulator checks it.
    let signed = calls.iter().map(|call| !call.signature.is_empty());
    let google = model.starts_with("google/");
    assert_eq!(signed.collect::<Vec<_>>(), [google, false]);
    if google {
        for part in &mut request.messages[1].parts {
            if let Some(part::Part::ToolCall(call)) = &mut part.part {
                call.signature.clear();
            }
        }
        let refused = caller.chat(request).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument, "{refused:?}");
    }
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        parameters_json: r#"{"type":"object","properties":{"city":{"type":"string"}}}"#.to_owned(),
        ..Default::default()
    }
}

fn called(message: &Message) -> Vec<ToolCall> {
    let parts = message.parts.iter().filter_map(|part| match &part.part {
        Some(part::Part::ToolCall(call)) => Some(call.clone()),
        _ => None,
    });
    parts.collect()
}

fn text(message: &Message) -> String {
    let parts = message.parts.iter().filter_map(|part| match &part.part {
        Some(part::Part::Text(text)) => Some(text.as_str()),
        _ => None,
    });
    parts.collect()
}
