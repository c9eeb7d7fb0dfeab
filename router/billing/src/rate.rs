//! Hosted requests of a workspace per minute, shared by all routers of a ledger: each leases some that
//! it may make within a moment, and a lease counts for a minute after that. So no minute, wherever it
//! begins, has more requests than the limit.

use std::time::Duration;

use keyway_words::WorkspaceId;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr,
    EntityTrait as _, QueryFilter as _, QueryOrder as _, Set,
};

use crate::database;
use crate::entity::{rate_slices, rate_turns};
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// Leased requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSlice {
    /// Names the lease when a part of it is given back.
    pub id: i64,
    /// How many, at least one. Not to be made later than [`RATE_MOMENT`] after the lease was asked for.
    pub requests: u64,
}

/// What came of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLeased {
    /// Requests may be made.
    Granted(RateSlice),
    /// None are left; after so long there is one.
    Refused(Duration),
}

/// How long leased requests may be made.
pub const RATE_MOMENT: Duration = Duration::from_secs(2);

impl Ledger {
    /// Whether other routers may be on the same ledger.
    pub fn is_shared(&self) -> bool {
        database::is_shared(&self.side_writer())
    }

    /// Leases some of the requests that a limit leaves, and gives back what is unused of an earlier
    /// lease.
    pub async fn lease_rate(
        &self,
        workspace: &WorkspaceId,
        limit: u64,
        unused: Option<RateSlice>,
    ) -> Result<RateLeased, LedgerError> {
        let _turn = self.side_turn().lock().await;
        let connection = self.side_writer();
        let leasing = async {
            let transaction = database::begin(&connection).await?;
            take_turn(&transaction, workspace).await?;
            let now = self.database_time(&connection, &transaction).await?;
            give_back(&transaction, unused).await?;
            let leased = lease(&transaction, workspace, limit, now).await?;
            transaction.commit().await?;
            Ok(leased)
        };
        Ok(database::bounded(self.config(), leasing).await?)
    }

    /// Microseconds, the same for all routers.
    async fn database_time(
        &self,
        connection: &DatabaseConnection,
        transaction: &DatabaseTransaction,
    ) -> Result<i64, DbErr> {
        let now = database::now(connection, self.now());
        let row = transaction.query_one(Query::select().expr(now)).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound("no time".into()))?;
        row.try_get_by_index(0)
    }
}

async fn take_turn(
    transaction: &DatabaseTransaction,
    workspace: &WorkspaceId,
) -> Result<(), DbErr> {
    let row = rate_turns::ActiveModel {
        workspace: Set(workspace.resource()),
        leases: Set(1),
    };
    let again = Expr::col((rate_turns::Entity, rate_turns::Column::Leases)).add(1);
    let on_conflict = OnConflict::column(rate_turns::Column::Workspace)
        .value(rate_turns::Column::Leases, again)
        .to_owned();
    rate_turns::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(transaction)
        .await
        .map(drop)
}

async fn give_back(
    transaction: &DatabaseTransaction,
    unused: Option<RateSlice>,
) -> Result<(), DbErr> {
    let Some(unused) = unused.filter(|unused| unused.requests > 0) else {
        return Ok(());
    };
    let less = Expr::col(rate_slices::Column::Requests).sub(signed(unused.requests));
    rate_slices::Entity::update_many()
        .col_expr(rate_slices::Column::Requests, less)
        .filter(rate_slices::Column::Id.eq(unused.id))
        .exec(transaction)
        .await
        .map(drop)
}

async fn lease(
    transaction: &DatabaseTransaction,
    workspace: &WorkspaceId,
    limit: u64,
    now: i64,
) -> Result<RateLeased, DbErr> {
    let of_workspace = rate_slices::Column::Workspace.eq(workspace.resource());
    rate_slices::Entity::delete_many()
        .filter(of_workspace.clone())
        .filter(rate_slices::Column::LeasedAt.lte(now - COUNTS))
        .exec(transaction)
        .await?;
    let slices = rate_slices::Entity::find()
        .filter(of_workspace)
        .order_by_asc(rate_slices::Column::LeasedAt)
        .all(transaction)
        .await?;
    let made: i64 = slices.iter().map(|slice| slice.requests).sum();
    let remains = signed(limit).saturating_sub(made);
    if remains < 1 {
        let made = slices.iter().filter(|slice| slice.requests > 0);
        let first = made.map(|slice| slice.leased_at).min().unwrap_or(now);
        let wait = u64::try_from(first + COUNTS - now).unwrap_or_default();
        return Ok(RateLeased::Refused(Duration::from_micros(wait)));
    }
    // A quarter, so that others find something too; near the limit one.
    let requests = Ord::max(remains / 4, 1);
    let row = rate_slices::ActiveModel {
        workspace: Set(workspace.resource()),
        leased_at: Set(now),
        requests: Set(requests),
        ..Default::default()
    };
    let inserted = rate_slices::Entity::insert(row).exec(transaction).await?;
    Ok(RateLeased::Granted(RateSlice {
        id: inserted.last_insert_id,
        requests: requests.unsigned_abs(),
    }))
}

fn signed(requests: u64) -> i64 {
    i64::try_from(requests).unwrap_or(i64::MAX)
}

/// How long a lease counts, in microseconds: its moment and a minute.
const COUNTS: i64 = 62_000_000;
