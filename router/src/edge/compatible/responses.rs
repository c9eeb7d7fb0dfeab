//! `OpenAI`'s responses: [`read`] makes a neutral request of one, with [`items`] for its
//! conversation, [`write`] makes the shape of the answer and [`events`] that of a streamed one. Pure.

pub(super) mod events;
mod items;
pub(super) mod names;
pub(super) mod read;
pub(super) mod write;
