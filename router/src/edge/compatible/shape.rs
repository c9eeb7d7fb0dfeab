//! The shapes that a chat can be asked for in. What differs between them is all behind here. Pure.

use std::fmt;

use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::{ChatDelta, ChatReply, StreamEnd};
use keyway_words::{CallId, ProviderId};
use serde_json::{Map, Value};

use super::names::Names;
use super::sealed::{Seal, Sealing};
use super::{common, completions, messages, responses};

/// In whose words a chat is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::edge) enum Shape {
    /// `OpenAI`'s chat completions.
    Completions,
    /// Anthropic's messages.
    Messages,
    /// `OpenAI`'s responses.
    Responses,
}

/// A request, and how it is to be answered.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: wire::ChatRequest,
    pub(super) stream: bool,
    pub(super) tail: Tail,
}

/// What of a request its answer depends on, beside what it says.
#[derive(Debug)]
pub(super) enum Tail {
    /// Nothing.
    None,
    /// Whether a last chunk with the usage is asked for.
    Usage(bool),
    /// Members of the request that its answer repeats.
    Echo(Map<String, Value>),
}

/// What every answer begins with.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) id: CallId,
    /// Seconds since 1970.
    pub(super) created: i64,
    /// As its caller named it.
    pub(super) model: String,
}

/// A streamed answer, event by event.
pub(super) trait Events: fmt::Debug + Send {
    /// The events for one more piece; empty for one that shows nothing.
    fn piece(&mut self, piece: ChatDelta) -> String;

    /// The events that end a whole stream.
    fn end(&mut self, end: &StreamEnd, receipt: &wire::Receipt) -> String;
}

/// Among no tools a choice of none or any changes nothing; answers of responses say `auto` there.
fn leave_idle_choice_out(request: &mut wire::ChatRequest) {
    if !request.tools.is_empty() {
        return;
    }
    request.parallel_tool_calls = None;
    let idle = [wire::ToolMode::Auto, wire::ToolMode::None].map(common::mode);
    request.tool_choice = request
        .tool_choice
        .take()
        .filter(|choice| !idle.contains(choice));
}

impl Shape {
    /// Reads a request. `provider_of` says whose a model is; `request_id` stood in a header.
    pub(super) fn read(
        self,
        body: &[u8],
        request_id: String,
        seal: &Seal,
        provider_of: impl Fn(&str) -> Result<ProviderId, Fault>,
    ) -> Result<Asked, Fault> {
        let asked = match self {
            Self::Completions => completions::read::chat(body, request_id, seal, provider_of),
            Self::Messages => messages::read::chat(body, request_id, seal, provider_of),
            Self::Responses => responses::read::chat(body, request_id, seal, provider_of),
        };
        let mut asked = asked?;
        leave_idle_choice_out(&mut asked.request);
        Ok(asked)
    }

    /// A whole answer as JSON.
    pub(super) fn whole(
        self,
        head: &Head,
        tail: Tail,
        sealing: Sealing,
        reply: ChatReply,
        receipt: &wire::Receipt,
    ) -> String {
        match self {
            Self::Completions => {
                completions::write::whole(head, sealing, reply, receipt).to_string()
            }
            Self::Messages => messages::write::whole(head, sealing, reply, receipt),
            Self::Responses => {
                responses::write::whole(head, tail, sealing, reply, receipt).to_string()
            }
        }
    }

    /// A streamed answer.
    pub(super) fn events(self, head: Head, tail: Tail, sealing: Sealing) -> Box<dyn Events> {
        match self {
            Self::Completions => {
                let usage = matches!(tail, Tail::Usage(true));
                Box::new(completions::write::Chunks::new(head, sealing, usage))
            }
            Self::Messages => Box::new(messages::write::Stream::new(head, sealing)),
            Self::Responses => Box::new(responses::events::Stream::new(&head, tail, sealing)),
        }
    }

    /// The same fault about the field that its caller wrote.
    pub(super) fn renamed(self, fault: Fault) -> Fault {
        self.names().renamed(fault)
    }

    const fn names(self) -> &'static Names {
        match self {
            Self::Completions => &completions::names::NAMES,
            Self::Messages => &messages::names::NAMES,
            Self::Responses => &responses::names::NAMES,
        }
    }

    /// In whose words failures are told.
    pub(in crate::edge) const fn words(self) -> ProviderId {
        match self {
            Self::Completions | Self::Responses => ProviderId::OpenAi,
            Self::Messages => ProviderId::Anthropic,
        }
    }
}
