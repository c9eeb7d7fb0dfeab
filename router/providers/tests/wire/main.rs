//! Every wire fixture of the manifest: requests as the adapters write them, replies, streams and
//! errors as they read them.

mod failures;
mod manifest;
mod replies;
mod requests;
mod searches;
mod streams;
