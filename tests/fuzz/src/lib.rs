//! Fuzz targets: each is a function over bytes that must hold whatever the bytes are. What fails
//! panics, which is what a fuzzer looks for.
//!
//! A decoder more is a file with its function and its name in [`targets`]; the corpus of a target
//! stands in `corpus/{name}`, and the tests replay it.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a target that finds something says so by ending"
)]

mod bytes;

/// A target: its name, and what must hold of any bytes.
pub type Target = (&'static str, fn(&[u8]));

macro_rules! targets {
    ($($name:ident)+) => {
        $(mod $name;)+

        /// Every target.
        pub const TARGETS: &[Target] = &[$((stringify!($name), $name::holds)),+];
    };
}

targets! { api_token compatible configuration envelope jwt page_token reply stream }
