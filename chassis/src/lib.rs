//! keyway-chassis
