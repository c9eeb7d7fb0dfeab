//! What an attempt on the platform's key may cost, reserved of the workspace's spend before anything
//! is opened.

use keyway_proto::vault::v1 as vault;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Model;
use keyway_router_providers::WireRequest;
use keyway_words::{Source, Usd};

use super::run::Run;
use crate::call::Asked;
use crate::keys::Lease;
use crate::resolver::Planned;
use crate::spend::Reservation;

impl Run {
    /// Reserves it, if the workspace has a limit; the lower one holds. A call on an own key, or one
    /// that costs nothing, is never asked.
    pub(super) async fn reserved(
        &self,
        planned: &Planned,
        lease: &Lease,
        request: &WireRequest,
    ) -> Result<Option<Reservation>, Fault> {
        if planned.source == Source::Own || !self.call.work.is_priced() {
            return Ok(None);
        }
        let Some(limit) = limit(lease)? else {
            return Ok(None);
        };
        let most = self.most(request);
        let reserving = (self.execution.spend).reserve(&self.call.workspace, limit, most);
        tokio::select! {
            reserved = reserving => reserved.map(Some),
            left = self.listener.left() => Err(left.fault("the ledger")),
        }
    }

    /// The most that the request is expected to cost. A model without a price is refused elsewhere; what
    /// the table can't say of one with a price may be any amount.
    fn most(&self, request: &WireRequest) -> Usd {
        let prices = &self.execution.prices;
        let (table, asked) = (prices.table(), Asked::of(&request.body));
        let model = table.find(self.call.provider, &self.call.model);
        let most = |model: &Model| model.most(&asked.at_most(), prices.multiplier());
        model.map_or(Usd::ZERO, |model| most(model).unwrap_or(ANY))
    }
}

const ANY: Usd = Usd::from_pico(i128::MAX);

/// The lower of the operator's limit and the workspace's own.
pub(crate) fn limit(lease: &Lease) -> Result<Option<Usd>, Fault> {
    let blocks = [&lease.operator_limits.limits, &lease.policy.limits];
    let texts = blocks
        .into_iter()
        .flatten()
        .filter_map(|limits: &vault::Limits| limits.hosted_spend_per_month_usd.as_deref());
    let limits = texts.map(str::parse::<Usd>).collect::<Result<Vec<_>, _>>();
    // The vault checks them; one that can't be read is no reason to spend.
    let unreadable = |_form| Fault::new(Reason::Internal, "a spending limit can't be read");
    Ok(limits.map_err(unreadable)?.into_iter().min())
}
