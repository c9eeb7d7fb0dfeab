//! Logs: one line per event on standard error, as text or JSON, without secrets. Traces: see
//! [`trace`].
//!
//! Only this product's own modules follow `log.level`. Libraries (h2, hyper, tonic, rustls,
//! reqwest, sqlx …) are held at WARN whatever is asked for, because below that they print headers
//! and statements, and with them tokens and keys. A panic is logged by its place; its message may
//! hold data and is left out.

pub mod trace;

use std::io;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata, Subscriber, error};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry};

use crate::config::{ConfigError, Default, Kind, Setting, Settings, Values};

/// How to log.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// Level or filter, such as `info` or `info,keyway_router=debug`.
    pub level: String,
    /// Whether lines are JSON.
    pub json: bool,
    /// Where traces go, if they go anywhere.
    pub traces: Option<trace::TracesConfig>,
}

const SETTINGS: &[Setting] = &[
    Setting {
        path: "log.level",
        kind: Kind::Checked {
            accepted: "a level (error, warn, info, debug, trace) or a filter such as \
                       info,keyway_router=debug",
            check: is_filter,
        },
        default: Default::Is("info"),
        help: "How much is logged. Libraries stay at warn, because they print headers below that.",
    },
    Setting {
        path: "log.format",
        kind: Kind::Choice(&["text", "json"]),
        default: Default::Is("text"),
        help: "How a line looks.",
    },
    Setting {
        path: "traces.endpoint",
        kind: Kind::Checked {
            accepted: "an http: URL",
            check: trace::is_endpoint,
        },
        default: Default::Absent,
        help: "Where spans go by OTLP over gRPC, such as http://127.0.0.1:4317: a collector beside \
               this process, which speaks TLS to what is further away. None are made without it.",
    },
    Setting {
        path: "traces.sample",
        kind: Kind::Checked {
            accepted: "a decimal number from 0 to 1",
            check: trace::is_ratio,
        },
        default: Default::Is("1"),
        help: "Part of the calls without a trace of their caller's that are traced; the others \
               are traced if their caller's trace is.",
    },
];

/// Stricter than the filter's own parser, which takes a misspelt level for a module's name.
fn is_filter(text: &str) -> bool {
    let level = |text| ["error", "warn", "info", "debug", "trace"].contains(&text);
    let target = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
        !text.is_empty() && text.chars().all(plain)
    };
    text.split(',').all(|piece| match piece.split_once('=') {
        None => level(piece),
        Some((name, wanted)) => target(name) && level(wanted),
    })
}

impl Settings for TelemetryConfig {
    fn settings() -> Vec<Setting> {
        SETTINGS.to_vec()
    }

    fn from_values(values: &Values) -> Result<Self, ConfigError> {
        let json = values.get::<String>("log.format")? == "json";
        Ok(Self {
            level: values.get("log.level")?,
            json,
            traces: trace::TracesConfig::from_values(values)?,
        })
    }
}

/// Starts logging and tracing; once per process, a second call changes nothing. Where spans are
/// exported this needs the runtime.
pub fn init(
    config: &TelemetryConfig,
    service: &'static str,
) -> Result<trace::Spans, trace::NoExporter> {
    let spans = trace::Spans::start(config.traces.as_ref(), service)?;
    let started = subscriber(config, spans.provider(), io::stderr).try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            error!(place, "panicked at {place}");
        }));
    }
    Ok(spans)
}

fn subscriber<W>(
    config: &TelemetryConfig,
    spans: Option<&SdkTracerProvider>,
    writer: W,
) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    // `from_values` took only what parses.
    let level = EnvFilter::try_new(&config.level).unwrap_or_else(|_form| EnvFilter::new("info"));
    let filter = level.and(filter_fn(may_log));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if config.json {
        lines.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        lines.with_filter(filter).boxed()
    };
    tracing_subscriber::registry()
        .with(lines)
        .with(spans.map(trace::layer))
}

/// Our own targets always, others from WARN up. What is traced is no part of a line.
fn may_log(event: &Metadata<'_>) -> bool {
    let ours = event.target().starts_with("keyway") && event.target() != trace::TARGET;
    ours || *event.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{trace, warn};

    use super::*;

    #[derive(Clone, std::default::Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(config: &TelemetryConfig, write: impl FnOnce()) -> String {
        let lines = Lines::default();
        let sink = lines.clone();
        tracing::subscriber::with_default(subscriber(config, None, move || sink.clone()), write);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn at_trace_level_a_library_still_logs_warnings_only() {
        for json in [false, true] {
            let config = TelemetryConfig {
                level: "trace,h2=trace".into(),
                json,
                traces: None,
            };
            let text = logged(&config, || {
                trace!(target: "h2::codec", "authorization: Bearer kwc_canary");
                trace!(target: "sqlx::query", "kwc_canary");
                warn!(target: "hyper", "a warning");
                trace!("our own");
            });
            assert!(!text.contains("kwc_canary"), "{text}");
            assert!(
                text.contains("a warning") && text.contains("our own"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_level_holds_for_our_own_lines() {
        let config = TelemetryConfig {
            level: "warn".into(),
            json: false,
            traces: None,
        };
        let text = logged(&config, || {
            trace!("quiet");
            warn!("loud");
        });
        assert!(text.contains("loud") && !text.contains("quiet"), "{text}");
    }

    #[test]
    fn a_misspelt_level_is_no_filter() {
        for text in [
            "trace",
            "info,keyway_router=debug",
            "warn,keyway_vault::app=trace",
        ] {
            assert!(
                is_filter(text) && EnvFilter::try_new(text).is_ok(),
                "{text}"
            );
        }
        for text in [
            "",
            "loud",
            "info,",
            "x=",
            "=info",
            "info,x=loud",
            "info,a-b=info",
            "INFO ",
        ] {
            assert!(!is_filter(text), "{text}");
        }
    }
}
