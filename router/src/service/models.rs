//! `ListModels`: what a workspace can call, on whose key, and what it costs.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::try_join_all;
use keyway_proto::billing::v1 as billing;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1::CredentialMode;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::{Catalogue, Kind, Model};
use keyway_words::{CallId, ProviderId, Timestamp, WorkspaceId};

use super::explain::outcome;
use crate::execute::Execution;
use crate::keys::{KeyPool, Lease, LeaseKey, VaultError};
use crate::route::Asked;

/// One page, already checked.
#[derive(Debug)]
pub(crate) struct Page {
    providers: Vec<ProviderId>,
    size: usize,
    after: Option<String>,
}

impl Page {
    /// Checks a request.
    pub(crate) fn new(request: &wire::ListModelsRequest) -> Result<Self, Fault> {
        let providers = match request.provider.as_str() {
            "" => ProviderId::ALL.to_vec(),
            id => {
                let form =
                    |form: keyway_words::InvalidName| Fault::field("provider", form.to_string());
                vec![id.parse().map_err(form)?]
            }
        };
        let size = match usize::try_from(request.page_size) {
            Ok(0) => 50,
            Ok(size @ 1..=500) => size,
            _ => return Err(Fault::field("page_size", "must be 0 to 500")),
        };
        let after = match request.page_token.as_str() {
            "" => None,
            token => {
                let name = token.strip_prefix(TOKEN).filter(|name| name.contains('/'));
                let form = "must be the next_page_token of the page before";
                Some(
                    name.ok_or_else(|| Fault::field("page_token", form))?
                        .to_owned(),
                )
            }
        };
        Ok(Self {
            providers,
            size,
            after,
        })
    }
}

/// What is known of a provider's keys: the vault's lease, or why it gives none.
struct Access {
    provider: ProviderId,
    lease: Result<Arc<Lease>, Reason>,
}

/// What every question needs.
struct Looking<'a> {
    execution: &'a Execution,
    workspace: &'a WorkspaceId,
    table: &'a Catalogue,
    now: Timestamp,
    /// Answers that do not depend on the model alone, so that a pool is read once.
    known: HashMap<String, (billing::Source, String, String)>,
}

impl Execution {
    /// One page of the models that a workspace's calls may name.
    pub(crate) async fn models(
        self: &Arc<Self>,
        workspace: &WorkspaceId,
        page: Page,
    ) -> Result<wire::ListModelsResponse, Fault> {
        let accesses = page
            .providers
            .iter()
            .map(|provider| self.access(workspace, *provider));
        let accesses = try_join_all(accesses).await?;
        let table = self.prices.table();
        let mut looking = Looking {
            execution: self,
            workspace,
            table: &table,
            now: self.clock.now(),
            known: HashMap::new(),
        };
        let providers = accesses
            .iter()
            .map(|access| looking.provider(access))
            .collect();
        let mut named = Vec::new();
        for access in &accesses {
            for model in table.models(access.provider) {
                let name = format!("{}/{}", access.provider, callable(model));
                if page.after.as_ref().is_none_or(|after| name > *after) {
                    named.push((name, model, access));
                }
            }
        }
        named.sort_by(|left, right| left.0.cmp(&right.0));
        let more = named.len() > page.size;
        named.truncate(page.size);
        let last = named.last().map(|(name, _, _)| format!("{TOKEN}{name}"));
        let models = named.into_iter();
        Ok(wire::ListModelsResponse {
            models: models
                .map(|(name, model, access)| looking.model(name, model, access))
                .collect(),
            next_page_token: last.filter(|_| more).unwrap_or_default(),
            providers,
        })
    }

    /// The keys of one provider. A vault that is away says nothing about them.
    async fn access(&self, workspace: &WorkspaceId, provider: ProviderId) -> Result<Access, Fault> {
        let key = LeaseKey {
            workspace: workspace.clone(),
            provider,
        };
        let lease = match self.leases.lease(&key, CallId::new()).await {
            Ok(lease) => Ok(lease),
            Err(VaultError::Refused(reason)) if reason != Reason::Denied => Err(reason),
            Err(error) => return Err(error.into()),
        };
        Ok(Access { provider, lease })
    }
}

impl Looking<'_> {
    /// What a call of a model that nobody lists would meet.
    fn provider(&mut self, access: &Access) -> wire::ProviderAccess {
        let listed = self.table.models(access.provider);
        let mut outcomes = listed
            .iter()
            .map(|model| callable(model).to_owned())
            .collect::<Vec<_>>();
        outcomes.push(UNLISTED.to_owned());
        let unlisted = self.outcome(access, UNLISTED);
        let any = outcomes
            .iter()
            .map(|model| self.outcome(access, model))
            .find(|outcome| outcome.0 != billing::Source::Unspecified);
        let first = outcomes.first().map(|model| self.outcome(access, model));
        let (source, reason, message) = any.or(first).unwrap_or_default();
        wire::ProviderAccess {
            provider: access.provider.as_str().to_owned(),
            source: source.into(),
            reason,
            message,
            unknown_models: unlisted.0 == billing::Source::Own,
        }
    }

    fn model(&mut self, name: String, model: &Model, access: &Access) -> wire::Model {
        let id = callable(model);
        let (source, reason, _message) = self.outcome(access, id);
        let ids = model.aliases().iter();
        let ids = ids.map(|alias| format!("{}/{alias}", access.provider));
        let own = self
            .table
            .aliases()
            .of(access.provider, id)
            .map(str::to_owned);
        let kind = match model.kind() {
            Kind::Chat => "chat",
            Kind::Embedding => "embedding",
            Kind::Search => "search",
        };
        wire::Model {
            aliases: ids.chain(own).collect(),
            source: source.into(),
            reason,
            kind: kind.to_owned(),
            capabilities: model.capabilities().to_vec(),
            restrictions: model.restrictions().to_vec(),
            prices_json: model.prices_json().to_owned(),
            context_window: model.context_window().unwrap_or(0),
            max_output_tokens: model.max_output().unwrap_or(0),
            dimensions: model.dimensions().unwrap_or(0),
            name,
        }
    }

    /// The same answer that a call would get. Where no key names models and the price is known, it
    /// is the same for all of them.
    fn outcome(&mut self, access: &Access, model: &str) -> (billing::Source, String, String) {
        let lease = match &access.lease {
            Ok(lease) => lease,
            Err(reason) => {
                let message = format!("the vault refused: {}", reason.as_str());
                return (
                    billing::Source::Unspecified,
                    reason.as_str().to_owned(),
                    message,
                );
            }
        };
        let provider = access.provider;
        let unpriced = crate::price::Prices::unpriced(self.table, provider, model);
        let switched = self.execution.switches.now();
        let off = switched
            .check(self.workspace, (provider, model), self.table)
            .is_err();
        let allowed = |pool: &KeyPool| -> String {
            let keys = pool.keys.iter();
            keys.map(|key| if key.may_use(model) { '+' } else { '-' })
                .collect()
        };
        let platform = lease.platform.as_ref().map(allowed).unwrap_or_default();
        let own = allowed(&lease.own);
        let same = format!(
            "{provider} {off} {unpriced:?} {own} {platform} {}",
            if off { model } else { "" }
        );
        if let Some(known) = self.known.get(&same) {
            return known.clone();
        }
        let asked = Asked {
            workspace: self.workspace,
            provider,
            model,
            mode: CredentialMode::Unspecified,
            is_priced: true,
        };
        let decided = self.execution.route(asked, lease, self.table, self.now);
        let outcome = outcome(&decided.route);
        self.known.insert(same, outcome.clone());
        outcome
    }
}

/// The name that a call uses: Exa's search kinds stand in the price table as `search:auto`.
fn callable(model: &Model) -> &str {
    model.id().strip_prefix("search:").unwrap_or(model.id())
}

/// Of page tokens; what follows is the last name of the page before.
const TOKEN: &str = "after:";
/// No catalogue has it.
const UNLISTED: &str = "a-model-that-no-list-names";
