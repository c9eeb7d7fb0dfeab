//! One installation on this machine: where its files are, where its processes listen, and how each
//! of them is started.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use crate::child::{Child, Environment};
use crate::part::Part;
use crate::ready::wait_until_ready;
use crate::settings::Addresses;
use crate::state::StateDir;

/// How long a process may take to end after it was asked to: the drain time and some more.
pub const STOP_BOUND: Duration = Duration::from_secs(40);

/// An installation on this machine.
#[derive(Debug)]
pub struct Site {
    /// The binary that can be every part.
    pub program: PathBuf,
    /// Its files.
    pub state: StateDir,
    /// What every process gets as its environment.
    pub environment: Environment,
    /// Where its processes listen.
    pub addresses: Addresses,
    /// Where the simulator listens, if it is used.
    pub simulator: Option<SocketAddr>,
    /// What the simulator multiplies its token counts by.
    pub token_factor: u64,
}

impl Site {
    /// Runs a part that ends by itself, such as a migration, and says why it failed if it did.
    pub async fn run_to_end(&self, part: Part, args: &[OsString]) -> Result<()> {
        let mut child = self.spawn(part, args)?;
        let status = child.wait().await?;
        if status.success() {
            Ok(())
        } else {
            Err(child.failure(status))
        }
    }

    /// Starts a serving part and waits until it serves.
    pub async fn start(&self, part: Part) -> Result<Child> {
        let (args, address, path) = match part {
            Part::Vault => (
                self.service_args(part),
                self.addresses.vault_operations,
                "/readyz",
            ),
            Part::Router => (
                self.service_args(part),
                self.addresses.router_operations,
                "/readyz",
            ),
            Part::ProviderSim => {
                let address = self
                    .simulator
                    .ok_or_else(|| anyhow!("this installation has no simulator"))?;
                (self.simulator_args(address), address, "/_sim/ready")
            }
            Part::Migrate => bail!("a migration ends by itself"),
        };
        let mut child = self.spawn(part, &args)?;
        wait_until_ready(&mut child, address, path).await?;
        Ok(child)
    }

    fn spawn(&self, part: Part, args: &[OsString]) -> Result<Child> {
        Child::spawn(
            &self.program,
            part,
            args,
            &self.environment_of(part),
            &self.state.log(part),
        )
    }

    /// What a part gets as its environment: the vault's settings may hold the master key itself, so
    /// they reach the vault alone.
    pub fn environment_of(&self, part: Part) -> Environment {
        let mut environment = self.environment.clone();
        if part != Part::Vault {
            environment.retain(|name, _| !name.as_encoded_bytes().starts_with(b"KEYWAY_VAULT__"));
        }
        environment
    }

    fn service_args(&self, part: Part) -> Vec<OsString> {
        words(&["--parent-stdin", "--config"], &self.state.config(part))
    }

    fn simulator_args(&self, address: SocketAddr) -> Vec<OsString> {
        let (listen, factor) = (address.to_string(), self.token_factor.to_string());
        let first = [
            "--parent-stdin",
            "--listen",
            &listen,
            "--token-factor",
            &factor,
            "--journal",
        ];
        words(&first, &self.state.journal())
    }
}

/// Arguments that end in a path.
pub(crate) fn words(words: &[&str], path: &Path) -> Vec<OsString> {
    words
        .iter()
        .map(OsString::from)
        .chain([path.into()])
        .collect()
}
