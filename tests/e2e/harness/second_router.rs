//! A second router beside the product's: own ports, own ledger, the same vault.

use std::net::SocketAddr;

use keyway::ready::get;
use keyway::{Child, Part};

use super::{Product, Speaker, ports, wait_for};

/// Another running router.
pub(crate) struct SecondRouter {
    calls: SocketAddr,
    vault: SocketAddr,
    _child: Child,
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
        let args: Vec<_> = ["--parent-stdin", "--config"].map(Into::into).into();
        let args: Vec<_> = args
            .into_iter()
            .chain([site.state.config(Part::Router).into()])
            .collect();
        let log = site
            .state
            .path(&format!("logs/router-{}.log", calls.port()));
        let child = Child::spawn(&site.program, Part::Router, &args, &environment, &log);
        let second = SecondRouter {
            calls,
            vault: site.addresses.vault,
            _child: child.expect("it starts"),
        };
        let ready = async || match get(operations, "/readyz").await {
            Ok((200, _)) => Some(()),
            _ => None,
        };
        wait_for("the second router", ready).await;
        second
    }
}

impl SecondRouter {
    /// Speaks with any token, at this router.
    pub(crate) fn speaker(&self, token: &str) -> Speaker {
        Speaker::new(self.vault, self.calls, token)
    }
}
