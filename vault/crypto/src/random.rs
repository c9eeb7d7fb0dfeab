//! Randomness is given, never taken, so that tests can choose it.

/// A source of random bytes fit for keys.
pub trait Random {
    /// Fills all of `bytes`, or fails and leaves their content unspecified.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness>;
}

/// The operating system's source: what product code passes.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsRandom;

impl Random for OsRandom {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        getrandom::fill(bytes).map_err(|_cause| NoRandomness)
    }
}

/// The source gave nothing. Nothing was sealed or made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandomness;
