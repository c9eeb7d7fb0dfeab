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

/// Full name of every RPC of the contract, `keyway.vault.v1.KeyService/PutKey`.
pub const RPCS: &[&str] = include!(concat!(env!("OUT_DIR"), "/rpcs.rs"));

macro_rules! generated {
    ($(#[$doc:meta])* $package:literal) => {
        $(#[$doc])*
        #[expect(
            unused_qualifications,
            clippy::allow_attributes,
            clippy::allow_attributes_without_reason,
            clippy::clone_on_ref_ptr,
            clippy::default_trait_access,
            clippy::doc_markdown,
            clippy::too_many_lines,
            reason = "generated"
        )]
        pub mod v1 {
            include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
        }
    };
}

/// The vault's packages.
pub mod vault {
    generated! {
        /// `keyway.vault.v1`.
        "keyway.vault.v1"
    }
}

/// The router's packages.
pub mod router {
    generated! {
        /// `keyway.router.v1`.
        "keyway.router.v1"
    }
}

/// The billing packages.
pub mod billing {
    generated! {
        /// `keyway.billing.v1`.
        "keyway.billing.v1"
    }
}

mod redact {
    include!(concat!(env!("OUT_DIR"), "/redact.rs"));
}
