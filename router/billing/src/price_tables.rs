//! Price tables, kept under their hash for as long as there is an event that was priced with one.

use keyway_router_pricing::Catalogue;
use keyway_words::Timestamp;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, QueryOrder, Set};

use crate::entity::price_tables;
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// A stored price table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceTable {
    /// SHA-256 of the text, as hex.
    pub hash: String,
    /// The table as canonical JSON.
    pub json: String,
    /// Since when it was in force, the first time.
    pub effective_at: Timestamp,
}

impl Ledger {
    /// Keeps a table, once. Do this before an attempt is priced with it.
    pub async fn keep_price_table(&self, catalogue: &Catalogue) -> Result<(), LedgerError> {
        let row = price_tables::ActiveModel {
            hash: Set(catalogue.hash().to_owned()),
            table_json: Set(catalogue.json().to_owned()),
            effective_at: Set(self.now().0),
        };
        price_tables::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&self.side_writer())
            .await?;
        Ok(())
    }

    /// A table by its hash; with an empty one the table that came into force last.
    pub async fn price_table(&self, hash: &str) -> Result<Option<PriceTable>, LedgerError> {
        let query = if hash.is_empty() {
            price_tables::Entity::find().order_by_desc(price_tables::Column::EffectiveAt)
        } else {
            price_tables::Entity::find_by_id(hash.to_owned())
        };
        Ok(query.one(self.readers()).await?.map(|row| PriceTable {
            hash: row.hash,
            json: row.table_json,
            effective_at: Timestamp(row.effective_at),
        }))
    }
}
