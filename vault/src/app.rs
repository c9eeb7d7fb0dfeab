//! The vault put together: database, services, three listeners.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use keyway_chassis::Routes;
use keyway_chassis::clock::Clock;
use keyway_chassis::drain::Drain;
use keyway_chassis::operations::Readiness;
use keyway_chassis::run::{Misconfigured, NotYet, Parts, StartError};
use keyway_chassis::serve::{self, Listener, ServeConfig, Surroundings};
use keyway_chassis::tls::{ClientAuth, KeyPair, ServerTls};
use keyway_migrations::{DatabaseAddress, DatabaseLock};
use keyway_proto::vault::v1::audit_service_server::AuditServiceServer;
use keyway_proto::vault::v1::key_service_server::KeyServiceServer;
use keyway_proto::vault::v1::lease_service_server::LeaseServiceServer;
use keyway_proto::vault::v1::member_service_server::MemberServiceServer;
use keyway_proto::vault::v1::seal_service_server::SealServiceServer;
use keyway_proto::vault::v1::token_service_server::TokenServiceServer;
use keyway_proto::vault::v1::workspace_service_server::WorkspaceServiceServer;
use keyway_proto::{Fault, Reason};

use crate::audit::{health, signing};
use crate::authenticate::{Authenticator, RouterList};
use crate::authority::Authority;
use crate::conditions::{DATABASE, MIGRATIONS};
use crate::counters;
use crate::denials::{self, Recorder};
use crate::failpoints;
use crate::issuers::{IssuerConfig, Issuers};
use crate::key_check;
use crate::keyring::Keyring;
use crate::pulse;
use crate::purge::Purge;
use crate::rollback::Rollback;
use crate::rotation::{self, Rotation};
use crate::routers::{Routers, shared};
use crate::service::Vault;
use crate::service::audit::Audit;
use crate::service::keys::Keys;
use crate::service::lease::Lease;
use crate::service::members::Members;
use crate::service::seal::Seal;
use crate::service::tokens::Tokens;
use crate::service::workspaces::Workspaces;
use crate::settings::{DatabaseSettings, Limits, Settings};
use crate::start;
use crate::store::{Store, StoreError, feed};

/// Services of the admin listener.
pub(crate) const ADMIN: &[&str] = &[
    "keyway.vault.v1.KeyService",
    "keyway.vault.v1.WorkspaceService",
    "keyway.vault.v1.MemberService",
    "keyway.vault.v1.TokenService",
    "keyway.vault.v1.AuditService",
    "keyway.vault.v1.SealService",
];

/// Services of the data plane's listener.
pub(crate) const DATA: &[&str] = &["keyway.vault.v1.LeaseService"];

/// Opens the database, binds the listeners and starts to serve.
pub(crate) async fn build(settings: Settings, parts: Parts) -> Result<(), StartError> {
    let addresses = [settings.admin, settings.data];
    let [admin, data] = listeners(&parts, addresses, settings.data_tls.clone()).await?;
    parts.operations(settings.operations).await?;
    let opening = async || {
        there(&settings.database).await?;
        locked(&settings, &parts).await.map_err(NotYet::Failed)
    };
    let doors = [(&admin, ADMIN), (&data, DATA)];
    let Some((lock, store, keyring)) = parts.once_possible(&doors, opening).await? else {
        return Ok(()); // told to stop
    };
    parts.readiness.set(MIGRATIONS, true);
    let current = keyring.data_keys.current();
    tracing::info!(master_key = current, "the vault is open");

    let identities = Identities {
        routers: settings.routers,
        issuers: settings.issuers,
    };
    let (vault, around, recorder) = assemble(
        store.clone(),
        keyring,
        settings.limits,
        identities,
        Process {
            config: parts.serve.clone(),
            drain: parts.drain.clone(),
            readiness: parts.readiness.clone(),
        },
    );
    vault.issuers.keep(&parts.tasks, &parts.shutdown);
    spawn(
        &parts,
        "admin",
        serve::grpc(admin, admin_routes(&vault), ADMIN, around.clone()),
    );
    spawn(
        &parts,
        "data",
        serve::grpc(data, data_routes(&vault), DATA, around),
    );
    background(&vault, &parts);
    counters::begin();
    failpoints::block_while_told();
    let shutdown = parts.shutdown.clone();
    let signing = signing::run(vault, shutdown.clone());
    parts.tasks.spawn("database", async move {
        // What is refused until the end is on record, and what is on record is signed.
        tokio::join!(recorder.run(store.clone(), shutdown), signing);
        if let Err(error) = store.close().await {
            tracing::warn!(%error, "the database did not close");
        }
        drop(lock); // after the last statement
    });
    Ok(())
}

/// What goes on beside the calls, until the shutdown.
fn background(vault: &Arc<Vault>, parts: &Parts) {
    let spawn = |name, task| parts.tasks.spawn(name, task);
    let store = || vault.store.clone();
    let shutdown = || parts.shutdown.clone();
    spawn("database-check", check(store(), parts.clone()).boxed());
    let purge = Purge::new(store(), vault.limits.deletion);
    spawn("purge", purge.run(shutdown()).boxed());
    let pulse = pulse::run(Arc::clone(vault), shutdown());
    spawn("feed-pulse", pulse.boxed());
    let sharing = shared::run(Arc::clone(vault), shutdown());
    spawn("router-watches", sharing.boxed());
    let checking = key_check::run(Arc::clone(vault), parts.readiness.clone(), shutdown());
    spawn("master-key-check", checking.boxed());
    let interval = vault.limits.audit.check;
    let watching = health::watch(store(), interval, parts.readiness.clone(), shutdown());
    spawn("audit-check", watching.boxed());
    let rotating = rotation::run(Arc::clone(vault), shutdown());
    spawn("rotation", rotating.boxed());
}

/// Waits for a database that answers and has this build's schema. What else may be wrong with it, its
/// opening says.
async fn there(settings: &DatabaseSettings) -> Result<(), NotYet> {
    let Ok(address) = start::address(settings) else {
        return Ok(());
    };
    match keyway_migrations::vault::look(&address, settings.bounds.connect).await {
        Err(error) if error.is_away() => {
            tracing::warn!(%error, "the database does not answer");
            Err(NotYet::Waits(DATABASE, StoreError::Away.into()))
        }
        Err(error) => {
            let fault = Fault::new(Reason::MigrationPending, error.to_string());
            let fault = fault.retry_after(Duration::from_secs(1));
            Err(NotYet::Waits(MIGRATIONS, fault))
        }
        Ok(()) => Ok(()),
    }
}

/// Opens the database, a file for this process alone.
async fn locked(
    settings: &Settings,
    parts: &Parts,
) -> Result<(Option<DatabaseLock>, Store, Keyring), StartError> {
    let lock = match &settings.database.address {
        DatabaseAddress::File(path) => Some(DatabaseLock::take(path)?),
        DatabaseAddress::Server(_) => None, // several replicas share it
    };
    let (store, keyring) = open(settings, Arc::clone(&parts.clock)).await?;
    Ok((lock, store, keyring))
}

/// Opens the database with its key, as the settings say.
pub(crate) async fn open(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> Result<(Store, Keyring), StartError> {
    let holders = settings.master_key.clone();
    let opened = start::open(&settings.database, holders, settings.hierarchy, clock).await;
    opened.map_err(|error| {
        if error.is_configuration() {
            Box::new(Misconfigured(error.to_string())) as StartError
        } else {
            error.into()
        }
    })
}

async fn listeners(
    parts: &Parts,
    [admin, data]: [SocketAddr; 2],
    data_own: (Option<KeyPair>, Option<ClientAuth>),
) -> Result<[Listener; 2], StartError> {
    let tls = parts.serve.tls.as_ref();
    let data_tls = data_tls(tls.cloned(), data_own)?;
    Ok([
        parts.listen("admin", admin, tls).await?,
        parts.listen("data", data, data_tls.as_ref()).await?,
    ])
}

/// TLS of the data plane: its own certificate and clients, else those of all listeners.
fn data_tls(
    common: Option<ServerTls>,
    own: (Option<KeyPair>, Option<ClientAuth>),
) -> Result<Option<ServerTls>, StartError> {
    let (pair, clients) = match common {
        Some(common) => (Some(common.pair), Some(common.clients)),
        None => (None, None),
    };
    match (own.0.or(pair), own.1.or(clients)) {
        (Some(pair), clients) => Ok(Some(ServerTls {
            pair,
            clients: clients.unwrap_or(ClientAuth::Off),
            http1: false,
        })),
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let why = "data.tls.client_auth needs data.tls.certificate and data.tls.key";
            Err(Box::new(Misconfigured(why.to_owned())))
        }
    }
}

/// Keeps readiness in step with the database, by the statement that the feed reads anyway.
async fn check(store: Store, parts: Parts) {
    let answers = async || -> Result<(), StoreError> {
        let read = store.read().await?;
        feed::current(read.on()).await.map(drop)
    };
    let mut reach = store.reach();
    loop {
        let answer = tokio::time::timeout(CHECK_BOUND, answers()).await;
        parts.readiness.set(DATABASE, matches!(answer, Ok(Ok(()))));
        tokio::select! {
            () = parts.shutdown.wait() => return,
            () = tokio::time::sleep(CHECK_EVERY) => {}
            // A call found out first, or this look did: another one settles it.
            _ = reach.changed() => {}
        }
    }
}

const CHECK_EVERY: Duration = Duration::from_secs(5);
const CHECK_BOUND: Duration = Duration::from_secs(2);

/// What the services take from the process they run in.
pub(crate) struct Process {
    pub(crate) config: ServeConfig,
    pub(crate) drain: Drain,
    pub(crate) readiness: Readiness,
}

/// Who is known by configuration rather than from the database.
#[derive(Clone)]
pub(crate) struct Identities {
    pub(crate) routers: RouterList,
    pub(crate) issuers: Vec<IssuerConfig>,
}

/// The services and what stands around them, before any listener.
pub(crate) fn assemble(
    store: Store,
    keyring: Keyring,
    limits: Limits,
    identities: Identities,
    process: Process,
) -> (Arc<Vault>, Surroundings<Authenticator>, Recorder) {
    let (denials, recorder) = denials::queue();
    let authority = Arc::new(Authority::new(denials.clone()));
    let vault = Arc::new(Vault {
        store,
        keyring,
        limits,
        routers: Routers::new(limits.stale_bound),
        authority: Arc::clone(&authority),
        issuers: Issuers::new(identities.issuers),
        rotation: Rotation::new(),
        rollback: Rollback::new(process.readiness.clone()),
    });
    let around = Surroundings {
        config: process.config,
        authenticate: Arc::new(Authenticator::new(
            Arc::clone(&vault),
            identities.routers,
            denials,
        )),
        authority,
        drain: process.drain,
        readiness: process.readiness,
    };
    (vault, around, recorder)
}

fn spawn(
    parts: &Parts,
    name: &'static str,
    server: impl Future<Output = Result<(), serve::ServeError>> + Send + 'static,
) {
    let terminate = parts.terminate.clone();
    parts.tasks.spawn(name, async move {
        if let Err(error) = server.await {
            tracing::error!(%error, "the {name} listener failed");
            terminate.begin();
        }
    });
}

/// Everything people use.
pub(crate) fn admin_routes(vault: &Arc<Vault>) -> Routes {
    let limit = vault.limits.message;
    let vault = || Arc::clone(vault);
    Routes::default()
        .add_service(KeyServiceServer::new(Keys(vault())).max_decoding_message_size(limit))
        .add_service(
            WorkspaceServiceServer::new(Workspaces(vault())).max_decoding_message_size(limit),
        )
        .add_service(MemberServiceServer::new(Members(vault())).max_decoding_message_size(limit))
        .add_service(TokenServiceServer::new(Tokens(vault())).max_decoding_message_size(limit))
        .add_service(AuditServiceServer::new(Audit(vault())).max_decoding_message_size(limit))
        .add_service(SealServiceServer::new(Seal(vault())).max_decoding_message_size(limit))
}

/// What routers use.
pub(crate) fn data_routes(vault: &Arc<Vault>) -> Routes {
    let limit = vault.limits.message;
    let lease = LeaseServiceServer::new(Lease(Arc::clone(vault)));
    Routes::default().add_service(lease.max_decoding_message_size(limit))
}
