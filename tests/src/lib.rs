//! keyway-tests
