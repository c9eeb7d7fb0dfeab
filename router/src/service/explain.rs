//! `ExplainRoute`: which keys a call would use, and why, without making it.

use std::sync::Arc;

use keyway_proto::Fault;
use keyway_proto::billing::v1 as billing;
use keyway_proto::convert::timestamp;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1::CredentialMode;
use keyway_words::{CallId, Source, WorkspaceId};

use crate::call;
use crate::execute::Execution;
use crate::keys::{LeaseKey, View};
use crate::meter::PLATFORM;
use crate::price::Prices;
use crate::resolver::{self, Facts, KeyView};

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
        let now = self.clock.now();
        let view = View {
            lease: &lease,
            health: &self.health,
            model: &model,
            now,
        };
        let mode = resolver::narrowed(lease.policy.credential_mode(), CredentialMode::Unspecified);
        let unpriced = Prices::unpriced(&table, provider, &model);
        let facts = mode.map(|mode| view.facts(mode, unpriced));
        let decided = facts.clone().and_then(|facts| resolver::resolve(&facts));
        let source = decided
            .as_ref()
            .ok()
            .and_then(|route| route.candidates.first());
        let source = source.map(|planned| billing::Source::from(planned.source));
        let reason = decided.as_ref().err().map(|refusal| {
            refusal
                .fault(&key.workspace, provider, now)
                .reason
                .as_str()
                .to_owned()
        });
        Ok(wire::ExplainRouteResponse {
            provider: provider.as_str().to_owned(),
            source: source.unwrap_or_default().into(),
            reason: reason.unwrap_or_default(),
            policy: Some(lease.policy.clone()),
            candidates: facts.map(|facts| candidates(&facts)).unwrap_or_default(),
        })
    }
}

fn candidates(facts: &Facts) -> Vec<wire::ExplainedKey> {
    let own = facts
        .own
        .keys
        .iter()
        .map(|view| explained(view, Source::Own));
    let platform = facts.platform.iter().flat_map(|pool| pool.keys.iter());
    let platform = platform.map(|view| explained(view, Source::Hosted));
    match facts.mode {
        CredentialMode::HostedOnly => platform.collect(),
        CredentialMode::OwnOnly => own.collect(),
        CredentialMode::Unspecified | CredentialMode::OwnThenHosted => {
            own.chain(platform).collect()
        }
    }
}

fn explained(view: &KeyView, source: Source) -> wire::ExplainedKey {
    let own = matches!(source, Source::Own);
    wire::ExplainedKey {
        key_name: if own {
            view.key.name()
        } else {
            PLATFORM.to_owned()
        },
        key_version: if own { view.key.version } else { 0 },
        source: billing::Source::from(source).into(),
        state: view.state.into(),
        until: view.until.map(timestamp),
        model_allowed: view.model_allowed,
    }
}
