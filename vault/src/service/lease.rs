//! `LeaseService`: the data plane between vault and routers.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use keyway_chassis::access::{self, Granted};
use keyway_proto::target::wire_role;
use keyway_proto::vault::v1::lease_service_server::LeaseService;
use keyway_proto::vault::v1::{
    CallerStanding, Grant, GrantScope, KeyState, Pool, ReportHealthRequest, ReportHealthResponse,
    ResolveKeysRequest, ResolveKeysResponse, VerifyCallerRequest, VerifyCallerResponse,
    WatchChangesRequest, WatchChangesResponse, WorkspaceState,
};
use keyway_proto::{Fault, convert};
use keyway_vault_access::{Scope, grants};
use keyway_words::{CallId, KeyPath, Owner, ProviderId, Role, Secret};
use serde_json::json;
use tonic::{Request, Response, Status, Streaming};

use crate::callers::{self, Known, Standing};
use crate::fields;
use crate::issuers::{self, Bearer};
use crate::resolve::{self, Pools};
use crate::service::{Vault, any_workspace, chain_of, done, health, living_owner, watch};
use crate::store::Write;
use crate::store::audit::Chain;
use crate::store::feed::{self, Position};
use crate::wire;

/// The service.
pub(crate) struct Lease(pub(crate) Arc<Vault>);

const RESOLVE: &str = "keyway.vault.v1.LeaseService/ResolveKeys";

#[tonic::async_trait]
impl LeaseService for Lease {
    type WatchChangesStream =
        Pin<Box<dyn Stream<Item = Result<WatchChangesResponse, Status>> + Send>>;

    async fn resolve_keys(
        &self,
        request: Request<ResolveKeysRequest>,
    ) -> Result<Response<ResolveKeysResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(resolve(&self.0, &granted).await?))
    }

    async fn verify_caller(
        &self,
        mut request: Request<VerifyCallerRequest>,
    ) -> Result<Response<VerifyCallerResponse>, Status> {
        let token = Secret::new(std::mem::take(&mut request.get_mut().token));
        let granted = self.0.grant(request)?;
        Ok(Response::new(verify(&self.0, &granted, &token).await?))
    }

    async fn watch_changes(
        &self,
        request: Request<Streaming<WatchChangesRequest>>,
    ) -> Result<Response<Self::WatchChangesStream>, Status> {
        let stream = watch::open(Arc::clone(&self.0), request).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn report_health(
        &self,
        request: Request<ReportHealthRequest>,
    ) -> Result<Response<ReportHealthResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(health::report(&self.0, &granted).await?))
    }
}

/// Opens the pools. The audit row is on disk before a secret leaves.
async fn resolve(
    vault: &Vault,
    granted: &Granted<ResolveKeysRequest>,
) -> Result<ResolveKeysResponse, Fault> {
    let request = granted.get_ref();
    if !request.key.is_empty() {
        return resolve_one(vault, granted).await;
    }
    let id = fields::workspace("workspace", &request.workspace)?;
    let provider: ProviderId = fields::parsed("provider", &request.provider)?;
    let call_id: CallId = fields::parsed("call_id", &request.call_id)?;
    let write = vault.store.write().await?;
    let workspace = any_workspace(write.on(), &id).await?;
    let (policy, limits) = (
        wire::policy(&workspace)?,
        wire::operator_limits(&workspace)?,
    );
    let state = wire::workspace_state(&workspace)?;
    let (mut own, mut platform) = (None, None);
    if state == WorkspaceState::Active {
        let allowed = Pools::allowed(&policy, &limits);
        if allowed.own {
            own = Some(pool(vault, &write, &Owner::Workspace(id.clone()), provider).await?);
        }
        if allowed.platform {
            platform = Some(pool(vault, &write, &Owner::Platform, provider).await?);
        }
    }
    let position = feed::current(write.on()).await?;
    let facts = json!({
        "provider": provider.as_str(), "call_id": call_id.to_string(),
        "own": leased(own.as_ref()), "platform": leased(platform.as_ref()),
    });
    let chain = Chain::Workspace(id.clone());
    write
        .audit(&done(granted, chain, RESOLVE, id.resource(), facts))
        .await?;
    write.commit().await?;
    Ok(ResolveKeysResponse {
        revision: position.revision,
        epoch: position.epoch,
        workspace_state: state.into(),
        policy: Some(policy),
        operator_limits: Some(limits),
        own,
        platform,
        lease: prost_types::Duration::try_from(vault.limits.lease).ok(),
    })
}

/// Opens one key to be tested, whether or not a call could use it. The audit row is on disk before
/// the secret leaves.
async fn resolve_one(
    vault: &Vault,
    granted: &Granted<ResolveKeysRequest>,
) -> Result<ResolveKeysResponse, Fault> {
    let request = granted.get_ref();
    let path: KeyPath = fields::parsed("key", &request.key)?;
    let call_id: CallId = fields::parsed("call_id", &request.call_id)?;
    if !request.workspace.is_empty() {
        return Err(Fault::field("workspace", "must be empty where key is set"));
    }
    let write = vault.store.write().await?;
    living_owner(write.on(), &path.owner).await?;
    let candidate = resolve::one(&vault.keyring, write.on(), &path, write.now()).await?;
    let candidate = candidate.ok_or_else(super::keys::not_found)?;
    let position = feed::current(write.on()).await?;
    let pool = Pool {
        owner: path.owner.to_string(),
        counted: 1,
        candidates: vec![candidate],
        ..Pool::default()
    };
    let facts = json!({
        "provider": path.provider.as_str(), "call_id": call_id.to_string(),
        "tested": leased(Some(&pool)),
    });
    let chain = chain_of(&path.owner);
    write
        .audit(&done(granted, chain, RESOLVE, path.to_string(), facts))
        .await?;
    write.commit().await?;
    let (own, platform) = match path.owner {
        Owner::Workspace(_) => (Some(pool), None),
        Owner::Platform => (None, Some(pool)),
    };
    Ok(ResolveKeysResponse {
        revision: position.revision,
        epoch: position.epoch,
        workspace_state: WorkspaceState::Active.into(),
        own,
        platform,
        ..ResolveKeysResponse::default()
    })
}

async fn pool(
    vault: &Vault,
    write: &Write,
    owner: &Owner,
    provider: ProviderId,
) -> Result<Pool, Fault> {
    resolve::pool(&vault.keyring, write.on(), owner, provider, write.now()).await
}

/// What the audit row says of a pool: names, versions and states.
fn leased(pool: Option<&Pool>) -> serde_json::Value {
    let candidates = pool.map_or(&[][..], |pool| &pool.candidates);
    candidates
        .iter()
        .map(|candidate| {
            let state = KeyState::try_from(candidate.state).unwrap_or_default();
            json!({
                "name": candidate.name, "version": candidate.version,
                "state": state.as_str_name(), "leased": !candidate.secret.is_empty(),
            })
        })
        .collect()
}

async fn verify(
    vault: &Vault,
    granted: &Granted<VerifyCallerRequest>,
    token: &Secret,
) -> Result<VerifyCallerResponse, Fault> {
    let source: Option<IpAddr> =
        match granted.get_ref().source_address.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_form| {
                Fault::field("source_address", "must be an IP address, or empty")
            })?),
        };
    let Some((known, position)) = look_up(vault, token, source).await? else {
        return Ok(VerifyCallerResponse::default());
    };
    let mut standings = visible(granted, known.standings)?
        .into_iter()
        .map(caller_standing);
    let first = standings.next().ok_or_else(access::denied)?;
    Ok(VerifyCallerResponse {
        known: true,
        accessor: known.accessor,
        subject: known.subject,
        role: first.role,
        workspace: first.workspace,
        workspace_state: first.workspace_state,
        expire_time: Some(convert::timestamp(known.expires_at)),
        grants: first.grants,
        revision: position.revision,
        epoch: position.epoch,
        others: standings.collect(),
        source_bound: known.source_bound,
    })
}

/// Who bears a token or a JWT of a person, and the revision at which that was read. A router's
/// credential is nobody's here.
async fn look_up(
    vault: &Vault,
    token: &Secret,
    source: Option<IpAddr>,
) -> Result<Option<(Known, Position)>, Fault> {
    if issuers::is_jwt(token) {
        let hash_key = &vault.keyring.token_hash;
        let now = vault.store.now();
        let bearer = vault.issuers.identify(token, hash_key, now).await?;
        let Some(Bearer::Person(person)) = bearer else {
            return Ok(None);
        };
        let read = vault.store.read().await?;
        let position = feed::current(read.on()).await?;
        return Ok(Some((callers::person(read.on(), person).await?, position)));
    }
    let Some(hash) = callers::hash(&vault.keyring.token_hash, token) else {
        return Ok(None);
    };
    let read = vault.store.read().await?;
    let position = feed::current(read.on()).await?;
    let known = callers::look_up(read.on(), &hash, source, read.now()).await?;
    Ok(known.map(|known| (known, position)))
}

/// A router with an allow-list learns nothing of what callers are in other workspaces.
fn visible(
    granted: &Granted<VerifyCallerRequest>,
    mut standings: Vec<Standing>,
) -> Result<Vec<Standing>, Fault> {
    if let Some(listed) = &granted.caller().listed {
        standings.retain(|standing| match &standing.workspace {
            Some((id, _state)) => listed.contains(id),
            None => true,
        });
    }
    if standings.is_empty() {
        return Err(access::denied());
    }
    Ok(standings)
}

fn caller_standing(standing: Standing) -> CallerStanding {
    let (workspace, state) = standing
        .workspace
        .map(|(id, state)| (id.resource(), state.into()))
        .unwrap_or_default();
    CallerStanding {
        role: wire_role(standing.role).into(),
        workspace,
        workspace_state: state,
        grants: router_grants(standing.role),
    }
}

fn router_grants(role: Role) -> Vec<Grant> {
    grants(role)
        .map(|(rpc, scope)| {
            let scope = match scope {
                Scope::Own => GrantScope::Own,
                Scope::All => GrantScope::All,
                Scope::Platform => GrantScope::Platform,
            };
            Grant {
                rpc: rpc.to_owned(),
                scope: scope.into(),
            }
        })
        .collect()
}
