//! The launcher's command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

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
#[command(name = "keyway", version, max_term_width = 100)]
pub struct Options {
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
