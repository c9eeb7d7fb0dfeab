//! Rating again: what events would cost by another price table, and corrections that add the
//! difference. No event is changed, and what can't be priced now keeps what it has.
//!
//! A dry run is the same work without the last step.

use keyway_proto::billing::v1::UsageEvent;
use keyway_words::{Timestamp, Usd};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, DatabaseTransaction, EntityTrait as _, TryInsertResult};

use crate::database;
use crate::entity::{corrections, unsequenced};
use crate::error::LedgerError;
use crate::event;
use crate::ledger::Ledger;
use crate::read::{self, PageRequest, UsageFilter};
use crate::record::EventRow;

/// Which events are rated again, and why.
#[derive(Debug, Clone, Default)]
pub struct RerateRequest {
    /// Which events.
    pub filter: UsageFilter,
    /// Settled at this time or later.
    pub from: Option<Timestamp>,
    /// Settled before this time.
    pub to: Option<Timestamp>,
    /// Hash of the table that they are priced with; it stands in the corrections.
    pub price_table: String,
    /// Why; it stands in the corrections.
    pub reason: String,
    /// Only say what would change.
    pub dry_run: bool,
}

/// What an event costs by the table: `None` is not known, and then nothing is corrected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rated {
    /// What the workspace owes.
    pub charge: Option<Usd>,
    /// What the usage costs at list price.
    pub list_price: Option<Usd>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rerated {
    /// Events looked at.
    pub events: u64,
    /// Corrections that were written, or in a dry run would be.
    pub corrections: u64,
    /// Sum of the differences of charges.
    pub difference: Usd,
}

impl Ledger {
    /// Rates the events that are on the stream now again, with what `rate` says of each. `rate` gets
    /// the event with the usage that is known of it, be it from a late correction.
    ///
    /// Whatever is interrupted may be repeated: what is corrected already has no difference.
    pub async fn rerate(
        &self,
        request: &RerateRequest,
        rate: &(impl Fn(&UsageEvent) -> Rated + Sync),
    ) -> Result<Rerated, LedgerError> {
        let mut sum = Rerated::default();
        let mut page = PageRequest {
            filter: request.filter.clone(),
            from: request.from,
            to: request.to,
            size: GROUP,
            ..PageRequest::default()
        };
        let last = *self.head().borrow();
        loop {
            let (found, next) = self.list_up_to(&page, last).await?;
            let events = found.into_iter().filter(event::is_usage).collect();
            self.rerate_group(request, rate, events, &mut sum).await?;
            match next {
                Some(next) => page.token = next,
                None => return Ok(sum),
            }
        }
    }

    async fn rerate_group(
        &self,
        request: &RerateRequest,
        rate: &(impl Fn(&UsageEvent) -> Rated + Sync),
        events: Vec<UsageEvent>,
        sum: &mut Rerated,
    ) -> Result<(), LedgerError> {
        if request.dry_run {
            let (found, rows) = self
                .differences(self.readers(), request, rate, &events)
                .await?;
            return sum.add(found, rows.len());
        }
        for _ in 0..TRIES {
            let _turn = self.turn().lock().await;
            let transaction = database::begin(&self.side_writer()).await?;
            let (found, rows) = self
                .differences(&transaction, request, rate, &events)
                .await?;
            if append(&transaction, &rows).await? {
                transaction.commit().await?;
                self.wake_sequencer();
                return sum.add(found, rows.len());
            }
            // Another one has just corrected one of them: look again.
            transaction.rollback().await?;
        }
        Err(LedgerError::Unavailable)
    }

    /// The corrections that are due, with the sum of what they look at.
    async fn differences(
        &self,
        on: &impl ConnectionTrait,
        request: &RerateRequest,
        rate: &(impl Fn(&UsageEvent) -> Rated + Sync),
        events: &[UsageEvent],
    ) -> Result<(Rerated, Vec<EventRow>), LedgerError> {
        let mut earlier = read::corrections_of(on, events).await?;
        let (mut found, mut rows) = (Rerated::default(), Vec::new());
        for event in events {
            found.events += 1;
            let corrections = earlier.remove(&event.event_id).unwrap_or_default();
            let now = Known::of(event, &corrections)?;
            let Some(difference) = now.difference(rate(&now.event)) else {
                continue;
            };
            let charge = difference.charge.unwrap_or_default();
            found.difference = plus(found.difference, charge)?;
            let number = corrections.len() + 1;
            rows.push(EventRow::new(correction(
                &now.event,
                (request, number),
                difference,
                self.now(),
            )));
        }
        Ok((found, rows))
    }
}

impl Rerated {
    fn add(&mut self, group: Self, corrections: usize) -> Result<(), LedgerError> {
        self.events += group.events;
        self.corrections += u64::try_from(corrections).unwrap_or(u64::MAX);
        self.difference = plus(self.difference, group.difference)?;
        Ok(())
    }
}

/// What is known of an attempt: its event, with what late corrections say of the usage, and the
/// amounts as all of them sum up.
struct Known {
    event: UsageEvent,
    charge: Option<Usd>,
    list_price: Option<Usd>,
}

impl Known {
    fn of(original: &UsageEvent, corrections: &[UsageEvent]) -> Result<Self, LedgerError> {
        let mut known = Self {
            event: original.clone(),
            charge: amount(original.charge_usd.as_deref())?,
            list_price: amount(original.list_price_usd.as_deref())?,
        };
        for correction in corrections {
            known.charge = sum(known.charge, amount(correction.charge_usd.as_deref())?)?;
            known.list_price = sum(
                known.list_price,
                amount(correction.list_price_usd.as_deref())?,
            )?;
            if correction.usage.is_some() {
                known.event = UsageEvent {
                    event_id: original.event_id.clone(),
                    period: original.period.clone(),
                    ..correction.clone()
                };
            }
        }
        Ok(known)
    }

    /// What is to be added; `None` if nothing is.
    fn difference(&self, rated: Rated) -> Option<Rated> {
        let of = |now: Option<Usd>, then: Option<Usd>| {
            let (now, then) = (now?, then.unwrap_or_default());
            now.checked_sub(then)
        };
        // What was not known and is zero now is said, too: a charge that is absent is not zero.
        let is_news = |now: Option<Usd>, then: Option<Usd>| now.is_some() && now != then;
        let changes =
            is_news(rated.charge, self.charge) || is_news(rated.list_price, self.list_price);
        changes.then(|| Rated {
            charge: of(rated.charge, self.charge),
            list_price: of(rated.list_price, self.list_price),
        })
    }
}

/// A correction that adds a difference. It has no usage: that is counted already.
fn correction(
    event: &UsageEvent,
    (request, number): (&RerateRequest, usize),
    difference: Rated,
    at: Timestamp,
) -> UsageEvent {
    let text = |amount: Option<Usd>| amount.map(|amount| amount.to_string());
    UsageEvent {
        event_id: format!("{}-r{number:04}", event.event_id),
        r#type: event::CORRECTION.to_owned(),
        corrects_event_id: event.event_id.clone(),
        corrects_period: event.period.clone(),
        usage: None,
        raw_usage_json: String::new(),
        reason: request.reason.clone(),
        charge_usd: text(difference.charge),
        list_price_usd: text(difference.list_price),
        estimated_usd: None,
        provider_reported_usd: None,
        unpriced: false,
        price_table: request.price_table.clone(),
        settled_at: Some(keyway_proto::convert::timestamp(at)),
        period: at.month(),
        ..event.clone()
    }
}

/// Writes them; `false` if one of their ids is taken.
async fn append(transaction: &DatabaseTransaction, rows: &[EventRow]) -> Result<bool, LedgerError> {
    for row in rows {
        let inserted = corrections::Entity::insert(row.correction())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(transaction)
            .await?;
        if !matches!(inserted, TryInsertResult::Inserted(1)) {
            return Ok(false);
        }
        unsequenced::Entity::insert(row.unsequenced())
            .exec_without_returning(transaction)
            .await?;
    }
    Ok(true)
}

fn amount(text: Option<&str>) -> Result<Option<Usd>, LedgerError> {
    let parsed = text.map(str::parse::<Usd>).transpose();
    parsed.map_err(|_form| LedgerError::EventUnreadable)
}

fn sum(one: Option<Usd>, other: Option<Usd>) -> Result<Option<Usd>, LedgerError> {
    match (one, other) {
        (Some(one), Some(other)) => plus(one, other).map(Some),
        (one, other) => Ok(one.or(other)),
    }
}

fn plus(one: Usd, other: Usd) -> Result<Usd, LedgerError> {
    one.checked_add(other).ok_or(LedgerError::EventUnreadable)
}

const GROUP: u32 = 256;
const TRIES: u32 = 8;
