//! A quote: what one attempt costs, why, or why that can't be said.

use std::collections::BTreeMap;

use keyway_words::{Usage, Usd};

use crate::exact::{Exact, Multiplier};
use crate::model::{Model, Pricing};
use crate::token_price;

/// What a price depends on, as the provider reported it.
#[derive(Debug, Clone, Copy)]
pub struct PriceInputs<'a> {
    /// Normalised usage; `None` if nothing is known.
    pub usage: Option<&'a Usage>,
    /// Whether the provider's parts exceed its total: such usage is kept and not priced.
    pub flagged: bool,
    /// Service tier as served, in the provider's word; `None` if it did not say.
    pub service_tier: Option<&'a str>,
    /// Other dimensions as served, such as `inference_geo`.
    pub dimensions: &'a BTreeMap<String, String>,
    /// What the provider says it costs, where it does.
    pub provider_cost: Option<Usd>,
}

/// Why there is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unpriced {
    /// The table has no row for the model.
    Model,
    /// The table has no price for the service tier that served.
    ServiceTier,
    /// The service tier has no price for a prompt of this length.
    PromptLength,
    /// A dimension has a value without a factor.
    Dimension,
    /// Tools ran on the provider's side, and they have no price.
    ServerTools,
    /// The number of results is outside the priced range.
    Results,
    /// The usage has parts that this model has no price for.
    Unit,
    /// The provider tells no usage, and the table has no counting rule.
    Usage,
    /// The provider's parts exceed its total.
    Flagged,
    /// The amount does not fit.
    TooLarge,
}

impl Unpriced {
    /// For people: the cause.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Model => "the price table has no row for this model",
            Self::ServiceTier => "the price table has no price for this service tier",
            Self::PromptLength => "the service tier has no price for a prompt of this length",
            Self::Dimension => "the price table has no factor for a dimension of the answer",
            Self::ServerTools => "the price table has no price for tools on the provider's side",
            Self::Results => "the price table has no price for this number of results",
            Self::Unit => "the price table has no price for a part of the usage",
            Self::Usage => {
                "the provider tells no usage of this model, and the price table has no counting rule for it"
            }
            Self::Flagged => "the parts of the usage exceed its total",
            Self::TooLarge => "the amount is too large",
        }
    }
}

/// One part of a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Name of the part, as in the usage event.
    pub part: &'static str,
    /// How many.
    pub count: u64,
    /// Price of a million tokens, or of one unit; before the factors.
    pub price: Usd,
    /// Whether `price` is that of a million.
    pub per_million: bool,
}

/// What one attempt costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// List price: the provider's own figure where it reports one, otherwise the table's. `None`
    /// is not known, never zero.
    pub list: Option<Usd>,
    /// What the table alone says.
    pub catalogue: Option<Usd>,
    /// Set where the list price is not known because a price is missing.
    pub unpriced: Option<Unpriced>,
    /// How the table's figure comes about, before the factors.
    pub lines: Vec<Line>,
    /// The factors of the dimensions.
    pub factors: Vec<Multiplier>,
    exact: Option<Exact>,
}

impl Quote {
    /// What is owed: list price times the operator's factor, rounded once at the end. `None` if
    /// the list price is not known.
    pub fn charge(&self, multiplier: Multiplier) -> Option<Usd> {
        Some(self.exact?.times(multiplier)?.round()).filter(is_sayable)
    }

    pub(crate) fn without_row(inputs: &PriceInputs<'_>) -> Self {
        Self::new(Vec::new(), Vec::new(), Err(Unpriced::Model), inputs)
    }

    pub(crate) fn of(model: &Model, inputs: &PriceInputs<'_>) -> Self {
        let Some(usage) = inputs.usage.filter(|usage| !usage.is_unknown()) else {
            return Self::new(Vec::new(), Vec::new(), Ok(None), inputs);
        };
        if inputs.flagged {
            return Self::new(Vec::new(), Vec::new(), Err(Unpriced::Flagged), inputs);
        }
        match parts(model, usage, inputs) {
            Ok((lines, factors)) => {
                let total = total(&lines, &factors).filter(|total| is_sayable(&total.round()));
                let total = total.ok_or(Unpriced::TooLarge).map(Some);
                Self::new(lines, factors, total, inputs)
            }
            Err(cause) => Self::new(Vec::new(), Vec::new(), Err(cause), inputs),
        }
    }

    fn new(
        lines: Vec<Line>,
        factors: Vec<Multiplier>,
        table: Result<Option<Exact>, Unpriced>,
        inputs: &PriceInputs<'_>,
    ) -> Self {
        let catalogue = table.ok().flatten();
        let exact = inputs.provider_cost.map(Exact::whole).or(catalogue);
        Self {
            list: exact.map(Exact::round),
            catalogue: catalogue.map(Exact::round),
            unpriced: table.err().filter(|_| exact.is_none()),
            lines,
            factors,
            exact,
        }
    }
}

fn is_sayable(amount: &Usd) -> bool {
    *amount <= Usd::MOST_PER_ATTEMPT
}

fn parts(
    model: &Model,
    usage: &Usage,
    inputs: &PriceInputs<'_>,
) -> Result<(Vec<Line>, Vec<Multiplier>), Unpriced> {
    let mut lines = match &model.pricing {
        Pricing::Tokens {
            base,
            by_service_tier,
        } => {
            let rates = token_price::rates(base, by_service_tier, inputs.service_tier)?;
            token_price::lines(rates, base, usage)?
        }
        Pricing::Requests(prices) => prices.lines(usage)?,
        Pricing::Pages(price) => Line::unit("content_pages", usage.content_pages, price.0),
    };
    if let Some(count) = usage.server_tool_requests.filter(|count| *count > 0) {
        let price = model.per_server_tool_request.ok_or(Unpriced::ServerTools)?;
        lines.extend(Line::unit("server_tool_requests", Some(count), price.0));
    }
    Ok((lines, factors(model, inputs)?))
}

/// The factor of each dimension. A value that is neither priced nor known to cost nothing extra
/// leaves the amount unknown.
fn factors(model: &Model, inputs: &PriceInputs<'_>) -> Result<Vec<Multiplier>, Unpriced> {
    let mut factors = Vec::new();
    for (name, value) in inputs.dimensions {
        if let Some(factor) = model.factors.get(&format!("{name}:{value}")) {
            factors.push(*factor);
        } else if !AT_BASE_PRICE.contains(&value.as_str()) {
            return Err(Unpriced::Dimension);
        }
    }
    Ok(factors)
}

fn total(lines: &[Line], factors: &[Multiplier]) -> Option<Exact> {
    let mut sum = Exact::ZERO;
    for line in lines {
        let amount = if line.per_million {
            Exact::of_tokens(line.count, line.price)?
        } else {
            Exact::of(line.count, line.price)?
        };
        sum = sum.plus(amount)?;
    }
    factors
        .iter()
        .try_fold(sum, |amount, factor| amount.times(*factor))
}

impl Line {
    /// A line of single units; none where the count is not known or zero.
    pub(crate) fn unit(part: &'static str, count: Option<u64>, price: Usd) -> Vec<Self> {
        let known = count.filter(|count| *count > 0);
        known
            .map(|count| Self {
                part,
                count,
                price,
                per_million: false,
            })
            .into_iter()
            .collect()
    }
}

/// Values of dimensions that cost what the row says.
const AT_BASE_PRICE: [&str; 6] = ["", "standard", "default", "global", "none", "not_available"];

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
