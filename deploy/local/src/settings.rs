//! What the launcher sets for the two services, as the lowest layer: a file each in the state folder,
//! below the environment. And where the services therefore listen.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use keyway_words::{ProviderId, Secret};

use crate::child::Environment;
use crate::part::Part;
use crate::state::{StateDir, read_if_there, write_private};

/// Where the services listen.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The vault's services for people and programs.
    pub vault: SocketAddr,
    /// The vault's data plane.
    pub vault_data: SocketAddr,
    /// The router's calls.
    pub router: SocketAddr,
    /// The vault's probes and metrics.
    pub vault_operations: SocketAddr,
    /// The router's probes and metrics.
    pub router_operations: SocketAddr,
}

/// The listeners' settings: variable and default.
pub const LISTENERS: [(&str, &str); 5] = [
    ("KEYWAY_VAULT__ADMIN__LISTEN", "127.0.0.1:7101"),
    ("KEYWAY_VAULT__DATA__LISTEN", "127.0.0.1:7102"),
    ("KEYWAY_ROUTER__CALLS__LISTEN", "127.0.0.1:7103"),
    ("KEYWAY_VAULT__OPERATIONS__LISTEN", "127.0.0.1:7109"),
    ("KEYWAY_ROUTER__OPERATIONS__LISTEN", "127.0.0.1:7119"),
];

impl Addresses {
    /// Reads them as the services will: the environment, else their defaults.
    pub fn read(environment: &Environment) -> Result<Self> {
        let mut found = [SocketAddr::from(([127, 0, 0, 1], 0)); 5];
        for (place, (variable, default)) in found.iter_mut().zip(LISTENERS) {
            let text = environment
                .get(OsStr::new(variable))
                .map_or(Some(default), |text| text.to_str());
            *place = text.and_then(|text| text.parse().ok()).ok_or_else(|| {
                anyhow!("{variable} must be an address and a port, such as {default}")
            })?;
        }
        let [
            vault,
            vault_data,
            router,
            vault_operations,
            router_operations,
        ] = found;
        Ok(Self {
            vault,
            vault_data,
            router,
            vault_operations,
            router_operations,
        })
    }

    fn all(self) -> [SocketAddr; 5] {
        [
            self.vault,
            self.vault_data,
            self.router,
            self.vault_operations,
            self.router_operations,
        ]
    }

    /// Fails on the first address that is taken, and names the setting that moves it.
    pub fn check_free(self) -> Result<()> {
        for (address, (variable, _)) in self.all().into_iter().zip(LISTENERS) {
            TcpListener::bind(address).with_context(|| {
                format!("can't listen on {address}; stop what listens there, or move it with {variable}=ADDRESS:PORT")
            })?;
        }
        Ok(())
    }
}

/// Writes both files. `simulator`: where it listens, and the providers that it stands in for.
pub fn write(
    state: &StateDir,
    addresses: Addresses,
    simulator: Option<(SocketAddr, &[ProviderId])>,
    price_overlay: Option<&Path>,
) -> Result<()> {
    let token = router_token(state)?;
    write_private(&state.config(Part::Vault), &vault(state, &token)?)?;
    let router = router(state, addresses, simulator, price_overlay)?;
    write_private(&state.config(Part::Router), &router)
}

fn vault(state: &StateDir, router_token: &Secret) -> Result<String> {
    let database = quoted(&state.vault_database())?;
    let master_key = quoted(&state.master_key())?;
    let router = keyway_vault::router_token::entry("local", router_token);
    Ok(format!(
        "# Written by the launcher at every start; change settings with KEYWAY_VAULT__… variables.\n\
         routers = [\"{router}\"]\n\n\
         [database]\npath = {database}\n\n\
         [master_key]\nfile = {master_key}\n"
    ))
}

fn router(
    state: &StateDir,
    addresses: Addresses,
    simulator: Option<(SocketAddr, &[ProviderId])>,
    price_overlay: Option<&Path>,
) -> Result<String> {
    let mut text = format!(
        "# Written by the launcher at every start; change settings with KEYWAY_ROUTER__… variables.\n\
         [vault]\nendpoint = \"http://{}\"\ntoken_file = {}\n\n\
         [ledger]\npath = {}\n",
        addresses.vault_data,
        quoted(&state.router_token())?,
        quoted(&state.ledger_database())?,
    );
    if let Some(overlay) = price_overlay {
        let path = overlay.canonicalize().with_context(|| {
            format!(
                "can't read the price overlay {}; give another with --price-overlay",
                overlay.display()
            )
        })?;
        write!(text, "\n[prices]\noverlay = {}\n", quoted(&path)?)?;
    }
    if let Some((address, providers)) = simulator {
        for provider in providers {
            let base = simulator_base_url(address, *provider);
            write!(text, "\n[providers.{provider}]\nbase_url = \"{base}\"\n")?;
        }
    }
    Ok(text)
}

/// The base URL at which the simulator speaks as a provider; such as the provider's SDK takes it.
fn simulator_base_url(address: SocketAddr, provider: ProviderId) -> String {
    let below = if provider == ProviderId::OpenAi {
        "/v1"
    } else {
        ""
    };
    format!("http://{address}/{provider}{below}")
}

/// The router's token, made at the first start.
fn router_token(state: &StateDir) -> Result<Secret> {
    let path = state.router_token();
    if let Some(token) = read_if_there(&path)? {
        return Ok(Secret::new(token.trim().to_owned()));
    }
    let token = keyway_vault::router_token::generate()?;
    write_private(&path, token.expose())?;
    Ok(token)
}

/// A path as a TOML string.
fn quoted(path: &Path) -> Result<String> {
    let text = path.to_str().with_context(|| {
        format!(
            "{} is not UTF-8; give another state folder with --state DIR",
            path.display()
        )
    })?;
    Ok(serde_json::to_string(text)?)
}
