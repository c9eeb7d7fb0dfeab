//! The table in force: built-in rows, an operator's overlay over them, one hash for the whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use keyway_words::{ProviderId, Timestamp};
use serde_json::Value;

use crate::aliases::Aliases;
use crate::canonical;
use crate::model::{Kind, Model};
use crate::quote::{PriceInputs, Quote, Unpriced};
use crate::row::RawRow;

/// Every model with a price, under one content hash. Never changes; a new table is a new value.
#[derive(Debug)]
pub struct Catalogue {
    models: HashMap<(ProviderId, Box<str>), Arc<Model>>,
    json: String,
    hash: String,
    next_change: Option<Timestamp>,
    aliases: Aliases,
}

/// A price table that can't be loaded. The text names file or overlay, row and field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// Not a JSON array of objects.
    #[error("price table {table}: must be a JSON array of rows: {cause}")]
    NotRows {
        /// `openai.json` and so on, or `overlay`.
        table: &'static str,
        /// What the parser says.
        cause: String,
    },
    /// A row is not of its documented form.
    #[error("price table {table}, row {row} ({model}): {cause}")]
    BadRow {
        /// `openai.json` and so on, or `overlay`.
        table: &'static str,
        /// Counts from 1.
        row: usize,
        /// Model of the row, if it could be read.
        model: String,
        /// What is wrong.
        cause: String,
    },
}

impl Catalogue {
    /// The built-in table.
    pub fn builtin() -> Result<Self, CatalogueError> {
        Self::load(&[], Timestamp(i64::MIN))
    }

    /// The built-in table with an overlay: a JSON array of rows in the form of the price files.
    ///
    /// A row replaces the one of the same provider and model, or adds it. It holds for the dated
    /// ids of its model too (`gpt-5-mini` for `gpt-5-mini-2025-08-07`), which is what providers say
    /// that they served, unless they have a row of their own in the overlay. A row with
    /// `effective_from` (a day, UTC) holds from then on; of several the latest that holds wins, and two
    /// from one day on are refused.
    /// The table is the one at the given time; [`Catalogue::next_change`] says until when.
    pub fn with_overlay(overlay: &str, at: Timestamp) -> Result<Self, CatalogueError> {
        Self::load(&rows("overlay", overlay)?, at)
    }

    /// A table as it was kept: its canonical JSON ([`Catalogue::json`]). Nothing of it is dated any more.
    pub fn kept(json: &str) -> Result<Self, CatalogueError> {
        let mut kept = BTreeMap::new();
        for (index, value) in rows("kept", json)?.into_iter().enumerate() {
            let row = Row::parse("overlay", index, &value)?;
            kept.insert(row.key(), (value, Arc::new(row.model)));
        }
        Ok(Self::of(kept, None))
    }

    /// The same with the operator's own names. No price depends on them, so the hash does not.
    #[must_use]
    pub fn with_aliases(self, aliases: Aliases) -> Self {
        Self { aliases, ..self }
    }

    /// The operator's own names.
    pub const fn aliases(&self) -> &Aliases {
        &self.aliases
    }

    /// SHA-256 of [`Catalogue::json`], as 64 hex digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The table as canonical JSON: rows by provider and model, keys sorted, no white space.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// When a dated row of the overlay begins to hold: build the table anew then.
    pub const fn next_change(&self) -> Option<Timestamp> {
        self.next_change
    }

    /// The row of a model by its id or an alias of it. A dated id without a row is not found:
    /// prices are never guessed from a similar name.
    ///
    /// The kinds of a search are models too: `auto` is the row `search:auto`.
    pub fn find(&self, provider: ProviderId, model: &str) -> Option<&Model> {
        let kind = || {
            self.models
                .get(&(provider, format!("search:{model}").into()))
        };
        let found = self.models.get(&(provider, model.into())).or_else(kind);
        found.map(Arc::as_ref)
    }

    /// The provider of a bare chat or embedding model name, if exactly one has it. A dated id that
    /// has no row is of the provider that has the plain one; its price is not known by that.
    pub fn bare(&self, model: &str) -> Option<ProviderId> {
        self.listed(model)
            .or_else(|| self.listed(without_date(model)?))
    }

    fn listed(&self, model: &str) -> Option<ProviderId> {
        let mut providers = ProviderId::ALL.into_iter().filter(|provider| {
            self.models
                .get(&(*provider, model.into()))
                .is_some_and(|found| found.kind() != Kind::Search)
        });
        let first = providers.next()?;
        providers.next().is_none().then_some(first)
    }

    /// The models of a provider, each once, by id.
    pub fn models(&self, provider: ProviderId) -> Vec<&Model> {
        let by_id: BTreeMap<&str, &Model> = self
            .models
            .iter()
            .filter(|((owner, _), _)| *owner == provider)
            .map(|(_, model)| (model.id(), model.as_ref()))
            .collect();
        by_id.into_values().collect()
    }

    /// What an attempt costs: by the row of the served model if it has one, otherwise of the
    /// requested one. Without a row only what the provider itself reported is known.
    pub fn quote(
        &self,
        provider: ProviderId,
        requested: &str,
        served: Option<&str>,
        inputs: &PriceInputs<'_>,
    ) -> Quote {
        served
            .and_then(|model| self.find(provider, model))
            .or_else(|| self.find(provider, requested))
            .map_or_else(|| Quote::without_row(inputs), |model| model.quote(inputs))
    }

    /// What texts of so many bytes are estimated to cost, where the provider tells no usage and the
    /// row of the model, the served one first, has a counting rule.
    pub fn estimate(
        &self,
        provider: ProviderId,
        requested: &str,
        served: Option<&str>,
        text_bytes: u64,
    ) -> Option<Quote> {
        let served = served.and_then(|model| self.find(provider, model));
        let model = served.or_else(|| self.find(provider, requested));
        model?.estimate(text_bytes)
    }

    /// The cause if a hosted call with these features would have no price.
    pub fn check(
        &self,
        provider: ProviderId,
        model: &str,
        asked: &crate::model::Asked<'_>,
    ) -> Result<(), Unpriced> {
        self.find(provider, model)
            .ok_or(Unpriced::Model)?
            .check(asked)
    }

    fn load(overlay: &[Value], at: Timestamp) -> Result<Self, CatalogueError> {
        let mut rows_in_force: BTreeMap<(String, String), (Value, Arc<Model>)> = BTreeMap::new();
        for (table, text) in FILES {
            for (index, value) in rows(table, text)?.into_iter().enumerate() {
                let row = Row::parse(table, index, &value)?;
                rows_in_force.insert(row.key(), (value, Arc::new(row.model)));
            }
        }
        let next_change = lay_over(&mut rows_in_force, overlay, at)?;
        Ok(Self::of(rows_in_force, next_change))
    }

    fn of(
        rows: BTreeMap<(String, String), (Value, Arc<Model>)>,
        next_change: Option<Timestamp>,
    ) -> Self {
        let json = canonical::text(&rows.values().map(|(value, _)| value.clone()).collect());
        Self {
            models: index(rows.into_values().map(|(_, model)| model)),
            hash: canonical::hash(&json),
            json,
            next_change,
            aliases: Aliases::default(),
        }
    }
}

/// Puts the overlay's rows that hold at a time over the others; gives the next day on which
/// another one begins to hold.
fn lay_over(
    rows_in_force: &mut BTreeMap<(String, String), (Value, Arc<Model>)>,
    overlay: &[Value],
    at: Timestamp,
) -> Result<Option<Timestamp>, CatalogueError> {
    let mut dated = Vec::with_capacity(overlay.len());
    let mut days = HashSet::new();
    for (index, value) in overlay.iter().enumerate() {
        let row = Row::parse("overlay", index, value)?;
        if !days.insert((row.key(), row.effective_from)) {
            let cause = "another row has a price of this model from the same day on";
            return Err(bad("overlay", index, value, cause.into()));
        }
        dated.push((row, value));
    }
    let next_change = dated
        .iter()
        .filter_map(|(row, _)| row.effective_from)
        .filter(|from| *from > at)
        .min();
    dated.sort_by_key(|(row, _)| row.effective_from);
    dated.retain(|(row, _)| row.effective_from.is_none_or(|from| from <= at));
    let named: HashSet<_> = dated.iter().map(|(row, _)| row.key()).collect();
    for (row, value) in dated {
        let ids = take_dated_ids(rows_in_force, &row, &named);
        let (key, mut value, mut model) = (row.key(), value.clone(), row.model);
        if !ids.is_empty() {
            model.add_aliases(ids);
            value["aliases"] = model.aliases().into();
        }
        rows_in_force.insert(key, (value, Arc::new(model)));
    }
    Ok(next_change)
}

/// Takes the rows of a model's dated ids away, but for those that the overlay names; their ids.
fn take_dated_ids(
    rows_in_force: &mut BTreeMap<(String, String), (Value, Arc<Model>)>,
    row: &Row,
    named: &HashSet<(String, String)>,
) -> Vec<String> {
    let (provider, id) = row.key();
    let Some((_, replaced)) = rows_in_force.get(&(provider.clone(), id.clone())) else {
        return Vec::new();
    };
    let mut ids = replaced.aliases().to_vec();
    ids.retain(|alias| is_dated(alias, &id) && !named.contains(&(provider.clone(), alias.clone())));
    for alias in &ids {
        rows_in_force.remove(&(provider.clone(), alias.clone()));
    }
    ids
}

/// An id without the date behind it, `-2026-11-25` or `-20261125`; `None` if there is none.
fn without_date(id: &str) -> Option<&str> {
    [11, 9].into_iter().find_map(|length| {
        let plain = id.get(..id.len().checked_sub(length)?)?;
        is_dated(id, plain).then_some(plain)
    })
}

/// Whether an id is another one with a date behind it.
fn is_dated(id: &str, plain: &str) -> bool {
    let date = id
        .strip_prefix(plain)
        .and_then(|rest| rest.strip_prefix('-'));
    date.is_some_and(|date| {
        date.len() >= 8
            && date
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Models by id, then by alias where no row has that id.
fn index(models: impl Iterator<Item = Arc<Model>>) -> HashMap<(ProviderId, Box<str>), Arc<Model>> {
    let mut by_name = HashMap::new();
    let models: Vec<Arc<Model>> = models.collect();
    for model in &models {
        by_name.insert((model.provider(), model.id().into()), Arc::clone(model));
    }
    for model in &models {
        for alias in model.aliases() {
            by_name
                .entry((model.provider(), alias.as_str().into()))
                .or_insert_with(|| Arc::clone(model));
        }
    }
    by_name
}

/// A row that does not load; `index` counts from 0.
fn bad(table: &'static str, index: usize, value: &Value, cause: String) -> CatalogueError {
    let model = value.get("model").and_then(Value::as_str);
    CatalogueError::BadRow {
        table,
        row: index + 1,
        model: model.unwrap_or_default().chars().take(128).collect(),
        cause,
    }
}

struct Row {
    model: Model,
    effective_from: Option<Timestamp>,
}

impl Row {
    fn parse(table: &'static str, index: usize, value: &Value) -> Result<Self, CatalogueError> {
        let bad = |cause: String| bad(table, index, value, cause);
        let raw: RawRow =
            serde_json::from_value(value.clone()).map_err(|error| bad(error.to_string()))?;
        let effective_from = match &raw.effective_from {
            Some(_) if table != "overlay" => {
                return Err(bad("effective_from belongs into an overlay".into()));
            }
            Some(day) => Some(start_of(day).ok_or_else(|| {
                bad("effective_from must be a day (UTC), such as 2026-12-01".into())
            })?),
            None => None,
        };
        let mut model = Model::from_raw(raw).map_err(bad)?;
        model.show_prices(value);
        Ok(Self {
            model,
            effective_from,
        })
    }

    fn key(&self) -> (String, String) {
        (
            self.model.provider().as_str().to_owned(),
            self.model.id().to_owned(),
        )
    }
}

/// The first moment of a day (UTC) in the form `2026-12-01`; `None` for what is no day.
fn start_of(day: &str) -> Option<Timestamp> {
    if day.len() != 10 {
        return None; // what is longer does not fit the arithmetic
    }
    let mut parts = day.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, date) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    // Howard Hinnant's `days_from_civil`; the comparison below refuses what is out of range.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468;
    let start = Timestamp(days.checked_mul(86_400_000_000)?);
    (start.day() == day).then_some(start)
}

fn rows(table: &'static str, text: &str) -> Result<Vec<Value>, CatalogueError> {
    serde_json::from_str(text).map_err(|error| CatalogueError::NotRows {
        table,
        cause: error.to_string(),
    })
}

macro_rules! files {
    ($($provider:ident $id:ident $facts:tt;)*) => {
        /// The price file of every provider.
        const FILES: [(&str, &str); ProviderId::ALL.len()] = [$((
            concat!(stringify!($id), ".json"),
            include_str!(concat!("../prices/", stringify!($id), ".json")),
        )),*];
    };
}

keyway_words::for_each_provider!(files);

#[cfg(test)]
mod tests;
