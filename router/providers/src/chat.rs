//! The neutral chat call and its answer.
//!
//! A value is well formed by construction: a part stands only in a turn that may have it, and JSON
//! is valid. What a given provider can't honour is its adapter's to refuse.

use bytes::Bytes;

use crate::json::{JsonObject, ProviderOptions};
use crate::metered::Metered;
use crate::text::{Decimal, Name};

/// A chat call, with the model in the provider's own spelling.
#[derive(Debug, Clone, Default)]
pub struct ChatCall {
    /// The provider's own name of the model, without `provider/`.
    pub model: String,
    /// The conversation, oldest first.
    pub messages: Vec<Message>,
    /// Tools that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must; `None`: the provider's default.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several tools at once; `None`: the provider's default.
    pub parallel_tool_calls: Option<bool>,
    /// Shape of the answer; `None`: text.
    pub response_format: Option<ResponseFormat>,
    /// Upper bound of output tokens, reasoning included, as the caller set it.
    pub max_output_tokens: Option<u32>,
    /// The catalogue's bound of the model, for providers that demand one when the caller set none.
    pub model_max_output_tokens: Option<u32>,
    /// Sampling temperature.
    pub temperature: Option<Decimal>,
    /// Nucleus sampling.
    pub top_p: Option<Decimal>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Sampling seed.
    pub seed: Option<i64>,
    /// Reasoning settings.
    pub reasoning: ReasoningSettings,
    /// The caller's own user, opaque; goes to providers that take one.
    pub end_user: Option<String>,
    /// Further fields of the provider's own request.
    pub provider_options: ProviderOptions,
    /// Whether it runs on the platform's key: nothing may be stored at the provider then, and only
    /// options of a closed list are taken.
    pub hosted: bool,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Instructions.
    System(Vec<String>),
    /// The user.
    User(Vec<UserPart>),
    /// The model.
    Assistant(Vec<AssistantPart>),
    /// Results of tools.
    Tool(Vec<ToolResult>),
}

/// One part of a user's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPart {
    /// Text.
    Text(String),
    /// An image.
    Image(Image),
}

/// An image. The router never fetches a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// The bytes themselves.
    Inline {
        /// What they are.
        media_type: MediaType,
        /// The bytes.
        data: Bytes,
    },
    /// An `https:` URL that the provider fetches.
    Url(String),
}

/// Format of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `image/png`.
    Png,
    /// `image/jpeg`.
    Jpeg,
    /// `image/gif`.
    Gif,
    /// `image/webp`.
    Webp,
}

impl MediaType {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Png, Self::Jpeg, Self::Gif, Self::Webp]
            .into_iter()
            .find(|format| format.as_str() == name)
    }
}

/// One part of the model's turn, given back by the caller or new in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssistantPart {
    /// Text.
    Text(String),
    /// A call of a tool.
    ToolCall(ToolCall),
    /// Reasoning, to be given back unchanged.
    Reasoning(ReasoningPart),
    /// A refusal.
    Refusal(String),
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCall {
    /// Id that the result names.
    pub id: String,
    /// Name of the tool.
    pub name: String,
    /// Arguments exactly as the model wrote them: JSON text as a rule, but nobody guarantees it.
    pub arguments: String,
    /// Opaque signature, empty where the provider has none.
    pub signature: Vec<u8>,
}

/// The result of a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolResult {
    /// Id of the call.
    pub call_id: String,
    /// Result as text.
    pub text: String,
    /// Whether the tool failed.
    pub is_error: bool,
}

/// Reasoning of the model with what the provider needs to get it back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReasoningPart {
    /// Readable text; may be empty.
    pub text: String,
    /// Opaque signature, or the encrypted content of a redacted block.
    pub signature: Vec<u8>,
    /// Whether the provider redacted the text.
    pub redacted: bool,
}

/// A tool.
#[derive(Debug, Clone)]
pub struct Tool {
    /// Its name.
    pub name: Name,
    /// What it does; empty: nothing is said.
    pub description: String,
    /// JSON schema of the arguments; `None`: no arguments.
    pub parameters: Option<JsonObject>,
    /// Whether arguments must follow the schema exactly; `None`: the provider's default.
    pub strict: Option<bool>,
}

/// Whether tools must be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice {
    /// The model decides.
    Auto,
    /// No tool may be called.
    None,
    /// Some tool must be called.
    Required,
    /// This tool must be called.
    Tool(Name),
}

/// Shape of the answer: JSON by a schema.
#[derive(Debug, Clone)]
pub struct ResponseFormat {
    /// JSON schema of the answer.
    pub schema: JsonObject,
    /// Name of the schema, for providers that want one.
    pub name: Option<Name>,
    /// Whether the schema must be followed exactly; `None`: the provider's default.
    pub strict: Option<bool>,
}

/// Reasoning settings; `None` means the provider's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReasoningSettings {
    /// How much to reason.
    pub effort: Option<Effort>,
    /// Budget of reasoning tokens, for providers that take one.
    pub budget_tokens: Option<u32>,
}

/// How much to reason. Ordered from none to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// As little as possible.
    Minimal,
    /// Little.
    Low,
    /// Medium.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
    /// As much as possible.
    Max,
}

impl Effort {
    /// Its name, as in the neutral schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        use Effort::{High, Low, Max, Medium, Minimal, None, Xhigh};
        [None, Minimal, Low, Medium, High, Xhigh, Max]
            .into_iter()
            .find(|effort| effort.as_str() == name)
    }
}

/// An answer that came whole.
#[derive(Debug, Clone)]
pub struct ChatReply {
    /// The model's turn.
    pub parts: Vec<AssistantPart>,
    /// Why it stopped.
    pub finish: Finish,
    /// The provider's own word for it; empty if it said nothing.
    pub provider_finish: String,
    /// What was measured.
    pub metered: Metered,
}

/// One piece of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChatDelta {
    /// More text.
    Text(String),
    /// More reasoning: text to append, or the signature that closes a block.
    Reasoning(ReasoningPart),
    /// More text of a refusal.
    Refusal(String),
    /// More of a tool call.
    ToolCall(ToolCallDelta),
}

/// More of a tool call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToolCallDelta {
    /// Counts the calls of this answer from 0.
    pub index: u32,
    /// Id, with the first piece of a call.
    pub id: Option<String>,
    /// Name, with the first piece of a call.
    pub name: Option<String>,
    /// Piece of the arguments to append.
    pub arguments: String,
    /// Opaque signature of the call, empty where the provider has none; whole in one piece.
    pub signature: Vec<u8>,
}

/// The end of a streamed answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// Why the model stopped.
    pub finish: Finish,
    /// The provider's own word for it; empty if it said nothing.
    pub provider_finish: String,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    Stop,
    /// A bound of output or the context window was reached.
    Length,
    /// It wants tools called.
    ToolCalls,
    /// The provider's filter stopped it.
    ContentFilter,
    /// It refused. Text that came before is to be discarded.
    Refusal,
    /// The provider asks to be called again with the answer.
    Pause,
    /// Something else; the provider's own word says what.
    Other,
}
