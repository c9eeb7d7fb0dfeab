//! Anthropic's messages: [`read`] makes a neutral request of one, with [`turns`] for its
//! conversation, [`write`] makes the shape of the answer. Pure.

pub(super) mod names;
pub(super) mod read;
mod turns;
pub(super) mod write;
