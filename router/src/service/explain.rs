//! `ExplainRoute`: which keys a call would use, and why, without making it.

use std::sync::Arc;

use keyway_proto::Fault;
use keyway_proto::billing::v1 as billing;
use keyway_proto::convert::timestamp;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1::CredentialMode;
use keyway_router_billing::SpendMonth;
use keyway_words::{CallId, Source, WorkspaceId};

use crate::call;
use crate::execute::Execution;
use crate::execute::reserve::limit;
use crate::keys::{Lease, LeaseKey, LeasedKey};
use crate::meter::PLATFORM;
use crate::resolver::{Facts, KeyView, Route};
use crate::route::{Asked, Decided};

impl Execution {
    /// Explains the route of a call of `workspace` with `model`.
    pub(super) async fn explain(
        self: &Arc<Self>,
        workspace: WorkspaceId,
        model: &str,
    ) -> Result<wire::ExplainRouteResponse, Fault> {
        let table = self.prices.table();
        let (provider, model) = call::model(model, &table)?;
        let key = LeaseKey {
            workspace,
            provider,
        };
        let lease = self.leases.lease(&key, CallId::new()).await?;
        let asked = Asked {
            workspace: &key.workspace,
            provider,
            model: &model,
            mode: CredentialMode::Unspecified,
            is_priced: true,
        };
        let Decided { facts, route } = self.route(asked, &lease, &table, self.clock.now());
        let in_flight = self.admission.in_flight(&key.workspace);
        let (source, reason, message) = outcome(&route);
        let hosted_spend = self.hosted_spend(&key.workspace, &lease).await?;
        Ok(wire::ExplainRouteResponse {
            provider: provider.as_str().to_owned(),
            source: source.into(),
            reason,
            message,
            known_model: table.find(provider, &model).is_some(),
            policy: Some(lease.policy.clone()),
            operator_limits: Some(lease.operator_limits.clone()),
            workspace_state: lease.workspace_state.into(),
            calls_in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX),
            hosted_spend,
            hosted_requests_last_minute: self.admission.hosted.made(&key.workspace),
            candidates: facts
                .map(|facts| candidates(&facts, route.as_ref().ok()))
                .unwrap_or_default(),
            model,
        })
    }
}

impl Execution {
    /// How the workspace's month stands, where it has a limit.
    async fn hosted_spend(
        &self,
        workspace: &WorkspaceId,
        lease: &Lease,
    ) -> Result<Option<wire::HostedSpend>, Fault> {
        let Some(limit) = limit(lease)? else {
            return Ok(None);
        };
        let month = SpendMonth {
            workspace: workspace.clone(),
            period: self.clock.now().month(),
        };
        let spend = self.ledger.spend(&month).await?;
        Ok(Some(wire::HostedSpend {
            period: month.period,
            limit_usd: limit.to_string(),
            spent_usd: spend.spent.to_string(),
            held_usd: spend.held.to_string(),
            remaining_usd: spend.remains(limit).to_string(),
        }))
    }
}

/// The source of the first attempt, or the reason of the refusal and its words.
pub(super) fn outcome(route: &Result<Route, Fault>) -> (billing::Source, String, String) {
    match route {
        Ok(route) => {
            let first = route.candidates.first();
            let source = first.map(|planned| billing::Source::from(planned.source));
            (source.unwrap_or_default(), String::new(), String::new())
        }
        Err(fault) => (
            billing::Source::Unspecified,
            fault.reason.as_str().to_owned(),
            fault.message.clone(),
        ),
    }
}

fn candidates(facts: &Facts, route: Option<&Route>) -> Vec<wire::ExplainedKey> {
    let own = facts.own.keys.iter();
    let own = own.map(|view| explained(view, Source::Own, route));
    let platform = facts.platform.iter().flat_map(|pool| pool.keys.iter());
    let platform = platform.map(|view| explained(view, Source::Hosted, route));
    match facts.mode {
        CredentialMode::HostedOnly => platform.collect(),
        CredentialMode::OwnOnly => own.collect(),
        CredentialMode::Unspecified | CredentialMode::OwnThenHosted => {
            own.chain(platform).collect()
        }
    }
}

fn explained(view: &KeyView, source: Source, route: Option<&Route>) -> wire::ExplainedKey {
    let own = matches!(source, Source::Own);
    let (place, after_failure) = route.map_or((0, false), |route| place(&view.key, route));
    let skipped = route.into_iter().flat_map(|route| &route.skipped);
    let mut skipped = skipped.filter(|skipped| Arc::ptr_eq(&skipped.key, &view.key));
    let why_not = match skipped.next() {
        Some(skipped) => skipped.why,
        None if place > 0 => "",
        None => view.why_not().unwrap_or("NOT_NEEDED"),
    };
    wire::ExplainedKey {
        key_name: if own {
            view.key.name()
        } else {
            PLATFORM.to_owned()
        },
        key_version: if own { view.key.version } else { 0 },
        source: billing::Source::from(source).into(),
        state: view.state.into(),
        until: view.until.or(view.rests_until).map(timestamp),
        model_allowed: view.model_allowed,
        place,
        after_failure,
        why_not: why_not.to_owned(),
    }
}

/// The place of a key in the order of attempts, from 1, and whether a failure must come first.
fn place(key: &Arc<LeasedKey>, route: &Route) -> (u32, bool) {
    let planned = route.candidates.iter().chain(&route.fallback);
    let at = planned
        .zip(1..)
        .find_map(|(planned, at)| Arc::ptr_eq(&planned.key, key).then_some(at));
    let at: u32 = at.unwrap_or(0);
    let first = u32::try_from(route.candidates.len()).unwrap_or(u32::MAX);
    (at, at > first)
}
