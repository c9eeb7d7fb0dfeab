//! The audit trail as arithmetic and as jobs: how rows are chained, how a chain is checked, what a
//! checkpoint signs and when, whether the trail takes rows. What is stored where is the business of
//! [`crate::store::audit`].

pub(crate) mod chain;
pub(crate) mod checkpoint;
pub(crate) mod health;
pub(crate) mod json;
pub(crate) mod signing;
pub(crate) mod verify;
pub(crate) mod walk;
