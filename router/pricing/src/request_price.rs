//! Prices of requests: by the request, its results, its summaries.

use keyway_words::{Usage, Usd};

use crate::exact::Exact;
use crate::quote::{Line, Unpriced};
use crate::row::{Price, RawRow, RequestTier};

/// What one request costs, and what comes on top.
#[derive(Debug, Clone)]
pub(crate) struct RequestPrices {
    request: RequestPrice,
    included_results: u64,
    extra_result: Option<Price>,
    summary: Option<Price>,
}

#[derive(Debug, Clone)]
enum RequestPrice {
    Flat(Price),
    ByResults(Vec<RequestTier>),
}

impl RequestPrices {
    pub(crate) fn from_raw(raw: &RawRow) -> Option<Self> {
        let request = match raw.per_request {
            Some(price) => RequestPrice::Flat(price),
            None if raw.request_tiers.is_empty() => return None,
            None => RequestPrice::ByResults(raw.request_tiers.clone()),
        };
        Some(Self {
            request,
            included_results: raw.included_results,
            extra_result: raw.per_extra_result,
            summary: raw.per_summary,
        })
    }

    /// The lines of a usage. Results beyond the included ones cost extra; page contents are in
    /// the price of the request.
    pub(crate) fn lines(&self, usage: &Usage) -> Result<Vec<Line>, Unpriced> {
        let mut lines = Line::unit("requests", usage.requests, self.per_request(usage)?);
        let included = self
            .included_results
            .saturating_mul(usage.requests.unwrap_or(1));
        if let Some(price) = self.extra_result {
            let extra = usage
                .search_results
                .map(|results| results.saturating_sub(included));
            lines.extend(Line::unit("search_results", extra, price.0));
        }
        match (self.summary, usage.summaries.filter(|count| *count > 0)) {
            (Some(price), count) => lines.extend(Line::unit("summaries", count, price.0)),
            (None, Some(_)) => return Err(Unpriced::Unit),
            (None, None) => {}
        }
        Ok(lines)
    }

    /// What so many summaries would cost.
    pub(crate) fn most_summaries(&self, results: u64) -> Option<Exact> {
        self.summary
            .map_or(Some(Exact::ZERO), |price| Exact::of(results, price.0))
    }

    fn per_request(&self, usage: &Usage) -> Result<Usd, Unpriced> {
        match &self.request {
            RequestPrice::Flat(price) => Ok(price.0),
            RequestPrice::ByResults(tiers) => {
                let results = usage.search_results.ok_or(Unpriced::Results)?;
                tiers
                    .iter()
                    .find(|tier| (tier.results_from..=tier.results_to).contains(&results))
                    .map(|tier| tier.per_request.0)
                    .ok_or(Unpriced::Results)
            }
        }
    }
}
