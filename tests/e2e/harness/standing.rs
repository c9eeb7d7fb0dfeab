//! Whether a service says that it is well, at every place where somebody asks: `/readyz`, gRPC health
//! on each of its listeners, and `/metrics`.

use std::net::SocketAddr;
use std::time::Duration;

use keyway::Part;
use keyway::ready::get;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::{Product, wait_for};

/// A place that takes so long says nothing.
const SILENT: Duration = Duration::from_secs(1);

impl Product {
    /// Where a service tells how it stands.
    pub(crate) fn operations(&self, part: Part) -> SocketAddr {
        let addresses = &self.running.site.addresses;
        match part {
            Part::Vault => addresses.vault_operations,
            Part::Router => addresses.router_operations,
            Part::ProviderSim | Part::Migrate => panic!("it tells nobody"),
        }
    }

    fn rpc_listeners(&self, part: Part) -> Vec<SocketAddr> {
        let addresses = &self.running.site.addresses;
        match part {
            Part::Vault => vec![addresses.vault, addresses.vault_data],
            _ => vec![addresses.router],
        }
    }

    /// The answer of `/readyz`; `None` if nobody answers.
    pub(crate) async fn readyz(&self, part: Part) -> Option<(u16, String)> {
        let asked = get(self.operations(part), "/readyz");
        timeout(SILENT, asked).await.ok()?.ok()
    }

    /// Waits until a service says everywhere that it can't work without this.
    pub(crate) async fn until_missing(&self, part: Part, condition: &str) {
        let told = async || {
            let (status, body) = self.readyz(part).await?;
            let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            let missing = body["missing"].as_array().expect("a list");
            (status == 503 && missing.contains(&condition.into())).then_some(())
        };
        wait_for(condition, told).await;
        let series = format!("keyway_ready{{condition=\"{condition}\"}} 0");
        assert!(self.metrics(part).await.contains(&series), "{condition}");
        for address in self.rpc_listeners(part) {
            let told = async || match health(address).await {
                Some(status) => (status == ServingStatus::NotServing as i32).then_some(()),
                // What is blocked does not answer there at all.
                None => (condition == "runtime").then_some(()),
            };
            wait_for("the health of its listener", told).await;
        }
    }

    /// Waits until a service says everywhere that it can work.
    pub(crate) async fn until_well(&self, part: Part) {
        let told = async || {
            let (status, body) = self.readyz(part).await?;
            let (alive, _) = get(self.operations(part), "/livez").await.ok()?;
            ((status, alive) == (200, 200) && body.contains("\"missing\":[]")).then_some(())
        };
        wait_for("a service that is ready", told).await;
        let metrics = self.metrics(part).await;
        let mut conditions = (metrics.lines()).filter(|line| line.starts_with("keyway_ready{"));
        assert!(conditions.all(|line| line.ends_with(" 1")), "{metrics}");
        for address in self.rpc_listeners(part) {
            let told = async || {
                let status = health(address).await?;
                (status == ServingStatus::Serving as i32).then_some(())
            };
            wait_for("the health of its listener", told).await;
        }
    }
}

/// What a listener's health service answers for the whole of it.
async fn health(address: SocketAddr) -> Option<i32> {
    let asked = async {
        let endpoint = Endpoint::new(format!("http://{address}")).ok()?;
        let mut client = HealthClient::new(endpoint.connect().await.ok()?);
        let all = HealthCheckRequest::default();
        let answer = client.check(all).await.ok()?;
        Some(answer.into_inner().status)
    };
    timeout(SILENT, asked).await.ok()?
}
