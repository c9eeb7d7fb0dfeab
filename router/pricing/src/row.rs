//! One row of a price file, as written. What does not fit its documented form does not load.
//!
//! Prices are decimal strings in USD. A price per million tokens that looks like one per token,
//! or like nothing anybody charges, is refused: one misplaced point is a thousandfold bill.

use std::collections::BTreeMap;

use keyway_words::Usd;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::exact::Multiplier;

/// Price of a million tokens, or of one request, page or summary: zero or more, from text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price(pub Usd);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<Usd>() {
            Ok(amount) if amount >= Usd::ZERO => Ok(Self(amount)),
            Ok(_) | Err(_) => Err(D::Error::custom(
                "a price must be a string of decimal digits with at most 12 after the point",
            )),
        }
    }
}

/// Token prices of one tier, in USD per million.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TokenPrices {
    /// Fresh input.
    pub input: Option<Price>,
    /// Output.
    pub output: Option<Price>,
    /// Reasoning, where it differs from output.
    pub reasoning: Option<Price>,
    /// Input read from a cache.
    pub cache_read: Option<Price>,
    /// Input written to a cache of the default lifetime.
    pub cache_write: Option<Price>,
    /// Input written to a cache for an hour.
    pub cache_write_1h: Option<Price>,
    /// Input written to a cache for twelve hours.
    pub cache_write_12h: Option<Price>,
    /// Fresh audio input.
    pub input_audio: Option<Price>,
    /// Audio input read from a cache.
    pub cache_read_audio: Option<Price>,
    /// Audio output.
    pub output_audio: Option<Price>,
}

/// Prices of prompts longer than a bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LengthTier {
    /// The prices hold for prompts of more tokens than this; at the bound they do not.
    pub above_tokens: u64,
    /// The prices.
    pub prices: TokenPrices,
}

/// Prices of one service tier, with tiers of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rates {
    /// The prices.
    pub prices: TokenPrices,
    /// For longer prompts, by ascending bound.
    pub tiers: Vec<LengthTier>,
}

/// Price of one request by the number of results asked for, both bounds included.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTier {
    /// From so many results.
    pub results_from: u64,
    /// To so many.
    pub results_to: u64,
    /// Price of the request.
    pub per_request: Price,
}

/// What a price counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A million tokens.
    PerMillionTokens,
    /// One request.
    PerRequest,
    /// One page of contents.
    PerPage,
}

/// How it is known what a request used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// The provider tells.
    Reported,
    /// The provider does not; an estimate is the bytes of its texts over this, rounded up.
    BytesPerToken(u64),
    /// The provider does not, and there is no rule.
    Unknown,
}

/// What a model is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Chat.
    Chat,
    /// Embeddings.
    Embedding,
    /// Web search.
    Search,
}

/// One row, every documented field.
#[derive(Debug, Deserialize)]
pub(crate) struct RawRow {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) kind: Kind,
    #[serde(rename = "currency")]
    _currency: Currency,
    pub(crate) unit: Unit,
    #[serde(flatten)]
    pub(crate) prices: TokenPrices,
    #[serde(default)]
    pub(crate) tiers: Vec<RawTier>,
    #[serde(default)]
    pub(crate) service_tiers: BTreeMap<String, RawRates>,
    #[serde(default)]
    pub(crate) multipliers: BTreeMap<String, String>,
    pub(crate) per_request: Option<Price>,
    #[serde(default)]
    pub(crate) included_results: u64,
    pub(crate) per_extra_result: Option<Price>,
    pub(crate) per_summary: Option<Price>,
    pub(crate) per_page: Option<Price>,
    pub(crate) per_server_tool_request: Option<Price>,
    #[serde(default)]
    pub(crate) request_tiers: Vec<RequestTier>,
    /// Whether the provider tells what a request used.
    #[serde(default = "yes")]
    pub(crate) reports_usage: bool,
    /// Where it does not: the counting rule, so many bytes of text to a token of input.
    pub(crate) bytes_per_token: Option<u64>,
    pub(crate) context_window: Option<u64>,
    pub(crate) max_output: Option<u64>,
    #[serde(rename = "cache_min_tokens")]
    _cache_min_tokens: Option<u64>,
    pub(crate) dimensions: Option<u64>,
    #[serde(default)]
    pub(crate) capabilities: Vec<String>,
    #[serde(default)]
    pub(crate) restrictions: Vec<String>,
    #[serde(default)]
    pub(crate) endpoints: Vec<String>,
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    #[serde(rename = "source")]
    _source: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    #[serde(rename = "legacy", default)]
    _legacy: bool,
    #[serde(rename = "stale", default)]
    _stale: bool,
    #[serde(rename = "deprecation_date")]
    _deprecation_date: Option<String>,
    /// The first day (UTC) on which an overlay row holds, `2026-12-01`.
    pub(crate) effective_from: Option<String>,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawTier {
    above_tokens: u64,
    #[serde(flatten)]
    prices: TokenPrices,
    #[serde(flatten)]
    unknown: Unknown,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RawRates {
    #[serde(flatten)]
    prices: TokenPrices,
    #[serde(default)]
    tiers: Vec<RawTier>,
    #[serde(flatten)]
    unknown: Unknown,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
enum Currency {
    #[serde(rename = "USD")]
    Usd,
}

/// The fields that nobody claimed; serde can't both flatten and deny them.
type Unknown = BTreeMap<String, serde_json::Value>;

impl RawRow {
    /// Refuses unknown fields, implausible prices and tiers out of order; gives the rates of the
    /// base tier and of every service tier.
    pub(crate) fn rates(&mut self) -> Result<(Rates, BTreeMap<String, Rates>), String> {
        known(&self.unknown)?;
        let base = rates(
            std::mem::take(&mut self.prices),
            std::mem::take(&mut self.tiers),
        )?;
        let mut by_tier = BTreeMap::new();
        for (name, raw) in std::mem::take(&mut self.service_tiers) {
            known(&raw.unknown)?;
            let rates = rates(raw.prices, raw.tiers)?;
            if rates.prices.input.is_none() {
                return Err(format!("service_tiers.{name} must name input"));
            }
            if by_tier.insert(name.to_ascii_lowercase(), rates).is_some() {
                return Err(format!("service_tiers.{name} stands there twice"));
            }
        }
        Ok((base, by_tier))
    }

    /// The factors by `dimension:value`.
    pub(crate) fn factors(&self) -> Result<BTreeMap<String, Multiplier>, String> {
        let mut factors = BTreeMap::new();
        for (name, text) in &self.multipliers {
            let factor = text
                .parse()
                .ok()
                .filter(|factor: &Multiplier| factor.is_plausible() && name.contains(':'))
                .ok_or_else(|| format!("multipliers.{name} must be `dimension:value`, a factor from 0.01 to 100 as a string"))?;
            factors.insert(name.clone(), factor);
        }
        Ok(factors)
    }

    /// What is known of the usage; refuses a counting rule that nobody needs, or that says nothing.
    pub(crate) fn counting(&self) -> Result<Counting, String> {
        match (self.reports_usage, self.bytes_per_token) {
            (true, None) => Ok(Counting::Reported),
            (false, None) => Ok(Counting::Unknown),
            (false, Some(bytes @ 1..=64)) if self.unit == Unit::PerMillionTokens => {
                Ok(Counting::BytesPerToken(bytes))
            }
            (false, Some(_)) => {
                Err("bytes_per_token must be 1 to 64, of a model priced by tokens".into())
            }
            (true, Some(_)) => {
                Err("bytes_per_token belongs beside \"reports_usage\": false".into())
            }
        }
    }

    /// Refuses prices of requests that nobody charges.
    pub(crate) fn check_request_prices(&self) -> Result<(), String> {
        let single = [
            self.per_request,
            self.per_extra_result,
            self.per_summary,
            self.per_page,
            self.per_server_tool_request,
        ];
        let tiered = self.request_tiers.iter().map(|tier| Some(tier.per_request));
        if single
            .into_iter()
            .chain(tiered)
            .flatten()
            .any(|price| price.0 > MOST_PER_REQUEST)
        {
            return Err("a price per request must be at most 100 USD".into());
        }
        self.check_request_tiers()
    }

    /// Refuses two prices for one number of results, and one for none.
    fn check_request_tiers(&self) -> Result<(), String> {
        let tiers = &self.request_tiers;
        let (is_empty, overlap) = (
            tiers.iter().any(|tier| tier.results_from > tier.results_to),
            (tiers.iter().zip(tiers.iter().skip(1)))
                .any(|(tier, next)| tier.results_to >= next.results_from),
        );
        if is_empty || overlap {
            return Err("request_tiers must stand by ascending results and not overlap".into());
        }
        Ok(())
    }
}

fn rates(prices: TokenPrices, raw_tiers: Vec<RawTier>) -> Result<Rates, String> {
    prices.check()?;
    let mut tiers: Vec<LengthTier> = Vec::with_capacity(raw_tiers.len());
    for raw in raw_tiers {
        known(&raw.unknown)?;
        raw.prices.check()?;
        if tiers
            .last()
            .is_some_and(|last| last.above_tokens >= raw.above_tokens)
        {
            return Err("tiers must stand by ascending above_tokens".into());
        }
        if raw.prices.input.is_none() || raw.prices.output.is_none() {
            return Err("a tier must name input and output".into());
        }
        tiers.push(LengthTier {
            above_tokens: raw.above_tokens,
            prices: raw.prices,
        });
    }
    Ok(Rates { prices, tiers })
}

fn known(unknown: &Unknown) -> Result<(), String> {
    match unknown.keys().next() {
        Some(field) => Err(format!("unknown field `{field}`")),
        None => Ok(()),
    }
}

impl TokenPrices {
    fn check(&self) -> Result<(), String> {
        let prices = [
            self.input,
            self.output,
            self.reasoning,
            self.cache_read,
            self.cache_write,
            self.cache_write_1h,
            self.cache_write_12h,
            self.input_audio,
            self.cache_read_audio,
            self.output_audio,
        ];
        for Price(amount) in prices.into_iter().flatten() {
            if amount > MOST_PER_MILLION {
                return Err("a price per million tokens must be at most 10000 USD".into());
            }
            if amount != Usd::ZERO && amount < LEAST_PER_MILLION {
                return Err(
                    "a price per million tokens must be 0 or at least 0.001 USD; \
                            is it a price per token?"
                        .into(),
                );
            }
        }
        Ok(())
    }
}

const MOST_PER_MILLION: Usd = Usd::from_pico(10_000 * 1_000_000_000_000);
const LEAST_PER_MILLION: Usd = Usd::from_pico(1_000_000_000);
const MOST_PER_REQUEST: Usd = Usd::from_pico(100 * 1_000_000_000_000);
