//! Keys that all routers of a ledger share and find again after a restart.

use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, Set};
use zeroize::Zeroizing;

use crate::entity::shared_keys;
use crate::error::LedgerError;
use crate::ledger::Ledger;

impl Ledger {
    /// The key of that name. The first router that asks brings it; every other one gets the same.
    pub async fn shared_key(
        &self,
        name: &str,
        fresh: Zeroizing<[u8; 32]>,
    ) -> Result<Zeroizing<Vec<u8>>, LedgerError> {
        let row = shared_keys::ActiveModel {
            name: Set(name.to_owned()),
            bytes: Set(fresh.to_vec()),
            made_at: Set(self.now().0),
        };
        shared_keys::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .try_insert()
            .exec_without_returning(&self.side_writer())
            .await?;
        let kept = shared_keys::Entity::find_by_id(name.to_owned())
            .one(&self.side_writer())
            .await?;
        kept.map(|row| Zeroizing::new(row.bytes))
            .ok_or(LedgerError::Unavailable)
    }
}
