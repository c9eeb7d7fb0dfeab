//! A service's `main`: command line, configuration, runtime, serving, drain, exit code.
//!
//! The stop, at SIGTERM or SIGINT: readiness off, new calls `DRAINING`, calls in flight finish (at
//! most `server.drain`; those that are left end with `DRAINING`), then [`Parts::shutdown`] is given, listeners close, tasks end, exit code
//! 0. A configuration error is one line on standard error and exit code 78 (`EX_CONFIG`); a start
//! that fails, one line and 1.

mod options;
mod standby;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::ffi::OsString;
use std::future::Future;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, setrlimit,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

pub use self::options::{Options, command};
pub use self::standby::{Door, NotYet};
use crate::clock::{Clock, SystemClock, jumps};
use crate::config::{ConfigError, Settings, reference};
use crate::drain::Drain;
use crate::lifecycle::{Shutdown, Tasks};
use crate::operations::{self, Condition, Metrics, Readiness, STARTED, Shown};
use crate::serve::{self, Listener, ServeConfig};
use crate::telemetry::{self, TelemetryConfig};
use crate::tls::{ServerTls, TlsServer, Upkeep};

/// Exit code of a configuration error, `EX_CONFIG` of sysexits.h.
pub const EXIT_CONFIG: u8 = 78;

/// How long calls may take to end once their time is over.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// How long tasks may take to end once the calls have.
const TASKS_BOUND: Duration = Duration::from_secs(10);

/// What a process is.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// `vault` or `router`: the name in variables (`KEYWAY_VAULT__…`).
    pub service: &'static str,
    /// Name of the binary, `keyway-vault`.
    pub binary: &'static str,
    /// What the process is, for `--help`.
    pub help: &'static str,
    /// What its readiness is made of.
    pub conditions: &'static [Condition],
}

/// What every service has: its settings come before the service's own.
pub type Common = (TelemetryConfig, ServeConfig);

/// What a service is built with.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Limits and times of serving.
    pub serve: ServeConfig,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Every task belongs here.
    pub tasks: Tasks,
    /// Given when the calls in flight have ended: background tasks end with it, not before.
    pub shutdown: Shutdown,
    /// Given at SIGTERM; a task that can't go on may give it, and the process stops in order.
    pub terminate: Shutdown,
    /// The calls in flight.
    pub drain: Drain,
    /// Whether the process can do its work.
    pub readiness: Readiness,
    /// What `/metrics` shows.
    pub metrics: Metrics,
}

impl Parts {
    /// Opens a listener for RPCs, with TLS if there are files for it. `name` is what it is called
    /// in logs and metrics.
    pub async fn listen(
        &self,
        name: &'static str,
        address: SocketAddr,
        tls: Option<&ServerTls>,
    ) -> Result<Listener, StartError> {
        let start = |files: &ServerTls| TlsServer::start(name, files.clone(), &self.upkeep());
        let tls = tls.map(start).transpose().map_err(Misconfigured::new)?;
        Ok(serve::bind(name, address, tls, self.serve.insecure).await?)
    }

    /// Opens the operations listener and serves it until the shutdown.
    pub async fn operations(&self, address: SocketAddr) -> Result<(), StartError> {
        let shown = Shown {
            readiness: self.readiness.clone(),
            metrics: self.metrics.clone(),
            blocked_after: self.serve.blocked_after,
        };
        operations::serve(address, shown, &self.tasks, &self.shutdown).await?;
        Ok(())
    }

    /// What TLS needs to follow its files.
    pub fn upkeep(&self) -> Upkeep {
        Upkeep {
            rules: self.serve.files,
            clock: Arc::clone(&self.clock),
            tasks: self.tasks.clone(),
            shutdown: self.shutdown.clone(),
        }
    }
}

/// Anything that can stop a start; printed in one line.
pub type StartError = Box<dyn Error + Send + Sync>;

/// A start that what the operator gave the process stops, found out only after the configuration was
/// read: a key file, a database of another key. Its exit code is that of a configuration error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Misconfigured(pub String);

impl Misconfigured {
    /// What an error says.
    pub fn new(error: impl Error) -> Self {
        Self(one_line(&error))
    }
}

/// Runs a service without subcommands; see [`start`] for `build`.
pub fn run<T, B, F>(
    about: &About,
    arguments: impl IntoIterator<Item = OsString>,
    build: B,
) -> ExitCode
where
    T: Settings,
    B: FnOnce(T, Parts) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    match command(about).try_get_matches_from(arguments) {
        Ok(matches) => start(about, &Options::from_matches(&matches), build),
        Err(error) => usage(&error),
    }
}

/// Prints clap's answer: help and version to standard output, a wrong flag to standard error.
pub fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    if printed.is_ok() {
        ExitCode::from(code)
    } else {
        ExitCode::FAILURE
    }
}

/// Loads the configuration and runs the service until it is told to stop.
///
/// `build` binds listeners, spawns tasks and returns; the process then serves until the signal.
pub fn start<T, B, F>(about: &About, options: &Options, build: B) -> ExitCode
where
    T: Settings,
    B: FnOnce(T, Parts) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    if options.settings {
        return say(&reference::<(Common, T)>(about.service));
    }
    let ((telemetry, serve), own) = match options.load::<(Common, T)>(about) {
        Ok(config) => config,
        Err(error) => return config_error(about, &error),
    };
    if options.check_config {
        return say("the configuration is valid\n");
    }
    if let Err(error) = forbid_core_dumps() {
        return fail(about, &format!("can't switch core dumps off: {error}"));
    }
    install_crypto();
    let outcome = block_on(async {
        let _too_large = survive_file_size_limit()?;
        let spans = telemetry::init(&telemetry, about.binary)?;
        let served = serve_until_told(about, options, serve, |parts| build(own, parts)).await;
        spans.flush().await;
        served
    });
    match outcome {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => refuse(about, error.as_ref()),
        Err(error) => fail(about, &format!("can't start the runtime: {error}")),
    }
}

/// Prints why a start stopped and gives its exit code: that of a configuration error for
/// [`Misconfigured`], else 1.
pub fn refuse(about: &About, error: &(dyn Error + Send + Sync + 'static)) -> ExitCode {
    complain(about, &one_line(error));
    if error.is::<Misconfigured>() {
        ExitCode::from(EXIT_CONFIG)
    } else {
        ExitCode::FAILURE
    }
}

/// A limit on the size of files makes a write fail, as a full disk does; without somebody who takes the
/// signal it would end the process.
fn survive_file_size_limit() -> std::io::Result<tokio::signal::unix::Signal> {
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw()))
}

/// A core dump would hold keys, and so would what a debugger of the same user reads.
fn forbid_core_dumps() -> std::io::Result<()> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    Ok(setrlimit(Resource::Core, none)?)
}

/// Makes aws-lc-rs the process's TLS provider; a second call changes nothing.
pub fn install_crypto() {
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    // An error means that it is installed already.
    drop(installed);
}

/// Runs a future on a new multi-threaded runtime: for `start` and for subcommands.
pub fn block_on<F: Future>(future: F) -> std::io::Result<F::Output> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let output = runtime.block_on(future);
    // Blocking work that nobody waits for must not hold the exit up.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(output)
}

async fn serve_until_told<B, F>(
    about: &About,
    options: &Options,
    serve: ServeConfig,
    build: B,
) -> Result<(), StartError>
where
    B: FnOnce(Parts) -> F,
    F: Future<Output = Result<(), StartError>>,
{
    let tasks = Tasks::new();
    let terminate = Shutdown::on_signals(&tasks)?;
    if options.parent_stdin {
        terminate.when_stdin_ends()?;
    }
    let metrics = Metrics::install()?; // before anything is counted
    let parts = Parts {
        serve,
        clock: Arc::new(SystemClock),
        tasks,
        shutdown: Shutdown::new(),
        terminate,
        drain: Drain::new(),
        readiness: Readiness::new(about.conditions),
        metrics,
    };
    let watching = jumps::watch(Arc::clone(&parts.clock), parts.shutdown.clone());
    parts.tasks.spawn("clock", watching);
    info!(
        version = env!("CARGO_PKG_VERSION"),
        "{} starts", about.binary
    );
    let built = Box::pin(build(parts.clone())).await;
    if built.is_ok() {
        parts.readiness.set(STARTED, true);
        parts.terminate.wait().await;
    }
    stop(&parts).await;
    built
}

/// The order of a stop. Nothing here can fail; what does not end in time is named in the log.
pub async fn stop(parts: &Parts) {
    parts.terminate.begin();
    parts.readiness.set(STARTED, false);
    parts.drain.begin();
    let calls = parts.drain.in_flight();
    info!(calls, "draining {calls} calls");
    if tokio::time::timeout(parts.serve.drain, parts.drain.idle())
        .await
        .is_err()
    {
        let left = parts.drain.in_flight();
        warn!(left, "{left} calls did not end in {:?}", parts.serve.drain);
        // They settle what was used and tell their callers, while the connections still stand.
        parts.drain.cut();
        drop(tokio::time::timeout(LAST_WORDS, parts.drain.idle()).await);
    }
    parts.drain.close();
    parts.shutdown.begin();
    let left = parts.tasks.wait(TASKS_BOUND).await;
    if !left.is_empty() {
        warn!("these tasks did not end: {}", left.join(", "));
    }
    info!("stopped");
}

/// Prints a configuration error and gives its exit code.
pub fn config_error(about: &About, error: &ConfigError) -> ExitCode {
    complain(about, &error.to_string());
    ExitCode::from(EXIT_CONFIG)
}

/// Prints why the process could not do its work and gives the exit code 1.
pub fn fail(about: &About, why: &str) -> ExitCode {
    complain(about, why);
    ExitCode::FAILURE
}

fn complain(about: &About, line: &str) {
    let line = line.replace(['\n', '\r'], " ");
    // Nothing is left to be done if standard error is gone.
    let written = writeln!(std::io::stderr(), "{}: {line}", about.binary);
    drop(written);
}

/// Prints an answer to standard output.
pub fn say(text: &str) -> ExitCode {
    let written = std::io::stdout().write_all(text.as_bytes());
    if written.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// An error and its causes, in one line.
pub fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        // Many errors print their cause themselves.
        if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
        cause = error.source();
    }
    line
}
