//! The operations listener: `/livez`, `/readyz` and `/metrics` over plain HTTP. No RPC, no secret.
//!
//! It has a thread of its own: it answers while the runtime that serves calls is blocked, and tells.

mod metrics;
mod pulse;
mod readiness;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tracing::{error, info};

pub use self::metrics::{Metrics, MetricsError};
use self::pulse::{BEAT, Pulse};
pub use self::readiness::{Condition, RUNTIME, Readiness, ReadinessChanges, STARTED};
use crate::lifecycle::{Shutdown, Tasks};
use crate::serve::ServeError;

/// What the listener shows.
#[derive(Debug, Clone)]
pub struct Shown {
    /// `/readyz`.
    pub readiness: Readiness,
    /// `/metrics`.
    pub metrics: Metrics,
    /// After so long without a task that ran, `/livez` fails; after half of it, [`RUNTIME`].
    pub blocked_after: Duration,
}

/// Opens the operations listener and serves it until `shutdown`. Plain HTTP anywhere, since it holds
/// no secret.
pub async fn serve(
    address: SocketAddr,
    shown: Shown,
    tasks: &Tasks,
    shutdown: &Shutdown,
) -> Result<SocketAddr, ServeError> {
    let failed = |source| ServeError::Bind { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let listener = listener.into_std().map_err(failed)?;
    let pulse = Pulse::new();
    let (beating, stop) = (pulse.clone(), shutdown.clone());
    tasks.spawn("pulse", async move {
        tokio::select! {
            () = beating.beat() => {}
            () = stop.wait() => {}
        }
    });
    let (ended, until_ended) = oneshot::channel::<()>();
    let stop = shutdown.clone();
    let thread = std::thread::Builder::new().name("operations".to_owned());
    let thread = thread.spawn(move || {
        let _ended = ended;
        if let Err(failed) = run(listener, &shown, &pulse, &stop) {
            error!(%failed, "the operations listener failed: {failed}");
        }
    });
    thread.map_err(failed)?;
    tasks.spawn("operations", async move { drop(until_ended.await) });
    Ok(bound)
}

/// The thread: a runtime of its own.
fn run(
    listener: std::net::TcpListener,
    shown: &Shown,
    pulse: &Pulse,
    stop: &Shutdown,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let routes = routes(shown.clone(), pulse.clone());
        let served = axum::serve(listener, routes).with_graceful_shutdown(stop.wait_owned());
        // A scraper that keeps its connection open must not hold the stop up.
        let ended = async {
            stop.wait().await;
            tokio::time::sleep(LAST_ANSWERS).await;
        };
        tokio::select! {
            served = served.into_future() => served,
            () = look(shown, pulse) => Ok(()),
            () = ended => Ok(()),
        }
    })
}

/// Keeps [`RUNTIME`] in step with the pulse, and folds histograms; it never ends.
async fn look(shown: &Shown, pulse: &Pulse) {
    let mut was_blocked = false;
    for count in 0_u64.. {
        let silence = pulse.silence();
        let is_blocked = silence >= shown.blocked_after / 2;
        if is_blocked && !was_blocked {
            error!(
                ?silence,
                "the runtime is blocked: no task of it ran for {silence:?}"
            );
        } else if was_blocked && !is_blocked {
            info!("the runtime runs tasks again");
        }
        was_blocked = is_blocked;
        shown.readiness.set(RUNTIME, !is_blocked);
        if count.is_multiple_of(FOLD_EVERY) {
            shown.metrics.fold();
        }
        tokio::time::sleep(BEAT).await;
    }
}

fn routes(shown: Shown, pulse: Pulse) -> Router {
    let blocked_after = shown.blocked_after;
    let livez = move || {
        let told = livez(&pulse, blocked_after);
        async { told }
    };
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(shown)
}

fn livez(pulse: &Pulse, blocked_after: Duration) -> (StatusCode, String) {
    let silence = pulse.silence();
    if silence < blocked_after {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    let told = format!("the runtime is blocked: no task of it ran for {silence:?}\n");
    (StatusCode::SERVICE_UNAVAILABLE, told)
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

const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// Looks between two folds of the histograms.
const FOLD_EVERY: u64 = 25;
