//! Taking an input apart, and randomness that an input decides on.

use keyway_vault_crypto::{NoRandomness, Random};

/// The parts of an input.
pub(crate) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self(data)
    }

    /// The next byte; 0 when there is none.
    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    /// A part with its length before it.
    pub(crate) fn part(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        let (part, rest) = self.0.split_at(length);
        self.0 = rest;
        part
    }

    /// The same as text, if it is.
    pub(crate) fn text(&mut self) -> &'a str {
        std::str::from_utf8(self.part()).unwrap_or_default()
    }

    /// What is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// Repeats a pattern: the same input always does the same.
pub(crate) struct Repeats<'a>(pub(crate) &'a [u8]);

impl Random for Repeats<'_> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        bytes.fill(0);
        for (place, byte) in bytes.iter_mut().zip(self.0.iter().cycle()) {
            *place = *byte;
        }
        Ok(())
    }
}

/// Changes one byte of something: which, and by what. `None` where that changes nothing.
pub(crate) fn changed(whole: &[u8], at: usize, by: u8) -> Option<Vec<u8>> {
    let mut changed = whole.to_vec();
    let at = at % whole.len().max(1);
    *changed.get_mut(at)? ^= by;
    (by != 0).then_some(changed)
}
