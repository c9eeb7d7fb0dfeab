//! What is measured, and how it is printed.

pub(crate) mod changes;
pub(crate) mod dead_key;
pub(crate) mod deadline;
pub(crate) mod fill;
pub(crate) mod hostile;
pub(crate) mod latency;
pub(crate) mod ledger;
pub(crate) mod lists;
pub(crate) mod print;
pub(crate) mod spend;
