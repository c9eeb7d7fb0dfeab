//! What usage costs: exact integers, one rounding at the very end, and never a guess.
//!
//! A model without a row has no price. A feature without a price makes the whole amount unknown
//! ([`Unpriced`]), never zero. Every table has a content hash; the same hash and the same usage
//! give the same amount for ever. Pure: no clock, no files, no network.

pub mod aliases;
pub mod at_most;
mod canonical;
pub mod catalogue;
pub mod exact;
pub mod model;
pub mod quote;
mod request_price;
pub mod row;
mod token_price;

pub use aliases::{Aliases, InvalidAliases};
pub use at_most::AtMost;
pub use catalogue::{Catalogue, CatalogueError};
pub use exact::Multiplier;
pub use model::{Asked, Kind, Model};
pub use quote::{Line, PriceInputs, Quote, Unpriced};
