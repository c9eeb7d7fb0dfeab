//! The responses endpoint, for the calls that chat completions do not take ([`super::endpoint`]).
//!
//! Nothing is stored at the provider: what it needs to go on comes back as the signature of a
//! reasoning part, and the caller gives it back.

pub(super) mod input;
pub(super) mod reply;
pub(super) mod request;
mod signature;
pub(super) mod stream;
