//! Reserving from slices: nothing is spent twice, and nothing is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use keyway_chassis::clock::ManualClock;
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::Reason;
use keyway_router_billing::{Leased, LedgerError, Spend, SpendMonth};
use keyway_words::{Timestamp, Usd, WorkspaceId};

use super::{LeaseSpend, SpendBook};

/// A ledger that gives what remains, in slices of ten.
#[derive(Debug)]
struct Fake {
    remains: Mutex<i128>,
    asked: AtomicUsize,
    away: Mutex<bool>,
}

impl LeaseSpend for Fake {
    fn lease(
        &self,
        _month: SpendMonth,
        _limit: Usd,
        least: Usd,
    ) -> BoxFuture<'_, Result<Leased, LedgerError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if *self.away.lock().unwrap() {
                return Err(LedgerError::Unavailable);
            }
            let mut remains = self.remains.lock().unwrap();
            if *remains < least.pico() {
                let (spent, held) = (Usd::ZERO, Usd::ZERO);
                return Ok(Leased::Refused(Spend { spent, held }));
            }
            let granted = least.pico().max(10).min(*remains);
            *remains -= granted;
            Ok(Leased::Granted(Usd::from_pico(granted)))
        })
    }

    fn give_back(&self, _month: SpendMonth, unused: Usd) -> BoxFuture<'_, Result<(), LedgerError>> {
        Box::pin(async move {
            *self.remains.lock().unwrap() += unused.pico();
            Ok(())
        })
    }
}

fn book(remains: i128) -> (Arc<SpendBook>, Arc<Fake>, WorkspaceId) {
    let fake = Arc::new(Fake {
        remains: Mutex::new(remains),
        asked: AtomicUsize::new(0),
        away: Mutex::new(false),
    });
    let ledger: Arc<dyn LeaseSpend> = Arc::<Fake>::clone(&fake);
    let book = SpendBook::new(
        ledger,
        Arc::new(ManualClock::at(Timestamp(0))),
        Tasks::new(),
    );
    (book, fake, "acme".parse().unwrap())
}

fn usd(pico: i128) -> Usd {
    Usd::from_pico(pico)
}

#[tokio::test(start_paused = true)]
async fn parallel_calls_reserve_no_more_than_there_is_and_the_rest_is_told() {
    let (book, fake, acme) = book(100);
    let calls = (0..1000).map(|_| book.reserve(&acme, usd(100), usd(7)));
    let reserved: Vec<_> = join_all(calls).await;
    let refused = reserved.iter().filter_map(|call| call.as_ref().err());
    assert!(
        refused
            .clone()
            .all(|fault| fault.reason == Reason::SpendLimit)
    );
    let held: Vec<_> = reserved.into_iter().filter_map(Result::ok).collect();
    assert!(held.len() <= 14, "{} of 7 are more than 100", held.len());
    assert!(held.len() >= 10, "{} calls", held.len());
    let asked = fake.asked.load(Ordering::SeqCst);
    assert!(asked < 30, "a thousand calls asked {asked} times");
    // Each cost 3: the rest comes back, all of it.
    let count = i128::try_from(held.len()).unwrap();
    for reservation in held {
        reservation.spent(Some(usd(3)));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    book.give_back().await;
    assert_eq!(*fake.remains.lock().unwrap(), 100 - 3 * count);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_comes_to_nothing_gives_all_of_it_back_and_one_that_costs_more_takes_it() {
    let (book, fake, acme) = book(50);
    drop(book.reserve(&acme, usd(50), usd(20)).await.unwrap());
    let second = book.reserve(&acme, usd(50), usd(20)).await.unwrap();
    assert_eq!(fake.asked.load(Ordering::SeqCst), 1, "from the same slice");
    assert_eq!(second.spent(Some(usd(23))).period, "1970-01");
    let third = book.reserve(&acme, usd(50), usd(5)).await.unwrap();
    third.spent(None);
    tokio::time::sleep(Duration::from_secs(1)).await;
    book.give_back().await;
    assert_eq!(*fake.remains.lock().unwrap(), 27);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_is_away_is_no_limit_and_lets_nothing_pass() {
    let (book, fake, acme) = book(50);
    *fake.away.lock().unwrap() = true;
    let refused = book.reserve(&acme, usd(50), usd(1)).await.unwrap_err();
    assert_eq!(refused.reason, Reason::LedgerUnavailable);
    *fake.away.lock().unwrap() = false;
    drop(book.reserve(&acme, usd(50), usd(1)).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_holds_for_a_moment_and_not_for_a_smaller_call_or_a_raised_limit() {
    let (book, fake, acme) = book(5);
    let reserve = async |limit: i128, most: i128| {
        let reserved = book.reserve(&acme, usd(limit), usd(most)).await;
        reserved.map(drop).map_err(|fault| fault.reason)
    };
    let asked = || fake.asked.load(Ordering::SeqCst);
    assert_eq!(reserve(5, 6).await, Err(Reason::SpendLimit));
    assert_eq!(reserve(5, 7).await, Err(Reason::SpendLimit));
    assert_eq!(asked(), 1);
    assert_eq!(reserve(5, 4).await, Ok(()), "a smaller one fits");
    assert_eq!(reserve(5, 6).await, Err(Reason::SpendLimit));
    *fake.remains.lock().unwrap() = 100;
    assert_eq!(reserve(105, 6).await, Ok(()), "the limit was raised");
}
