//! Where a service is and who calls it, from the environment: never from the command line, which
//! everybody on the machine can read.

use std::ffi::OsStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use keyway_chassis::clock::SystemClock;
use keyway_chassis::lifecycle::{Shutdown, Tasks};
use keyway_chassis::tls::{ClientTls, FileRules, TlsClient, TlsFile, Upkeep};
use keyway_words::Secret;
use tonic::transport::{Channel, Endpoint, Uri};

use crate::child::Environment;
use crate::cli::WayOptions;
use crate::client::Session;

/// Where the vault is.
pub(crate) const VAULT: &str = "KEYWAY_VAULT";
/// Where the router is.
pub(crate) const ROUTER: &str = "KEYWAY_ROUTER";
const TOKEN: &str = "KEYWAY_ADMIN_TOKEN";

/// A session of the bearer of the token at the service whose address is in this variable.
pub(crate) fn session(
    service: &'static str,
    way: &WayOptions,
    environment: &Environment,
) -> Result<Session> {
    let token = Secret::new(variable(environment, TOKEN)?);
    let address = variable(environment, service)?;
    let uri = uri(service, &address, way.ca.is_some())?;
    Session::over(channel(service, uri, way)?, &token)
        .with_context(|| format!("{TOKEN} can't be used"))
}

fn variable(environment: &Environment, name: &str) -> Result<String> {
    let value = environment
        .get(OsStr::new(name))
        .and_then(|text| text.to_str());
    match value.map(str::trim) {
        Some(text) if !text.is_empty() => Ok(text.to_owned()),
        _ => {
            bail!("{name} is not set; `. .keyway/keyway.env` sets it for what the launcher started")
        }
    }
}

/// The address as a URI, whatever scheme it came with: `--ca` alone decides about TLS.
fn uri(service: &str, address: &str, has_ca: bool) -> Result<Uri> {
    let place = match address.split_once("://") {
        None | Some(("http", _)) => address.trim_start_matches("http://"),
        Some(("https", place)) if has_ca => place,
        Some(("https", _)) => {
            bail!("{service} is https: --ca names the CAs that sign its certificate")
        }
        Some(_) => "",
    };
    let uri: Option<Uri> = format!("http://{place}").parse().ok();
    let good = uri.filter(|uri| uri.host().is_some() && uri.port_u16().is_some());
    good.with_context(|| format!("{service} must be host:port, such as 127.0.0.1:7101"))
}

/// Keys and the token travel on it: in plain text only to this machine, unless that is asked for.
fn channel(service: &str, uri: Uri, way: &WayOptions) -> Result<Channel> {
    let host = host(&uri).to_owned();
    let endpoint = Endpoint::from(uri)
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .tcp_nodelay(true);
    let Some(authorities) = way.ca.clone() else {
        if !way.insecure && !is_this_machine(&host) {
            bail!(
                "{service} is another machine, to which keys would travel in plain text; --ca makes it TLS, \
                 --insecure allows it"
            );
        }
        return Ok(endpoint.connect_lazy());
    };
    let files = ClientTls {
        authorities: TlsFile {
            path: authorities,
            setting: "--ca".to_owned(),
        },
        pair: None,
    };
    let upkeep = Upkeep {
        rules: FileRules {
            group_reads: false,
            reload_every: Duration::from_hours(1),
        },
        clock: Arc::new(SystemClock),
        tasks: Tasks::new(),
        shutdown: Shutdown::new(),
    };
    let tls = TlsClient::start("client", &host, files, &upkeep)?;
    Ok(endpoint.connect_with_connector_lazy(tls))
}

fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

fn is_this_machine(host: &str) -> bool {
    let address: Option<IpAddr> = host.parse().ok();
    host == "localhost" || address.is_some_and(|address| address.is_loopback())
}
