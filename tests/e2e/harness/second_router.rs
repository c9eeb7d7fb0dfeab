//! A second router beside the product's: own ports, own ledger, the same vault.

use std::net::SocketAddr;

use keyway::Part;

use super::beside::Beside;
use super::{Product, Speaker, ports};

/// Another running router.
pub(crate) struct SecondRouter {
    calls: SocketAddr,
    vault: SocketAddr,
    process: Beside,
}

impl Product {
    /// Starts it, with other settings by their variables, and waits until it is ready.
    pub(crate) async fn second_router(&self, settings: &[(&str, &str)]) -> SecondRouter {
        let site = &self.running.site;
        let address = || SocketAddr::from(([127, 0, 0, 1], ports::free()));
        let (calls, operations) = (address(), address());
        let ledger = site.state.path(&format!("ledger-{}.db", calls.port()));
        let migrate = ["router", "--database"].map(Into::into);
        let migrate = migrate.into_iter().chain([ledger.clone().into()]);
        let migrate: Vec<_> = migrate.collect();
        let migrated = site.run_to_end(Part::Migrate, &migrate).await;
        migrated.unwrap_or_else(|error| panic!("no second ledger: {error:#}"));

        let mut environment = site.environment.clone();
        let mut set = |variable: &str, value: String| {
            environment.insert(variable.into(), value.into());
        };
        set("KEYWAY_ROUTER__CALLS__LISTEN", calls.to_string());
        set("KEYWAY_ROUTER__OPERATIONS__LISTEN", operations.to_string());
        set("KEYWAY_ROUTER__LEDGER__PATH", ledger.display().to_string());
        for (variable, value) in settings {
            set(variable, (*value).to_owned());
        }
        SecondRouter {
            calls,
            vault: site.addresses.vault,
            process: Beside::start(self, Part::Router, environment, operations).await,
        }
    }
}

#[cfg_attr(
    not(feature = "external"),
    expect(
        dead_code,
        reason = "only tests with servers of their own stop and start it again"
    )
)]
impl SecondRouter {
    /// Speaks with any token, at this router.
    pub(crate) fn speaker(&self, token: &str) -> Speaker {
        Speaker::new(self.vault, self.calls, token)
    }

    /// Asks it to stop and waits; whether it ended well.
    pub(crate) async fn stop(&mut self) -> bool {
        self.process.stop().await
    }

    /// Starts it again after it ended.
    pub(crate) async fn start_again(&mut self) {
        self.process.start_again().await;
    }
}
