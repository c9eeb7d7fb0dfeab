//! What is spent of a month and what is held of it, read at one moment: the roll-ups, and the events
//! that are not in them yet.

use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{Source, Usd};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, IsolationLevel, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, TransactionOptions, TransactionTrait as _,
};

use super::{Spend, SpendMonth};
use crate::database;
use crate::entity::{roll_ups, rolled_up, spend_slices, stream_positions, unsequenced};
use crate::error::LedgerError;
use crate::event;
use crate::read;
use crate::readers::Readers;
use crate::sums::{amount, plus};

/// Reads both.
pub(super) async fn spend(readers: &Readers, month: &SpendMonth) -> Result<Spend, LedgerError> {
    let connection = readers.connections();
    // SQLite reads at one moment anyway.
    let isolation = database::is_shared(&connection).then_some(IsolationLevel::RepeatableRead);
    let options = TransactionOptions {
        isolation_level: isolation,
        ..TransactionOptions::default()
    };
    let reading = connection.begin_with_options(options).await?;
    let mut spent = rolled(&reading, month).await?;
    for event in waiting(&reading, month).await? {
        if event.period == month.period {
            spent = plus(spent, amount(event.charge_usd.as_deref())?)?;
        }
    }
    let slices = spend_slices::Entity::find()
        .filter(spend_slices::Column::Workspace.eq(month.workspace.resource()))
        .filter(spend_slices::Column::Period.eq(&month.period))
        .all(&reading)
        .await?;
    reading.commit().await?;
    let held = slices.iter().map(|slice| i128::from(slice.held)).sum();
    Ok(Spend {
        spent,
        held: Usd::from_pico(held),
    })
}

async fn rolled(reading: &DatabaseTransaction, month: &SpendMonth) -> Result<Usd, LedgerError> {
    let rows = roll_ups::Entity::find()
        .filter(roll_ups::Column::Workspace.eq(month.workspace.resource()))
        .filter(roll_ups::Column::Source.eq(hosted()))
        .filter(roll_ups::Column::Day.starts_with(&month.period))
        .all(reading)
        .await?;
    rows.iter().try_fold(Usd::ZERO, |sum, row| {
        plus(sum, amount(Some(row.charge.as_str()))?)
    })
}

/// The workspace's hosted events that no roll-up has: those behind the last one, and those without
/// a place.
async fn waiting(
    reading: &DatabaseTransaction,
    month: &SpendMonth,
) -> Result<Vec<UsageEvent>, LedgerError> {
    let seen = rolled_up::Entity::find_by_id(1).one(reading).await?;
    let mut after = seen.map_or(0, |seen| seen.position);
    let mut events = Vec::new();
    loop {
        let rows = stream_positions::Entity::find()
            .filter(stream_positions::Column::Workspace.eq(month.workspace.resource()))
            .filter(stream_positions::Column::Source.eq(hosted()))
            .filter(stream_positions::Column::Position.gt(after))
            .order_by_asc(stream_positions::Column::Position)
            .limit(GROUP)
            .all(reading)
            .await?;
        let Some(last) = rows.last() else { break };
        after = last.position;
        events.extend(bodies(reading, rows).await?);
    }
    let mut after = 0;
    loop {
        let rows = unsequenced::Entity::find()
            .filter(unsequenced::Column::Workspace.eq(month.workspace.resource()))
            .filter(unsequenced::Column::Source.eq(hosted()))
            .filter(unsequenced::Column::Arrival.gt(after))
            .order_by_asc(unsequenced::Column::Arrival)
            .limit(GROUP)
            .all(reading)
            .await?;
        let Some(last) = rows.last() else { break };
        after = last.arrival;
        let rows = rows.into_iter().map(|row| stream_positions::Model {
            position: 0,
            event_id: row.event_id,
            workspace: row.workspace,
            provider: row.provider,
            source: row.source,
            settled_at: row.settled_at,
        });
        events.extend(bodies(reading, rows.collect()).await?);
    }
    Ok(events)
}

async fn bodies(
    reading: &DatabaseTransaction,
    rows: Vec<stream_positions::Model>,
) -> Result<impl Iterator<Item = UsageEvent> + use<>, LedgerError> {
    let events = read::bodies(reading, rows).await?;
    Ok(events.into_iter().map(|(_, event)| event))
}

const fn hosted() -> &'static str {
    event::source_column(Source::Hosted)
}

const GROUP: u64 = 512;
