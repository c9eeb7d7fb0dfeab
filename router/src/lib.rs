//! keyway-router
