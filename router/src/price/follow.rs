//! The operator's prices, followed while the router runs: the overlay's file, and the days on which
//! its rows begin to hold.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::lifecycle::Shutdown;
use keyway_chassis::operations::Readiness;
use keyway_router_billing::{Ledger, LedgerError};
use keyway_router_pricing::{Catalogue, CatalogueError};
use serde_json::json;
use tracing::{error, info};

use super::Prices;
use crate::conditions::PRICES;

/// The overlay's file and what it puts into force.
#[derive(Debug, Clone)]
pub struct PriceFile {
    /// `None`: the built-in table alone.
    pub path: Option<PathBuf>,
    /// What gets the tables.
    pub prices: Arc<Prices>,
    /// What keeps them.
    pub ledger: Arc<Ledger>,
    /// When rows begin to hold.
    pub clock: Arc<dyn Clock>,
}

/// Why new prices are not in force.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// The file can't be read.
    #[error("can't read {} (prices.overlay): {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no price table.
    #[error(transparent)]
    Content(#[from] CatalogueError),
    /// The table can't be kept, so nothing is priced with it.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl PriceFile {
    /// Keeps the table in force before anything is priced with it. It is told on the billing
    /// stream where another one came into force last, also if this one was in force before that.
    pub async fn begin(&self) -> Result<(), PriceFileError> {
        let table = self.prices.table();
        let before = self.ledger.price_table("").await?;
        self.ledger.keep_price_table(&table).await?;
        if before.is_some_and(|before| before.hash != table.hash()) {
            self.tell(&table, None).await?;
        }
        info!(table = table.hash(), "prices are in force");
        Ok(())
    }

    /// Looks again and again until `stop`. What can't be used changes nothing.
    pub async fn follow(self, readiness: Readiness, stop: Shutdown) {
        let mut refused = None;
        loop {
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            let why = self.look().await.err().map(|error| error.to_string());
            if let Some(why) = why.as_ref().filter(|why| refused.as_ref() != Some(*why)) {
                error!("new prices are not in force, the old ones stay: {why}");
            }
            readiness.set(PRICES, why.is_none());
            refused = why;
        }
    }

    /// Puts the file's prices into force, if it changed or one of its rows begins to hold.
    pub async fn look(&self) -> Result<(), PriceFileError> {
        let now = self.clock.now();
        let overlay = self.path.as_deref().map(read).transpose()?;
        let begins = self
            .prices
            .table()
            .next_change()
            .is_some_and(|at| at <= now);
        if overlay == *self.prices.overlay() && !begins {
            return Ok(());
        }
        let table = self.prices.made_of(overlay.as_deref(), now)?;
        let before = self.prices.table();
        if table.hash() != before.hash() {
            self.ledger.keep_price_table(&table).await?;
            self.tell(&table, Some(&before)).await?;
            info!(table = table.hash(), "new prices are in force");
        }
        self.prices.put(table, overlay);
        Ok(())
    }

    async fn tell(&self, table: &Catalogue, before: Option<&Catalogue>) -> Result<(), LedgerError> {
        let told = json!({
            "operation": "prices",
            "price_table": table.hash(),
            "before": before.map(Catalogue::hash),
        });
        let slot = self.ledger.reserve()?;
        slot.operation(told.to_string()).durable().await
    }
}

/// The text of an overlay's file.
pub fn read(path: &Path) -> Result<String, PriceFileError> {
    std::fs::read_to_string(path).map_err(|source| PriceFileError::File {
        path: path.to_owned(),
        source,
    })
}

/// How often the file is looked at; it is small.
const EVERY: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::process::ExitCode;

    use futures::StreamExt as _;
    use keyway_chassis::clock::ManualClock;
    use keyway_chassis::lifecycle::Tasks;
    use keyway_migrations::DatabaseAddress;
    use keyway_router_billing::{LedgerConfig, UsageFilter};
    use keyway_router_pricing::{Aliases, Multiplier};
    use keyway_words::Timestamp;

    use super::*;

    /// 2026-11-24T00:00:00Z.
    const NOW: Timestamp = Timestamp(1_795_478_400_000_000);

    fn row(input: &str, extra: &str) -> String {
        format!(
            r#"{{"provider":"openai","model":"house","kind":"chat","currency":"USD","unit":"per_million_tokens",
                "input":"{input}","output":"2","source":"test"{extra}}}"#
        )
    }

    struct World {
        _folder: tempfile::TempDir,
        clock: Arc<ManualClock>,
        file: PriceFile,
    }

    async fn world(overlay: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let (database, path) = (
            folder.path().join("router.db"),
            folder.path().join("prices"),
        );
        let words = ["keyway-migrate", "router", "--database"].map(OsString::from);
        let words = words.into_iter().chain([database.clone().into_os_string()]);
        let words: Vec<OsString> = words.collect();
        // It has a runtime of its own.
        let migrated = std::thread::spawn(move || keyway_migrations::run(words));
        assert_eq!(migrated.join().unwrap(), ExitCode::SUCCESS);
        std::fs::write(&path, overlay).unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let config = LedgerConfig::new(DatabaseAddress::File(database));
        let ledger = Ledger::start(config, Arc::clone(&shared), &Tasks::default()).await;
        let text = Some(overlay.to_owned());
        let prices = Prices::new(text, Aliases::default(), Multiplier::ONE, NOW).unwrap();
        let file = PriceFile {
            path: Some(path),
            prices: Arc::new(prices),
            ledger: ledger.unwrap(),
            clock: shared,
        };
        file.begin().await.unwrap();
        World {
            _folder: folder,
            clock,
            file,
        }
    }

    impl World {
        fn write(&self, overlay: &str) {
            std::fs::write(self.file.path.as_ref().unwrap(), overlay).unwrap();
        }

        /// The first operation on the stream.
        async fn told(&self) -> serde_json::Value {
            let all = UsageFilter::default();
            let stream = self.file.ledger.stream(all, "", true).await.unwrap();
            let first = Box::pin(stream)
                .next()
                .await
                .unwrap()
                .unwrap()
                .event
                .unwrap();
            assert_eq!(first.r#type, "keyway.operation.v1");
            serde_json::from_str(&first.operation_json).unwrap()
        }
    }

    #[tokio::test]
    async fn an_overlay_that_changes_is_in_force_at_once_and_stands_on_the_stream() {
        let world = world(&format!("[{}]", row("1", ""))).await;
        let before = world.file.prices.table().hash().to_owned();
        world.file.look().await.unwrap();
        assert_eq!(world.file.prices.table().hash(), before, "nothing changed");
        world.write(&format!("[{}]", row("3", "")));
        world.file.look().await.unwrap();
        let after = world.file.prices.table().hash().to_owned();
        assert_ne!(before, after);
        assert!(
            world
                .file
                .ledger
                .price_table(&after)
                .await
                .unwrap()
                .is_some()
        );
        let told = world.told().await;
        assert_eq!(told["operation"], "prices");
        assert_eq!(
            (&told["before"], &told["price_table"]),
            (&json!(before), &json!(after))
        );
    }

    #[tokio::test]
    async fn a_start_on_a_table_that_others_came_after_stands_on_the_stream() {
        let (first, then) = (format!("[{}]", row("1", "")), format!("[{}]", row("3", "")));
        let world = world(&first).await;
        world.clock.set(NOW.plus_seconds(60));
        world.write(&then);
        world.file.look().await.unwrap();
        assert_eq!(world.told().await["operation"], "prices");
        let again = Prices::new(Some(first), Aliases::default(), Multiplier::ONE, NOW).unwrap();
        let restarted = PriceFile {
            prices: Arc::new(again),
            ..world.file.clone()
        };
        restarted.begin().await.unwrap();
        let all = UsageFilter::default();
        let stream = world.file.ledger.stream(all, "", true).await.unwrap();
        let both: Vec<_> = stream.take(2).collect().await;
        let last = both[1].as_ref().unwrap().event.clone().unwrap();
        let last: serde_json::Value = serde_json::from_str(&last.operation_json).unwrap();
        assert_eq!(last["price_table"], restarted.prices.table().hash());
    }

    #[tokio::test]
    async fn an_overlay_that_is_wrong_is_refused_and_the_old_prices_stay() {
        let world = world(&format!("[{}]", row("1", ""))).await;
        let before = world.file.prices.table().hash().to_owned();
        for wrong in ["", "{", &format!("[{}]", row("0.0000025", ""))] {
            world.write(wrong);
            let refused = world.file.look().await.unwrap_err();
            assert!(matches!(refused, PriceFileError::Content(_)), "{refused}");
            assert_eq!(world.file.prices.table().hash(), before);
        }
        std::fs::remove_file(world.file.path.as_ref().unwrap()).unwrap();
        assert!(matches!(
            world.file.look().await,
            Err(PriceFileError::File { .. })
        ));
        assert_eq!(world.file.prices.table().hash(), before);
    }

    #[tokio::test]
    async fn a_dated_row_holds_from_its_day_on_and_stands_on_the_stream() {
        let later = row("3", r#","effective_from":"2026-11-25""#);
        let world = world(&format!("[{},{later}]", row("1", ""))).await;
        let before = world.file.prices.table().hash().to_owned();
        world.clock.set(NOW.plus_seconds(86_399));
        world.file.look().await.unwrap();
        assert_eq!(world.file.prices.table().hash(), before);
        world.clock.set(NOW.plus_seconds(86_400));
        world.file.look().await.unwrap();
        assert_ne!(world.file.prices.table().hash(), before);
        assert_eq!(world.told().await["before"], json!(before));
    }
}
