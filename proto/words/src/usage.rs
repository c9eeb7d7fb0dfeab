//! Usage in its normal form, and the words that describe how an attempt went.

/// What one attempt used, in parts that never overlap. `None` is not known, `Some(0)` is zero.
///
/// The total is the sum of the parts; [`Usage::reasoning_tokens`] is an *of which* of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Input neither read from nor written to a cache.
    pub input_tokens: Option<u64>,
    /// Input read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Input written to a cache of the provider's default lifetime.
    pub cache_write_tokens: Option<u64>,
    /// Input written to a cache for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Input written to a cache for twelve hours.
    pub cache_write_12h_tokens: Option<u64>,
    /// Everything billed as output, reasoning included.
    pub output_tokens: Option<u64>,
    /// Of the output: reasoning.
    pub reasoning_tokens: Option<u64>,
    /// Audio input, where the provider splits it.
    pub input_audio_tokens: Option<u64>,
    /// Audio input read from a cache.
    pub cache_read_audio_tokens: Option<u64>,
    /// Audio output.
    pub output_audio_tokens: Option<u64>,
    /// Requests priced one by one.
    pub requests: Option<u64>,
    /// Search results returned.
    pub search_results: Option<u64>,
    /// Pages whose contents were returned, times content types.
    pub content_pages: Option<u64>,
    /// Summaries made.
    pub summaries: Option<u64>,
    /// Web searches that the model made on the provider's side.
    pub server_tool_requests: Option<u64>,
}

impl Usage {
    /// Whether nothing at all is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// Whether both sides of a model's turn are known: what went in and what came out.
    pub const fn has_both_sides(&self) -> bool {
        self.input_tokens.is_some() && self.output_tokens.is_some()
    }

    /// All input tokens, cached and fresh, text and audio; unknown parts count as none.
    pub fn prompt_tokens(&self) -> u64 {
        [
            self.input_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.cache_write_1h_tokens,
            self.cache_write_12h_tokens,
            self.input_audio_tokens,
            self.cache_read_audio_tokens,
        ]
        .into_iter()
        .flatten()
        .fold(0, u64::saturating_add)
    }
}

/// Whose key served an attempt. Only the resolver makes one from a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A key of the workspace.
    Own,
    /// A key of the platform.
    Hosted,
}

/// How the usage was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The provider reported all of it.
    ProviderReported,
    /// Some counts were seen: the answer was cut, or told only one side of the turn.
    Partial,
    /// Nothing was reported; there is an estimate.
    Estimated,
    /// Nothing is known until a correction.
    Unknown,
    /// The request never left, or the provider answered an error without usage.
    None,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The provider answered to the end.
    Completed,
    /// The provider, or the way to it, failed.
    Failed,
    /// The answer broke off before its end.
    Truncated,
    /// The caller left.
    Abandoned,
    /// The router stopped while the attempt was open; a sweep closed it.
    Swept,
}

/// What kind of attempt it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A call.
    Call,
    /// A test of a key.
    Probe,
    /// A counting request that costs nothing.
    Count,
}
