//! keyway-router-pricing
