//! What an attempt was seen to use, as far as it is known at any moment.

use std::collections::BTreeMap;

use keyway_words::{Basis, Usage, Usd};
use serde_json::value::RawValue;

use crate::count::keep_raw;

/// Longest raw usage report that is kept, in bytes.
pub const MAX_RAW_USAGE_BYTES: usize = 4 * 1024;

/// What the provider reported. A stream that is cut leaves what was seen until then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metered {
    /// Usage in disjoint parts; `None` if nothing was reported.
    pub usage: Option<Usage>,
    /// Whether the report is final; if not, later counts may be missing.
    pub complete: bool,
    /// The provider's own usage object as JSON text without white space, at most
    /// [`MAX_RAW_USAGE_BYTES`]; `None` if there was none or it was longer.
    pub raw: Option<String>,
    /// Model that the provider says it served.
    pub served_model: Option<String>,
    /// Service tier as served, in the provider's word.
    pub service_tier: Option<String>,
    /// Other dimensions that the price depends on, as served, such as `inference_geo`.
    pub dimensions: BTreeMap<String, String>,
    /// What the provider says it costs, where it does.
    pub provider_cost: Option<Usd>,
    /// Bytes of the texts that were sent, of a whole answer whose provider told no usage; what a
    /// counting rule starts from.
    pub text_bytes: Option<u64>,
    /// Set where parts exceed their total or a count could not be read: not to be priced.
    pub flagged: bool,
}

impl Metered {
    /// A usage object and what it says; `None` where it is none. A later one replaces an earlier one.
    pub(crate) fn report(&mut self, raw: &RawValue, usage: Option<Usage>, flagged: bool) {
        self.raw = keep_raw(raw);
        self.flagged = flagged || usage.is_none();
        self.usage = usage.filter(|usage| !usage.is_unknown());
        self.complete = self.has_both_sides();
    }

    /// Whether both sides of a model's turn were reported.
    pub(crate) fn has_both_sides(&self) -> bool {
        self.usage.is_some_and(|usage| usage.has_both_sides())
    }

    /// The answer is there: if it told no usage, what was sent is all that is known.
    pub fn answered_texts(&mut self, bytes: u64) {
        self.text_bytes = self.usage.is_none().then_some(bytes);
    }

    /// How the usage was obtained, of an answer that the provider began.
    pub fn basis(&self) -> Basis {
        match &self.usage {
            None => Basis::Unknown,
            Some(_usage) if self.complete => Basis::ProviderReported,
            Some(_usage) => Basis::Partial,
        }
    }
}
