//! The listeners of a test's vault.

use std::sync::Arc;

use keyway_chassis::config;
use keyway_chassis::drain::Drain;
use keyway_chassis::lifecycle::{Shutdown, Tasks};
use keyway_chassis::operations::{RUNTIME, Readiness, STARTED};
use keyway_chassis::serve::{self, ServeConfig};
use tonic::transport::{Channel, Endpoint};

use super::limits;
use crate::app::{self, ADMIN, DATA, Identities, Process};
use crate::conditions::CONDITIONS;
use crate::keyring::Keyring;
use crate::pulse;
use crate::rotation;
use crate::routers::shared;
use crate::store::Store;

/// Serves on two free ports; returns channels to admin and data.
pub(super) async fn listen(
    store: Store,
    keyring: Keyring,
    identities: Identities,
    shutdown: &Shutdown,
    drain: &Drain,
) -> [Channel; 2] {
    let readiness = Readiness::new(CONDITIONS);
    for condition in [STARTED, RUNTIME].iter().chain(CONDITIONS) {
        readiness.set(*condition, true);
    }
    let config = config::load::<ServeConfig>("vault", None, std::iter::empty(), &[]).unwrap();
    let process = Process {
        config,
        drain: drain.clone(),
        readiness,
    };
    let (vault, around, recorder) =
        app::assemble(store.clone(), keyring, limits(), identities, process);
    vault.issuers.keep(&Tasks::new(), shutdown);
    tokio::spawn(recorder.run(store, shutdown.clone()));
    tokio::spawn(pulse::run(Arc::clone(&vault), shutdown.clone()));
    tokio::spawn(rotation::run(Arc::clone(&vault), shutdown.clone()));
    tokio::spawn(shared::run(Arc::clone(&vault), shutdown.clone()));
    let mut channels = Vec::new();
    let listeners = [
        (app::admin_routes(&vault), ADMIN),
        (app::data_routes(&vault), DATA),
    ];
    for (routes, services) in listeners {
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = serve::bind("test", any, None, false).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(serve::grpc(listener, routes, services, around.clone()));
        channels.push(
            Endpoint::new(format!("http://{address}"))
                .unwrap()
                .connect_lazy(),
        );
    }
    channels.try_into().unwrap()
}
