//! The relay to NATS as part of the process: its files, its task, and what operators see of it.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::run::{Misconfigured, Parts, StartError};
use keyway_chassis::tls::{TlsClient, Upkeep};
use keyway_router_billing::{JetStream, JetStreamConfig, Ledger, NatsLogin, Relay, RelayStanding};
use tokio::sync::watch;

use crate::conditions::RELAY;
use crate::counters;
use crate::settings::RelaySettings;

/// Starts it. That NATS is away is no reason not to.
pub(crate) fn start(
    settings: &RelaySettings,
    ledger: &Arc<Ledger>,
    parts: &Parts,
) -> Result<(), StartError> {
    guard(settings, parts.serve.insecure)?;
    let stream = JetStream::new(config(settings, &parts.upkeep())?);
    let relay = Relay::new(Arc::clone(ledger), stream, settings.subject.clone());
    let shown = show(relay.standing(), parts.clone());
    parts.tasks.spawn("relay-figures", shown);
    parts
        .tasks
        .spawn("relay", relay.run(parts.shutdown.clone()));
    Ok(())
}

/// Amounts and what logs in go this way.
pub(crate) fn guard(settings: &RelaySettings, insecure: bool) -> Result<(), StartError> {
    match settings.plain_beyond_loopback() {
        Some(server) if !insecure => Err(Misconfigured(format!(
            "relay.url {server} is plain text beyond loopback; make it tls: with relay.tls.ca, or set server.insecure=true"
        ))
        .into()),
        _ => Ok(()),
    }
}

/// The settings with their files read.
pub(crate) fn config(
    settings: &RelaySettings,
    upkeep: &Upkeep,
) -> Result<JetStreamConfig, StartError> {
    let login = settings.credentials_file.clone().map(NatsLogin::new);
    let tls = settings.tls.clone();
    // Each server's own name is checked; this one only has to be a name.
    let tls = tls.map(|files| TlsClient::start("relay", "localhost", files, upkeep));
    Ok(JetStreamConfig {
        servers: settings.servers.clone(),
        tls: tls.transpose().map_err(Misconfigured::new)?,
        login: login.transpose().map_err(Misconfigured::new)?,
        stream: settings.stream.clone(),
        subject: settings.subject.clone(),
        replicas: settings.replicas,
        deduplicate: settings.deduplicate,
        bound: settings.bound,
    })
}

/// Shows how it stands. A NATS that is away is told and keeps nobody from being served.
async fn show(standing: watch::Receiver<RelayStanding>, parts: Parts) {
    loop {
        let now = *standing.borrow();
        counters::relay(&now, parts.clock.now());
        parts.readiness.set(RELAY, !now.is_away);
        tokio::select! {
            () = parts.shutdown.wait() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

const EVERY: Duration = Duration::from_millis(500);
