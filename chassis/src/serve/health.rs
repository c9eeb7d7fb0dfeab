//! `grpc.health.v1`, which follows readiness, and reflection.

use std::future::Future;

use keyway_proto::FILE_DESCRIPTOR_SET;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::{HealthReporter, HealthService};
use tonic_reflection::server::Builder;

use super::{Reflection, ServeError};
use crate::operations::Readiness;

/// The health service, and the work that keeps it in step with `readiness`; it never ends.
pub(super) fn service(
    readiness: Readiness,
    services: &'static [&'static str],
) -> (HealthServer<impl Health>, impl Future<Output = ()>) {
    let reporter = HealthReporter::new();
    let service = HealthServer::new(HealthService::from_health_reporter(reporter.clone()));
    let follow = async move {
        let mut changes = readiness.subscribe();
        loop {
            let ready = changes.is_ready();
            let status = if ready {
                ServingStatus::Serving
            } else {
                ServingStatus::NotServing
            };
            for name in services.iter().chain(&[""]) {
                reporter.set_service_status(*name, status).await;
            }
            if !changes.changed().await {
                std::future::pending::<()>().await;
            }
        }
    };
    (service, follow)
}

/// The routes with reflection in both versions that clients ask for, unless it is off. It lists
/// what is served here, and knows the messages of error details too, so that clients can show them.
pub(super) fn with_reflection(
    routes: Routes,
    reflection: Reflection,
    services: &'static [&'static str],
) -> Result<Routes, ServeError> {
    if reflection == Reflection::Off {
        return Ok(routes);
    }
    let data = || {
        let data = Builder::configure()
            .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let own = [
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
        ];
        services
            .iter()
            .chain(&own)
            .fold(data, |data, name| data.with_service_name(*name))
    };
    let v1 = data().build_v1().map_err(ServeError::Reflection)?;
    let v1alpha = data().build_v1alpha().map_err(ServeError::Reflection)?;
    Ok(routes.add_service(v1).add_service(v1alpha))
}
