//! What a request may cost at most, as far as that is known before it is sent: the most of everything,
//! each at its dearest price.

use keyway_words::{Usage, Usd};

use crate::exact::{Exact, Multiplier};
use crate::model::{Model, Pricing};
use crate::row::{Price, Rates, TokenPrices};
use crate::token_price;

/// What a request may use at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AtMost<'a> {
    /// Tokens of input; no text has more tokens than bytes.
    pub input_tokens: u64,
    /// Tokens of one answer; `None` where the request names no bound.
    pub output_tokens: Option<u64>,
    /// How many answers.
    pub answers: u64,
    /// Results of a search, or pages.
    pub results: u64,
    /// Service tier asked for, in the provider's own word.
    pub service_tier: Option<&'a str>,
}

impl Model {
    /// The most that such a request is expected to cost, times the operator's factor. Factors of
    /// dimensions that only the answer names are not in it.
    pub fn most(&self, request: &AtMost<'_>, multiplier: Multiplier) -> Option<Usd> {
        let exact = match &self.pricing {
            Pricing::Tokens {
                base,
                by_service_tier,
            } => {
                let tier = token_price::rates(base, by_service_tier, request.service_tier);
                self.tokens(tier.unwrap_or(base), base, request)?
            }
            Pricing::Requests(prices) => {
                let usage = Usage {
                    requests: Some(1),
                    search_results: Some(request.results),
                    ..Usage::default()
                };
                let lines = prices.lines(&usage).ok()?;
                let summaries = prices.most_summaries(request.results)?;
                lines.iter().try_fold(summaries, |sum, line| {
                    sum.plus(Exact::of(line.count, line.price)?)
                })?
            }
            Pricing::Pages(price) => Exact::of(request.results, price.0)?,
        };
        Some(exact.times(multiplier)?.round())
    }

    fn tokens(&self, rates: &Rates, base: &Rates, request: &AtMost<'_>) -> Option<Exact> {
        let window = self.context_window().unwrap_or(u64::MAX);
        let input = request.input_tokens.min(window);
        let output = request
            .output_tokens
            .or(self.max_output())
            .unwrap_or(OUTPUT)
            .saturating_mul(request.answers.max(1));
        let lists = || lists(rates, base, input);
        let dearest = |of: fn(&TokenPrices) -> Vec<Option<Price>>| {
            let prices = lists().flat_map(of).flatten();
            prices.map(|price| price.0).max().unwrap_or(Usd::ZERO)
        };
        let input = Exact::of_tokens(input, dearest(of_input))?;
        input.plus(Exact::of_tokens(output, dearest(of_output))?)
    }
}

/// The prices that a prompt of at most so many tokens may come under.
fn lists<'r>(
    rates: &'r Rates,
    base: &'r Rates,
    input: u64,
) -> impl Iterator<Item = &'r TokenPrices> {
    let longer = rates.tiers.iter().chain(&base.tiers);
    let reached = longer.filter(move |tier| input > tier.above_tokens);
    std::iter::once(&rates.prices).chain(reached.map(|tier| &tier.prices))
}

fn of_input(prices: &TokenPrices) -> Vec<Option<Price>> {
    vec![
        prices.input,
        prices.cache_read,
        prices.cache_write,
        prices.cache_write_1h,
        prices.cache_write_12h,
        prices.input_audio,
        prices.cache_read_audio,
    ]
}

fn of_output(prices: &TokenPrices) -> Vec<Option<Price>> {
    vec![prices.output, prices.reasoning, prices.output_audio]
}

/// Tokens of an answer where neither the request nor the table names a bound.
const OUTPUT: u64 = 8_192;

#[cfg(test)]
mod tests {
    use keyway_words::ProviderId::{Anthropic, Exa, Google, OpenAi};
    use keyway_words::{ProviderId, Usage};

    use super::*;
    use crate::Catalogue;

    fn most(provider: ProviderId, model: &str, request: &AtMost<'_>) -> String {
        let catalogue = Catalogue::builtin().unwrap();
        let model = catalogue.find(provider, model).unwrap();
        model.most(request, Multiplier::ONE).unwrap().to_string()
    }

    fn chat(input_tokens: u64, output_tokens: u64) -> AtMost<'static> {
        AtMost {
            input_tokens,
            output_tokens: Some(output_tokens),
            ..AtMost::default()
        }
    }

    #[test]
    fn every_part_counts_at_its_dearest_price() {
        // (1000 × 0.25 + 200 × 2) / M
        let plain = most(OpenAi, "gpt-5-mini", &chat(1000, 200));
        assert_eq!(plain, "0.000650000000");
        // Written to the cache for an hour it is twice the input: (1000 × 2 + 200 × 5) / M.
        let cached = most(Anthropic, "claude-haiku-4-5", &chat(1000, 200));
        assert_eq!(cached, "0.003000000000");
        // Beyond 272 000: (272001 × 5 + 100 × 22.5) / M.
        let long = most(OpenAi, "gpt-5.4", &chat(272_001, 100));
        assert_eq!(long, "1.362255000000");
        let two = AtMost {
            answers: 2,
            ..chat(1000, 200)
        };
        assert_eq!(most(OpenAi, "gpt-5-mini", &two), "0.001050000000");
    }

    #[test]
    fn what_the_request_leaves_open_is_bounded_by_the_table() {
        let catalogue = Catalogue::builtin().unwrap();
        let model = catalogue.find(OpenAi, "gpt-5-mini").unwrap();
        let open = AtMost {
            output_tokens: None,
            ..chat(u64::MAX, 0)
        };
        let (window, output) = (model.context_window().unwrap(), model.max_output().unwrap());
        let bounded = most(OpenAi, "gpt-5-mini", &chat(window, output));
        assert_eq!(most(OpenAi, "gpt-5-mini", &open), bounded);
    }

    #[test]
    fn no_usage_within_the_bounds_costs_more() {
        let catalogue = Catalogue::builtin().unwrap();
        for provider in [OpenAi, Anthropic, Google] {
            for model in catalogue.models(provider) {
                if !matches!(model.kind(), crate::Kind::Chat) {
                    continue;
                }
                let most = model.most(&chat(1_000, 500), Multiplier::ONE).unwrap();
                for write in [0, 400] {
                    let usage = Usage {
                        input_tokens: Some(600 - write),
                        cache_read_tokens: Some(400),
                        cache_write_1h_tokens: Some(write).filter(|write| *write > 0),
                        output_tokens: Some(500),
                        reasoning_tokens: Some(300),
                        ..Usage::default()
                    };
                    let quote = model.quote(&crate::PriceInputs {
                        usage: Some(&usage),
                        flagged: false,
                        service_tier: None,
                        dimensions: &std::collections::BTreeMap::new(),
                        provider_cost: None,
                    });
                    assert!(quote.list <= Some(most), "{}", model.id());
                }
            }
        }
    }

    #[test]
    fn a_search_costs_what_its_results_cost() {
        let ten = AtMost {
            results: 10,
            ..AtMost::default()
        };
        let search = most(Exa, "search:auto", &ten);
        assert!(search.parse::<Usd>().unwrap() > Usd::ZERO, "{search}");
    }
}
