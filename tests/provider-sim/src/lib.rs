//! A server that answers as `OpenAI`, Anthropic, Google, Mistral and Exa do, so that everything that
//! calls a provider can be tried without an account and without spending money.
//!
//! - Replies have the shape of the authored fixtures; their content and their token counts follow
//!   from the request alone (`count`, `chat`), so the same request always costs the same. The
//!   streamed answer is the unary answer in pieces.
//! - It refuses what the providers document that they refuse; the module `check` of each lists it.
//! - It reads the credential: a missing one is refused, and a key that starts with one of these words
//!   or has it in the middle between dashes is in that state: `bad` (rejected), `quota` (no credit),
//!   `ratelimited` (429), `forbidden` (403). Any other key is good.
//! - Every request that was read whole is in the journal before its reply begins (`journal`).
//! - It keeps what the providers keep for a key (`account`), so that a leak from one caller of a key
//!   to another can be seen; `[sim:recall]` in a conversation asks for all that the user said.
//! - It can be scripted to fail (`script`), and has doors at which connections fail (`door`).
//!
//! A model whose name ends in `-nope` does not exist (404); other unknown models are taken for new
//! ones. It depends on no crate of the product, so that both can't share a mistake.

mod account;
mod anthropic;
mod chat;
mod cli;
mod completions;
mod control;
mod count;
mod deliver;
mod door;
mod embedding;
mod exa;
mod fixtures;
mod google;
mod journal;
mod mistral;
mod models;
mod nonsense;
mod openai;
mod provider;
mod reply;
mod request;
mod schema;
mod script;
mod server;
mod upload;

pub use cli::run;
pub use provider::base_path;
pub use server::{Options, serve};
