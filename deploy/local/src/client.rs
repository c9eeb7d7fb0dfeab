//! The launcher as a client of its own product: the same RPCs that anybody can call.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use keyway_chassis::proto::Reason;
use keyway_chassis::proto::billing::v1::billing_service_client::BillingServiceClient;
use keyway_chassis::proto::router::v1::execution_service_client::ExecutionServiceClient;
use keyway_chassis::proto::status;
use keyway_chassis::proto::vault::v1::audit_service_client::AuditServiceClient;
use keyway_chassis::proto::vault::v1::key_service_client::KeyServiceClient;
use keyway_chassis::proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_chassis::proto::vault::v1::member_service_client::MemberServiceClient;
use keyway_chassis::proto::vault::v1::seal_service_client::SealServiceClient;
use keyway_chassis::proto::vault::v1::token_service_client::TokenServiceClient;
use keyway_chassis::proto::vault::v1::workspace_service_client::WorkspaceServiceClient;
use keyway_words::Secret;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};

/// How long one call of the launcher may take.
const CALL_BOUND: Duration = Duration::from_mins(1);

/// A channel that authenticates.
pub type Authenticated = InterceptedService<Channel, Bearer>;

/// Puts a token on every request.
#[derive(Debug, Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Bearer {
    fn new(token: &Secret) -> Result<Self> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {}", token.expose())
            .parse()
            .context("the token is not printable text")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request
            .metadata_mut()
            .insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// One service, called by the bearer of one token.
#[derive(Debug, Clone)]
pub struct Session {
    channel: Channel,
    bearer: Bearer,
}

impl Session {
    /// A session at `address` for the bearer of `token`; connects with the first call.
    pub fn new(address: SocketAddr, token: &Secret) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?
            .connect_timeout(Duration::from_secs(5))
            .timeout(CALL_BOUND)
            .tcp_nodelay(true)
            .connect_lazy();
        Self::over(channel, token)
    }

    /// The same over a channel that is made already.
    pub(crate) fn over(channel: Channel, token: &Secret) -> Result<Self> {
        Ok(Self {
            channel,
            bearer: Bearer::new(token)?,
        })
    }

    fn service(&self) -> Authenticated {
        InterceptedService::new(self.channel.clone(), self.bearer.clone())
    }

    /// Keys, at the vault.
    pub fn keys(&self) -> KeyServiceClient<Authenticated> {
        KeyServiceClient::new(self.service())
    }

    /// Workspaces, at the vault.
    pub fn workspaces(&self) -> WorkspaceServiceClient<Authenticated> {
        WorkspaceServiceClient::new(self.service())
    }

    /// Members, at the vault.
    pub fn members(&self) -> MemberServiceClient<Authenticated> {
        MemberServiceClient::new(self.service())
    }

    /// Tokens, at the vault.
    pub fn tokens(&self) -> TokenServiceClient<Authenticated> {
        TokenServiceClient::new(self.service())
    }

    /// Master and data keys, at the vault.
    pub fn seal(&self) -> SealServiceClient<Authenticated> {
        SealServiceClient::new(self.service())
    }

    /// Audit rows, at the vault.
    pub fn audit(&self) -> AuditServiceClient<Authenticated> {
        AuditServiceClient::new(self.service())
    }

    /// Leases, at the vault's data plane, with a router's token.
    pub fn leases(&self) -> LeaseServiceClient<Authenticated> {
        LeaseServiceClient::new(self.service())
    }

    /// Calls, at the router.
    pub fn execution(&self) -> ExecutionServiceClient<Authenticated> {
        ExecutionServiceClient::new(self.service())
    }

    /// The billing stream, at the router.
    pub fn billing(&self) -> BillingServiceClient<Authenticated> {
        BillingServiceClient::new(self.service())
    }
}

/// A refused call in one line: what was tried, the stable reason, and what the service says.
pub(crate) fn refused(what: &str, status: &Status) -> anyhow::Error {
    let refusal = status::refusal(status);
    match refusal.reason {
        Some(reason) => anyhow!("{what}: {} ({})", status.message(), reason.as_str()),
        None => anyhow!("{what}: {} ({:?})", status.message(), refusal.code),
    }
}

/// Whether a call was refused for this reason.
pub(crate) fn is(status: &Status, reason: Reason) -> bool {
    status::refusal(status).reason == Some(reason)
}
