//! The contract between clients, vault and router: generated messages and services, the faults
//! that callers see, and what each request aims at.
//!
//! Generated code is made from `keyway/**/*.proto` by `build.rs`; no protoc is needed.

pub mod convert;
pub mod fault;
pub mod status;
pub mod target;

pub use fault::{Fault, Reason};

/// Encoded file descriptor set with comments, for reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/keyway.bin"));

/// The vault's packages.
pub mod vault {
    /// `keyway.vault.v1`.
    #[expect(clippy::all, clippy::pedantic, missing_debug_implementations, reason = "generated")]
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/keyway.vault.v1.rs"));
    }
}

/// The router's packages.
pub mod router {
    /// `keyway.router.v1`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/keyway.router.v1.rs"));
    }
}

/// The billing packages.
pub mod billing {
    /// `keyway.billing.v1`.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/keyway.billing.v1.rs"));
    }
}

include!(concat!(env!("OUT_DIR"), "/redact.rs"));
