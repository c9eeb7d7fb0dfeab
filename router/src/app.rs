//! Builds the router from its settings: everything is made here, once, and handed on.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::Routes;
use keyway_chassis::access::Authority;
use keyway_chassis::run::{Misconfigured, NotYet, Parts, StartError};
use keyway_chassis::serve::{self, Listener, Surroundings};
use keyway_chassis::tls::{ServerTls, TlsClient};
use keyway_proto::billing::v1::billing_service_server::BillingServiceServer;
use keyway_proto::router::v1::execution_service_server::ExecutionServiceServer;
use keyway_router_billing::{Ledger, LedgerConfig, LedgerError};
use tokio::sync::Semaphore;
use tracing::{error, warn};
use zeroize::Zeroizing;

use crate::admission::{Admission, Bodies, BodyBudget, SharedRate};
use crate::callers::{Grants, VerdictCache};
use crate::conditions::{LEDGER, MIGRATIONS, VAULT_FEED};
use crate::counters;
use crate::edge::HttpEdge;
use crate::edge::compatible::SealKey;
use crate::execute::Execution;
use crate::keys::{
    Breakers, Feed, Freshness, HealthBoard, KeyNews, LeaseCache, Reporter, Reports, RouterToken,
    VaultClient, VaultSource,
};
use crate::ledger_watch;
use crate::price::{self, PriceFile, Prices};
use crate::probe::Probes;
use crate::relay;
use crate::service::Services;
use crate::settings::RouterConfig;
use crate::spend::SpendBook;
use crate::switches::{SwitchFile, Switches};
use crate::upstream::{Upstreams, is_plain_beyond_loopback};

/// Full names of the services, for health answers.
const SERVICES: &[&str] = &[
    "keyway.router.v1.ExecutionService",
    "keyway.billing.v1.BillingService",
];

/// Starts the router. It serves until `parts` say otherwise.
pub(crate) async fn build(config: RouterConfig, parts: Parts) -> Result<(), StartError> {
    let upstreams = upstreams(&config)?;
    guard_the_way_to_the_vault(&config, &parts)?;
    let calls = listener(&config, &parts).await?;
    parts.operations(config.operations).await?;
    let opening = async || ledger(&config.ledger, &parts).await;
    let Some(ledger) = parts.once_possible(&[(&calls, SERVICES)], opening).await? else {
        return Ok(()); // told to stop
    };
    parts.readiness.set(MIGRATIONS, true);
    stop_with(&ledger, &parts);
    watch_ledger(&ledger, &parts);
    if let Some(settings) = &config.relay {
        relay::start(settings, &ledger, &parts)?;
    }
    let prices = prices(&config, &ledger, &parts).await?;
    let news = key_news(&config, &ledger, &parts);
    let followed = follow_vault(&config, news, &parts)?;
    watch_readiness(&followed.freshness, &ledger, &parts);
    let execution = Arc::new(Execution {
        leases: followed.leases,
        health: followed.health,
        breakers: Arc::new(Breakers::new(config.breakers)),
        ledger: Arc::clone(&ledger),
        prices: Arc::clone(&prices),
        upstreams,
        spend: spend(&ledger, &parts),
        admission: Arc::new(Admission::new(config.admission, shared_rate(&ledger))),
        switches: switches(&config, &ledger, &parts)?,
        clock: Arc::clone(&parts.clock),
        tasks: parts.tasks.clone(),
        drain: parts.drain.clone(),
        drained: Arc::new(Semaphore::new(config.drained)),
        rules: config.rules,
    });
    let bodies = BodyBudget::new(config.bodies);
    let authority: Arc<dyn Authority> = Arc::new(Grants);
    let services = Services {
        probes: Arc::new(Probes::new(
            Arc::clone(&execution),
            followed.vault,
            config.probes,
        )),
        execution,
        authority: Arc::clone(&authority),
        ledger,
        prices,
    };
    let seal = seal_key(&services.ledger).await?;
    let edge = HttpEdge::new(&services, Arc::clone(&bodies), config.edge.clone(), seal);
    let verdicts = Arc::new(followed.verdicts);
    serve(
        calls,
        &config,
        &parts,
        (services, edge, bodies),
        (verdicts, authority),
    );
    Ok(())
}

/// The ledger, once its database answers and has this build's schema.
async fn ledger(config: &LedgerConfig, parts: &Parts) -> Result<Arc<Ledger>, NotYet> {
    let started = Ledger::start(config.clone(), Arc::clone(&parts.clock), &parts.tasks).await;
    started.map_err(|error| {
        let condition = match &error {
            error if error.is_away() => {
                warn!(%error, "the ledger's database does not answer");
                LEDGER
            }
            LedgerError::Schema(_) => MIGRATIONS,
            _ => return NotYet::Failed(error.into()),
        };
        NotYet::Waits(condition, error.into())
    })
}

/// What is known of the vault, kept fresh by its feed.
struct Followed {
    vault: VaultClient,
    leases: LeaseCache,
    verdicts: VerdictCache,
    health: Arc<HealthBoard>,
    freshness: Arc<Freshness>,
}

/// The rates of hosted requests of all routers, where there may be others.
fn shared_rate(ledger: &Arc<Ledger>) -> Option<SharedRate> {
    let from = Arc::clone(ledger);
    ledger.is_shared().then(|| SharedRate::new(from))
}

/// What hosted calls may spend, and what gives back what they don't.
fn spend(ledger: &Arc<Ledger>, parts: &Parts) -> Arc<SpendBook> {
    let from = Arc::clone(ledger);
    let book = SpendBook::new(from, Arc::clone(&parts.clock), parts.tasks.clone());
    let upkeep = Arc::clone(&book).upkeep(parts.shutdown.clone());
    parts.tasks.spawn("spend-upkeep", upkeep);
    book
}

/// What becomes of keys, for those who follow the relay.
fn key_news(config: &RouterConfig, ledger: &Arc<Ledger>, parts: &Parts) -> Option<Arc<KeyNews>> {
    config.relay.as_ref()?;
    let news = Arc::new(KeyNews::default());
    let telling = Arc::clone(&news).follow(Arc::clone(ledger), parts.shutdown.clone());
    parts.tasks.spawn("key-news", telling);
    Some(news)
}

/// Makes the caches and starts the feed.
fn follow_vault(
    config: &RouterConfig,
    news: Option<Arc<KeyNews>>,
    parts: &Parts,
) -> Result<Followed, StartError> {
    let vault = vault(config, parts)?;
    let source: Arc<dyn VaultSource> = Arc::new(vault.clone());
    let freshness = Arc::new(Freshness::new(
        config.vault.stale_bound,
        config.vault.feed_dead,
    ));
    let (clock, tasks) = (Arc::clone(&parts.clock), parts.tasks.clone());
    let fresh = Arc::clone(&freshness);
    let leases = LeaseCache::new(Arc::clone(&source), fresh, config.leases, tasks.clone());
    let fresh = Arc::clone(&freshness);
    let verdicts = VerdictCache::new(source, fresh, clock, config.verdicts, tasks)?;
    let reports = Arc::new(Reports::default());
    let health = Arc::new(HealthBoard::new(config.health, Arc::clone(&reports), news));
    let reporter = Reporter {
        sink: vault.clone(),
        reports,
    };
    let reporting = reporter.run(parts.shutdown.clone());
    parts.tasks.spawn("health-reports", reporting);
    let feed = Feed {
        vault,
        leases: leases.clone(),
        verdicts: verdicts.clone(),
        health: Arc::clone(&health),
        freshness: Arc::clone(&freshness),
        clock: Arc::clone(&parts.clock),
        dead_after: config.vault.feed_dead,
    };
    let vault = feed.vault.clone();
    parts
        .tasks
        .spawn("vault-feed", feed.run(parts.shutdown.clone()));
    Ok(Followed {
        vault,
        leases,
        verdicts,
        health,
        freshness,
    })
}

/// Opens the listener for calls.
async fn listener(config: &RouterConfig, parts: &Parts) -> Result<Listener, StartError> {
    let tls = parts.serve.tls.clone();
    let tls = tls.map(|tls| ServerTls { http1: true, ..tls });
    parts.listen("calls", config.calls, tls.as_ref()).await
}

/// Serves calls as a task.
fn serve(
    calls: Listener,
    config: &RouterConfig,
    parts: &Parts,
    (services, edge, bodies): (Services, HttpEdge, Arc<BodyBudget>),
    (verdicts, authority): (Arc<VerdictCache>, Arc<dyn Authority>),
) {
    let execution = ExecutionServiceServer::new(services.clone())
        .max_decoding_message_size(config.request_bytes);
    let execution = Bodies::new(execution, bodies);
    let billing = BillingServiceServer::new(services);
    let routes = Routes::default()
        .add_service(execution)
        .add_service(billing);
    let around = Surroundings {
        config: parts.serve.clone(),
        authenticate: verdicts,
        authority,
        drain: parts.drain.clone(),
        readiness: parts.readiness.clone(),
    };
    let terminate = parts.terminate.clone();
    parts.tasks.spawn("calls", async move {
        if let Err(failed) = serve::grpc_and_http(calls, routes, SERVICES, edge, around).await {
            error!("the listener for calls failed: {failed}");
            terminate.begin();
        }
    });
}

/// The key of what callers carry for the routers: the same for all of one ledger, and after a restart.
async fn seal_key(ledger: &Ledger) -> Result<SealKey, StartError> {
    let mut fresh = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *fresh).map_err(|failed| format!("no random bytes: {failed}"))?;
    let kept = ledger.shared_key("tool-call-ids", fresh).await?;
    SealKey::new(&kept).ok_or_else(|| "the ledger keeps an empty key of tool calls' ids".into())
}

/// The router's token and the leased keys go this way.
fn guard_the_way_to_the_vault(config: &RouterConfig, parts: &Parts) -> Result<(), StartError> {
    if parts.serve.insecure || !is_plain_beyond_loopback(&config.vault.endpoint) {
        return Ok(());
    }
    Err(
        "vault.endpoint is plain text beyond loopback; make it https: with vault.tls.ca, give it \
         an address on loopback, such as that of something that speaks TLS, or set \
         server.insecure=true"
            .into(),
    )
}

fn vault(config: &RouterConfig, parts: &Parts) -> Result<VaultClient, StartError> {
    let settings = &config.vault;
    let token = settings
        .token_file
        .as_deref()
        .map(RouterToken::read)
        .transpose()?;
    if let Some(token) = token.clone() {
        let renewed = token.follow(parts.shutdown.clone());
        parts.tasks.spawn("router-token", renewed);
    }
    let tls = settings.tls.clone();
    let tls = tls.map(|(files, name)| TlsClient::start("vault", &name, files, &parts.upkeep()));
    let client = VaultClient::new(
        &settings.endpoint,
        tls.transpose().map_err(Misconfigured::new)?,
        token,
        settings.deadline,
    );
    Ok(client?)
}

fn upstreams(config: &RouterConfig) -> Result<Upstreams, StartError> {
    let upstreams = Upstreams::new(
        &config.base_urls,
        config.insecure,
        config.upstream,
        &config.egress,
    );
    Ok(upstreams.map_err(Misconfigured::new)?)
}

/// What the operator switched off, followed while the router runs.
fn switches(
    config: &RouterConfig,
    ledger: &Arc<Ledger>,
    parts: &Parts,
) -> Result<Switches, StartError> {
    let switches = Switches::default();
    if let Some(path) = config.switches.clone() {
        let mut file = SwitchFile::new(path, switches.clone(), Arc::clone(ledger));
        file.begin()?;
        parts.tasks.spawn(
            "switches",
            file.follow(parts.readiness.clone(), parts.shutdown.clone()),
        );
    }
    Ok(switches)
}

/// The price table in force, kept in the ledger before anything is priced with it; and the task
/// that follows the overlay.
async fn prices(
    config: &RouterConfig,
    ledger: &Arc<Ledger>,
    parts: &Parts,
) -> Result<Arc<Prices>, StartError> {
    let path = config.overlay.clone();
    let overlay = path.as_deref().map(price::read).transpose()?;
    let (aliases, now) = (config.aliases.clone(), parts.clock.now());
    let prices = Arc::new(
        Prices::new(overlay, aliases, config.multiplier, now)?
            .charging_estimates(config.charge_estimates),
    );
    let file = PriceFile {
        path,
        prices: Arc::clone(&prices),
        ledger: Arc::clone(ledger),
        clock: Arc::clone(&parts.clock),
    };
    file.begin().await?;
    let following = file.follow(parts.readiness.clone(), parts.shutdown.clone());
    parts.tasks.spawn("price-changes", following);
    Ok(prices)
}

/// The ledger stops once the calls have: what they settled is on the disk before the exit.
fn stop_with(ledger: &Arc<Ledger>, parts: &Parts) {
    let (ledger, stop) = (Arc::clone(ledger), parts.shutdown.clone());
    parts.tasks.spawn("ledger-stop", async move {
        stop.wait().await;
        if let Err(failed) = ledger.stop(LEDGER_STOP).await {
            error!("the ledger did not close: {failed}");
        }
    });
}

/// Figures of the ledger.
fn watch_ledger(ledger: &Arc<Ledger>, parts: &Parts) {
    counters::begin();
    let (clock, readiness) = (Arc::clone(&parts.clock), parts.readiness.clone());
    let watching = ledger_watch::run(Arc::clone(ledger), clock, readiness, parts.shutdown.clone());
    parts.tasks.spawn("ledger-figures", watching);
}

/// Ready while the feed is alive and the ledger takes writes.
fn watch_readiness(freshness: &Arc<Freshness>, ledger: &Arc<Ledger>, parts: &Parts) {
    let (freshness, ledger) = (Arc::clone(freshness), Arc::clone(ledger));
    let (readiness, stop) = (parts.readiness.clone(), parts.shutdown.clone());
    readiness.set(VAULT_FEED, false);
    readiness.set(LEDGER, true);
    parts.tasks.spawn("readiness", async move {
        loop {
            readiness.set(VAULT_FEED, freshness.is_alive());
            readiness.set(LEDGER, ledger.is_available());
            if let Some(lag) = freshness.lag() {
                counters::feed_lag(lag.as_secs_f64());
            }
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(READINESS) => {}
            }
        }
    });
}

const LEDGER_STOP: Duration = Duration::from_secs(5);
const READINESS: Duration = Duration::from_millis(200);
