//! `KeyService`. No response of it has a field for a secret.

pub(crate) mod change;
mod put;

use std::sync::Arc;

use keyway_chassis::access::Granted;
use keyway_proto::vault::v1::key_service_server::KeyService;
use keyway_proto::vault::v1::{
    DeleteKeyRequest, DeleteKeyResponse, GetKeyRequest, GetKeyResponse, Key, KeyState,
    ListKeysRequest, ListKeysResponse, ListProvidersRequest, ListProvidersResponse, PutKeyRequest,
    PutKeyResponse, UpdateKeyRequest, UpdateKeyResponse,
};
use keyway_proto::{Fault, Reason};
use keyway_words::{KeyPath, ProviderId, Secret, Timestamp};
use sea_orm::ConnectionTrait;
use tonic::{Request, Response, Status};

use crate::keys::{self, Opener};
use crate::service::{Vault, living_owner};
use crate::store::keys::{self as rows, After, KeyRow};
use crate::{fields, providers};

/// The service.
pub(crate) struct Keys(pub(crate) Arc<Vault>);

#[tonic::async_trait]
impl KeyService for Keys {
    async fn put_key(
        &self,
        mut request: Request<PutKeyRequest>,
    ) -> Result<Response<PutKeyResponse>, Status> {
        let secret = Secret::new(std::mem::take(&mut request.get_mut().secret));
        let granted = self.0.grant(request)?;
        Ok(Response::new(put::put(&self.0, &granted, &secret).await?))
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<GetKeyResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(self.get(&granted).await?))
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(self.list(&granted).await?))
    }

    async fn update_key(
        &self,
        request: Request<UpdateKeyRequest>,
    ) -> Result<Response<UpdateKeyResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(change::update(&self.0, &granted).await?))
    }

    async fn delete_key(
        &self,
        request: Request<DeleteKeyRequest>,
    ) -> Result<Response<DeleteKeyResponse>, Status> {
        let granted = self.0.grant(request)?;
        Ok(Response::new(change::delete(&self.0, &granted).await?))
    }

    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        self.0.grant(request)?;
        Ok(Response::new(ListProvidersResponse {
            providers: providers::all(),
        }))
    }
}

impl Keys {
    async fn get(&self, granted: &Granted<GetKeyRequest>) -> Result<GetKeyResponse, Fault> {
        let path: KeyPath = fields::parsed("name", &granted.get_ref().name)?;
        let read = self.0.store.read().await?;
        living_owner(read.on(), &path.owner).await?;
        let row = find(read.on(), &path).await?;
        let mut keys = self.with_states(read.on(), vec![row], read.now()).await?;
        Ok(GetKeyResponse { key: keys.pop() })
    }

    async fn list(&self, granted: &Granted<ListKeysRequest>) -> Result<ListKeysResponse, Fault> {
        let request = granted.get_ref();
        let owner = fields::owner("owner", &request.owner)?.to_string();
        if !request.provider.is_empty() {
            fields::parsed::<ProviderId>("provider", &request.provider)?;
        }
        let wanted = KeyState::try_from(request.state)
            .map_err(|_number| Fault::field("state", "must be a state of the contract"))?;
        let size = fields::page_size(request.page_size)?;
        let question = [
            "ListKeys",
            owner.as_str(),
            request.provider.as_str(),
            wanted.as_str_name(),
        ];
        let start = self.0.page_start(&question, &request.page_token)?;
        let after: Option<After> = if start.is_empty() {
            None
        } else {
            let invalid = |_form| Fault::field("page_token", "must be a page token of this list");
            Some(serde_json::from_slice(&start).map_err(invalid)?)
        };
        let read = self.0.store.read().await?;
        let mut page = rows::page(read.on(), &owner, &request.provider, after, size + 1).await?;
        let next_page_token = self.0.page_end(&question, &mut page, size, |row| {
            let after = After(row.provider.clone(), row.place, row.name.clone());
            serde_json::to_vec(&after).unwrap_or_default()
        });
        let mut keys = self.with_states(read.on(), page, read.now()).await?;
        keys.retain(|key| wanted == KeyState::Unspecified || key.state() == wanted);
        Ok(ListKeysResponse {
            keys,
            next_page_token,
        })
    }

    /// Each row is opened, so that what people see as usable is usable; the plaintext goes nowhere.
    async fn with_states(
        &self,
        on: &impl ConnectionTrait,
        page: Vec<KeyRow>,
        now: Timestamp,
    ) -> Result<Vec<Key>, Fault> {
        let opener = Opener::read(&self.0.keyring, on, &page).await?;
        let mut found = Vec::with_capacity(page.len());
        for row in &page {
            let readable = opener.open(row).await?.is_some();
            found.push(keys::to_wire(row, readable, now));
        }
        Ok(found)
    }
}

/// One live row, or `KEY_NOT_FOUND`.
async fn find(on: &impl ConnectionTrait, path: &KeyPath) -> Result<KeyRow, Fault> {
    let owner = path.owner.to_string();
    rows::find(on, &owner, path.provider.as_str(), path.name.as_str())
        .await?
        .ok_or_else(not_found)
}

fn not_found() -> Fault {
    Fault::new(
        Reason::KeyNotFound,
        "there is no such key; KeyService.PutKey stores one",
    )
}
