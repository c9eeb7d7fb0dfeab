//! The launcher: one command starts the whole product on one machine, shows its main job once, and
//! serves until it is told to stop. Nothing it starts outlives it.
//!
//! Order of a start: [`settings`] are written → databases are migrated → master key and first
//! operator are made beside an empty database → simulator (where a provider has no key) → vault →
//! platform keys, demo workspace, tokens, `keyway.env` → router → demo.

mod child;
mod cli;
pub mod client;
mod demo;
mod endpoint;
pub mod env_file;
mod import;
pub mod launch;
pub mod part;
mod providers;
mod provision;
pub mod ready;
pub mod settings;
pub mod site;
pub mod state;
mod usage;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use cli::Command;

pub use child::{Child, Environment};
pub use cli::Options;
pub use part::Part;

/// Runs the command line: the launcher, or with `--as PART` first, one of its processes.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    if let Some((part, own)) = Part::requested(&args) {
        return part.run(own);
    }
    let options = match Options::try_parse_from(&args) {
        Ok(options) => options,
        Err(error) => {
            let code = ExitCode::from(if error.use_stderr() { 2 } else { 0 });
            return error.print().map_or(ExitCode::FAILURE, |()| code);
        }
    };
    if let Some(Command::Import(options)) = &options.command {
        return import::run(options, &std::env::vars_os().collect());
    }
    if let Some(Command::Usage(options)) = &options.command {
        return usage::run(options, &std::env::vars_os().collect());
    }
    match launch_until_stopped(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let told = writeln!(io::stderr(), "keyway: {error:#}");
            drop(told); // nowhere left to say it
            ExitCode::FAILURE
        }
    }
}

fn launch_until_stopped(options: &Options) -> Result<()> {
    let program = own_program()?;
    let environment = std::env::vars_os().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let out = &mut Terminal;
        let mut stop = launch::StopSignal::new()?;
        let mut running = tokio::select! {
            running = launch::start(options, program, &environment, out) => running?,
            () = stop.received() => return Ok(()), // what was started ends with its pipe
        };
        tokio::select! {
            () = introduce(options, &running) => {}
            () = stop.received() => return finish(running).await,
        }
        tokio::select! {
            ended = running.first_end() => return ended,
            () = stop.received() => {}
        }
        tokio::select! {
            finished = finish(running) => finished,
            () = stop.received() => Ok(()), // asked twice: now
        }
    })
}

/// Shows the demo and how to go on. A demo that fails is told; the product serves all the same.
async fn introduce(options: &Options, running: &launch::Running) {
    let out = &mut Terminal;
    if !options.no_demo
        && let Err(error) = running.show_demo(out).await
    {
        tell(&format!("Demo failed: {error:#}"));
    }
    tell(&running.next_steps());
}

async fn finish(running: launch::Running) -> Result<()> {
    tell("Stopping: calls in flight may finish. Ctrl-C again stops at once.");
    running.stop().await?;
    tell("Stopped. Start again with the same command; everything is kept.");
    Ok(())
}

/// Standard output. That nobody reads it any more is no reason to stop serving.
struct Terminal;

impl io::Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        drop(io::stdout().write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        drop(io::stdout().flush());
        Ok(())
    }
}

fn tell(text: &str) {
    drop(writeln!(Terminal, "{text}")); // Terminal never fails
}

fn own_program() -> Result<PathBuf> {
    std::env::current_exe()
        .context("can't find the launcher's own file, which it starts again as its parts")
}
