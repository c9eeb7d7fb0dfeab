//! A streamed generated content. It has no terminator: it is whole if a reason to finish was given
//! before its body ended.

use super::finish;
use super::response::{is_call, read};
use crate::chat::{AssistantPart, ChatDelta, StreamEnd, ToolCallDelta};
use crate::event_stream::EventReader;
use crate::metered::Metered;
use crate::sse::{SseDecoder, SseEvent};
use crate::wire::DecodeError;

/// Reads the chunks.
#[derive(Debug, Default)]
pub(super) struct ContentReader {
    metered: Metered,
    finish: Option<String>,
    calls: usize,
}

impl EventReader for ContentReader {
    const ENDS_WITH_BODY: bool = true;

    /// An error may stand in the stream as plain JSON.
    fn sse() -> SseDecoder {
        SseDecoder::with_bare_json()
    }

    fn read(&mut self, event: &SseEvent, deltas: &mut Vec<ChatDelta>) -> Result<(), DecodeError> {
        let said = read(event.data.as_bytes(), self.calls, &mut self.metered)?;
        for part in said.parts {
            let index = u32::try_from(self.calls).unwrap_or(u32::MAX);
            if is_call(&part) {
                self.calls = self.calls.saturating_add(1);
            }
            deltas.push(delta(part, index));
        }
        if said.finish.is_some() {
            self.finish = said.finish;
        }
        // Counts before the last chunk may still grow.
        self.metered.complete &= self.finish.is_some();
        Ok(())
    }

    fn end(&self) -> Option<StreamEnd> {
        self.finish.as_ref().map(|word| StreamEnd {
            finish: finish(word, self.calls > 0),
            provider_finish: word.clone(),
        })
    }

    fn meter(&self) -> &Metered {
        &self.metered
    }
}

/// A part as one delta: a call comes whole here.
fn delta(part: AssistantPart, index: u32) -> ChatDelta {
    match part {
        AssistantPart::Text(text) => ChatDelta::Text(text),
        AssistantPart::Refusal(text) => ChatDelta::Refusal(text),
        AssistantPart::Reasoning(part) => ChatDelta::Reasoning(part),
        AssistantPart::ToolCall(call) => ChatDelta::ToolCall(ToolCallDelta {
            index,
            id: Some(call.id),
            name: Some(call.name),
            arguments: call.arguments,
            signature: call.signature,
        }),
    }
}
