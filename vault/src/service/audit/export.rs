//! `Export`: one batch at a time, read when the caller has taken the one before. No transaction
//! stays open between two batches; rows never change, so none is needed.

use futures::{Stream, StreamExt as _, stream};
use keyway_proto::vault::v1::{AuditRow, AuditServiceExportResponse};
use keyway_proto::{Fault, Reason};
use prost::Message as _;
use tonic::Status;

use crate::store::{Store, audit as rows};
use crate::wire;

/// Where an export is.
struct Export {
    store: Store,
    chain: String,
    /// Last sequence that was sent.
    sent: u64,
    /// Last sequence that the chain had when it began.
    last: u64,
}

/// Opens an export from a sequence up to the end that the chain has now.
pub(super) async fn open(
    store: Store,
    chain: String,
    from: u64,
) -> Result<impl Stream<Item = Result<AuditServiceExportResponse, Status>> + Send + use<>, Fault> {
    let head = {
        let read = store.read().await?;
        rows::head(read.on(), &chain).await?
    };
    let export = Export {
        store,
        chain,
        sent: from.saturating_sub(1),
        last: head.map_or(0, |head| head.sequence),
    };
    let batches = stream::try_unfold(export, async |mut export| {
        let batch = export.next().await?;
        Ok(batch.map(|rows| (AuditServiceExportResponse { rows }, export)))
    });
    Ok(batches.map(|batch| batch.map_err(|fault: Fault| fault.into())))
}

impl Export {
    async fn next(&mut self) -> Result<Option<Vec<AuditRow>>, Fault> {
        if self.sent >= self.last {
            return Ok(None);
        }
        let read = self.store.read().await?;
        let found = rows::after(read.on(), &self.chain, self.sent, BATCH).await?;
        drop(read);
        let batch = cut(found.into_iter().map(wire::audit_row), self.last);
        let Some(row) = batch.last() else {
            return Err(Fault::new(
                Reason::Internal,
                "the chain ends before its end; `keyway-vault audit verify` says where",
            ));
        };
        self.sent = row.sequence;
        Ok(Some(batch))
    }
}

/// As many rows as fit one message, none behind `last`; always one.
fn cut(rows: impl Iterator<Item = AuditRow>, last: u64) -> Vec<AuditRow> {
    let mut size = 0_usize;
    rows.take_while(|row| row.sequence <= last)
        .take_while(|row| {
            let fits = size < MESSAGE;
            size = size.saturating_add(row.encoded_len());
            fits
        })
        .collect()
}

/// Rows that are read at a time.
const BATCH: u64 = 256;
/// Bytes of a message, but for its last row.
const MESSAGE: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bounded_in_bytes_and_never_without_a_row() {
        let row = |sequence, length| AuditRow {
            sequence,
            facts_json: "x".repeat(length),
            ..AuditRow::default()
        };
        let small = || (1..=9).map(|sequence| row(sequence, 10));
        assert_eq!(cut(small(), 9).len(), 9);
        assert_eq!(cut(small(), 4).len(), 4);
        let large = (1..=9).map(|sequence| row(sequence, MESSAGE / 2));
        assert_eq!(cut(large, 9).len(), 2);
        assert_eq!(cut([row(1, 2 * MESSAGE)].into_iter(), 9).len(), 1);
    }
}
