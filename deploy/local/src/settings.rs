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
            // Port 0 is any port: nobody could be told where the service listens.
            let address: Option<SocketAddr> = text.and_then(|text| text.parse().ok());
            *place = address
                .filter(|address| address.port() != 0)
                .ok_or_else(|| {
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
        // All are held until the last is taken: two settings with one address are noticed, too.
        let mut held = Vec::new();
        for (address, (variable, _)) in self.all().into_iter().zip(LISTENERS) {
            held.push(TcpListener::bind(address).with_context(|| {
                format!("can't listen on {address}; stop what listens there, or move it with {variable}=ADDRESS:PORT")
            })?);
        }
        Ok(())
    }
}

/// Fails on a variable that was meant as a setting and would reach no service.
pub(crate) fn check_names(environment: &Environment) -> Result<()> {
    let stray = environment
        .keys()
        .filter_map(|name| name.to_str())
        .filter(|name| name.starts_with("KEYWAY_") && name.contains("__"))
        .find(|name| {
            !["KEYWAY_VAULT__", "KEYWAY_ROUTER__"]
                .iter()
                .any(|own| name.starts_with(own))
        });
    match stray {
        None => Ok(()),
        Some(name) => Err(anyhow!(
            "environment variable {name}: no such setting; accepted: KEYWAY_VAULT__… and KEYWAY_ROUTER__… (see docs/configuration.md)"
        )),
    }
}

/// Writes both files. `simulator`: where it listens, and the providers that it stands in for.
pub fn write(
    state: &StateDir,
    environment: &Environment,
    addresses: Addresses,
    simulator: Option<(SocketAddr, &[ProviderId])>,
    price_overlay: Option<&Path>,
) -> Result<()> {
    let token = router_token(state)?;
    let vault = vault(state, environment, &token)?;
    write_private(&state.config(Part::Vault), &vault)?;
    let router = router(state, addresses, simulator, price_overlay)?;
    write_private(&state.config(Part::Router), &router)
}

/// Whether the environment says where the master key is. Then the launcher names no place of its own.
pub(crate) fn has_master_key(environment: &Environment) -> bool {
    MASTER_KEY_SOURCES
        .iter()
        .any(|name| environment.contains_key(OsStr::new(name)))
}

const MASTER_KEY_SOURCES: [&str; 4] = [
    "KEYWAY_VAULT__MASTER_KEY__FILE",
    "KEYWAY_VAULT__MASTER_KEY__DIRECTORY",
    "KEYWAY_VAULT__MASTER_KEY__ENVIRONMENT",
    "KEYWAY_VAULT__MASTER_KEY__PKCS11__MODULE",
];

fn vault(state: &StateDir, environment: &Environment, router_token: &Secret) -> Result<String> {
    let database = quoted(&state.vault_database())?;
    let master_key = if has_master_key(environment) {
        String::new()
    } else {
        format!("\n[master_key]\nfile = {}\n", quoted(&state.master_key())?)
    };
    let router = keyway_vault::router_token::entry("local", router_token);
    Ok(format!(
        "# Written by the launcher at every start; change settings with KEYWAY_VAULT__… variables.\n\
         routers = [\"{router}\"]\n\n\
         [database]\npath = {database}\n{master_key}"
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
            if let Some(base) = simulator_base_url(address, *provider) {
                write!(text, "\n[providers.{provider}]\nbase_url = \"{base}\"\n")?;
            }
        }
    }
    Ok(text)
}

/// The base URL at which the simulator speaks as a provider; such as the provider's SDK takes it.
fn simulator_base_url(address: SocketAddr, provider: ProviderId) -> Option<String> {
    let path = provider_sim::base_path(provider.as_str())?;
    Some(format!("http://{address}{path}"))
}

/// The router's token, made at the first start and kept.
fn router_token(state: &StateDir) -> Result<Secret> {
    let path = state.router_token();
    let known = read_if_there(&path)?.map(|token| Secret::new(token.trim().to_owned()));
    // Both sides of this token are written at every start, so a damaged one is simply made anew.
    if let Some(token) = known
        && keyway_vault::router_token::is_well_formed(&token)
    {
        return Ok(token);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: &str, value: &str) -> Environment {
        Environment::from([(name.into(), value.into())])
    }

    #[test]
    fn a_variable_that_reaches_no_service_is_refused_by_name() {
        for stray in ["KEYWAY_ROUTR__LOG__LEVEL", "KEYWAY_VAULT_ADMIN__LISTEN"] {
            let error = check_names(&with(stray, "s3cret")).unwrap_err().to_string();
            assert!(
                error.contains(stray) && !error.contains("s3cret"),
                "{error}"
            );
        }
        for known in ["KEYWAY_VAULT__LOG__LEVEL", "KEYWAY_SIM", "OTHER__X"] {
            check_names(&with(known, "x")).unwrap();
        }
    }

    #[test]
    fn a_listener_without_a_port_of_its_own_is_refused_by_name() {
        let (variable, _) = LISTENERS[2];
        for bad in ["127.0.0.1:0", "localhost:1", "7103"] {
            let error = Addresses::read(&with(variable, bad)).unwrap_err();
            assert!(error.to_string().contains(variable), "{error}");
        }
        let twice = [
            (LISTENERS[0].0, "127.0.0.1:47381"),
            (LISTENERS[1].0, "127.0.0.1:47381"),
        ];
        let twice = twice.map(|(name, value)| (name.into(), value.into()));
        let addresses = Addresses::read(&Environment::from(twice)).unwrap();
        assert_eq!(addresses.vault, addresses.vault_data);
        assert!(addresses.check_free().is_err());
    }

    #[test]
    fn a_damaged_router_token_is_made_anew_and_a_good_one_kept() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let first = router_token(&state).unwrap();
        assert_eq!(router_token(&state).unwrap().expose(), first.expose());
        for damaged in ["", "hi\n"] {
            write_private(&state.router_token(), damaged).unwrap();
            let made = router_token(&state).unwrap();
            assert!(keyway_vault::router_token::is_well_formed(&made));
        }
    }
}
