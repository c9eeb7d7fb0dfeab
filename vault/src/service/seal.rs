//! `SealService`.

use std::collections::HashMap;
use std::sync::Arc;

use keyway_proto::vault::v1::seal_service_server::SealService;
use keyway_proto::vault::v1::{
    MasterKeyGeneration, RouterStatus, SealServiceRetireMasterKeyRequest,
    SealServiceRetireMasterKeyResponse, SealServiceRewrapRequest, SealServiceRewrapResponse,
    SealServiceRotateDataKeyRequest, SealServiceRotateDataKeyResponse, SealServiceStatusRequest,
    SealServiceStatusResponse,
};
use keyway_proto::{Fault, convert};
use keyway_words::Timestamp;
use tonic::{Request, Response, Status};

use crate::routers::Watcher;
use crate::service::{Vault, not_built};
use crate::store::{data_keys, feed};

/// The service.
pub(crate) struct Seal(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl SealService for Seal {
    async fn status(
        &self,
        request: Request<SealServiceStatusRequest>,
    ) -> Result<Response<SealServiceStatusResponse>, Status> {
        self.0.grant(request)?;
        Ok(Response::new(status(&self.0).await?))
    }

    async fn rewrap(
        &self,
        request: Request<SealServiceRewrapRequest>,
    ) -> Result<Response<SealServiceRewrapResponse>, Status> {
        self.0.grant(request)?;
        Err(not_built("SealService.Rewrap").into())
    }

    async fn rotate_data_key(
        &self,
        request: Request<SealServiceRotateDataKeyRequest>,
    ) -> Result<Response<SealServiceRotateDataKeyResponse>, Status> {
        self.0.grant(request)?;
        Err(not_built("SealService.RotateDataKey").into())
    }

    async fn retire_master_key(
        &self,
        request: Request<SealServiceRetireMasterKeyRequest>,
    ) -> Result<Response<SealServiceRetireMasterKeyResponse>, Status> {
        self.0.grant(request)?;
        Err(not_built("SealService.RetireMasterKey").into())
    }
}

async fn status(vault: &Vault) -> Result<SealServiceStatusResponse, Fault> {
    let read = vault.store.read().await?;
    let current = vault.keyring.data_keys.current();
    let usage: HashMap<_, _> = data_keys::usage(read.on()).await?.into_iter().collect();
    let mut generations = Vec::new();
    for row in data_keys::masters(read.on()).await? {
        generations.push(MasterKeyGeneration {
            generation: u64::try_from(row.generation).unwrap_or(0),
            current: row.id == current,
            data_keys_remaining: usage.get(&row.id).copied().unwrap_or(0),
            create_time: Some(convert::timestamp(Timestamp(row.created_at))),
            id: row.id,
        });
    }
    let position = feed::current(read.on()).await?;
    Ok(SealServiceStatusResponse {
        generations,
        routers: vault
            .routers
            .list(read.now())
            .into_iter()
            .map(router)
            .collect(),
        revision: position.revision,
        epoch: position.epoch,
    })
}

fn router(watcher: Watcher) -> RouterStatus {
    RouterStatus {
        identity: watcher.identity,
        instance: watcher.instance,
        acknowledged_revision: watcher.acknowledged,
        seen_time: Some(convert::timestamp(watcher.seen)),
    }
}
