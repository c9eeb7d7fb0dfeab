//! Checks of a chat call that hold for every provider.

use crate::chat::{AssistantPart, ChatCall, Message, ToolChoice};
use crate::wire::EncodeError;

/// Refuses a call without turns, and settings of tools that name none.
pub(crate) fn chat(call: &ChatCall) -> Result<(), EncodeError> {
    if call.messages.is_empty() {
        return Err(EncodeError::Invalid {
            field: "messages",
            accepted: "at least one turn",
        });
    }
    if call.stop.iter().any(String::is_empty) {
        return Err(EncodeError::Invalid {
            field: "stop",
            accepted: "texts that are not empty",
        });
    }
    if call.tools.is_empty() && call.tool_choice.is_some() {
        return Err(EncodeError::Invalid {
            field: "tool_choice",
            accepted: "unset without tools",
        });
    }
    if call.tools.is_empty() && call.parallel_tool_calls.is_some() {
        let accepted = "unset without tools";
        return Err(EncodeError::Invalid {
            field: "parallel_tool_calls",
            accepted,
        });
    }
    match &call.tool_choice {
        Some(ToolChoice::Tool(name)) if !call.tools.iter().any(|tool| tool.name == *name) => {
            Err(EncodeError::Invalid {
                field: "tool_choice.tool",
                accepted: "one of the tools",
            })
        }
        _any => Ok(()),
    }
}

/// Name of the tool that a call of this id, somewhere in these turns, was for; the latest wins.
pub(crate) fn tool_of<'c>(turns: &'c [Message], call_id: &str) -> Option<&'c str> {
    let mut parts = turns.iter().rev().flat_map(|turn| match turn {
        Message::Assistant(parts) => parts.as_slice(),
        _other => &[],
    });
    parts.find_map(|part| match part {
        AssistantPart::ToolCall(call) if call.id == call_id => Some(call.name.as_str()),
        _other => None,
    })
}

/// An opaque text that a provider gave, from the bytes that carried it.
pub(crate) fn opaque<'b>(bytes: &'b [u8], field: &'static str) -> Result<&'b str, EncodeError> {
    std::str::from_utf8(bytes).map_err(|_changed| EncodeError::Invalid {
        field,
        accepted: "as the provider gave it",
    })
}
