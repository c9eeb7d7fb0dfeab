//! Where the vault is and who calls it, from the environment: never from the command line, which
//! everybody on the machine can read.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use keyway_words::Secret;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::child::Environment;
use crate::cli::ImportOptions;
use crate::client::Session;

const VAULT: &str = "KEYWAY_VAULT";
const TOKEN: &str = "KEYWAY_ADMIN_TOKEN";

/// A session of the bearer of the token at the vault.
pub(super) fn session(options: &ImportOptions, environment: &Environment) -> Result<Session> {
    let token = Secret::new(variable(environment, TOKEN)?);
    let address = variable(environment, VAULT)?;
    let uri = uri(&address)?;
    Session::over(channel(uri, options)?, &token).with_context(|| format!("{TOKEN} can't be used"))
}

fn variable(environment: &Environment, name: &str) -> Result<String> {
    let value = environment
        .get(OsStr::new(name))
        .and_then(|text| text.to_str());
    match value.map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => bail!("{name} is not set; `. .keyway/keyway.env` sets it for the launcher's vault"),
    }
}

fn uri(address: &str) -> Result<Uri> {
    let full = if address.contains("://") {
        address.to_owned()
    } else {
        format!("http://{address}")
    };
    let uri: Option<Uri> = full.parse().ok();
    let good = uri.filter(|uri| uri.host().is_some() && uri.port_u16().is_some());
    good.with_context(|| format!("{VAULT} must be host:port, such as 127.0.0.1:7101"))
}

/// Keys and the token travel on it: in plain text only to this machine, unless that is asked for.
fn channel(uri: Uri, options: &ImportOptions) -> Result<Channel> {
    if !options.insecure && !is_this_machine(&uri) {
        bail!("{VAULT} is another machine: keys would travel in plain text; --insecure allows it");
    }
    Ok(Endpoint::from(uri)
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .connect_lazy())
}

fn is_this_machine(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}
