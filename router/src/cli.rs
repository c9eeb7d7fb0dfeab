//! The command line: the server, and the commands that read its ledger beside it.

mod reconcile;
mod replay;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Arg, ArgMatches};
use keyway_chassis::clock::SystemClock;
use keyway_chassis::config::ConfigError;
use keyway_chassis::lifecycle::{Shutdown, Tasks};
use keyway_chassis::run::{self, About, Common, Misconfigured, Options, StartError};
use keyway_chassis::serve::ServeConfig;
use keyway_chassis::telemetry;
use keyway_chassis::tls::Upkeep;
use keyway_proto::convert::from_timestamp;
use keyway_router_billing::{JetStream, LedgerReader, Span};
use keyway_words::Timestamp;

use crate::conditions::CONDITIONS;
use crate::settings::{RelaySettings, RouterConfig};
use crate::{app, relay};

const ABOUT: About = About {
    service: "router",
    binary: "keyway-router",
    help: "Runs calls to providers with the customer's own key or the platform's",
    conditions: CONDITIONS,
};

/// Runs `keyway-router`; the first argument is the name of the program.
///
/// Exit code 0: stopped in order, or the command did its work; 1: it failed; 2: wrong arguments; 3: what
/// it compared differs; 78: the configuration is wrong. The reason is one line on standard error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let program = run::command(&ABOUT)
        .subcommand(replay::command())
        .subcommand(reconcile::command());
    let matches = match program.try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return run::usage(&error),
    };
    match matches.subcommand() {
        Some(("replay", matches)) => command(matches, replay::run),
        Some((_reconcile, matches)) => command(matches, reconcile::run),
        None => run::start(&ABOUT, &Options::from_matches(&matches), app::build),
    }
}

/// Loads the settings of the router and runs one of its commands with them.
fn command<F>(matches: &ArgMatches, work: impl FnOnce(Beside, ArgMatches) -> F) -> ExitCode
where
    F: Future<Output = Result<ExitCode, StartError>>,
{
    let options = Options::from_matches(matches);
    let loaded: Result<(Common, RouterConfig), ConfigError> = options.load(&ABOUT);
    let ((telemetry, serve), config) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return run::config_error(&ABOUT, &error),
    };
    run::install_crypto();
    let outcome = run::block_on(async {
        // What is found by id stands in the log, on standard error.
        let spans = telemetry::init(&telemetry, ABOUT.binary)?;
        let beside = Beside::open(config, serve).await?;
        let outcome = work(beside, matches.clone()).await;
        spans.flush().await;
        outcome
    });
    match outcome {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => run::refuse(&ABOUT, error.as_ref()),
        Err(error) => run::fail(&ABOUT, &format!("can't start the runtime: {error}")),
    }
}

/// What a command works with.
struct Beside {
    ledger: LedgerReader,
    stream: JetStream,
    relay: RelaySettings,
}

impl Beside {
    async fn open(config: RouterConfig, serve: ServeConfig) -> Result<Self, StartError> {
        let settings = config
            .relay
            .ok_or_else(|| Misconfigured("relay.url is not set".to_owned()))?;
        relay::guard(&settings, serve.insecure)?;
        let upkeep = Upkeep {
            rules: serve.files,
            clock: Arc::new(SystemClock),
            tasks: Tasks::new(),
            shutdown: Shutdown::new(),
        };
        Ok(Self {
            ledger: LedgerReader::open(config.ledger).await?,
            stream: JetStream::new(relay::config(&settings, &upkeep)?),
            relay: settings,
        })
    }
}

/// `--from` and `--to`, of days or of times.
fn span_arguments(form: &'static str) -> [Arg; 2] {
    let time = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(form)
            .required(true)
            .help(help)
    };
    [
        time(
            "from",
            "Events that were settled at this time (UTC) or later",
        ),
        time("to", "Events that were settled before this time (UTC)"),
    ]
}

fn span(matches: &ArgMatches) -> Result<Span, StartError> {
    let time = |name| {
        let text = matches.get_one::<String>(name).map(String::as_str);
        let text = text.unwrap_or_default();
        parse(text).ok_or_else(|| format!("--{name} must be as 2026-11-25 or 2026-11-25T08:00:00Z"))
    };
    let (from, to) = (time("from")?, time("to")?);
    if from >= to {
        return Err("--from must be before --to".into());
    }
    Ok(Span {
        from: Some(from),
        to: Some(to),
    })
}

/// A time, or the beginning of a day (UTC).
fn parse(text: &str) -> Option<Timestamp> {
    let day = format!("{text}T00:00:00Z");
    let text = if text.len() == 10 { &day } else { text };
    let time = text.parse::<prost_types::Timestamp>().ok()?;
    from_timestamp(&time)
}

/// Exit code of a comparison that found a difference.
const EXIT_DIFFERS: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_of_days_or_times_and_has_a_length() {
        let read = |from: &str, to: &str| {
            let command = replay::command();
            let arguments = ["replay", "--from", from, "--to", to];
            span(&command.try_get_matches_from(arguments).unwrap()).ok()
        };
        let day = read("2026-11-25", "2026-11-26").unwrap();
        assert_eq!(day.to.unwrap().0 - day.from.unwrap().0, 86_400_000_000);
        assert!(read("2026-11-25T08:00:00Z", "2026-11-25T08:00:01Z").is_some());
        for (from, to) in [
            ("2026-11-25", "2026-11-25"),
            ("2026-11-26", "2026-11-25"),
            ("25.11.2026", "2026-11-26"),
            ("2026-11-25", "tomorrow"),
            ("2026-02-30", "2026-03-26"),
        ] {
            assert!(read(from, to).is_none(), "{from} {to}");
        }
    }
}
