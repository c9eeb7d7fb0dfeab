//! Every wire fixture of the manifest: requests as the adapters write them, replies, streams and
//! errors as they read them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this file is a test; helpers outside of test functions count as product code"
)]

mod failures;
mod manifest;
mod models;
mod native;
mod replies;
mod requests;
mod searches;
mod streams;
