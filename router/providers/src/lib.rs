//! Provider adapters: a neutral call becomes bytes, a provider's bytes become a neutral answer.
//!
//! Nothing here opens a socket, reads a clock or sees a key: a request leaves this crate without
//! its credential, and time is given. What a provider can't honour is an [`EncodeError`], never
//! dropped. Usage comes out in its normal form, and what is not known stays unknown.
//!
//! `docs/adding-a-provider.md` says how a provider is added: its own files, and its line in
//! `keyway_words::for_each_provider`.

#![cfg_attr(
    not(test),
    warn(
        missing_docs,
        clippy::as_conversions,
        clippy::float_arithmetic,
        clippy::indexing_slicing
    )
)]

pub mod adapter;
mod call_pieces;
pub mod chat;
mod chat_completions;
mod checks;
mod count;
pub mod embed;
mod embedding_list;
mod event_stream;
pub mod failure;
mod image;
pub mod json;
pub mod metered;
pub mod native;
mod options;
pub mod probed;
pub mod registry;
mod retry_after;
pub mod search;
pub mod sse;
pub mod text;
pub mod wire;

macro_rules! modules {
    ($($provider:ident $module:ident $facts:tt;)*) => {
        $(mod $module;)*
    };
}

keyway_words::for_each_provider!(modules);

pub use adapter::{Adapter, Credential, StreamDecoder};
pub use failure::{FailureClass, ProviderFailure};
pub use metered::Metered;
pub use probed::Probed;
pub use wire::{DecodeError, EncodeError, WireRequest};
