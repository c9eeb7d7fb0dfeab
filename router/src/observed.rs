//! What one attempt shows its operators: a span and figures, both with the names that OpenTelemetry
//! gives to calls of models. No prompt, answer, secret or caller's text; models that the catalogue
//! does not know are one word in the figures.

use keyway_chassis::telemetry::trace::TARGET;
use keyway_router_billing::{OpenAttempt, Settlement};
use keyway_words::{Outcome, Usage};
use metrics::histogram;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Span, info_span};

use crate::counters;

/// An attempt under way.
#[derive(Debug)]
pub(crate) struct Observed {
    span: Span,
    begin: Instant,
    first_piece: Option<Instant>,
}

impl Observed {
    /// The attempt begins now.
    pub(crate) fn begin(attempt: &OpenAttempt) -> Self {
        let operation = operation(&attempt.endpoint);
        let model = attempt.requested_model.as_str();
        let span = info_span!(
            target: TARGET,
            "attempt",
            otel.name = format!("{operation} {model}"),
            otel.kind = "client",
            otel.status_code = Empty,
            gen_ai.operation.name = operation,
            gen_ai.provider.name = attempt.provider.facts().telemetry,
            gen_ai.request.model = model,
            gen_ai.response.model = Empty,
            gen_ai.usage.input_tokens = Empty,
            gen_ai.usage.output_tokens = Empty,
            error.r#type = Empty,
            keyway.call_id = %attempt.call_id,
            keyway.attempt = attempt.attempt,
            keyway.source = counters::source_word(attempt.source),
            keyway.outcome = Empty,
        );
        Self {
            span,
            begin: Instant::now(),
            first_piece: None,
        }
    }

    /// What is done at the provider is done within this.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// When the caller got the first piece of a streamed answer.
    pub(crate) const fn first_piece(&mut self, at: Option<Instant>) {
        self.first_piece = at;
    }

    /// The attempt ended. `known`: the catalogue has the model.
    pub(crate) fn end(&self, attempt: &OpenAttempt, settlement: &Settlement, known: bool) {
        self.close_span(settlement);
        let labels = Labels {
            operation: operation(&attempt.endpoint),
            provider: attempt.provider.facts().telemetry,
            source: counters::source_word(attempt.source),
            model: if known {
                &attempt.requested_model
            } else {
                OTHER
            },
        };
        labels.duration(self.begin.elapsed().as_secs_f64(), &settlement.reason);
        if let Some(first) = self.first_piece {
            labels.first_piece((first - self.begin).as_secs_f64());
        }
        if let Some(usage) = &settlement.usage {
            labels.tokens("input", input(usage));
            labels.tokens("output", usage.output_tokens);
        }
    }

    fn close_span(&self, settlement: &Settlement) {
        let span = &self.span;
        span.record("keyway.outcome", counters::outcome_word(settlement.outcome));
        if !settlement.served_model.is_empty() {
            span.record("gen_ai.response.model", settlement.served_model.as_str());
        }
        if let Some(usage) = &settlement.usage {
            if let Some(tokens) = input(usage) {
                span.record("gen_ai.usage.input_tokens", tokens);
            }
            if let Some(tokens) = usage.output_tokens {
                span.record("gen_ai.usage.output_tokens", tokens);
            }
        }
        if settlement.outcome != Outcome::Completed {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error(settlement));
        }
    }
}

/// Labels that every figure has.
struct Labels<'a> {
    operation: &'static str,
    provider: &'static str,
    source: &'static str,
    model: &'a str,
}

impl Labels<'_> {
    fn duration(&self, seconds: f64, reason: &str) {
        histogram!(
            "gen_ai_client_operation_duration_seconds",
            "gen_ai_operation_name" => self.operation,
            "gen_ai_provider_name" => self.provider,
            "gen_ai_request_model" => self.model.to_owned(),
            "keyway_source" => self.source,
            "error_type" => reason.to_owned(),
        )
        .record(seconds);
    }

    fn first_piece(&self, seconds: f64) {
        histogram!(
            "gen_ai_client_operation_time_to_first_chunk_seconds",
            "gen_ai_operation_name" => self.operation,
            "gen_ai_provider_name" => self.provider,
            "gen_ai_request_model" => self.model.to_owned(),
            "keyway_source" => self.source,
        )
        .record(seconds);
    }

    /// A count that is not known is no count.
    fn tokens(&self, kind: &'static str, count: Option<u64>) {
        let Some(count) = count else { return };
        histogram!(
            "gen_ai_client_token_usage",
            "gen_ai_operation_name" => self.operation,
            "gen_ai_provider_name" => self.provider,
            "gen_ai_request_model" => self.model.to_owned(),
            "gen_ai_token_type" => kind,
            "keyway_source" => self.source,
        )
        .record(u32::try_from(count).map_or(f64::MAX, f64::from));
    }
}

fn input(usage: &Usage) -> Option<u64> {
    usage.input_tokens.map(|_known| usage.prompt_tokens())
}

fn error(settlement: &Settlement) -> &str {
    if settlement.reason.is_empty() {
        counters::outcome_word(settlement.outcome)
    } else {
        &settlement.reason
    }
}

/// Streamed or not, a chat is a chat.
fn operation(endpoint: &str) -> &'static str {
    match endpoint {
        "chat" | "stream_chat" => "chat",
        "embed" | "stream_embed" => "embeddings",
        "search" => "search",
        _ => "other",
    }
}

const OTHER: &str = "other";
