//! What the caches ask of the vault.

use std::fmt::Debug;

use futures::future::BoxFuture;
use keyway_chassis::access::denied;
use keyway_proto::vault::v1 as wire;
use keyway_proto::{Fault, Reason};
use keyway_words::{CallId, ProviderId, Secret, WorkspaceId};
use std::time::Duration;

/// The vault's unary RPCs that the caches use. The real one is [`super::VaultClient`].
pub trait VaultSource: Debug + Send + Sync + 'static {
    /// Leases the keys of a workspace for a provider.
    fn resolve(
        &self,
        workspace: &WorkspaceId,
        provider: ProviderId,
        call: CallId,
    ) -> BoxFuture<'static, Result<wire::ResolveKeysResponse, VaultError>>;

    /// Asks who the bearer of a token is.
    fn verify(
        &self,
        token: Secret,
        source_address: String,
    ) -> BoxFuture<'static, Result<wire::VerifyCallerResponse, VaultError>>;
}

/// Why the vault gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VaultError {
    /// It can't be reached, did not answer in time, or can't work for now: nothing is decided.
    Away,
    /// It refuses this router itself.
    RouterRefused,
    /// It refuses the request, with this reason.
    Refused(Reason),
}

impl From<VaultError> for Fault {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Away => Self::new(
                Reason::VaultUnavailable,
                "the vault can't be reached and what is cached is too old; nothing was sent",
            )
            .retry_after(RETRY),
            VaultError::RouterRefused => Self::new(
                Reason::VaultUnavailable,
                "the vault does not know this router; compare the router's vault.token_file with the vault's setting routers",
            )
            .retry_after(RETRY),
            VaultError::Refused(Reason::KeyUnreadable) => {
                Self::new(Reason::KeyUnreadable, "a stored key can't be opened; the operator sees why in the vault's log")
            }
            // This router is not listed for the workspace.
            VaultError::Refused(Reason::Denied) => denied(),
            // Told to operators and auditors only: nobody else may name another's workspace.
            VaultError::Refused(Reason::WorkspaceNotFound) => Self::new(
                Reason::WorkspaceNotFound,
                "there is no such workspace; WorkspaceService.List shows those there are",
            ),
            VaultError::Refused(Reason::KeyNotFound) => Self::new(
                Reason::KeyNotFound,
                "there is no such key; keyway.vault.v1.KeyService/PutKey stores one",
            )
            .at_field("name"),
            VaultError::Refused(reason) => {
                Self::new(reason, format!("the vault refused the call: {}", reason.as_str()))
            }
        }
    }
}

const RETRY: Duration = Duration::from_secs(1);
