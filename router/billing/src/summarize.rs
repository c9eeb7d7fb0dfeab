//! Summaries: from the roll-ups where whole days are asked for, from the events otherwise.

use std::collections::{BTreeMap, HashSet};

use futures::TryStreamExt as _;
use keyway_proto::billing::v1::{self as wire, UsageEvent, UsageSummary};
use keyway_words::Timestamp;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use crate::database;
use crate::entity::roll_ups;
use crate::error::LedgerError;
use crate::event;
use crate::ledger::Ledger;
use crate::read::{PageRequest, UsageFilter};
use crate::roll_up;
use crate::sums::{Dimensions, Sums};

/// What to sum by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// Workspace.
    Workspace,
    /// Day (UTC).
    Day,
    /// Provider and model.
    Model,
    /// Source.
    Source,
    /// Key.
    Key,
    /// Value of the label that the request names.
    Label,
}

/// A summary that is asked for.
#[derive(Debug, Clone, Default)]
pub struct SummaryRequest {
    /// Which events.
    pub filter: UsageFilter,
    /// Settled at this time or later.
    pub from: Option<Timestamp>,
    /// Settled before this time.
    pub to: Option<Timestamp>,
    /// What to sum by.
    pub by: HashSet<Part>,
    /// Name of the label, for [`Part::Label`].
    pub label: String,
}

type Rows = BTreeMap<(Dimensions, String), Sums>;

impl Ledger {
    /// One row per combination, in order. What own keys saved is the list price of their rows.
    ///
    /// An event that was settled a moment ago may not be in it yet. `TooMuch`: more rows, or more
    /// events to look at, than one answer is made of.
    pub async fn summarize(
        &self,
        request: &SummaryRequest,
    ) -> Result<Vec<UsageSummary>, LedgerError> {
        let mut bounds = [request.from, request.to].into_iter().flatten();
        let whole_days = bounds.all(|at| at.0.rem_euclid(DAY) == 0);
        let rows = if whole_days && !request.by.contains(&Part::Label) {
            self.sum_roll_ups(request).await?
        } else {
            self.sum_events(request).await?
        };
        Ok(rows.into_iter().map(|row| summary(request, row)).collect())
    }

    async fn sum_roll_ups(&self, request: &SummaryRequest) -> Result<Rows, LedgerError> {
        let mut query = roll_ups::Entity::find();
        if let Some(workspace) = &request.filter.workspace {
            query = query.filter(roll_ups::Column::Workspace.eq(workspace.resource()));
        }
        if let Some(provider) = request.filter.provider {
            query = query.filter(roll_ups::Column::Provider.eq(provider.as_str()));
        }
        if let Some(source) = request.filter.source {
            query = query.filter(roll_ups::Column::Source.eq(event::source_column(source)));
        }
        if let Some(from) = request.from {
            query = query.filter(roll_ups::Column::Day.gte(from.day()));
        }
        if let Some(to) = request.to {
            query = query.filter(roll_ups::Column::Day.lt(to.day()));
        }
        let mut rows = Rows::new();
        let (connections, config) = (self.readers().connections(), self.config());
        let mut found = database::bounded(config, query.stream(&connections)).await?;
        while let Some(row) = database::bounded(config, found.try_next()).await? {
            let sums = roll_up::read_row(&row)?;
            let dimensions = Dimensions {
                workspace: row.workspace,
                day: row.day,
                provider: row.provider,
                model: row.requested,
                source: row.source,
                key_name: row.key_name,
            };
            count(&mut rows, request, dimensions, String::new(), &sums)?;
        }
        Ok(rows)
    }

    async fn sum_events(&self, request: &SummaryRequest) -> Result<Rows, LedgerError> {
        let mut page = PageRequest {
            filter: request.filter.clone(),
            from: request.from,
            to: request.to,
            size: PAGE,
            ..PageRequest::default()
        };
        let mut rows = Rows::new();
        for _ in 0..PAGES {
            let found = self.list(&page).await?;
            let charged = roll_up::charged(self.readers(), &found.events).await?;
            for event in found.events.iter().filter(|event| is_usage(event)) {
                let original = charged.get(&event.event_id).copied();
                let sums = Sums::of(event, original.unwrap_or_default())?;
                let label = event.labels.get(&request.label).cloned();
                let label = label.unwrap_or_default();
                count(&mut rows, request, Dimensions::of(event), label, &sums)?;
            }
            match found.next {
                Some(next) => page.token = next,
                None => return Ok(rows),
            }
        }
        Err(LedgerError::TooMuch)
    }
}

const fn is_usage(event: &UsageEvent) -> bool {
    event.operation_json.is_empty()
}

/// Adds to the row of what is asked for.
fn count(
    rows: &mut Rows,
    request: &SummaryRequest,
    found: Dimensions,
    label: String,
    sums: &Sums,
) -> Result<(), LedgerError> {
    let asked = |part: Part, text: String| {
        let is_asked = request.by.contains(&part);
        if is_asked { text } else { String::new() }
    };
    let dimensions = Dimensions {
        workspace: asked(Part::Workspace, found.workspace),
        day: asked(Part::Day, found.day),
        provider: asked(Part::Model, found.provider),
        model: asked(Part::Model, found.model),
        source: asked(Part::Source, found.source),
        key_name: asked(Part::Key, found.key_name),
    };
    let key = (dimensions, asked(Part::Label, label));
    rows.entry(key).or_insert_with(Sums::none).add(sums)?;
    if rows.len() > ROWS {
        return Err(LedgerError::TooMuch);
    }
    Ok(())
}

fn summary(
    request: &SummaryRequest,
    ((dimensions, label_value), sums): ((Dimensions, String), Sums),
) -> UsageSummary {
    let source = match dimensions.source.as_str() {
        "OWN" => wire::Source::Own,
        "HOSTED" => wire::Source::Hosted,
        _ => wire::Source::Unspecified,
    };
    let model = if request.by.contains(&Part::Model) {
        format!("{}/{}", dimensions.provider, dimensions.model)
    } else {
        String::new()
    };
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    UsageSummary {
        workspace: dimensions.workspace,
        day: dimensions.day,
        model,
        source: source.into(),
        key_name: dimensions.key_name,
        label_value,
        events: number(sums.events),
        usage: Some(sums.usage),
        charge_usd: sums.charge.to_string(),
        list_price_usd: sums.list_price.to_string(),
        events_without_charge: number(sums.without_charge),
    }
}

/// Microseconds.
const DAY: i64 = 86_400_000_000;
const ROWS: usize = 10_000;
const PAGE: u32 = 500;
/// Half a million events.
const PAGES: u32 = 1_000;
