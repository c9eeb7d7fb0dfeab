//! keyway-vault-crypto
