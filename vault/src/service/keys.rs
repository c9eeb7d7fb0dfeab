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
use keyway_vault_crypto::page;
use keyway_words::{KeyPath, ProviderId, Secret, Timestamp};
use sea_orm::ConnectionTrait;
use tonic::{Request, Response, Status};

use crate::keys::{self, Opener};
use crate::service::{Vault, living_owner};
use crate::store::Read;
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
        let owner = fields::owner("owner", &request.owner)?;
        if !request.provider.is_empty() {
            fields::parsed::<ProviderId>("provider", &request.provider)?;
        }
        let wanted = KeyState::try_from(request.state)
            .map_err(|_number| Fault::field("state", "must be a state of the contract"))?;
        let size = fields::page_size(request.page_size)?;
        let name = owner.to_string();
        let question = [
            "ListKeys",
            name.as_str(),
            request.provider.as_str(),
            wanted.as_str_name(),
        ];
        let start = self.0.page_start(&question, &request.page_token)?;
        let filter = Filter {
            owner: &name,
            provider: &request.provider,
            wanted,
        };
        let read = self.0.store.read().await?;
        living_owner(read.on(), &owner).await?;
        let page = self.page(&read, &filter, position(&start)?, size).await?;
        Ok(ListKeysResponse {
            keys: page.keys,
            next_page_token: page.next.map_or_else(String::new, |next| {
                let position = serde_json::to_vec(&next).unwrap_or_default();
                page::write(&self.0.keyring.page, &question, &position)
            }),
        })
    }

    /// Reads on until the page is full and it is known whether another one follows. A state depends
    /// on the time and on whether the row opens, so it is looked at row by row, up to a bound: then
    /// the page is shorter, and its token goes on from there.
    async fn page(
        &self,
        read: &Read,
        filter: &Filter<'_>,
        start: Option<After>,
        size: u64,
    ) -> Result<Page, Fault> {
        let (full, mut at) = (usize::try_from(size).unwrap_or(usize::MAX), start);
        let (mut keys, mut ends, mut looked_at) = (Vec::new(), Vec::new(), 0);
        loop {
            let from = at.clone();
            let rows = rows::page(read.on(), filter.owner, filter.provider, from, size + 1).await?;
            let is_end = rows.len() <= full;
            looked_at += rows.len();
            let places: Vec<After> = rows.iter().map(after).collect();
            at = places.last().cloned().or(at);
            let shown = self.with_states(read.on(), rows, read.now()).await?;
            for (key, place) in shown.into_iter().zip(places) {
                if filter.wanted == KeyState::Unspecified || key.state() == filter.wanted {
                    keys.push(key);
                    ends.push(place);
                }
            }
            if keys.len() > full {
                keys.truncate(full);
                let next = ends.into_iter().nth(full.saturating_sub(1));
                return Ok(Page { keys, next });
            }
            if is_end {
                return Ok(Page { keys, next: None });
            }
            if looked_at >= MOST_LOOKED_AT {
                return Ok(Page { keys, next: at });
            }
        }
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
            let readable = opener.open(on, row).await?.is_some();
            found.push(keys::to_wire(row, readable, now));
        }
        Ok(found)
    }
}

/// Which keys a list shows.
struct Filter<'a> {
    owner: &'a str,
    /// Empty: any.
    provider: &'a str,
    /// Unspecified: any.
    wanted: KeyState,
}

/// One page, and where the next one starts.
struct Page {
    keys: Vec<Key>,
    next: Option<After>,
}

fn after(row: &KeyRow) -> After {
    After(row.provider.clone(), row.place, row.name.clone())
}

fn position(start: &[u8]) -> Result<Option<After>, Fault> {
    if start.is_empty() {
        return Ok(None);
    }
    serde_json::from_slice(start)
        .map(Some)
        .map_err(|_form| Fault::field("page_token", "must be a page token of this list"))
}

/// Rows that one request opens at most.
const MOST_LOOKED_AT: usize = 2_000;

/// One live row, or `KEY_NOT_FOUND`.
async fn find(on: &impl ConnectionTrait, path: &KeyPath) -> Result<KeyRow, Fault> {
    let owner = path.owner.to_string();
    rows::find(on, &owner, path.provider.as_str(), path.name.as_str())
        .await?
        .ok_or_else(not_found)
}

pub(crate) fn not_found() -> Fault {
    Fault::new(
        Reason::KeyNotFound,
        "there is no such key; KeyService.PutKey stores one",
    )
}
