//! One model: what it can do, and what it costs.

use std::collections::BTreeMap;

use keyway_words::{ProviderId, Usage};

use crate::exact::Multiplier;
use crate::quote::{PriceInputs, Quote, Unpriced};
use crate::request_price::RequestPrices;
pub use crate::row::Kind;
use crate::row::{Counting, Price, Rates, RawRow, Unit};

/// A model of the catalogue.
#[derive(Debug, Clone)]
pub struct Model {
    provider: ProviderId,
    id: Box<str>,
    kind: Kind,
    pub(crate) pricing: Pricing,
    pub(crate) factors: BTreeMap<String, Multiplier>,
    pub(crate) per_server_tool_request: Option<Price>,
    counting: Counting,
    context_window: Option<u64>,
    max_output: Option<u64>,
    dimensions: Option<u64>,
    capabilities: Vec<String>,
    restrictions: Vec<String>,
    endpoints: Vec<String>,
    aliases: Vec<String>,
    prices_json: Box<str>,
}

/// How a model is priced.
#[derive(Debug, Clone)]
pub(crate) enum Pricing {
    Tokens {
        base: Box<Rates>,
        by_service_tier: BTreeMap<String, Rates>,
    },
    Requests(RequestPrices),
    Pages(Price),
}

/// Features that a request asks for, as far as a price depends on them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Service tier asked for, in the provider's own word.
    pub service_tier: Option<&'a str>,
    /// Whether tools run on the provider's side, such as its web search.
    pub server_tools: bool,
}

impl Model {
    /// Whose model.
    pub const fn provider(&self) -> ProviderId {
        self.provider
    }

    /// Its id at the provider; for Exa the name of the price row, such as `search:auto`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it is for.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Tokens of context, if known.
    pub const fn context_window(&self) -> Option<u64> {
        self.context_window
    }

    /// Tokens of output at most, if known.
    pub const fn max_output(&self) -> Option<u64> {
        self.max_output
    }

    /// Of an embedding model: the length of its vectors unless told otherwise, if known.
    pub const fn dimensions(&self) -> Option<u64> {
        self.dimensions
    }

    /// What it can do, such as `tools`.
    pub fn capabilities(&self) -> &[String] {
        &self.capabilities
    }

    /// Whether it can do something.
    pub fn can(&self, capability: &str) -> bool {
        self.capabilities.iter().any(|known| known == capability)
    }

    /// What the provider refuses, such as `no_sampling_params`.
    pub fn restrictions(&self) -> &[String] {
        &self.restrictions
    }

    /// Whether the provider refuses something.
    pub fn refuses(&self, restriction: &str) -> bool {
        self.restrictions.iter().any(|known| known == restriction)
    }

    /// Paths that serve it, where the provider has several; empty means the usual one.
    pub fn endpoints(&self) -> &[String] {
        &self.endpoints
    }

    /// Other ids with the same price.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// Its prices as they stand in the price table: one JSON object in the table's canonical form.
    pub fn prices_json(&self) -> &str {
        &self.prices_json
    }

    /// Takes its prices over from its row.
    pub(crate) fn show_prices(&mut self, row: &serde_json::Value) {
        let fields = row.as_object().into_iter().flatten();
        let prices =
            fields.filter(|(name, value)| !value.is_null() && !FACTS.contains(&name.as_str()));
        let prices = prices.map(|(name, value)| (name.clone(), value.clone()));
        self.prices_json = crate::canonical::text(&prices.collect()).into();
    }

    /// Gives it further ids.
    pub(crate) fn add_aliases(&mut self, ids: Vec<String>) {
        for id in ids {
            if !self.aliases.contains(&id) {
                self.aliases.push(id);
            }
        }
    }

    /// What an attempt costs.
    pub fn quote(&self, inputs: &PriceInputs<'_>) -> Quote {
        Quote::of(self, inputs)
    }

    /// What texts of so many bytes are estimated to cost, by the counting rule: their bytes over
    /// its own, rounded up, are tokens of fresh input. `None` where there is no rule.
    pub fn estimate(&self, text_bytes: u64) -> Option<Quote> {
        let Counting::BytesPerToken(bytes) = self.counting else {
            return None;
        };
        let usage = Usage {
            input_tokens: Some(text_bytes.div_ceil(bytes)),
            ..Usage::default()
        };
        Some(self.quote(&PriceInputs {
            usage: Some(&usage),
            flagged: false,
            service_tier: None,
            dimensions: &BTreeMap::new(),
            provider_cost: None,
        }))
    }

    /// The cause if a call with these features would have no price.
    pub fn check(&self, asked: &Asked<'_>) -> Result<(), Unpriced> {
        if self.counting == Counting::Unknown {
            return Err(Unpriced::Usage);
        }
        if asked.server_tools && self.per_server_tool_request.is_none() {
            return Err(Unpriced::ServerTools);
        }
        match &self.pricing {
            Pricing::Tokens {
                base,
                by_service_tier,
            } => crate::token_price::rates(base, by_service_tier, asked.service_tier).map(|_| ()),
            Pricing::Requests(_) | Pricing::Pages(_) => Ok(()),
        }
    }

    pub(crate) fn from_raw(mut raw: RawRow) -> Result<Self, String> {
        let provider = raw
            .provider
            .parse::<ProviderId>()
            .map_err(|error| error.to_string())?;
        if raw.model.is_empty() || raw.model.len() > 128 || !raw.model.is_ascii() {
            return Err("model must be 1 to 128 ASCII characters".into());
        }
        let factors = raw.factors()?;
        let counting = raw.counting()?;
        Ok(Self {
            counting,
            provider,
            kind: raw.kind,
            pricing: pricing(&mut raw)?,
            factors,
            per_server_tool_request: raw.per_server_tool_request,
            context_window: raw.context_window,
            max_output: raw.max_output,
            dimensions: raw.dimensions,
            id: raw.model.into(),
            capabilities: raw.capabilities,
            restrictions: raw.restrictions,
            endpoints: raw.endpoints,
            aliases: raw.aliases,
            prices_json: Box::default(),
        })
    }
}

/// Fields of a row that are no prices.
const FACTS: &[&str] = &[
    "aliases",
    "capabilities",
    "context_window",
    "deprecation_date",
    "dimensions",
    "effective_from",
    "endpoints",
    "kind",
    "max_output",
    "model",
    "provider",
    "restrictions",
];

fn pricing(raw: &mut RawRow) -> Result<Pricing, String> {
    raw.check_request_prices()?;
    let (base, by_service_tier) = raw.rates()?;
    match raw.unit {
        Unit::PerMillionTokens => {
            if base.prices.input.is_none() || base.prices.output.is_none() {
                return Err("input and output are missing".into());
            }
            Ok(Pricing::Tokens {
                base: Box::new(base),
                by_service_tier,
            })
        }
        Unit::PerRequest => RequestPrices::from_raw(raw)
            .map(Pricing::Requests)
            .ok_or_else(|| "per_request, or request_tiers, is missing".into()),
        Unit::PerPage => raw
            .per_page
            .map(Pricing::Pages)
            .ok_or_else(|| "per_page is missing".into()),
    }
}
