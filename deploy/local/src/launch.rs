//! Start-up in order, the demo, serving, and the stop.

use std::ffi::OsString;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use keyway_chassis::proto::vault::v1::Role;
use keyway_words::{ProviderId, Secret};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::child::{Child, Environment};
use crate::cli::Options;
use crate::client::Session;
use crate::env_file::{self, EnvFile};
use crate::part::Part;
use crate::providers::{Place, Placed, place_all, without_secrets};
use crate::settings::{self, Addresses};
use crate::site::{STOP_BOUND, Site, words};
use crate::state::{StateDir, read_if_there, write_private};
use crate::{demo, provision};

/// Where the simulator listens unless told otherwise and free.
const SIMULATOR: &str = "127.0.0.1:7129";

/// The running product.
#[derive(Debug)]
pub struct Running {
    /// The installation.
    pub site: Site,
    /// The vault.
    pub vault: Child,
    /// The router.
    pub router: Child,
    /// The simulator, if it is used.
    pub simulator: Option<Child>,
    /// What stands in `keyway.env`.
    pub access: EnvFile,
    /// Providers at the simulator.
    pub simulated: Vec<ProviderId>,
}

/// Starts everything and waits until it serves. Says in a few lines what it does.
pub async fn start(
    options: &Options,
    program: PathBuf,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<Running> {
    let state = StateDir::open(&options.state)?;
    let placed = place_all(environment, options.simulator);
    let simulated = simulated(&placed);
    let simulator = if simulated.is_empty() {
        None
    } else {
        Some(simulator_address(options)?)
    };
    let base = simulator.map(|address| (address, simulated.as_slice()));
    let environment = without_secrets(environment);
    settings::check_names(&environment)?;
    let addresses = Addresses::read(&environment)?;
    let overlay = options.price_overlay.as_deref();
    settings::write(&state, &environment, addresses, base, overlay)?;
    let site = Site {
        program,
        state,
        environment,
        addresses,
        simulator,
        token_factor: options.token_factor,
    };

    writeln!(out, "Keyway: state in {}", site.state.root().display())?;
    site.addresses.check_free()?;
    nothing_lost(&site)?;
    master_key(&site)?;
    migrate(&site).await?;
    let operator_token = bootstrap(&site).await?;
    let simulator = match site.simulator {
        Some(_) => Some(site.start(Part::ProviderSim).await?),
        None => None,
    };
    let vault = site.start(Part::Vault).await?;
    let operator = Session::new(site.addresses.vault, &operator_token)
        .with_context(|| site.state.operator_token().display().to_string())?;
    check_operator(&operator, &site).await?;
    provision::platform_keys(&operator, &placed, out).await?;
    let access = access(&site, &operator, operator_token).await?;
    write_private(&site.state.env_file(), &access.to_text())?;
    let router = site.start(Part::Router).await?;
    Ok(Running {
        site,
        vault,
        router,
        simulator,
        access,
        simulated,
    })
}

fn simulated(placed: &[Placed]) -> Vec<ProviderId> {
    let at_simulator = placed
        .iter()
        .filter(|placed| matches!(placed.place, Place::Simulator));
    at_simulator.map(|placed| placed.provider).collect()
}

fn simulator_address(options: &Options) -> Result<SocketAddr> {
    if let Some(asked) = options.simulator_listen {
        TcpListener::bind(asked).with_context(|| {
            format!("the simulator can't listen on {asked}; give another with --simulator-listen")
        })?;
        return Ok(asked);
    }
    let usual: SocketAddr = SIMULATOR.parse()?;
    match TcpListener::bind(usual) {
        Ok(_) => Ok(usual),
        Err(_taken) => Ok(TcpListener::bind((usual.ip(), 0))?.local_addr()?),
    }
}

async fn migrate(site: &Site) -> Result<()> {
    let databases = [
        ("vault", site.state.vault_database()),
        ("router", site.state.ledger_database()),
    ];
    for (which, database) in databases {
        site.run_to_end(Part::Migrate, &words(&[which, "--database"], &database))
            .await?;
    }
    Ok(())
}

/// Fails if a database is gone that an earlier start has filled: an empty one in its place would
/// look as if nobody had ever stored a key or owed anything.
fn nothing_lost(site: &Site) -> Result<()> {
    if !site.state.env_file().exists() {
        return Ok(()); // no start has come to its end yet
    }
    for database in [site.state.vault_database(), site.state.ledger_database()] {
        if !database.exists() {
            bail!(
                "the database {} of an earlier start is gone; bring it back, or begin afresh with another --state DIR",
                database.display()
            );
        }
    }
    Ok(())
}

/// Makes the first master key, beside a database that is not there yet and nowhere else: a new key
/// beside old data would be the loss of that data.
fn master_key(site: &Site) -> Result<()> {
    let (key, database) = (site.state.master_key(), site.state.vault_database());
    if settings::has_master_key(&site.environment) || key.exists() {
        return Ok(());
    }
    if database.exists() {
        bail!(
            "the database {} is there but its master key {} is not; bring the key back, or begin afresh with another --state DIR",
            database.display(),
            key.display()
        );
    }
    Ok(keyway_vault::master_key::create_file(&key)?)
}

/// The operator's token: from its file, else from `keyway.env`, else of the first operator, which the
/// vault makes now.
async fn bootstrap(site: &Site) -> Result<Secret> {
    let path = site.state.operator_token();
    if let Some(token) = read_if_there(&path)? {
        return Ok(Secret::new(token.trim().to_owned()));
    }
    let known = read_if_there(&site.state.env_file())?.unwrap_or_default();
    if let Some(token) = env_file::value(&known, "KEYWAY_OPERATOR_TOKEN") {
        write_private(&path, token.expose())?;
        return Ok(token);
    }
    let config = site.state.config(Part::Vault);
    let mut args = words(&["bootstrap", "--config"], &config);
    args.extend([OsString::from("--out"), path.clone().into()]);
    site.run_to_end(Part::Vault, &args).await?;
    let token = read_if_there(&path)?.context("the vault did not write the operator's token")?;
    Ok(Secret::new(token.trim().to_owned()))
}

async fn check_operator(operator: &Session, site: &Site) -> Result<()> {
    if provision::is_good(operator, Role::Operator).await? {
        return Ok(());
    }
    bail!(
        "the vault does not take the operator's token in {}; put a good one there (TokenService.Create by another operator), or begin afresh with another --state DIR",
        site.state.operator_token().display()
    )
}

/// The demo workspace and its tokens, made or found again.
async fn access(site: &Site, operator: &Session, operator_token: Secret) -> Result<EnvFile> {
    provision::workspace(operator).await?;
    let known = read_if_there(&site.state.env_file())?.unwrap_or_default();
    let vault = site.addresses.vault;
    let admin_token = match good_token(vault, &known, "KEYWAY_ADMIN_TOKEN", Role::Admin).await? {
        Some(token) => token,
        None => provision::admin_token(operator).await?,
    };
    let call_token = match good_token(vault, &known, "KEYWAY_CALL_TOKEN", Role::Caller).await? {
        Some(token) => token,
        None => provision::call_token(&Session::new(vault, &admin_token)?).await?,
    };
    Ok(EnvFile {
        vault: vault.to_string(),
        router: site.addresses.router.to_string(),
        simulator: site.simulator.map(|address| address.to_string()),
        workspace: provision::WORKSPACE.to_owned(),
        operator_token,
        admin_token,
        call_token,
    })
}

async fn good_token(
    vault: SocketAddr,
    known: &str,
    name: &str,
    role: Role,
) -> Result<Option<Secret>> {
    let Some(token) = env_file::value(known, name) else {
        return Ok(None);
    };
    let good = provision::is_good(&Session::new(vault, &token)?, role).await?;
    Ok(good.then_some(token))
}

impl Running {
    /// Shows the demo.
    pub async fn show_demo(&self, out: &mut dyn Write) -> Result<()> {
        let addresses = &self.site.addresses;
        let sessions = demo::Sessions {
            admin: &Session::new(addresses.vault, &self.access.admin_token)?,
            caller: &Session::new(addresses.router, &self.access.call_token)?,
            billing: &Session::new(addresses.router, &self.access.admin_token)?,
        };
        demo::show(&sessions, &self.simulated, out).await
    }

    /// How to go on, for people.
    pub fn next_steps(&self) -> String {
        let EnvFile {
            vault,
            router,
            simulator,
            ..
        } = &self.access;
        let simulator = simulator
            .as_ref()
            .map_or_else(String::new, |address| format!(", simulator {address}"));
        let env_file = self.site.state.env_file();
        format!(
            "Serving: vault {vault}, router {router}{simulator}. Stop with Ctrl-C.\n\
             Next, in another shell (README.md has a five-minute tour):\n  \
             . '{}'\n  \
             grpcurl -plaintext -expand-headers -H 'authorization: Bearer ${{KEYWAY_ADMIN_TOKEN}}' \\\n    \
             -d '{{\"owner\":\"workspaces/demo\"}}' \"$KEYWAY_VAULT\" keyway.vault.v1.KeyService/ListKeys",
            env_file.display()
        )
    }

    /// Waits for the first process that ends although nobody asked it to; why it did.
    pub async fn first_end(&mut self) -> Result<()> {
        let simulator = async {
            match self.simulator.as_mut() {
                Some(child) => ended(child).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            result = ended(&mut self.vault) => result,
            result = ended(&mut self.router) => result,
            result = simulator => result,
        }
    }

    /// Stops everything: the router first, so that its calls can end while the vault is there.
    pub async fn stop(mut self) -> Result<()> {
        for child in [
            Some(&mut self.router),
            Some(&mut self.vault),
            self.simulator.as_mut(),
        ]
        .into_iter()
        .flatten()
        {
            let status = child.stop(STOP_BOUND).await?;
            if !status.success() {
                return Err(child.failure(status));
            }
        }
        Ok(())
    }
}

async fn ended(child: &mut Child) -> Result<()> {
    let status = child.wait().await?;
    Err(child.failure(status))
}

/// SIGINT and SIGTERM.
#[derive(Debug)]
pub struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignal {
    /// Takes both signals over.
    pub fn new() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub async fn received(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
