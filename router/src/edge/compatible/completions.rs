//! `OpenAI`'s chat completions: [`read`] makes a neutral request of one, with [`turns`] for its
//! conversation, [`write`] makes the shape of the answer. Pure.

pub(super) mod names;
pub(super) mod read;
#[cfg(test)]
mod tests;
mod turns;
pub(super) mod write;
