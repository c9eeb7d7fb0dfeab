//! The roll-ups: sums of the stream, kept behind its end by whoever numbers it.
//!
//! They have a position of their own, so that a stream that is older than they are is summed too.

use std::collections::{BTreeMap, HashMap};

use keyway_proto::billing::v1::{Usage, UsageEvent};
use keyway_words::Usd;
use prost::Message as _;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DatabaseConnection, EntityTrait,
    IntoActiveModel as _, QueryFilter as _, QuerySelect,
};

use crate::database;
use crate::entity::{roll_ups, rolled_up, settlements};
use crate::error::LedgerError;
use crate::read;
use crate::sums::{Dimensions, Sums};

/// Adds one group of events up to `head` to the sums; `false` if there is none, or if another
/// router is at it.
pub(crate) async fn roll_up(
    connection: &DatabaseConnection,
    head: i64,
) -> Result<bool, LedgerError> {
    let seen = rolled_up::Entity::find_by_id(1).one(connection).await?;
    if seen.is_none_or(|seen| seen.position >= head) {
        return Ok(false);
    }
    let transaction = database::begin(connection).await?;
    let locked = rolled_up::Entity::find_by_id(1)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(&transaction)
        .await?;
    let Some(locked) = locked else {
        return Ok(false);
    };
    let all = read::UsageFilter::default();
    let events = read::between(&transaction, &all, locked.position, head, GROUP).await?;
    let Some(last) = events.last().map(|(position, _)| *position) else {
        return Ok(false);
    };
    let events: Vec<UsageEvent> = events.into_iter().map(|(_, event)| event).collect();
    for (dimensions, sums) in sum(&transaction, &events).await? {
        add(&transaction, dimensions, &sums).await?;
    }
    rolled_up::Entity::update_many()
        .col_expr(rolled_up::Column::Position, last.into())
        .filter(rolled_up::Column::Id.eq(1))
        .exec(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}

async fn sum(
    on: &impl ConnectionTrait,
    events: &[UsageEvent],
) -> Result<BTreeMap<Dimensions, Sums>, LedgerError> {
    let charged = charged(on, events).await?;
    let mut sums = BTreeMap::new();
    for event in events
        .iter()
        .filter(|event| event.operation_json.is_empty())
    {
        let original = charged.get(&event.event_id).copied();
        sums.entry(Dimensions::of(event))
            .or_insert_with(Sums::none)
            .add(&Sums::of(event, original.unwrap_or_default())?)?;
    }
    Ok(sums)
}

/// Of the corrections among these events: whether what they correct had a charge before them.
pub(crate) async fn charged(
    on: &impl ConnectionTrait,
    events: &[UsageEvent],
) -> Result<HashMap<String, bool>, LedgerError> {
    let corrects = |event: &&UsageEvent| !event.corrects_event_id.is_empty();
    let ids: Vec<&str> = (events.iter().filter(corrects))
        .map(|event| event.corrects_event_id.as_str())
        .collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let originals = settlements::Entity::find()
        .filter(settlements::Column::EventId.is_in(ids))
        .all(on)
        .await?;
    let originals = originals
        .iter()
        .map(|row| UsageEvent::decode(row.event.as_slice()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_bytes| LedgerError::EventUnreadable)?;
    let earlier = read::corrections_of(on, &originals).await?;
    let had_charge = |event: &UsageEvent| {
        let original =
            (originals.iter()).find(|original| original.event_id == event.corrects_event_id);
        let before = (earlier.get(&event.corrects_event_id).into_iter().flatten())
            .filter(|earlier| earlier.event_id < event.event_id);
        original
            .into_iter()
            .chain(before)
            .any(|event| event.charge_usd.is_some())
    };
    let corrections = events.iter().filter(corrects);
    Ok(corrections
        .map(|event| (event.event_id.clone(), had_charge(event)))
        .collect())
}

async fn add(
    on: &impl ConnectionTrait,
    dimensions: Dimensions,
    sums: &Sums,
) -> Result<(), LedgerError> {
    let key = (
        dimensions.workspace.clone(),
        dimensions.day.clone(),
        dimensions.provider.clone(),
        dimensions.model.clone(),
        dimensions.source.clone(),
        dimensions.key_name.clone(),
    );
    let found = roll_ups::Entity::find_by_id(key).one(on).await?;
    let is_new = found.is_none();
    let mut whole = found.map_or_else(|| Ok(Sums::none()), |row| read_row(&row))?;
    whole.add(sums)?;
    let row = row(dimensions, &whole).into_active_model();
    if is_new {
        roll_ups::Entity::insert(row)
            .exec_without_returning(on)
            .await?;
    } else {
        row.reset_all().update(on).await?;
    }
    Ok(())
}

fn row(dimensions: Dimensions, sums: &Sums) -> roll_ups::Model {
    roll_ups::Model {
        workspace: dimensions.workspace,
        day: dimensions.day,
        provider: dimensions.provider,
        requested: dimensions.model,
        source: dimensions.source,
        key_name: dimensions.key_name,
        events: sums.events,
        without_charge: sums.without_charge,
        charge: sums.charge.to_string(),
        list_price: sums.list_price.to_string(),
        usage: sums.usage.encode_to_vec(),
    }
}

/// The sums of a stored row.
pub(crate) fn read_row(row: &roll_ups::Model) -> Result<Sums, LedgerError> {
    let amount = |text: &str| {
        text.parse::<Usd>()
            .map_err(|_form| LedgerError::EventUnreadable)
    };
    Ok(Sums {
        events: row.events,
        without_charge: row.without_charge,
        charge: amount(&row.charge)?,
        list_price: amount(&row.list_price)?,
        usage: Usage::decode(row.usage.as_slice())
            .map_err(|_bytes| LedgerError::EventUnreadable)?,
    })
}

const GROUP: u64 = 512;
