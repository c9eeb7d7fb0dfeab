//! `AuditService`.

use std::pin::Pin;
use std::sync::Arc;

use futures::Stream;
use keyway_chassis::access::Granted;
use keyway_proto::Fault;
use keyway_proto::vault::v1::audit_service_server::AuditService;
use keyway_proto::vault::v1::{
    AuditServiceCheckpointRequest, AuditServiceCheckpointResponse, AuditServiceExportRequest,
    AuditServiceExportResponse, AuditServiceListRequest, AuditServiceListResponse,
};
use tonic::{Request, Response, Status};

use crate::fields;
use crate::service::{Vault, not_built};
use crate::store::audit::{self as rows, Chain};
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
        self.0.grant(request)?;
        Err(not_built("AuditService.Export").into())
    }

    async fn checkpoint(
        &self,
        request: Request<AuditServiceCheckpointRequest>,
    ) -> Result<Response<AuditServiceCheckpointResponse>, Status> {
        self.0.grant(request)?;
        Err(not_built("AuditService.Checkpoint").into())
    }
}

async fn list(
    vault: &Vault,
    granted: &Granted<AuditServiceListRequest>,
) -> Result<AuditServiceListResponse, Fault> {
    let request = granted.get_ref();
    let chain = match request.workspace.as_str() {
        "" => Chain::System,
        text => Chain::Workspace(fields::workspace("workspace", text)?),
    };
    let chain = chain.name();
    let size = fields::page_size(request.page_size)?;
    let question = ["AuditList", chain.as_str()];
    let invalid = |_form| Fault::field("page_token", "must be a page token of this list");
    let below = match vault.page_after(&question, &request.page_token)?.as_str() {
        "" => u64::MAX,
        sequence => sequence.parse().map_err(invalid)?,
    };
    let read = vault.store.read().await?;
    let mut page = rows::before(read.on(), &chain, below, size + 1).await?;
    let next_page_token = vault.page_end(&question, &mut page, size, |row| {
        row.sequence.to_string().into_bytes()
    });
    let rows = page.into_iter().map(wire::audit_row).collect();
    Ok(AuditServiceListResponse {
        rows,
        next_page_token,
    })
}
