//! keyway-vault-access
