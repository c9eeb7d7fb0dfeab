//! Hosted spend of a workspace in a month: what is spent stands in the events, and writers hold slices
//! of what remains, so that a call need not ask.
//!
//! A settlement takes its charge from its writer's slice in its own transaction ([`draw`]): what is
//! spent and what is held is one sum, whenever it is read. What a writer holds that is gone comes
//! back with the sweep of its attempts.

mod spent;

use keyway_words::{Usd, WorkspaceId};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, DbErr, EntityTrait as _, QueryFilter as _, Set,
    TryInsertResult,
};

use crate::database;
use crate::entity::{spend_months, spend_slices};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::record::SettleRecord;

/// Whose spend, in which calendar month (UTC).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpendMonth {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// `2026-11`.
    pub period: String,
}

/// How a month stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spend {
    /// Charges of the events of the month, corrections included.
    pub spent: Usd,
    /// What routers hold for calls in flight and to come.
    pub held: Usd,
}

/// What came of a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leased {
    /// This much more may be spent; at least what was asked for.
    Granted(Usd),
    /// So much does not remain.
    Refused(Spend),
}

impl Spend {
    /// What remains of a limit; less than nothing where it was lowered.
    pub fn remains(&self, limit: Usd) -> Usd {
        let taken = self.spent.pico().saturating_add(self.held.pico());
        Usd::from_pico(limit.pico().saturating_sub(taken))
    }
}

impl Ledger {
    /// Leases a slice of what remains of a limit, at least `least` of it.
    pub async fn lease_spend(
        &self,
        month: &SpendMonth,
        limit: Usd,
        least: Usd,
    ) -> Result<Leased, LedgerError> {
        let _turn = self.side_turn().lock().await;
        let connection = self.side_writer();
        let leasing = async {
            let transaction = database::begin(&connection).await?;
            take_turn(&transaction, month).await?;
            // On connections that read: what was committed until the turn was taken, at one moment.
            let spend = match spent::spend(self.readers(), month).await {
                Ok(spend) => spend,
                Err(cause) => return Ok(Err(cause)),
            };
            let Some(granted) = slice(spend.remains(limit), least) else {
                return Ok(Ok(Leased::Refused(spend)));
            };
            if !hold(&transaction, month, self.term(), granted).await? {
                return Ok(Ok(Leased::Refused(spend)));
            }
            transaction.commit().await?;
            Ok(Ok(Leased::Granted(granted)))
        };
        database::bounded(self.config(), leasing).await?
    }

    /// Gives back what this writer holds and does not need.
    pub async fn return_spend(&self, month: &SpendMonth, unused: Usd) -> Result<(), LedgerError> {
        let _turn = self.side_turn().lock().await;
        let connection = self.side_writer();
        let returning = async {
            let transaction = database::begin(&connection).await?;
            take(&transaction, self.term(), month, pico(unused)).await?;
            transaction.commit().await
        };
        Ok(database::bounded(self.config(), returning).await?)
    }

    /// How a month stands.
    pub async fn spend(&self, month: &SpendMonth) -> Result<Spend, LedgerError> {
        spent::spend(self.readers(), month).await
    }
}

/// How much of what remains is given at once: an eighth, so that others find something too, but not
/// more than thirty-two of such calls; near the limit what one call needs; `None` if that does not remain,
/// or is more than a row can hold.
fn slice(remains: Usd, least: Usd) -> Option<Usd> {
    let (remains, least) = (remains.pico(), least.pico().max(1));
    if remains < least || least > i128::from(i64::MAX) {
        return None;
    }
    let share = (remains / 8).min(least.saturating_mul(32));
    Some(Usd::from_pico(share.max(least).min(LARGEST.max(least))))
}

/// One at a time: whoever comes next waits until this transaction ends.
async fn take_turn(transaction: &DatabaseTransaction, month: &SpendMonth) -> Result<(), DbErr> {
    let row = spend_months::ActiveModel {
        workspace: Set(month.workspace.resource()),
        period: Set(month.period.clone()),
        leases: Set(1),
    };
    let key = [
        spend_months::Column::Workspace,
        spend_months::Column::Period,
    ];
    let again = Expr::col((spend_months::Entity, spend_months::Column::Leases)).add(1);
    let on_conflict = OnConflict::columns(key)
        .value(spend_months::Column::Leases, again)
        .to_owned();
    spend_months::Entity::insert(row)
        .on_conflict(on_conflict)
        .exec_without_returning(transaction)
        .await
        .map(drop)
}

/// Adds to what a writer holds; `false` if its row can't hold that much.
async fn hold(
    transaction: &DatabaseTransaction,
    month: &SpendMonth,
    term: i64,
    more: Usd,
) -> Result<bool, DbErr> {
    let row = spend_slices::ActiveModel {
        workspace: Set(month.workspace.resource()),
        period: Set(month.period.clone()),
        term: Set(term),
        held: Set(pico(more)),
    };
    let key = [
        spend_slices::Column::Workspace,
        spend_slices::Column::Period,
        spend_slices::Column::Term,
    ];
    let held = || Expr::col((spend_slices::Entity, spend_slices::Column::Held));
    let mut on_conflict = OnConflict::columns(key);
    on_conflict
        .value(spend_slices::Column::Held, held().add(pico(more)))
        .action_and_where(held().lte(i64::MAX - pico(more)));
    let held = spend_slices::Entity::insert(row)
        .on_conflict(on_conflict)
        .try_insert()
        .exec_without_returning(transaction)
        .await?;
    Ok(matches!(held, TryInsertResult::Inserted(1)))
}

/// Takes an amount from what a writer holds; a slice that was swept stays away. What the row can't hold
/// is left out of it: so much is spent then that nothing remains whatever is held.
async fn take(
    transaction: &DatabaseTransaction,
    term: i64,
    month: &SpendMonth,
    amount: i64,
) -> Result<(), DbErr> {
    let held = Expr::col(spend_slices::Column::Held).sub(amount);
    spend_slices::Entity::update_many()
        .col_expr(spend_slices::Column::Held, held)
        .filter(spend_slices::Column::Workspace.eq(month.workspace.resource()))
        .filter(spend_slices::Column::Period.eq(&month.period))
        .filter(spend_slices::Column::Term.eq(term))
        .filter(spend_slices::Column::Held.gte(i64::MIN.saturating_add(Ord::max(amount, 0))))
        .filter(spend_slices::Column::Held.lte(i64::MAX.saturating_add(Ord::min(amount, 0))))
        .exec(transaction)
        .await
        .map(drop)
}

/// Takes the charges of settlements from the slices that their calls were made from, in the
/// transaction that writes them.
pub(crate) async fn draw(
    transaction: &DatabaseTransaction,
    term: i64,
    settled: &[&SettleRecord],
) -> Result<(), DbErr> {
    let mut drawn = std::collections::BTreeMap::<&SpendMonth, i64>::new();
    for (month, charge) in settled.iter().filter_map(|record| record.draws.as_ref()) {
        let sum = drawn.entry(month).or_default();
        *sum = sum.saturating_add(pico(*charge));
    }
    // In one order, as all rows are taken.
    for (month, charge) in drawn {
        take(transaction, term, month, charge).await?;
    }
    Ok(())
}

/// As a column holds it. No slice is as large as what does not fit.
fn pico(amount: Usd) -> i64 {
    let pico = amount.pico();
    let most = if pico < 0 { i64::MIN } else { i64::MAX };
    i64::try_from(pico).unwrap_or(most)
}

/// A thousand dollars, in pico-USD: what is held of any limit, unless one call needs more.
const LARGEST: i128 = 1_000 * 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sliced(remains: i128, least: i128) -> Option<i128> {
        slice(Usd::from_pico(remains), Usd::from_pico(least)).map(Usd::pico)
    }

    #[test]
    fn a_slice_is_an_eighth_of_what_remains_and_near_the_limit_one_call() {
        assert_eq!(sliced(8_000, 10), Some(320), "thirty-two calls");
        assert_eq!(sliced(800, 10), Some(100));
        assert_eq!(sliced(79, 10), Some(10), "one call");
        assert_eq!(sliced(10, 10), Some(10));
        assert_eq!(sliced(9, 10), None);
        assert_eq!(sliced(-1, 0), None);
        assert_eq!(sliced(0, 0), None, "a limit of nothing");
        assert_eq!(sliced(i128::MAX, 1 << 62), Some(1 << 62));
        assert_eq!(sliced(i128::MAX, 1 << 90), None, "no row holds that");
    }

    proptest! {
        #[test]
        fn no_slice_is_more_than_remains_or_less_than_was_asked(remains in 0..=i128::from(i64::MAX), least in 0..=i128::from(i64::MAX)) {
            match sliced(remains, least) {
                Some(slice) => prop_assert!(slice <= remains && slice >= least),
                None => prop_assert!(remains < least.max(1)),
            }
        }
    }
}
