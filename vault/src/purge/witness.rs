//! What this process has seen of the delays, by a clock that nobody can set.
//!
//! The wall clock says when a delay is over, and a wall clock can jump. So nothing is destroyed on
//! its word alone: either this process lived through the whole delay, or it has seen the delay to be
//! over for a while (`deletion.notice`, or the delay itself if that is shorter), in which a clock
//! that is wrong can be noticed and set right. A restart begins anew.

use std::collections::HashMap;
use std::time::Duration;

use keyway_words::Timestamp;
use tokio::time::Instant;

use crate::store::workspaces::WorkspaceRow;

/// Deleted workspaces, and when this process saw what of them.
pub(super) struct Witness {
    notice: Duration,
    seen: HashMap<String, Seen>,
}

/// One deletion; another deletion of the same workspace is another one.
struct Seen {
    deleted_at: i64,
    first: Instant,
    over: Option<Instant>,
}

impl Witness {
    pub(super) fn new(notice: Duration) -> Self {
        Self {
            notice,
            seen: HashMap::new(),
        }
    }

    /// Whether the delay of a deleted workspace has passed beyond doubt. To be asked at every sweep.
    pub(super) fn saw_it_pass(&mut self, row: &WorkspaceRow, now: Timestamp) -> bool {
        let (Some(deleted_at), Some(purge_at)) = (row.deleted_at, row.purge_at) else {
            return false;
        };
        let here = Instant::now();
        let begin = || Seen {
            deleted_at,
            first: here,
            over: None,
        };
        let seen = self.seen.entry(row.id.clone()).or_insert_with(begin);
        if seen.deleted_at != deleted_at {
            *seen = begin();
        }
        if now.0 < purge_at {
            seen.over = None; // perhaps the clock was set right
            return false;
        }
        let over = *seen.over.get_or_insert_with(|| {
            tracing::info!(
                workspace = row.id,
                "the delay of a deleted workspace is over"
            );
            here
        });
        let delay = Duration::from_micros(u64::try_from(purge_at - deleted_at).unwrap_or(0));
        here.duration_since(seen.first) >= delay
            || here.duration_since(over) >= delay.min(self.notice)
    }

    /// Forgets workspaces that were taken back or are gone.
    pub(super) fn forget_all_but(&mut self, found: &[WorkspaceRow]) {
        self.seen
            .retain(|id, _seen| found.iter().any(|row| row.id == *id));
    }
}

#[cfg(test)]
mod tests {
    use keyway_proto::vault::v1::WorkspaceState;

    use super::*;

    const HOUR: i64 = 3_600;

    fn deleted(delay_hours: i64) -> WorkspaceRow {
        WorkspaceRow {
            id: "acme".to_owned(),
            display_name: String::new(),
            state: WorkspaceState::Deleted.as_str_name().to_owned(),
            state_reason: String::new(),
            policy: Vec::new(),
            operator_limits: Vec::new(),
            version: 1,
            created_at: 0,
            updated_at: 0,
            deleted_at: Some(0),
            purge_at: Some(Timestamp(0).plus_seconds(delay_hours * HOUR).0),
            destroyed_at: None,
            purged_at: None,
            state_before: None,
            reason_before: None,
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp(0).plus_seconds(hours * HOUR)
    }

    async fn pass(hours: u64) {
        tokio::time::advance(Duration::from_hours(hours)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_lived_through_the_delay_waits_no_longer() {
        let mut witness = Witness::new(Duration::from_hours(1));
        let row = deleted(72);
        assert!(!witness.saw_it_pass(&row, at(0)));
        pass(72).await;
        assert!(witness.saw_it_pass(&row, at(72)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_jump_of_the_clock_is_believed_after_the_notice_only() {
        let mut witness = Witness::new(Duration::from_hours(1));
        let row = deleted(72);
        assert!(!witness.saw_it_pass(&row, at(0)));
        assert!(!witness.saw_it_pass(&row, at(10_000)));
        pass(1).await;
        assert!(witness.saw_it_pass(&row, at(10_001)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_right_takes_the_notice_back() {
        let mut witness = Witness::new(Duration::from_hours(2));
        let row = deleted(72);
        assert!(!witness.saw_it_pass(&row, at(10_000)));
        pass(1).await;
        assert!(!witness.saw_it_pass(&row, at(1)));
        pass(1).await;
        assert!(!witness.saw_it_pass(&row, at(10_000)), "it begins anew");
    }

    #[tokio::test(start_paused = true)]
    async fn a_short_delay_needs_no_longer_notice_than_itself() {
        let mut witness = Witness::new(Duration::from_hours(24));
        let row = deleted(1);
        assert!(!witness.saw_it_pass(&row, at(1)));
        pass(1).await;
        assert!(witness.saw_it_pass(&row, at(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn another_deletion_of_the_same_workspace_begins_anew() {
        let mut witness = Witness::new(Duration::from_hours(1));
        assert!(!witness.saw_it_pass(&deleted(72), at(0)));
        pass(80).await;
        let again = WorkspaceRow {
            deleted_at: Some(at(80).0),
            purge_at: Some(at(152).0),
            ..deleted(72)
        };
        assert!(!witness.saw_it_pass(&again, at(152)));
    }
}
