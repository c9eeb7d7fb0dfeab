//! What the two services count, read from `/metrics` as a scraper does.

use std::collections::BTreeMap;

use keyway::Part;
use keyway::ready::get;

use super::Product;

/// Every series of one process at one moment.
#[derive(Debug, Clone)]
pub(crate) struct Counts(BTreeMap<String, f64>);

impl Product {
    /// The text of a service's `/metrics`.
    pub(crate) async fn metrics(&self, part: Part) -> String {
        let addresses = &self.running.site.addresses;
        let address = match part {
            Part::Vault => addresses.vault_operations,
            Part::Router => addresses.router_operations,
            Part::ProviderSim | Part::Migrate => panic!("it has no metrics"),
        };
        let (status, body) = get(address, "/metrics").await.expect("metrics");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// What a service has counted since its start.
    pub(crate) async fn counts(&self, part: Part) -> Counts {
        Counts::read(&self.metrics(part).await)
    }
}

impl Counts {
    fn read(text: &str) -> Self {
        let series = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = series.filter_map(|line| line.rsplit_once(' '));
        let read = |(name, value): (&str, &str)| Some((name.to_owned(), value.parse().ok()?));
        Self(pairs.filter_map(read).collect())
    }

    /// The sum of the series of a metric that have this text among their labels.
    pub(crate) fn sum(&self, metric: &str, label: &str) -> u64 {
        let series = self.0.iter().filter(|(series, _)| {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            name == metric && labels.contains(label)
        });
        whole(series.map(|(_, value)| *value).sum())
    }

    /// The series of a metric that grew since `before`, each with by how much.
    pub(crate) fn grown(&self, before: &Self, metric: &str) -> Vec<(String, u64)> {
        let of_metric = self
            .0
            .iter()
            .filter(|(series, _)| series.split('{').next() == Some(metric));
        let growth = of_metric.map(|(series, now)| {
            let was = before.0.get(series).copied().unwrap_or(0.0);
            (series.clone(), whole(now - was))
        });
        growth.filter(|(_, by)| *by > 0).collect()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole and far below 2^53"
)]
fn whole(value: f64) -> u64 {
    value.round() as u64
}
