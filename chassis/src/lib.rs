//! The plumbing that both processes need: configuration, telemetry, serving, access, lifecycle.
//!
//! Admission rule: a thing belongs here if both services use it **and** it could ship in a product
//! without keys. Chassis knows no provider, no price, no secret's form and no database.
//!
//! A service's `main` is a table of contents: [`run::run`] reads the command line and the
//! configuration, and hands [`run::Parts`] to the one function that builds the service. A call
//! then passes the layers of [`serve`] in the order written there, is authenticated by
//! [`access::AuthenticateLayer`], and reaches its handler's code as an [`access::Granted`] request.

pub mod access;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod drain;
pub mod lifecycle;
pub mod operations;
pub mod run;
pub mod serve;
pub mod telemetry;
pub mod tls;

mod body;
mod rpc;

/// The contract, for programs that have an edge to the chassis only.
pub use keyway_proto as proto;
pub use tonic::service::Routes;
