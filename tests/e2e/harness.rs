//! Starts the product for one test: own folder, own ports, own processes, and nothing of the
//! surrounding environment. Everything ends with the [`Product`].

mod beside;
mod collector;
mod issuer;
mod metrics;
pub(crate) mod mint;
#[cfg(feature = "external")]
mod nats;
mod own_keys;
pub(crate) mod pki;
mod ports;
#[cfg(feature = "external")]
mod postgres;
mod process;
mod proxy;
mod second_router;
mod simulator;
mod speak;
mod standing;
mod tenant;
mod wait;
mod way;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyway::{Child, Environment, Options, Part, launch};
use keyway_proto::billing::v1::Source;
use sea_orm::{ConnectionTrait as _, Database};
use tempfile::TempDir;
use tokio::process::Command;

pub(crate) use collector::{Collector, Made};
pub(crate) use issuer::{ISSUER, Issuer, subject};
pub(crate) use metrics::Counts;
#[cfg(feature = "external")]
pub(crate) use nats::{Broker, Stored};
#[cfg(feature = "external")]
pub(crate) use own_keys::CHATS;
#[cfg(feature = "external")]
pub(crate) use postgres::{Replica, VaultDatabase, administer};
use process::is_stopped;
pub(crate) use process::{resident, sockets};
pub(crate) use proxy::Proxy;
pub(crate) use second_router::SecondRouter;
pub(crate) use simulator::Simulator;
pub(crate) use speak::{DEMO, Speaker, ask, never_sent, only_attempt, reason, say};
pub(crate) use tenant::Tenant;
pub(crate) use wait::{BOUND, wait_for, wait_for_listener};
pub(crate) use way::Way;

/// Everything that can be chosen before a start.
pub(crate) struct Setup {
    environment: Environment,
    options: Options,
    program: PathBuf,
}

impl Setup {
    /// The embedded defaults on free ports.
    pub(crate) fn new() -> Self {
        let mut environment = Environment::new();
        for (variable, _default) in keyway::settings::LISTENERS {
            let address = format!("127.0.0.1:{}", ports::free());
            environment.insert(variable.into(), address.into());
        }
        let simulator = format!("127.0.0.1:{}", ports::free());
        let options = Options {
            simulator_listen: Some(simulator.parse().expect("an address")),
            no_demo: true,
            ..Options::default()
        };
        Self {
            environment,
            options,
            program: PathBuf::from(env!("CARGO_BIN_EXE_keyway-tests")),
        }
    }

    /// The same with one setting, by its variable.
    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment.insert(variable.into(), value.into());
        self
    }

    /// The same without a setting that was chosen.
    pub(crate) fn without(mut self, variable: &str) -> Self {
        self.environment.remove(std::ffi::OsStr::new(variable));
        self
    }

    /// What a setting that was chosen is, by its variable.
    pub(crate) fn chosen(&self, variable: &str) -> String {
        let value = self.environment.get(std::ffi::OsStr::new(variable));
        value
            .and_then(|value| value.to_str())
            .expect("it was chosen")
            .to_owned()
    }

    /// The same with other options of the launcher.
    pub(crate) fn options(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The same with processes of another program.
    #[cfg(feature = "external")]
    pub(crate) fn program(self, program: PathBuf) -> Self {
        Self { program, ..self }
    }

    /// Where a listener will be, by its setting's variable.
    pub(crate) fn address(&self, variable: &str) -> SocketAddr {
        let address = self.environment.get(std::ffi::OsStr::new(variable));
        let address = address.and_then(|address| address.to_str());
        address
            .expect("chosen for every setup")
            .parse()
            .expect("an address")
    }

    /// Puts a provider behind a door of the simulator, which is to be made once that runs.
    pub(crate) fn behind_a_door(self, provider: &str) -> (Self, SocketAddr) {
        let door = format!("127.0.0.1:{}", ports::free());
        let below = if provider == "openai" { "/v1" } else { "" };
        let variable = format!(
            "KEYWAY_ROUTER__PROVIDERS__{}__BASE_URL",
            provider.to_uppercase()
        );
        let setup = self.with(&variable, &format!("http://{door}/{provider}{below}"));
        (setup, door.parse().expect("an address"))
    }

    /// Where the simulator will listen.
    pub(crate) fn simulator(&self) -> SocketAddr {
        self.options
            .simulator_listen
            .expect("chosen for every setup")
    }

    /// The launcher as a process of its own, without the demo.
    pub(crate) fn command(&self, state: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyway-tests"));
        command
            .env_clear()
            .envs(&self.environment)
            .arg("--no-demo")
            .arg("--state")
            .arg(state);
        command
            .arg("--simulator-listen")
            .arg(self.simulator().to_string());
        command
    }

    /// Starts it in a new folder.
    pub(crate) async fn start(self) -> Product {
        let folder = tempfile::tempdir().expect("a folder");
        self.start_in(folder)
            .await
            .unwrap_or_else(|error| panic!("no start: {error:#}"))
    }

    /// Starts it in a folder, perhaps one of an earlier product.
    pub(crate) async fn start_in(mut self, folder: TempDir) -> anyhow::Result<Product> {
        self.options.state = folder.path().join(".keyway");
        let mut said = Vec::new();
        let running =
            launch::start(&self.options, self.program, &self.environment, &mut said).await?;
        Ok(Product {
            running,
            said: String::from_utf8_lossy(&said).into_owned(),
            folder,
        })
    }
}

/// The running product.
pub(crate) struct Product {
    /// Its processes.
    pub(crate) running: launch::Running,
    /// What the launcher said at the start.
    pub(crate) said: String,
    // The last field, so that the folder goes after the processes.
    folder: TempDir,
}

impl Product {
    /// Starts the embedded defaults.
    pub(crate) async fn start() -> Self {
        Setup::new().start().await
    }

    /// The state folder.
    pub(crate) fn state(&self) -> &Path {
        self.running.site.state.root()
    }

    /// Runs SQL in the ledger's file, as somebody beside the router.
    pub(crate) async fn change_ledger(&self, statements: &[&str]) {
        let url = format!(
            "sqlite://{}?mode=rw",
            self.state().join("ledger.db").display()
        );
        let database = Database::connect(url).await.expect("a database");
        for statement in statements {
            let done = database.execute_unprepared(statement).await;
            done.unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        database.close().await.expect("it closes");
    }

    /// Speaks as the operator.
    pub(crate) fn operator(&self) -> Speaker {
        self.speaker(self.running.access.operator_token.expose())
    }

    /// Speaks as the admin of the demo workspace.
    pub(crate) fn admin(&self) -> Speaker {
        self.speaker(self.running.access.admin_token.expose())
    }

    /// Speaks as a client with the demo workspace's call token.
    pub(crate) fn caller(&self) -> Speaker {
        self.speaker(self.running.access.call_token.expose())
    }

    /// Where routers call the vault.
    pub(crate) fn vault_data(&self) -> SocketAddr {
        self.running.site.addresses.vault_data
    }

    /// Speaks with any token.
    pub(crate) fn speaker(&self, token: &str) -> Speaker {
        let addresses = &self.running.site.addresses;
        Speaker::new(addresses.vault, addresses.router, token)
    }

    /// Calls a model until a key of `source` serves it; that call's id, and how long it took.
    pub(crate) async fn until_served_by(&self, model: &str, source: Source) -> (String, Duration) {
        let caller = self.caller();
        let served = async || {
            // A key that goes while its attempt is about to leave gives a receipt of two attempts.
            let answer = caller.chat(ask(model)).await;
            let receipt = answer
                .unwrap_or_else(|status| panic!("{status:?}"))
                .receipt?;
            let last = receipt.attempts.last()?;
            (last.source() == source).then(|| receipt.call_id.clone())
        };
        wait_for("another source", served).await
    }

    /// The simulator's control.
    pub(crate) fn simulator(&self) -> Simulator {
        Simulator::at(self.running.site.simulator.expect("the simulator runs"))
    }

    fn child(&mut self, part: Part) -> &mut Child {
        match part {
            Part::Vault => &mut self.running.vault,
            Part::Router => &mut self.running.router,
            Part::ProviderSim => self.running.simulator.as_mut().expect("the simulator runs"),
            Part::Migrate => panic!("a migration ends by itself"),
        }
    }

    /// The id of a running process.
    pub(crate) fn id(&mut self, part: Part) -> u32 {
        self.child(part).id().expect("it runs")
    }

    /// Kills a process as the kernel would.
    pub(crate) async fn kill(&mut self, part: Part) {
        self.child(part).kill().await.expect("it can be killed");
    }

    /// Sends SIGTERM to a process.
    pub(crate) fn terminate(&mut self, part: Part) {
        self.signal(part, "TERM");
    }

    /// Sends any signal, by its short name.
    pub(crate) fn signal(&mut self, part: Part, name: &str) {
        let id = self.id(part).to_string();
        let sent = std::process::Command::new("sh")
            .args(["-c", "kill -\"$1\" \"$0\"", &id, name])
            .status();
        assert!(sent.expect("a shell").success());
    }

    /// Stops a process where it stands, until `CONT`.
    pub(crate) async fn freeze(&mut self, part: Part) {
        self.signal(part, "STOP");
        let process = self.id(part);
        wait_for("every thread to stop", async || {
            is_stopped(process).then_some(())
        })
        .await;
    }

    /// Waits for a process to end by itself; its exit code.
    pub(crate) async fn exit_code(&mut self, part: Part) -> Option<i32> {
        let ended = tokio::time::timeout(BOUND, self.child(part).wait()).await;
        ended
            .expect("it ends in time")
            .expect("it can be waited for")
            .code()
    }

    /// Starts a process again after it ended.
    pub(crate) async fn start_again(&mut self, part: Part) {
        let child = self.running.site.start(part).await;
        *self.child(part) = child.unwrap_or_else(|error| panic!("no second start: {error:#}"));
    }

    /// Starts a process again and does not wait until it is ready.
    pub(crate) fn start_unready(&mut self, part: Part) {
        let site = &self.running.site;
        let mut args: Vec<_> = ["--parent-stdin", "--config"].map(Into::into).into();
        args.push(site.state.config(part).into());
        let log = site.state.log(part);
        let child = Child::spawn(&site.program, part, &args, &site.environment_of(part), &log);
        *self.child(part) = child.expect("it starts");
    }

    /// Stops everything in order and gives the folder back.
    pub(crate) async fn stop(self) -> TempDir {
        let Self {
            running, folder, ..
        } = self;
        running
            .stop()
            .await
            .unwrap_or_else(|error| panic!("no clean stop: {error:#}"));
        folder
    }

    /// What a process has logged since its start.
    pub(crate) fn log(&self, part: Part) -> String {
        std::fs::read_to_string(self.running.site.state.log(part)).unwrap_or_default()
    }
}

impl Drop for Logs<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for part in [Part::Vault, Part::Router, Part::ProviderSim] {
            let log = self.0.log(part);
            let last: Vec<_> = log.lines().rev().take(15).collect();
            let shown: Vec<_> = last.into_iter().rev().collect();
            let told = writeln!(
                std::io::stderr(),
                "--- {}\n{}",
                part.as_str(),
                shown.join("\n")
            );
            drop(told);
        }
    }
}

/// Shows the end of every log when the test fails while it lives.
pub(crate) struct Logs<'a>(pub(crate) &'a Product);
