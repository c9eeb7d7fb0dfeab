//! A running vault for one test.

mod database;
mod listen;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::access::LookupRate;
use keyway_chassis::clock::{Clock, ManualClock};
use keyway_chassis::drain::Drain;
use keyway_chassis::lifecycle::Shutdown;
use keyway_proto::status::refusal;
use keyway_proto::vault::v1::key_service_client::KeyServiceClient;
use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::member_service_client::MemberServiceClient;
use keyway_proto::vault::v1::token_service_client::TokenServiceClient;
use keyway_proto::vault::v1::workspace_service_client::WorkspaceServiceClient;
use keyway_proto::vault::v1::*;
use keyway_proto::{Reason, convert};
use keyway_words::{CallId, Timestamp};
use sea_orm::DatabaseConnection;
use tonic::metadata::MetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(super) use self::database::{TestDatabase, on_postgres, stranger_to, translated};
use self::listen::listen;
use crate::app::Identities;
use crate::authenticate::RouterList;
use crate::fields::SecretBounds;
use crate::issuers::IssuerConfig;
use crate::keyring::{Bounds, CacheBounds};
use crate::master_key::Readers;
use crate::master_key::source::Source;
use crate::settings::{AuditPace, Deletion, Limits};
use crate::store::Store;
use crate::{bootstrap, router_token, start};

/// 2026-11-24T00:00:00Z.
pub(super) const NOW: Timestamp = Timestamp(1_795_478_400_000_000);

/// A running vault.
pub(super) struct World {
    pub(super) database: TestDatabase,
    pub(super) clock: Arc<ManualClock>,
    pub(super) admin: Channel,
    pub(super) data: Channel,
    /// An operator.
    pub(super) operator: Bearer,
    /// A router without an allow-list.
    pub(super) router: Bearer,
    /// A router that may see `acme` only.
    pub(super) acme_router: Bearer,
    /// The database as the vault has it open.
    pub(super) store: Store,
    identities: Identities,
    shutdown: Shutdown,
    drain: Drain,
}

/// Puts a token on every call; without one, calls go bare.
#[derive(Clone, Default)]
pub(super) struct Bearer(pub(super) Option<String>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            let value: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        Ok(request)
    }
}

impl Bearer {
    pub(super) fn new(token: &str) -> Self {
        Self(Some(token.to_owned()))
    }
}

pub(super) type Client = InterceptedService<Channel, Bearer>;

pub(super) fn limits() -> Limits {
    Limits {
        lease: Duration::from_mins(15),
        bookmark: Duration::from_millis(200),
        poll: Duration::from_millis(20),
        slow: Duration::from_secs(15),
        stale_bound: Duration::from_mins(1),
        secret: SecretBounds {
            shortest: 8,
            longest: 4096,
        },
        message: 64 << 10,
        unknown: LookupRate {
            per_second: 20,
            burst: 100,
        },
        audit: AuditPace {
            signed_rows: 1000,
            signed_interval: Duration::from_mins(1),
            check: Duration::from_secs(5),
        },
        deletion: Deletion {
            delay: Duration::from_hours(72),
            shortest: Duration::from_secs(1),
            longest: Duration::from_hours(2160),
            notice: Duration::from_hours(1),
            sweep: Duration::from_secs(10),
        },
    }
}

/// A key file as the one source of the master key.
pub(super) fn source(key: &std::path::Path) -> Source {
    Source::File(key.to_owned(), Readers::Owner)
}

pub(super) const fn bounds() -> Bounds {
    Bounds {
        timeout: Duration::from_secs(3),
        cache: CacheBounds {
            size: 100,
            idle: Duration::from_mins(5),
            lifetime: Duration::from_mins(15),
        },
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with_issuers(Vec::new()).await
    }

    pub(super) async fn with_issuers(issuers: Vec<IssuerConfig>) -> Self {
        let database = TestDatabase::migrated().await;
        let clock = Arc::new(ManualClock::at(NOW));
        let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
        let (settings, source) = (database.settings(), source(&database.key()));
        let (store, keyring) = start::open(&settings, source, bounds(), shared)
            .await
            .unwrap();
        let out = database.folder.path().join("operator");
        bootstrap::bootstrap(&store, &keyring, &out).await.unwrap();
        let operator = Bearer::new(std::fs::read_to_string(&out).unwrap().trim());
        let router = router_token::generate().unwrap();
        let acme_router = router_token::generate().unwrap();
        let routers = vec![
            router_token::entry("all", &router).parse().unwrap(),
            format!("{}:acme", router_token::entry("one", &acme_router))
                .parse()
                .unwrap(),
        ];
        let routers = RouterList::new(routers).unwrap();
        let (shutdown, drain) = (Shutdown::new(), Drain::new());
        let identities = Identities { routers, issuers };
        let [admin, data] = listen(
            store.clone(),
            keyring,
            identities.clone(),
            &shutdown,
            &drain,
        )
        .await;
        Self {
            database,
            clock,
            admin,
            data,
            operator,
            router: Bearer::new(router.expose()),
            acme_router: Bearer::new(acme_router.expose()),
            store,
            identities,
            shutdown,
            drain,
        }
    }

    /// A channel to the data plane of another vault on the same database.
    pub(super) async fn replica(&self) -> Channel {
        let clock: Arc<dyn Clock> = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (settings, source) = (self.database.settings(), source(&self.database.key()));
        let opened = start::open(&settings, source, bounds(), clock).await;
        let (store, keyring) = opened.unwrap();
        let identities = self.identities.clone();
        let [_admin, data] = listen(store, keyring, identities, &self.shutdown, &self.drain).await;
        data
    }

    pub(super) fn admin(&self, bearer: &Bearer) -> Client {
        InterceptedService::new(self.admin.clone(), bearer.clone())
    }

    pub(super) fn keys(&self, bearer: &Bearer) -> KeyServiceClient<Client> {
        KeyServiceClient::new(self.admin(bearer))
    }

    pub(super) fn workspaces(&self, bearer: &Bearer) -> WorkspaceServiceClient<Client> {
        WorkspaceServiceClient::new(self.admin(bearer))
    }

    pub(super) fn members(&self, bearer: &Bearer) -> MemberServiceClient<Client> {
        MemberServiceClient::new(self.admin(bearer))
    }

    pub(super) fn tokens(&self, bearer: &Bearer) -> TokenServiceClient<Client> {
        TokenServiceClient::new(self.admin(bearer))
    }

    pub(super) fn lease(&self, bearer: &Bearer) -> LeaseServiceClient<Client> {
        LeaseServiceClient::new(InterceptedService::new(self.data.clone(), bearer.clone()))
    }

    /// A workspace and a token of its first admin.
    pub(super) async fn workspace(&self, id: &str) -> Bearer {
        let request = WorkspaceServiceCreateRequest {
            workspace_id: id.to_owned(),
            first_admin: format!("service:{id}-admin"),
            ..Default::default()
        };
        self.workspaces(&self.operator)
            .create(request)
            .await
            .unwrap();
        let operator = self.operator.clone();
        self.token(&operator, id, Role::Admin, &format!("service:{id}-admin"))
            .await
    }

    pub(super) async fn token(&self, by: &Bearer, id: &str, role: Role, subject: &str) -> Bearer {
        let request = TokenServiceCreateRequest {
            workspace: format!("workspaces/{id}"),
            role: role.into(),
            subject: subject.to_owned(),
            ..Default::default()
        };
        let made = self.tokens(by).create(request).await.unwrap().into_inner();
        Bearer::new(&made.secret)
    }

    /// Another token of a workspace's first admin, made by re-seating.
    pub(super) async fn second_admin_token(&self, id: &str) -> Bearer {
        let request = TokenServiceCreateRequest {
            workspace: format!("workspaces/{id}"),
            role: Role::Admin.into(),
            subject: format!("service:{id}-admin"),
            reason: "the first one was lost".to_owned(),
            ..Default::default()
        };
        let made = self
            .tokens(&self.operator)
            .create(request)
            .await
            .unwrap()
            .into_inner();
        Bearer::new(&made.secret)
    }

    pub(super) async fn put(&self, by: &Bearer, owner: &str, provider: &str, secret: &str) -> Key {
        self.keys(by)
            .put_key(put_request(owner, provider, secret))
            .await
            .unwrap()
            .into_inner()
            .key
            .unwrap()
    }

    pub(super) async fn resolve(&self, id: &str, provider: &str) -> ResolveKeysResponse {
        self.try_resolve(id, provider).await.unwrap()
    }

    pub(super) async fn try_resolve(
        &self,
        id: &str,
        provider: &str,
    ) -> Result<ResolveKeysResponse, Status> {
        let request = ResolveKeysRequest {
            workspace: format!("workspaces/{id}"),
            provider: provider.to_owned(),
            call_id: CallId::new().to_string(),
            key: String::new(),
        };
        Ok(self
            .lease(&self.router)
            .resolve_keys(request)
            .await?
            .into_inner())
    }

    pub(super) async fn verify(&self, token: &Bearer, source: &str) -> VerifyCallerResponse {
        let request = VerifyCallerRequest {
            token: token.0.clone().unwrap(),
            source_address: source.to_owned(),
        };
        self.lease(&self.router)
            .verify_caller(request)
            .await
            .unwrap()
            .into_inner()
    }

    /// Runs SQL as a stranger would, on the live database.
    pub(super) async fn sql(&self, sql: &str) {
        self.database.sql(sql).await;
    }

    /// One number that SQL finds.
    pub(super) async fn number(&self, sql: &str) -> i64 {
        self.database.number(sql).await
    }

    /// A connection of a stranger.
    pub(super) async fn stranger(&self) -> DatabaseConnection {
        self.database.stranger().await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.drain.begin();
        self.drain.close();
        self.shutdown.begin();
    }
}

pub(super) fn put_request(owner: &str, provider: &str, secret: &str) -> PutKeyRequest {
    PutKeyRequest {
        owner: owner.to_owned(),
        provider: provider.to_owned(),
        secret: secret.to_owned(),
        ..Default::default()
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the fields of messages are optional"
)]
pub(super) fn in_seconds(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(convert::timestamp(NOW.plus_seconds(seconds)))
}

/// The reason of a refusal.
#[track_caller]
pub(super) fn reason<T: std::fmt::Debug>(result: Result<T, Status>) -> Reason {
    let status = result.expect_err("it was not refused");
    refusal(&status)
        .reason
        .unwrap_or_else(|| panic!("not a fault of ours: {status:?}"))
}

/// The secrets that an answer holds.
pub(super) fn secrets(response: &ResolveKeysResponse) -> Vec<&str> {
    [&response.own, &response.platform]
        .into_iter()
        .flatten()
        .flat_map(|pool| &pool.candidates)
        .map(|candidate| candidate.secret.as_str())
        .filter(|secret| !secret.is_empty())
        .collect()
}

/// The states of a pool.
pub(super) fn states(pool: Option<&Pool>) -> Vec<KeyState> {
    pool.unwrap()
        .candidates
        .iter()
        .map(Candidate::state)
        .collect()
}
