//! Provider adapters: a neutral call becomes bytes, a provider's bytes become a neutral answer.
//!
//! Nothing here opens a socket, reads a clock or sees a key: a request leaves this crate without
//! its credential, and time is given. What a provider can't honour is an [`EncodeError`], never
//! dropped. Usage comes out in its normal form, and what is not known stays unknown.
//!
//! # How to add a provider, in 6 steps
//!
//! 1. Add its id to `keyway_words::ProviderId`.
//! 2. Put its wire fixtures and their manifest rows beside those of the provider simulator.
//! 3. Make `src/{provider}.rs` with a unit type that implements [`Adapter`]: base URL, hosts that
//!    its keys may go to, place of the credential, `failure`, and what it offers of chat,
//!    embeddings and search. What it does not offer needs no line: the trait refuses it.
//! 4. Split the work by direction: `request` (neutral to wire; every neutral field is written or
//!    refused), `response` and `stream` (wire to neutral), `usage` (counts to disjoint parts).
//! 5. Name the type in [`registry::adapter`], the only `match` over providers.
//! 6. Add the neutral calls of its request fixtures in `tests/wire/requests`, which the tests
//!    demand, and its prices to the catalogue.

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
mod anthropic;
mod call_pieces;
pub mod chat;
mod chat_completions;
mod checks;
mod count;
pub mod embed;
mod embedding_list;
mod event_stream;
mod exa;
pub mod failure;
mod google;
mod image;
pub mod json;
pub mod metered;
mod mistral;
pub mod native;
mod openai;
mod options;
pub mod probed;
pub mod registry;
mod retry_after;
pub mod search;
pub mod sse;
pub mod text;
pub mod wire;

pub use adapter::{Adapter, Credential, StreamDecoder};
pub use failure::{FailureClass, ProviderFailure};
pub use metered::Metered;
pub use probed::Probed;
pub use wire::{DecodeError, EncodeError, WireRequest};
