//! `AuditService`.

mod export;

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use keyway_chassis::access::Granted;
use keyway_proto::vault::v1::audit_service_server::AuditService;
use keyway_proto::vault::v1::{
    AuditServiceCheckpointRequest, AuditServiceCheckpointResponse, AuditServiceExportRequest,
    AuditServiceExportResponse, AuditServiceListRequest, AuditServiceListResponse,
};
use keyway_proto::{Fault, Reason, convert};
use keyway_words::Timestamp;
use tonic::{Request, Response, Status};

use crate::audit::checkpoint::{CheckpointError, sign};
use crate::fields;
use crate::service::Vault;
use crate::store::audit::{self as rows, Chain, Filter};
use crate::store::checkpoints::CheckpointRow;
use crate::wire;

/// The service.
pub(crate) struct Audit(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl AuditService for Audit {
    type ExportStream =
        Pin<Box<dyn Stream<Item = Result<AuditServiceExportResponse, Status>> + Send>>;

    async fn list(
        &self,
        request: Request<AuditServiceListRequest>,
    ) -> Result<Response<AuditServiceListResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(list(&self.0, &granted).await?))
    }

    async fn export(
        &self,
        request: Request<AuditServiceExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        let granted = self.0.grant(request)?;
        let chain = chain_of(&granted.get_ref().workspace)?;
        let from = granted.get_ref().from_sequence;
        let stream = export::open(self.0.store.clone(), chain, from).await?;
        Ok(Response::new(Box::pin(stream)))
    }

    async fn checkpoint(
        &self,
        request: Request<AuditServiceCheckpointRequest>,
    ) -> Result<Response<AuditServiceCheckpointResponse>, Status> {
        let granted = self.0.grant(request)?;
        let chain = chain_of(&granted.get_ref().workspace)?;
        Ok(Response::new(checkpoint(&self.0, &chain).await?))
    }
}

fn chain_of(workspace: &str) -> Result<String, Fault> {
    let chain = match workspace {
        "" => Chain::System,
        text => Chain::Workspace(fields::workspace("workspace", text)?),
    };
    Ok(chain.name())
}

async fn list(
    vault: &Vault,
    granted: &Granted<AuditServiceListRequest>,
) -> Result<AuditServiceListResponse, Fault> {
    let request = granted.get_ref();
    let chain = chain_of(&request.workspace)?;
    let filter = filter(request)?;
    let size = fields::page_size(request.page_size)?;
    let narrowed = format!("{filter:?}");
    let question = ["AuditList", chain.as_str(), &narrowed];
    let invalid = |_form| Fault::field("page_token", "must be a page token of this list");
    let below = match vault.page_after(&question, &request.page_token)?.as_str() {
        "" => u64::MAX,
        sequence => sequence.parse().map_err(invalid)?,
    };
    let read = vault.store.read().await?;
    let mut page = rows::before(read.on(), &chain, below, &filter, size + 1).await?;
    let next_page_token = vault.page_end(&question, &mut page, size, |row| {
        row.sequence.to_string().into_bytes()
    });
    let rows = page.into_iter().map(wire::audit_row).collect();
    Ok(AuditServiceListResponse {
        rows,
        next_page_token,
    })
}

fn filter(request: &AuditServiceListRequest) -> Result<Filter, Fault> {
    let time = |field, given: Option<&prost_types::Timestamp>| match given {
        None => Ok(None),
        Some(given) => convert::from_timestamp(given)
            .map(Some)
            .ok_or_else(|| Fault::field(field, "must be a time")),
    };
    if !matches!(request.decision.as_str(), "" | "ALLOWED" | "DENIED") {
        return Err(Fault::field("decision", "must be ALLOWED or DENIED"));
    }
    Ok(Filter {
        from: time("from_time", request.from_time.as_ref())?,
        until: time("until_time", request.until_time.as_ref())?,
        rpc: fields::text("rpc", &request.rpc)?,
        decision: request.decision.clone(),
    })
}

async fn checkpoint(vault: &Vault, chain: &str) -> Result<AuditServiceCheckpointResponse, Fault> {
    let read = vault.store.read().await?;
    let signed = sign(read.on(), &vault.keyring.checkpoint, chain, read.now()).await;
    match signed.map_err(not_signed)? {
        Some(row) => Ok(to_wire(row)),
        None => Err(Fault::new(
            Reason::WorkspaceNotFound,
            "there is no such audit chain; a workspace has one from its creation on",
        )),
    }
}

fn not_signed(error: CheckpointError) -> Fault {
    match error {
        CheckpointError::Store(error) => error.into(),
        CheckpointError::Broken { .. } | CheckpointError::Key(_) => {
            tracing::error!(%error, "no checkpoint is signed");
            Fault::new(
                Reason::Internal,
                format!("no checkpoint is signed: {error}; `keyway-vault audit verify` says more"),
            )
        }
    }
}

fn to_wire(row: CheckpointRow) -> AuditServiceCheckpointResponse {
    AuditServiceCheckpointResponse {
        chain: row.chain,
        sequence: u64::try_from(row.sequence).unwrap_or(0),
        hash: row.hash,
        time: Some(convert::timestamp(Timestamp(row.time))),
        signature: row.signature,
        public_key: row.public_key,
        epoch: row.epoch,
    }
}
