//! The neutral embedding call and its answer.

use crate::json::ProviderOptions;
use crate::metered::Metered;

/// An embedding call, with the model in the provider's own spelling.
#[derive(Debug, Clone, Default)]
pub struct EmbedCall {
    /// The provider's own name of the model, without `provider/`.
    pub model: String,
    /// Texts, in order.
    pub inputs: Vec<String>,
    /// Length of the vectors; `None`: the model's own.
    pub dimensions: Option<u32>,
    /// The caller's own user, opaque; goes to providers that take one.
    pub end_user: Option<String>,
    /// Further fields of the provider's own request.
    pub provider_options: ProviderOptions,
    /// Whether it runs on the platform's key; see [`crate::chat::ChatCall::hosted`].
    pub hosted: bool,
}

/// What one embedding request of a provider may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmbedBatch {
    /// Texts at most.
    pub inputs: usize,
    /// Bytes of text at most. A token is a byte at least, so this keeps within the provider's bound
    /// of tokens without a tokenizer. A longer single text is the provider's to judge.
    pub text_bytes: usize,
    /// Bytes that one number of an answer takes on the wire, at most.
    pub number_bytes: usize,
}

/// Vectors, one per input, in the order of the inputs.
#[derive(Debug, Clone)]
pub struct EmbedReply {
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// What was measured.
    pub metered: Metered,
}
