//! keyway-router-billing
