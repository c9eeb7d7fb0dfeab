//! The vault's data plane as the router calls it. Replies with secrets are moved into `Secret`s
//! by the lease at once.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use keyway_chassis::telemetry::trace;
use keyway_chassis::tls::TlsClient;
use keyway_proto::Reason;
use keyway_proto::status::refusal;
use keyway_proto::vault::v1 as wire;
use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_words::{CallId, KeyPath, ProviderId, Secret, WorkspaceId};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status, Streaming};
use tracing::{Instrument as _, Span};

use super::health::HealthSink;
use super::lease::{KeyPool, LeasedKey};
use super::source::{VaultError, VaultSource};
use super::token::RouterToken;
use super::way::Way;
use crate::counters;

/// A client of the vault's `LeaseService`. Cheap to clone; connects when first used.
#[derive(Clone)]
pub struct VaultClient {
    way: Way,
    token: Option<RouterToken>,
    deadline: Duration,
}

impl fmt::Debug for VaultClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VaultClient").finish_non_exhaustive()
    }
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum VaultClientError {
    /// The endpoint is no URL.
    #[error("vault.endpoint is not a URL such as http://127.0.0.1:7102")]
    Endpoint,
}

impl VaultClient {
    /// A client for `endpoint`, which shows a token, or the certificate of `tls`, or both.
    /// `deadline` bounds each unary RPC.
    pub fn new(
        endpoint: &str,
        tls: Option<TlsClient>,
        token: Option<RouterToken>,
        deadline: Duration,
    ) -> Result<Self, VaultClientError> {
        let endpoint = Endpoint::from_shared(endpoint.to_owned())
            .map_err(|_form| VaultClientError::Endpoint)?;
        Ok(Self {
            way: Way::new(endpoint, tls),
            token,
            deadline,
        })
    }

    fn client(&self) -> LeaseServiceClient<Channel> {
        LeaseServiceClient::new(self.way.channel())
    }

    /// Opens the feed. The stream has no deadline; silence is the feed's business.
    pub async fn watch(
        &self,
        messages: impl tokio_stream::Stream<Item = wire::WatchChangesRequest> + Send + 'static,
    ) -> Result<Streaming<wire::WatchChangesResponse>, Status> {
        counters::vault_rpc("WatchChanges");
        let mut client = self.client();
        let request = self.authorized(messages);
        client
            .watch_changes(request)
            .await
            .map(tonic::Response::into_inner)
    }

    /// Gives one key to be tested, whether or not a call could use it.
    pub async fn key(&self, path: &KeyPath, call: CallId) -> Result<Arc<LeasedKey>, VaultError> {
        counters::vault_rpc("ResolveKeys");
        let message = wire::ResolveKeysRequest {
            provider: path.provider.as_str().to_owned(),
            call_id: call.to_string(),
            key: path.to_string(),
            ..wire::ResolveKeysRequest::default()
        };
        let ask = || {
            let request = self.unary(message.clone());
            let mut client = self.client();
            async move { client.resolve_keys(request).await }
        };
        let span = trace::asked("keyway.vault.v1.LeaseService/ResolveKeys");
        let found = answer(self.deadline, ask).instrument(span).await?;
        let pool = found.own.or(found.platform).map(KeyPool::from_wire);
        let mut keys = pool.unwrap_or_default().keys;
        // A vault that is older than this router leases a pool, or nothing.
        let only = keys
            .pop()
            .filter(|key| keys.is_empty() && key.path.as_ref() == Some(path));
        only.ok_or(VaultError::Refused(Reason::KeyNotFound))
    }

    fn authorized<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", token.bearer());
        }
        trace::tell(&Span::current(), request.metadata_mut().as_mut());
        request
    }

    fn unary<T>(&self, message: T) -> Request<T> {
        let mut request = self.authorized(message);
        request.set_timeout(self.deadline);
        request
    }
}

impl VaultSource for VaultClient {
    fn resolve(
        &self,
        workspace: &WorkspaceId,
        provider: ProviderId,
        call: CallId,
    ) -> BoxFuture<'static, Result<wire::ResolveKeysResponse, VaultError>> {
        counters::vault_rpc("ResolveKeys");
        let message = wire::ResolveKeysRequest {
            workspace: workspace.resource(),
            provider: provider.as_str().to_owned(),
            call_id: call.to_string(),
            key: String::new(),
        };
        let vault = self.clone();
        let span = trace::asked("keyway.vault.v1.LeaseService/ResolveKeys");
        let asking = async move {
            let ask = || {
                let request = vault.unary(message.clone());
                let mut client = vault.client();
                async move { client.resolve_keys(request).await }
            };
            answer(vault.deadline, ask).await
        };
        Box::pin(asking.instrument(span))
    }

    fn verify(
        &self,
        token: Secret,
        source_address: String,
    ) -> BoxFuture<'static, Result<wire::VerifyCallerResponse, VaultError>> {
        counters::vault_rpc("VerifyCaller");
        let vault = self.clone();
        let span = trace::asked("keyway.vault.v1.LeaseService/VerifyCaller");
        let asking = async move {
            let ask = || {
                let request = vault.unary(wire::VerifyCallerRequest {
                    token: token.expose().to_owned(),
                    source_address: source_address.clone(),
                });
                let mut client = vault.client();
                async move { client.verify_caller(request).await }
            };
            answer(vault.deadline, ask).await
        };
        Box::pin(asking.instrument(span))
    }
}

impl HealthSink for VaultClient {
    fn report(
        &self,
        changes: Vec<wire::HealthChange>,
    ) -> BoxFuture<'static, Result<(), VaultError>> {
        counters::vault_rpc("ReportHealth");
        let message = wire::ReportHealthRequest { changes };
        let vault = self.clone();
        let span = trace::asked("keyway.vault.v1.LeaseService/ReportHealth");
        let asking = async move {
            let ask = || {
                let request = vault.unary(message.clone());
                let mut client = vault.client();
                async move { client.report_health(request).await }
            };
            answer(vault.deadline, ask).await.map(drop)
        };
        Box::pin(asking.instrument(span))
    }
}

/// Asks, and once more if the connection ended under the question, as connections do at their age:
/// every RPC here says or reads the same when it is repeated.
async fn answer<T, F>(deadline: Duration, ask: impl Fn() -> F) -> Result<T, VaultError>
where
    F: Future<Output = Result<tonic::Response<T>, Status>>,
{
    let asked = async {
        match ask().await {
            Err(status) if broke(&status) => ask().await,
            answered => answered,
        }
    };
    match tokio::time::timeout(deadline, asked).await {
        Ok(Ok(reply)) => Ok(reply.into_inner()),
        Ok(Err(status)) => Err(read(&status)),
        Err(_passed) => Err(VaultError::Away),
    }
}

/// Whether this is no answer of the vault but what became of the connection.
fn broke(status: &Status) -> bool {
    status.source().is_some() && refusal(status).reason.is_none()
}

/// Only a reason of the vault itself is a refusal; what any proxy or broken wire may say is not.
fn read(status: &Status) -> VaultError {
    let refusal = refusal(status);
    let Some(reason) = refusal.reason else {
        return VaultError::Away;
    };
    match refusal.code {
        Code::Unauthenticated => VaultError::RouterRefused,
        Code::PermissionDenied
        | Code::NotFound
        | Code::FailedPrecondition
        | Code::InvalidArgument
        | Code::DataLoss
        | Code::Unimplemented => VaultError::Refused(reason),
        _ => VaultError::Away,
    }
}

#[cfg(test)]
mod tests {
    use keyway_proto::{Fault, Reason};

    use super::*;

    #[test]
    fn only_a_reason_of_the_vault_is_a_refusal() {
        let read = |reason| read(&Status::from(Fault::new(reason, "x")));
        assert_eq!(read(Reason::Denied), VaultError::Refused(Reason::Denied));
        assert_eq!(read(Reason::CallerUnknown), VaultError::RouterRefused);
        for reason in [
            Reason::AuditUnavailable,
            Reason::Overloaded,
            Reason::Draining,
            Reason::Internal,
        ] {
            assert_eq!(read(reason), VaultError::Away);
        }
        assert_eq!(
            super::read(&Status::from_error("reset".into())),
            VaultError::Away
        );
    }
}
