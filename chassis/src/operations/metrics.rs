//! What the process counts, as Prometheus text.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

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

    /// Folds the raw samples that histograms keep until somebody does.
    pub(super) fn fold(&self) {
        self.0.run_upkeep();
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
