//! Conversions between the words and their spelling on the wire.

use keyway_words as words;

use crate::Fault;
use crate::billing::v1 as wire;

/// A time on the wire.
pub fn timestamp(at: words::Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = at.seconds_and_nanos();
    prost_types::Timestamp { seconds, nanos }
}

/// A time from the wire, cut to microseconds; `None` where it does not fit.
pub fn from_timestamp(at: &prost_types::Timestamp) -> Option<words::Timestamp> {
    let micros = i64::from(at.nanos).checked_div(1_000)?;
    at.seconds
        .checked_mul(1_000_000)?
        .checked_add(micros)
        .map(words::Timestamp)
}

/// The value of an enum's field. A number that this build does not know is refused: read as the
/// default, it would mean more than was meant.
pub fn known<E: TryFrom<i32>>(field: &str, number: i32) -> Result<E, Fault> {
    E::try_from(number).map_err(|_unknown| unknown(field))
}

/// The same, where the value that says nothing is refused too.
pub fn named<E: TryFrom<i32> + Default + PartialEq>(field: &str, number: i32) -> Result<E, Fault> {
    let value = known(field, number)?;
    if value == E::default() {
        return Err(unknown(field));
    }
    Ok(value)
}

fn unknown(field: &str) -> Fault {
    Fault::field(field, "must be one of the values of its type")
}

impl From<words::Usage> for wire::Usage {
    fn from(usage: words::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            cache_write_1h_tokens: usage.cache_write_1h_tokens,
            cache_write_12h_tokens: usage.cache_write_12h_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            input_audio_tokens: usage.input_audio_tokens,
            cache_read_audio_tokens: usage.cache_read_audio_tokens,
            output_audio_tokens: usage.output_audio_tokens,
            requests: usage.requests,
            search_results: usage.search_results,
            content_pages: usage.content_pages,
            summaries: usage.summaries,
            server_tool_requests: usage.server_tool_requests,
        }
    }
}

impl From<wire::Usage> for words::Usage {
    fn from(usage: wire::Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            cache_read_tokens: usage.cache_read_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            cache_write_1h_tokens: usage.cache_write_1h_tokens,
            cache_write_12h_tokens: usage.cache_write_12h_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            input_audio_tokens: usage.input_audio_tokens,
            cache_read_audio_tokens: usage.cache_read_audio_tokens,
            output_audio_tokens: usage.output_audio_tokens,
            requests: usage.requests,
            search_results: usage.search_results,
            content_pages: usage.content_pages,
            summaries: usage.summaries,
            server_tool_requests: usage.server_tool_requests,
        }
    }
}

impl From<words::Source> for wire::Source {
    fn from(source: words::Source) -> Self {
        match source {
            words::Source::Own => Self::Own,
            words::Source::Hosted => Self::Hosted,
        }
    }
}

impl From<words::Basis> for wire::Basis {
    fn from(basis: words::Basis) -> Self {
        match basis {
            words::Basis::ProviderReported => Self::ProviderReported,
            words::Basis::Partial => Self::Partial,
            words::Basis::Estimated => Self::Estimated,
            words::Basis::Unknown => Self::Unknown,
            words::Basis::None => Self::None,
        }
    }
}

impl From<words::Outcome> for wire::Outcome {
    fn from(outcome: words::Outcome) -> Self {
        match outcome {
            words::Outcome::Completed => Self::Completed,
            words::Outcome::Failed => Self::Failed,
            words::Outcome::Truncated => Self::Truncated,
            words::Outcome::Abandoned => Self::Abandoned,
            words::Outcome::Swept => Self::Swept,
        }
    }
}

impl From<words::EventKind> for wire::EventKind {
    fn from(kind: words::EventKind) -> Self {
        match kind {
            words::EventKind::Call => Self::Call,
            words::EventKind::Probe => Self::Probe,
            words::EventKind::Count => Self::Count,
        }
    }
}
