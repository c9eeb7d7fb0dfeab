//! Logs: one line per event on standard error, as text or JSON, without secrets.
//!
//! Only this product's own modules follow `log.level`. Libraries (h2, hyper, tonic, rustls,
//! reqwest, sqlx …) are held at WARN whatever is asked for, because below that they print headers
//! and statements, and with them tokens and keys. A panic is logged by its place; its message may
//! hold data and is left out.

use std::io;

use tracing::{Level, Metadata, Subscriber, error};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
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
        })
    }
}

/// Starts logging; once per process, a second call changes nothing.
pub fn init(config: &TelemetryConfig) {
    let started = subscriber(config, io::stderr).try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            error!(place, "panicked at {place}");
        }));
    }
}

fn subscriber<W>(config: &TelemetryConfig, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    // `from_values` took only what parses.
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_form| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_ansi(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if config.json {
        lines
            .json()
            .flatten_event(true)
            .with_filter(filter_fn(may_log))
            .boxed()
    } else {
        lines.with_filter(filter_fn(may_log)).boxed()
    };
    tracing_subscriber::registry().with(lines.and_then(filter))
}

/// Our own targets always, others from WARN up.
fn may_log(event: &Metadata<'_>) -> bool {
    event.target().starts_with("keyway") || *event.level() <= Level::WARN
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
        tracing::subscriber::with_default(subscriber(config, move || sink.clone()), write);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn at_trace_level_a_library_still_logs_warnings_only() {
        for json in [false, true] {
            let config = TelemetryConfig {
                level: "trace,h2=trace".into(),
                json,
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
