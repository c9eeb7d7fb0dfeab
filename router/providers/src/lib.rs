//! keyway-router-providers
