//! Who relays, and how far it is: two rows of the ledger's database.

use keyway_words::Timestamp;
use sea_orm::{ColumnTrait as _, DatabaseConnection, DbErr, EntityTrait as _, QueryFilter as _};
use sea_orm::{QuerySelect as _, Set};

use crate::database;
use crate::entity::{consumers, relay};
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::sequencer;
use crate::sweep;

/// The relay's name among the consumers of the whole stream. No client can take it: names that
/// clients give have no dot.
pub(crate) const CONSUMER: &str = "relay.jetstream";

/// Whether this router relays; takes the place where nobody has it any more.
pub(super) async fn holds(ledger: &Ledger) -> Result<bool, LedgerError> {
    let connection = ledger.side_writer();
    let holds = take(&connection, ledger);
    Ok(database::bounded(ledger.config(), holds).await?)
}

async fn take(connection: &DatabaseConnection, ledger: &Ledger) -> Result<bool, DbErr> {
    let term = ledger.term();
    let row = relay::Entity::find_by_id(1).one(connection).await?;
    let holder = row
        .ok_or_else(|| DbErr::RecordNotFound("the relay's row is missing".into()))?
        .term;
    if holder == term {
        return Ok(true);
    }
    let lease = ledger.config().lease;
    if database::is_shared(connection) && sweep::is_alive(connection, holder, lease).await? {
        return Ok(false);
    }
    let _turn = ledger.side_turn().lock().await;
    let taken = relay::Entity::update_many()
        .col_expr(relay::Column::Term, term.into())
        .filter(relay::Column::Id.eq(1))
        .filter(relay::Column::Term.eq(holder))
        .exec(connection)
        .await?;
    Ok(taken.rows_affected == 1)
}

/// The last position that was acknowledged; the place before the first one that is kept, if none was.
pub(super) async fn position(ledger: &Ledger) -> Result<i64, LedgerError> {
    let connection = ledger.side_writer();
    let read = async {
        let first = sequencer::state(&connection).await?.first_position;
        let row = consumers::Entity::find_by_id((String::new(), CONSUMER.to_owned()))
            .one(&connection)
            .await?;
        Ok(row.map_or(0, |row| row.position).max(first - 1))
    };
    Ok(database::bounded(ledger.config(), read).await?)
}

/// Stores how far the stream is published; `false` if another router has the place.
pub(super) async fn acknowledge(ledger: &Ledger, position: i64) -> Result<bool, LedgerError> {
    let _turn = ledger.side_turn().lock().await;
    let connection = ledger.side_writer();
    let stored = store(&connection, ledger.term(), position, ledger.now());
    Ok(database::bounded(ledger.config(), stored).await?)
}

async fn store(
    connection: &DatabaseConnection,
    term: i64,
    position: i64,
    now: Timestamp,
) -> Result<bool, DbErr> {
    let transaction = database::begin(connection).await?;
    let row = relay::Entity::find_by_id(1)
        .lock_exclusive()
        .one(&transaction)
        .await?;
    if row.is_none_or(|row| row.term != term) {
        return Ok(false);
    }
    let row = consumers::ActiveModel {
        scope: Set(String::new()),
        name: Set(CONSUMER.to_owned()),
        position: Set(position),
        acknowledged_at: Set(now.0),
    };
    let mut same = sea_orm::sea_query::OnConflict::columns([
        consumers::Column::Scope,
        consumers::Column::Name,
    ]);
    same.update_columns([
        consumers::Column::Position,
        consumers::Column::AcknowledgedAt,
    ]);
    consumers::Entity::insert(row)
        .on_conflict(same)
        .exec_without_returning(&transaction)
        .await?;
    transaction.commit().await?;
    Ok(true)
}
