//! Whether the database's server answers, as the transactions of this process find out. While it
//! does not, nobody queues for it: those without a turn are refused at once, those with one try.

use tokio::sync::watch;

use super::StoreError;

/// Told by every start of a transaction; clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Reach(watch::Sender<bool>);

impl Reach {
    /// Runs the start of a transaction, and learns from how it ends.
    pub(super) async fn learn<T>(
        &self,
        begins: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = begins.await;
        let is_away = begun.as_ref().is_err_and(StoreError::is_silence);
        self.0.send_if_modified(|away| {
            let changed = *away != is_away;
            *away = is_away;
            changed
        });
        begun
    }

    /// Ends when the server does not answer; at once, if it did not the last time.
    pub(super) async fn lost(&self) {
        let mut away = self.0.subscribe();
        if away.wait_for(|away| *away).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Tells of every change.
    pub(super) fn changes(&self) -> watch::Receiver<bool> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    async fn silent(reach: &Reach) {
        let silent = reach.learn(async { Err::<(), _>(StoreError::Away) }).await;
        silent.unwrap_err();
    }

    #[tokio::test]
    async fn who_waits_learns_of_the_silence_and_an_answer_ends_it() {
        let reach = Reach::default();
        assert!(reach.lost().now_or_never().is_none());
        silent(&reach).await;
        assert!(reach.lost().now_or_never().is_some());
        reach.learn(async { Ok(()) }).await.unwrap();
        assert!(reach.lost().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_database_that_refuses_or_is_busy_is_there() {
        let reach = Reach::default();
        for error in [
            StoreError::NoTurn,
            StoreError::Damaged {
                what: "feed".to_owned(),
            },
        ] {
            reach
                .learn(async { Err::<(), _>(error) })
                .await
                .unwrap_err();
            assert!(reach.lost().now_or_never().is_none());
        }
    }
}
