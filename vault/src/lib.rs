//! keyway-vault
