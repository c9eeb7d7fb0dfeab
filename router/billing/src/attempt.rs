//! What a caller of the ledger says about an attempt: when it opens, and when it ends.

use std::collections::BTreeMap;

use keyway_words::{
    Basis, CallId, EventKind, KeyPath, Outcome, Owner, ProviderId, Source, Timestamp, Usage, Usd,
};

/// An attempt as it is opened: everything that is known before the provider answers.
#[derive(Debug, Clone)]
pub struct OpenAttempt {
    /// The call.
    pub call_id: CallId,
    /// Counts attempts of the call from 1.
    pub attempt: u32,
    /// What kind of attempt.
    pub kind: EventKind,
    /// Whose call: a workspace's, or the platform's where its own key is tested.
    pub owner: Owner,
    /// Accessor of the caller's token.
    pub caller_accessor: String,
    /// Labels of the request.
    pub labels: BTreeMap<String, String>,
    /// The caller's own user, opaque; empty if not given.
    pub end_user: String,
    /// What was called: `chat`, `stream_chat`, `embed`, `search`, `test_key`, or a native path.
    pub endpoint: String,
    /// The provider.
    pub provider: ProviderId,
    /// Model as the caller named it, without the provider.
    pub requested_model: String,
    /// Whose key, as the resolver decided.
    pub source: Source,
    /// The key.
    pub key: KeyPath,
    /// Version of the key.
    pub key_version: u64,
    /// The caller's request id; a second call with it is refused while this one is open, or for
    /// 24 hours once it completed.
    pub request_id: Option<String>,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// Hash of the price table that it will be priced with.
    pub price_table: String,
}

/// What became of a key, for those who follow the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyTold {
    /// The key.
    pub key: KeyPath,
    /// Version of its secret.
    pub version: u64,
    /// What happened, as one JSON object.
    pub json: String,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// How it ended.
    pub outcome: Outcome,
    /// Stable reason of a failure; empty if it completed.
    pub reason: String,
    /// How the usage was obtained.
    pub basis: Basis,
    /// Normalised usage; `None` if nothing is known.
    pub usage: Option<Usage>,
    /// The provider's own usage object as JSON text; cut to 4 KiB.
    pub raw_usage_json: String,
    /// Whether the provider's parts exceed its total.
    pub usage_flagged: bool,
    /// Model that the provider says it served; empty if it did not say.
    pub served_model: String,
    /// Service tier as served; empty if the provider did not say.
    pub service_tier: String,
    /// Other dimensions that the price depends on.
    pub price_dimensions: BTreeMap<String, String>,
    /// The amounts.
    pub amounts: Amounts,
    /// Whether no price is known for the model or a feature that was used.
    pub unpriced: bool,
    /// When it ended.
    pub settled_at: Timestamp,
}

/// Amounts of one attempt. `None` is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amounts {
    /// What the workspace owes. On an own key the event says 0, whatever stands here.
    pub charge: Option<Usd>,
    /// What the usage costs at list price.
    pub list_price: Option<Usd>,
    /// Estimate where nothing was reported.
    pub estimated: Option<Usd>,
    /// What the provider says it costs.
    pub provider_reported: Option<Usd>,
}

impl Settlement {
    /// An attempt that ended without any usage: nothing was sent, or the provider answered an
    /// error without usage (`basis` NONE: list price and charge are 0), or nothing can be known
    /// (`basis` UNKNOWN: both are absent).
    pub fn without_usage(
        outcome: Outcome,
        basis: Basis,
        reason: impl Into<String>,
        settled_at: Timestamp,
    ) -> Self {
        let nothing = matches!(basis, Basis::None).then_some(Usd::ZERO);
        Self {
            outcome,
            reason: reason.into(),
            basis,
            usage: None,
            raw_usage_json: String::new(),
            usage_flagged: false,
            served_model: String::new(),
            service_tier: String::new(),
            price_dimensions: BTreeMap::new(),
            amounts: Amounts {
                charge: nothing,
                list_price: nothing,
                ..Amounts::default()
            },
            unpriced: false,
            settled_at,
        }
    }
}
