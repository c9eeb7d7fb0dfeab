//! Traces: a call is one span per hop, from the client's own trace through router and vault, and
//! one per attempt at a provider. Spans go to a collector by OTLP.
//!
//! Nothing is traced but what this module and its callers name: spans have the target [`TARGET`], and
//! the exporter sees no other span and no event. So no prompt, answer or secret can be in one. The
//! trace is handed on to the vault and never to a provider.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::{Metadata, Span, Subscriber, info_span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::config::{ConfigError, Values};

/// The target of every span that is exported.
pub const TARGET: &str = "keyway_trace";

/// Where spans go and how many are made.
#[derive(Debug, Clone)]
pub struct TracesConfig {
    /// URL of a collector that takes OTLP over gRPC.
    pub endpoint: String,
    /// Part of the calls that are traced where their caller did not say, from 0 to 1.
    pub sample: f64,
}

impl TracesConfig {
    pub(super) fn from_values(values: &Values) -> Result<Option<Self>, ConfigError> {
        let sample = values.get::<String>("traces.sample")?;
        let endpoint = values.get::<Option<String>>("traces.endpoint")?;
        Ok(endpoint.map(|endpoint| Self {
            endpoint,
            sample: sample.parse().unwrap_or(1.0),
        }))
    }
}

pub(super) fn is_endpoint(text: &str) -> bool {
    let plain = text.parse::<http::Uri>();
    plain.is_ok_and(|uri| uri.scheme_str() == Some("http") && uri.host().is_some())
}

pub(super) fn is_ratio(text: &str) -> bool {
    text.parse::<f64>()
        .is_ok_and(|ratio| (0.0..=1.0).contains(&ratio))
}

/// The exporter can't be made.
#[derive(Debug, thiserror::Error)]
#[error("spans can't be sent to traces.endpoint: {0}")]
pub struct NoExporter(#[from] ExporterBuildError);

/// The process's spans on their way out. A bounded queue; what does not fit is dropped.
#[derive(Debug)]
pub struct Spans(Option<SdkTracerProvider>);

impl Spans {
    pub(super) fn start(
        config: Option<&TracesConfig>,
        service: &'static str,
    ) -> Result<Self, NoExporter> {
        let Some(config) = config else {
            return Ok(Self(None));
        };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(&config.endpoint)
            .with_timeout(EXPORT)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(service)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::TraceIdRatioBased(config.sample);
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .build();
        Ok(Self(Some(provider)))
    }

    pub(super) const fn provider(&self) -> Option<&SdkTracerProvider> {
        self.0.as_ref()
    }

    /// Sends what is waiting, for a moment at most, at the end of the process.
    pub async fn flush(self) {
        let Some(provider) = self.0 else { return };
        // It waits for a thread of its own, which needs this runtime.
        let flushed = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(FLUSH));
        if !matches!(flushed.await, Ok(Ok(()))) {
            warn!("the last spans did not reach the collector");
        }
    }
}

/// The part of the subscriber that exports.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let traced = |what: &Metadata<'_>| what.is_span() && what.target() == TARGET;
    let tracer: SdkTracer = provider.tracer("keyway");
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(traced))
}

/// The span of an RPC that this process serves. Its parent is the caller's, if that is told.
pub fn served(rpc: &'static str, headers: &HeaderMap) -> Span {
    let span = info_span!(
        target: TARGET,
        "served",
        otel.name = rpc,
        otel.kind = "server",
        otel.status_code = tracing::field::Empty,
        rpc.system = "grpc",
        rpc.grpc.status_code = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        keyway.call_id = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let parent = TraceContextPropagator::new().extract(&Heard(headers));
        // An error: the span is not exported.
        drop(span.set_parent(parent));
    }
    span
}

/// The span of an RPC that this process asks another for, below the current one.
pub fn asked(rpc: &'static str) -> Span {
    info_span!(target: TARGET, "asked", otel.name = rpc, otel.kind = "client", rpc.system = "grpc")
}

/// Tells a span to whoever is asked within it.
pub fn tell(span: &Span, headers: &mut HeaderMap) {
    if !span.is_disabled() {
        let context: Context = span.context();
        TraceContextPropagator::new().inject_context(&context, &mut Told(headers));
    }
}

struct Heard<'a>(&'a HeaderMap);

impl Extractor for Heard<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Told<'a>(&'a mut HeaderMap);

impl Injector for Told<'_> {
    fn set(&mut self, key: &str, value: String) {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            self.0.insert(name, value);
        }
    }
}

const EXPORT: Duration = Duration::from_secs(5);
const FLUSH: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_ratios_that_make_no_sense_are_refused() {
        assert!(is_endpoint("http://127.0.0.1:4317") && is_endpoint("http://collector:4317"));
        for text in [
            "",
            "127.0.0.1:4317",
            "https://collector",
            "http://",
            "ftp://x",
        ] {
            assert!(!is_endpoint(text), "{text}");
        }
        assert!(is_ratio("0") && is_ratio("0.25") && is_ratio("1"));
        for text in ["", "-0.1", "1.1", "NaN", "inf", "half"] {
            assert!(!is_ratio(text), "{text}");
        }
    }
}
