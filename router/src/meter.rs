//! The meter of one attempt: it holds the open record, sees what is measured, and settles
//! exactly once — also if the attempt is dropped midway.

use std::sync::Arc;

use keyway_chassis::clock::Clock;
use keyway_proto::billing::v1 as billing;
use keyway_proto::convert::timestamp;
use keyway_proto::router::v1::AttemptReceipt;
use keyway_router_billing::{OpenAttempt, OpenHandle, SettleHandle, Settlement, Slot};
use keyway_router_pricing::Catalogue;
use keyway_router_providers::Metered;
use keyway_words::{Basis, Outcome, Source};
use tokio::time::Instant;
use tracing::Span;

use crate::counters;
use crate::observed::Observed;
use crate::price::{Prices, estimate};
use crate::spend::Reservation;

/// What an attempt is priced with, and by whose clock.
#[derive(Debug, Clone)]
pub struct Pricing {
    /// Prices and the operator's factor.
    pub prices: Arc<Prices>,
    /// The table that the opening names.
    pub table: Arc<Catalogue>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

/// An open attempt and what is known of it.
#[derive(Debug)]
pub struct Meter {
    open: Option<OpenHandle>,
    attempt: OpenAttempt,
    pricing: Pricing,
    metered: Metered,
    billable: bool,
    observed: Observed,
    /// What the attempt may cost, where its workspace has a limit.
    reserved: Option<Reservation>,
}

/// A settlement on its way, and its line in the receipt.
#[derive(Debug)]
pub struct Settled {
    /// To wait until it is on the disk.
    pub handle: Option<SettleHandle>,
    /// The line.
    pub receipt: AttemptReceipt,
}

impl Meter {
    /// Opens the attempt in its slot.
    pub fn open(slot: Slot, attempt: OpenAttempt, pricing: Pricing) -> Self {
        let open = slot.open(attempt.clone());
        let observed = Observed::begin(&attempt);
        Self {
            open: Some(open),
            attempt,
            pricing,
            metered: Metered::default(),
            billable: false,
            observed,
            reserved: None,
        }
    }

    /// It is made from a slice of the workspace's spend.
    pub fn draws_from(&mut self, reserved: Option<Reservation>) {
        self.reserved = reserved;
    }

    /// The open record, to wait for it.
    pub fn handle(&self) -> Option<&OpenHandle> {
        self.open.as_ref()
    }

    /// The request may have reached the provider: from here on usage is unknown, not none.
    pub fn left(&mut self) {
        self.billable = true;
    }

    /// The provider did not see the request, or answered an error without usage.
    pub fn used_nothing(&mut self) {
        self.billable = false;
    }

    /// Takes over what was measured so far.
    pub fn saw(&mut self, metered: &Metered) {
        self.metered.clone_from(metered);
    }

    /// The span that the attempt is made in.
    pub fn span(&self) -> Span {
        self.observed.span()
    }

    /// When the caller got the first piece of a streamed answer.
    pub fn first_piece(&mut self, at: Option<Instant>) {
        self.observed.first_piece(at);
    }

    /// Settles. `reason` is the stable reason of a failure, empty if it completed.
    pub fn settle(mut self, outcome: Outcome, reason: &str) -> Settled {
        self.hand_over(outcome, reason)
    }

    fn basis(&self) -> Basis {
        if !self.billable {
            return Basis::None;
        }
        let (pricing, attempt) = (&self.pricing, &self.attempt);
        let model = (attempt.provider, attempt.requested_model.as_str());
        match self.metered.basis() {
            Basis::Unknown if estimate(&pricing.table, model, &self.metered).is_some() => {
                Basis::Estimated
            }
            basis => basis,
        }
    }

    fn hand_over(&mut self, outcome: Outcome, reason: &str) -> Settled {
        let settlement = self.settlement(outcome, reason);
        let receipt = line(&self.attempt, &settlement);
        let attempt = &self.attempt;
        counters::attempt(attempt.provider, attempt.source, outcome);
        let known = Prices::unpriced(
            &self.pricing.table,
            attempt.provider,
            &attempt.requested_model,
        )
        .is_none();
        self.observed.end(attempt, &settlement, known);
        if settlement.unpriced && matches!(attempt.source, Source::Hosted) {
            tracing::error!(provider = %attempt.provider, "a hosted attempt has no price");
        }
        let reserved = self.reserved.take();
        let month = reserved.map(|reserved| reserved.spent(settlement.amounts.charge));
        let handle = self.open.take().map(|open| match month {
            Some(month) => open.settle_from(month, settlement),
            None => open.settle(settlement),
        });
        Settled { handle, receipt }
    }

    fn settlement(&self, outcome: Outcome, reason: &str) -> Settlement {
        let (basis, metered, attempt) = (self.basis(), &self.metered, &self.attempt);
        let model = (
            attempt.source,
            attempt.provider,
            attempt.requested_model.as_str(),
        );
        let Pricing {
            prices,
            table,
            clock,
        } = &self.pricing;
        let priced = prices.price(table, model, (metered, basis));
        let billable = self.billable;
        Settlement {
            outcome,
            reason: reason.to_owned(),
            basis,
            usage: metered.usage.filter(|_| billable),
            raw_usage_json: metered.raw.clone().unwrap_or_default(),
            usage_flagged: metered.flagged,
            served_model: metered.served_model.clone().unwrap_or_default(),
            service_tier: metered.service_tier.clone().unwrap_or_default(),
            price_dimensions: metered.dimensions.clone(),
            amounts: priced.amounts,
            unpriced: priced.unpriced,
            settled_at: clock.now(),
        }
    }
}

/// The line of an attempt in the receipt.
pub(crate) fn line(attempt: &OpenAttempt, settlement: &Settlement) -> AttemptReceipt {
    let own = matches!(attempt.source, Source::Own);
    let text = |amount: Option<keyway_words::Usd>| amount.map(|amount| amount.to_string());
    AttemptReceipt {
        attempt: attempt.attempt,
        provider: attempt.provider.as_str().to_owned(),
        requested_model: attempt.requested_model.clone(),
        served_model: settlement.served_model.clone(),
        source: billing::Source::from(attempt.source).into(),
        key_name: if own {
            attempt.key.to_string()
        } else {
            PLATFORM.to_owned()
        },
        key_version: if own { attempt.key_version } else { 0 },
        outcome: billing::Outcome::from(settlement.outcome).into(),
        reason: settlement.reason.clone(),
        usage: settlement.usage.map(Into::into),
        basis: billing::Basis::from(settlement.basis).into(),
        charge_usd: text(settlement.amounts.charge),
        list_price_usd: text(settlement.amounts.list_price),
        price_table: attempt.price_table.clone(),
        started_at: Some(timestamp(attempt.started_at)),
        settled_at: Some(timestamp(settlement.settled_at)),
        service_tier: settlement.service_tier.clone(),
        estimated_usd: text(settlement.amounts.estimated),
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.open.is_some() {
            drop(self.hand_over(Outcome::Failed, "INTERNAL"));
        }
    }
}

/// What a workspace sees of the platform's keys.
pub const PLATFORM: &str = "platform";

#[cfg(test)]
mod golden;
