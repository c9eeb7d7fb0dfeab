//! The launcher's command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Starts Keyway on this machine: the vault, the router and, where it is needed, a simulator of the
/// providers. Shows the main job once, then serves until Ctrl-C.
///
/// Provider keys in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or
/// GOOGLE_API_KEY, MISTRAL_API_KEY, EXA_API_KEY) are stored as the platform's keys. A provider
/// without one is served by the simulator. The demo runs at the simulator only: it never spends
/// money.
///
/// Variables KEYWAY_VAULT__… and KEYWAY_ROUTER__… (two underscores) are settings of the two
/// services and win over what the launcher would choose, for example
/// KEYWAY_ROUTER__PROVIDERS__OPENAI__BASE_URL.
///
/// Everything is kept in the state folder, private to you: both databases, master key, tokens, logs,
/// and keyway.env, which a shell can source.
#[expect(clippy::doc_markdown, reason = "it is the text of --help")]
#[derive(Debug, Clone, Parser)]
#[command(
    name = "keyway",
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true
)]
pub struct Options {
    /// Without one, everything is started.
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Where everything is kept. Made if it is not there; starting again on it goes on from it.
    #[arg(long, value_name = "DIR", default_value = "./.keyway")]
    pub state: PathBuf,

    /// Start without showing the demo.
    #[arg(long)]
    pub no_demo: bool,

    /// Use the simulator for every provider, also where the environment has a key.
    #[arg(long)]
    pub simulator: bool,

    /// Where the simulator listens. Without it: 127.0.0.1:7129, or any free port if that is taken.
    #[arg(long, value_name = "ADDRESS")]
    pub simulator_listen: Option<SocketAddr>,

    /// Multiplies every token count of the simulator, so that the figures can be seen to follow.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub token_factor: u64,

    /// A JSON file with prices that lie over the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub price_overlay: Option<PathBuf>,
}

/// What else it can do.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Stores many keys at a running vault, from JSON lines.
    Import(ImportOptions),
    /// Writes a month's usage events as CSV, and checks that they sum to the router's own summary.
    Usage(UsageOptions),
}

/// How a service is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct WayOptions {
    /// The CAs that sign the service's certificate, PEM. With it the way to the service is TLS.
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,

    /// Send secrets in plain text to another machine.
    #[arg(long)]
    pub insecure: bool,
}

/// Writes a month's usage events as CSV to standard output, in the order of the billing stream.
///
/// A month is closed once it is over: its rows never change, and what is corrected later counts in the
/// month of the correction and names this one in `corrects_period`. The amounts of a month are the
/// sums of its rows, corrections included; they are checked against SummarizeUsage at the end and
/// told on standard error.
///
/// KEYWAY_ROUTER (host:port) and KEYWAY_ADMIN_TOKEN come from the environment.
///
/// It ends with 0 if everything is written and the sums agree, 1 if they do not, and 2 if it could not be
/// read.
#[expect(clippy::doc_markdown, reason = "it is the text of --help")]
#[derive(Debug, Clone, Args)]
pub struct UsageOptions {
    /// The month (UTC), such as 2026-11.
    #[arg(long, value_name = "MONTH")]
    pub month: String,

    /// Only of one workspace, workspaces/ID; an operator may leave it out.
    #[arg(long, value_name = "WORKSPACE", default_value = "")]
    pub workspace: String,

    /// Write what there is so far of a month that is not over.
    #[arg(long)]
    pub so_far: bool,

    #[command(flatten)]
    pub(crate) way: WayOptions,
}

/// Stores many keys at a running vault, from a file of JSON lines.
///
/// Each line is one key: {"provider": "openai", "secret": "…"}, and if wanted "owner", "key_name", "order",
/// "expire_time" (RFC 3339), "allowed_models" and "label". A line that is bad is named with its number
/// and field, and costs nothing but itself. Nothing of the file is printed.
///
/// KEYWAY_VAULT (host:port) and KEYWAY_ADMIN_TOKEN come from the environment. Running it again on the
/// same file within a day changes nothing.
///
/// It ends with 0 if every line is stored, 1 if some are refused, 2 if it could not begin, and 3 if it
/// stopped on the way.
#[expect(clippy::doc_markdown, reason = "it is the text of --help")]
#[derive(Debug, Clone, Args)]
pub struct ImportOptions {
    /// The file; `-` is standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,

    /// Owner of every line that names none: workspaces/ID or platform.
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,

    /// Check every line at the vault and store nothing.
    #[arg(long)]
    pub dry_run: bool,

    /// How many lines are under way at once.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub concurrency: u8,

    #[command(flatten)]
    pub(crate) way: WayOptions,
}

impl Default for Options {
    /// What a command line without flags gives.
    fn default() -> Self {
        Self::parse_from(["keyway"])
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn nothing_needs_to_be_given() {
        let options = Options::default();
        assert_eq!(options.state, PathBuf::from("./.keyway"));
        assert!(!options.no_demo && !options.simulator);
    }
}
