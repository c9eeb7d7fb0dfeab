//! What needs more than Rust: the real grpcurl, and Python with the providers' own SDKs. Run by
//! `.ci/run`, which installs them; a tool that is missing fails the test.

mod envelope;
mod sdk;
mod tour;
