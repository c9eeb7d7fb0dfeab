//! The command line.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::io::AsyncReadExt as _;

use crate::server::{self, Options};

const ENDPOINTS: &str = "\
Base URLs, as the official SDKs take them:
  OpenAI     http://ADDR/openai/v1
  Anthropic  http://ADDR/anthropic
  Google     http://ADDR/google
  Mistral    http://ADDR/mistral
  Exa        http://ADDR/exa
Keys: any will do; one that starts with bad-, quota-, ratelimited- or forbidden- is in that state.
Control: GET /_sim/ready, GET /_sim/journal?after=N&wait_ms=M, GET /_sim/state,
  POST /_sim/script, POST /_sim/release/NAME, POST /_sim/door/NAME, POST /_sim/reset";

/// Stands in for the model and search providers on this machine: their wire formats, checks and
/// errors, with token counts that follow from the request.
#[derive(Debug, Parser)]
#[command(name = "provider-sim", version, after_help = ENDPOINTS)]
struct Args {
    /// Where to listen; loopback only. Port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7129")]
    listen: SocketAddr,
    /// File that gets one JSON line for each request that was read whole. Appended to, made 0600.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// Multiplies every token count, so that figures which follow from them can be seen to change.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    token_factor: u64,
    /// Exit when standard input closes: a child that ends with its parent.
    #[arg(long)]
    parent_stdin: bool,
}

/// Runs the simulator until SIGINT, SIGTERM or, with `--parent-stdin`, the end of standard input.
/// `args` begin with the program's name. Exit code 0 after a stop, 2 for a wrong command line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            return if error.print().is_ok() {
                ExitCode::from(code)
            } else {
                ExitCode::FAILURE
            };
        }
    };
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let told = writeln!(std::io::stderr(), "provider-sim: {error}");
            if told.is_ok() {
                ExitCode::FAILURE
            } else {
                ExitCode::from(2)
            }
        }
    }
}

fn start(args: Args) -> std::io::Result<()> {
    if !args.listen.ip().is_loopback() {
        return Err(std::io::Error::other(format!(
            "--listen {} is not a loopback address; the simulator takes any key, so it is for this machine only",
            args.listen
        )));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let ended = runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(args.listen).await?;
        let address = listener.local_addr()?;
        let options = Options {
            journal: args.journal,
            token_factor: args.token_factor,
        };
        writeln!(std::io::stdout(), "provider-sim listens on {address}")?;
        tokio::select! {
            served = server::serve(listener, options) => served,
            () = asked_to_stop(args.parent_stdin) => Ok(()),
        }
    });
    // A thread that waits in a read of standard input can't be interrupted.
    runtime.shutdown_background();
    ended
}

async fn asked_to_stop(parent_stdin: bool) {
    tokio::select! {
        () = signal() => {}
        () = stdin_closed(), if parent_stdin => {}
    }
}

async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn stdin_closed() {
    let mut byte = [0; 64];
    while matches!(tokio::io::stdin().read(&mut byte).await, Ok(1..)) {}
}
