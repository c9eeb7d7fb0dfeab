//! `SealService`: generations of master and data keys, and their rotation.

mod rotate;
mod status;

use std::sync::Arc;

use keyway_proto::vault::v1::seal_service_server::SealService;
use keyway_proto::vault::v1::{
    SealServiceRetireMasterKeyRequest, SealServiceRetireMasterKeyResponse,
    SealServiceRewrapRequest, SealServiceRewrapResponse, SealServiceRotateDataKeyRequest,
    SealServiceRotateDataKeyResponse, SealServiceStatusRequest, SealServiceStatusResponse,
};
use tonic::{Request, Response, Status};

use crate::service::Vault;

/// The service.
pub(crate) struct Seal(pub(crate) Arc<Vault>);

pub(crate) const REWRAP_RPC: &str = "keyway.vault.v1.SealService/Rewrap";
pub(crate) const ROTATE_RPC: &str = "keyway.vault.v1.SealService/RotateDataKey";
const RETIRE_RPC: &str = "keyway.vault.v1.SealService/RetireMasterKey";

#[tonic::async_trait]
impl SealService for Seal {
    async fn status(
        &self,
        request: Request<SealServiceStatusRequest>,
    ) -> Result<Response<SealServiceStatusResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(status::status(&self.0, &granted).await?))
    }

    async fn rewrap(
        &self,
        request: Request<SealServiceRewrapRequest>,
    ) -> Result<Response<SealServiceRewrapResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(rotate::rewrap(&self.0, &granted).await?))
    }

    async fn rotate_data_key(
        &self,
        request: Request<SealServiceRotateDataKeyRequest>,
    ) -> Result<Response<SealServiceRotateDataKeyResponse>, Status> {
        let granted = self.0.grant(request)?;
        let rotated = rotate::rotate_data_key(&self.0, &granted).await?;
        Ok(Response::new(rotated))
    }

    async fn retire_master_key(
        &self,
        request: Request<SealServiceRetireMasterKeyRequest>,
    ) -> Result<Response<SealServiceRetireMasterKeyResponse>, Status> {
        let granted = self.0.grant(request)?;
        rotate::retire(&self.0, &granted).await?;
        Ok(Response::new(SealServiceRetireMasterKeyResponse {}))
    }
}
