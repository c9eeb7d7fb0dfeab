//! The operations listener: `/livez`, `/readyz` and `/metrics` over plain HTTP. No RPC, no secret.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tracing::error;

use crate::lifecycle::{Shutdown, Tasks};
use crate::serve::ServeError;

/// Whether the process can do its work, and if not, why. Clones are the same.
///
/// It is ready when it was told so at least once and every reason stands at `true`.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<watch::Sender<Conditions>>);

/// What was said so far.
#[derive(Debug, Default)]
struct Conditions {
    reasons: BTreeMap<&'static str, bool>,
    notes: BTreeMap<&'static str, bool>,
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

impl Readiness {
    /// Not ready: nobody said so yet.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Conditions::default())))
    }

    /// Says whether `reason` (a condition, `vault_feed`) holds.
    pub fn set(&self, reason: &'static str, ok: bool) {
        metrics::gauge!("keyway_ready", "condition" => reason).set(f64::from(u8::from(ok)));
        self.0
            .send_if_modified(|told| told.reasons.insert(reason, ok) != Some(ok));
    }

    /// Says whether `what` works that this process can do its work without: `/readyz` names it among
    /// the degraded, and stays as it is.
    pub fn note(&self, what: &'static str, ok: bool) {
        metrics::gauge!("keyway_degraded", "what" => what).set(f64::from(u8::from(!ok)));
        self.0
            .send_if_modified(|told| told.notes.insert(what, ok) != Some(ok));
    }

    /// What does not work and is not needed, sorted.
    pub fn degraded(&self) -> Vec<&'static str> {
        let told = self.0.borrow();
        let broken = told.notes.iter().filter(|(_, ok)| !**ok);
        broken.map(|(what, _)| *what).collect()
    }

    /// Whether everything holds.
    pub fn is_ready(&self) -> bool {
        ready(&self.0.borrow().reasons)
    }

    /// The conditions that do not hold, sorted.
    pub fn missing(&self) -> Vec<&'static str> {
        missing(&self.0.borrow().reasons)
    }

    /// The answer of `/readyz`.
    fn told(&self, missing: &[&'static str]) -> serde_json::Value {
        let mut told = json!({ "ready": missing.is_empty(), "missing": missing });
        let degraded = self.degraded();
        if let Some(members) = told.as_object_mut()
            && !degraded.is_empty()
        {
            members.insert("degraded".to_owned(), degraded.into());
        }
        told
    }

    /// Wakes on every change.
    pub fn subscribe(&self) -> ReadinessChanges {
        ReadinessChanges(self.0.subscribe())
    }
}

fn ready(reasons: &BTreeMap<&'static str, bool>) -> bool {
    !reasons.is_empty() && reasons.values().all(|ok| *ok)
}

fn missing(reasons: &BTreeMap<&'static str, bool>) -> Vec<&'static str> {
    if reasons.is_empty() {
        return vec!["starting"];
    }
    reasons
        .iter()
        .filter(|(_, ok)| !**ok)
        .map(|(reason, _)| *reason)
        .collect()
}

/// Changes of a [`Readiness`].
#[derive(Debug)]
pub struct ReadinessChanges(watch::Receiver<Conditions>);

impl ReadinessChanges {
    /// Whether it is ready now; [`Self::changed`] wakes on what comes after.
    pub fn is_ready(&mut self) -> bool {
        ready(&self.0.borrow_and_update().reasons)
    }

    /// Ends at the next change; `false` when there can't be one any more.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

/// Renders what the `metrics` macros counted.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Seconds; from a warm call to the longest that is allowed.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0,
];

/// Tokens; the bounds that the conventions of OpenTelemetry name.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

impl Metrics {
    /// Takes the process's metrics over; once per process.
    pub fn install() -> Result<Self, MetricsError> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .map_err(|_buckets| MetricsError)?
            .set_buckets_for_metric(Matcher::Suffix("token_usage".to_owned()), &TOKENS)
            .map_err(|_buckets| MetricsError)?;
        builder
            .install_recorder()
            .map(Self)
            .map_err(|_taken| MetricsError)
    }

    /// All metrics as Prometheus text.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

/// The metrics of this process were taken over already.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the metrics recorder of this process is installed already")]
pub struct MetricsError;

/// Opens the operations listener. Plain HTTP anywhere, since it holds no secret.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| ServeError::Bind { address, source })
}

#[derive(Clone)]
struct Shown {
    readiness: Readiness,
    metrics: Metrics,
}

/// Serves the operations listener until `shutdown`.
pub fn serve(
    listener: TcpListener,
    readiness: Readiness,
    metrics: Metrics,
    tasks: &Tasks,
    shutdown: &Shutdown,
) {
    let upkeep = metrics.clone();
    let stop = shutdown.clone();
    tasks.spawn("metrics-upkeep", async move {
        while tokio::time::timeout(Duration::from_secs(5), stop.wait())
            .await
            .is_err()
        {
            // Histograms keep raw samples until this folds them.
            upkeep.0.run_upkeep();
        }
    });
    let shown = Shown { readiness, metrics };
    let stop = shutdown.wait_owned();
    let served = axum::serve(listener, routes(shown)).with_graceful_shutdown(stop);
    let stop = shutdown.wait_owned();
    tasks.spawn("operations", async move {
        // A scraper that keeps its connection open must not hold the stop up.
        let ended = async {
            stop.await;
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        tokio::select! {
            result = served.into_future() => if let Err(error) = result {
                error!(%error, "the operations listener failed: {error}");
            },
            () = ended => {}
        }
    });
}

fn routes(shown: Shown) -> Router {
    Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(shown)
}

async fn readyz(State(shown): State<Shown>) -> impl IntoResponse {
    let missing = shown.readiness.missing();
    let code = if missing.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(shown.readiness.told(&missing)))
}

async fn metrics_text(State(shown): State<Shown>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        shown.metrics.render(),
    )
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;

    async fn read(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }

    #[tokio::test]
    async fn readiness_tells_what_is_missing_and_recovers_by_itself() {
        let metrics = Metrics::install().unwrap();
        let (readiness, tasks, shutdown) = (Readiness::new(), Tasks::new(), Shutdown::new());
        let listener = bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        let address = listener.local_addr().unwrap();
        serve(listener, readiness.clone(), metrics, &tasks, &shutdown);
        let text = read(address, "/readyz").await;
        assert!(
            text.starts_with("HTTP/1.1 503") && text.contains("starting"),
            "{text}"
        );
        readiness.set("vault_feed", false);
        readiness.set("ledger", true);
        let text = read(address, "/readyz").await;
        assert!(
            text.ends_with(r#"{"ready":false,"missing":["vault_feed"]}"#),
            "{text}"
        );
        let text = read(address, "/metrics").await;
        assert!(
            text.contains("keyway_ready{condition=\"vault_feed\"} 0"),
            "{text}"
        );
        readiness.set("vault_feed", true);
        assert!(read(address, "/readyz").await.starts_with("HTTP/1.1 200"));
        readiness.note("relay", false);
        let text = read(address, "/readyz").await;
        assert!(
            text.starts_with("HTTP/1.1 200")
                && text.ends_with(r#"{"ready":true,"missing":[],"degraded":["relay"]}"#),
            "{text}"
        );
        readiness.note("relay", true);
        let text = read(address, "/readyz").await;
        assert!(!text.contains("degraded"), "{text}");
        assert!(read(address, "/livez").await.starts_with("HTTP/1.1 200"));
        metrics::counter!("keyway_sample_total").increment(2);
        assert!(
            read(address, "/metrics")
                .await
                .contains("keyway_sample_total 2")
        );
        shutdown.begin();
        assert!(tasks.wait(Duration::from_secs(5)).await.is_empty());
    }
}
