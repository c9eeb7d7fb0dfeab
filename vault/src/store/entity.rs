//! The tables as sea-orm entities. Nothing outside `store` sees an active model.

#![expect(
    unreachable_pub,
    reason = "sea-orm's derives need `pub` fields and models"
)]

use sea_orm::entity::prelude::*;

macro_rules! entity {
    ($(#[$doc:meta])* $module:ident, $table:literal { $($fields:tt)* }) => {
        $(#[$doc])*
        pub(crate) mod $module {
            use super::*;

            #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
            #[sea_orm(table_name = $table)]
            pub struct Model { $($fields)* }

            #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
            pub enum Relation {}

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

entity! {
    /// Generations of the master key.
    master_key, "master_keys" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub generation: i64,
        pub check_value: String,
        pub created_at: i64,
        pub retired_at: Option<i64>,
    }
}

entity! {
    /// Wrapped data keys.
    data_key, "data_keys" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub owner: String,
        pub generation: i64,
        pub master_key_id: String,
        pub wrapped: Vec<u8>,
        pub state: String,
        pub created_at: i64,
    }
}

entity! {
    /// Workspaces.
    workspace, "workspaces" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub display_name: String,
        pub state: String,
        pub state_reason: String,
        pub policy: Vec<u8>,
        pub operator_limits: Vec<u8>,
        pub version: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
        pub purge_at: Option<i64>,
        pub destroyed_at: Option<i64>,
        pub purged_at: Option<i64>,
        pub state_before: Option<String>,
        pub reason_before: Option<String>,
    }
}

entity! {
    /// Members.
    member, "members" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub workspace: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        pub role: String,
        pub created_at: i64,
        pub updated_at: i64,
    }
}

entity! {
    /// Tokens, without the tokens.
    token, "tokens" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub accessor: String,
        pub hash: Vec<u8>,
        pub workspace: Option<String>,
        pub subject: String,
        pub role: String,
        pub source_networks: String,
        pub label: String,
        pub expires_at: i64,
        pub revoked_at: Option<i64>,
        pub created_at: i64,
    }
}

entity! {
    /// Pool records.
    key_pool, "key_pools" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub provider: String,
        pub selection: String,
        pub live_count: i64,
    }
}

entity! {
    /// Keys, sealed.
    key, "keys" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub row_id: String,
        pub owner: String,
        pub provider: String,
        pub name: String,
        pub version: i64,
        pub data_key_id: String,
        pub envelope: Vec<u8>,
        pub mask: String,
        pub fingerprint: String,
        pub place: i64,
        pub disabled: bool,
        pub expires_at: Option<i64>,
        pub allowed_models: String,
        pub label: String,
        pub health: String,
        pub health_reason: String,
        pub health_until: Option<i64>,
        pub change_number: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub deleted_at: Option<i64>,
        pub health_since: Option<i64>,
        pub health_number: Option<i64>,
    }
}

entity! {
    /// Where the change feed is.
    feed, "feed" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub only: i64,
        pub epoch: String,
        pub revision: i64,
        pub health_number: i64,
    }
}

entity! {
    /// Watches of routers, at whichever vault.
    router_watch, "router_watches" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub identity: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub instance: String,
        pub watch: String,
        pub acknowledged: i64,
        pub seen_at: i64,
    }
}

entity! {
    /// The changes of the feed.
    change, "changes" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub revision: i64,
        pub kind: String,
        pub owner: String,
        pub provider: String,
        pub accessor: String,
        pub subject: String,
        pub created_at: i64,
    }
}

entity! {
    /// Ends of the audit chains.
    audit_head, "audit_heads" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub chain: String,
        pub sequence: i64,
        pub hash: Vec<u8>,
        pub signed_sequence: i64,
    }
}

entity! {
    /// Signed checkpoints of the audit chains.
    audit_checkpoint, "audit_checkpoints" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub chain: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sequence: i64,
        pub hash: Vec<u8>,
        pub time: i64,
        pub epoch: String,
        pub signature: Vec<u8>,
        pub public_key: Vec<u8>,
    }
}

entity! {
    /// Rows of the audit chains.
    audit_row, "audit_rows" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub chain: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub sequence: i64,
        pub time: i64,
        pub accessor: String,
        pub subject: String,
        pub rpc: String,
        pub resource: String,
        pub decision: String,
        pub reason: String,
        pub facts: String,
        pub hash: Vec<u8>,
        pub form: i64,
        pub source: String,
        pub trace_id: String,
    }
}

entity! {
    /// Answers to requests with a request id.
    request, "requests" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub scope: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub request_id: String,
        pub body_hash: Vec<u8>,
        pub response: Vec<u8>,
        pub created_at: i64,
    }
}

entity! {
    /// Work of rotation.
    seal_job, "seal_jobs" {
        #[sea_orm(primary_key, auto_increment = false)]
        pub kind: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner: String,
        pub target: String,
        pub accessor: String,
        pub subject: String,
        pub changed: i64,
        pub unreadable: i64,
        pub created_at: i64,
        pub updated_at: i64,
        pub finished_at: Option<i64>,
    }
}
