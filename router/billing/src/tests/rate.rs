//! Requests per minute: never more than the limit in any minute, by however many routers.

use futures::future::join_all;

use super::*;
use crate::{RateLeased, RateSlice};

async fn lease(ledger: &Ledger, limit: u64, unused: Option<RateSlice>) -> RateLeased {
    let acme = "acme".parse().unwrap();
    ledger.lease_rate(&acme, limit, unused).await.unwrap()
}

/// Leases until none is left.
async fn all(ledger: &Ledger, limit: u64) -> u64 {
    let mut all = 0;
    while let RateLeased::Granted(slice) = lease(ledger, limit, None).await {
        all += slice.requests;
        assert!(all <= 8 * limit, "it never ends");
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_leases_give_exactly_the_limit_and_tell_when_there_is_room_again() {
    let home = Home::new().await;
    let mut ledgers = vec![home.start().await];
    if on_postgres() {
        ledgers.push(home.start().await);
    }
    let leasing = (0..8).map(|number| {
        let ledger = Arc::clone(&ledgers[number % ledgers.len()]);
        tokio::spawn(async move { all(&ledger, 100).await })
    });
    let given = join_all(leasing).await.into_iter().map(Result::unwrap);
    assert_eq!(given.sum::<u64>(), 100);
    let RateLeased::Refused(wait) = lease(&ledgers[0], 100, None).await else {
        panic!("a request beyond the limit");
    };
    assert!(
        wait > Duration::from_secs(50) && wait <= Duration::from_secs(62),
        "{wait:?}"
    );
    let none = lease(&ledgers[0], 0, None).await;
    assert!(matches!(none, RateLeased::Refused(_)), "none means none");
    let raised = lease(&ledgers[0], 101, None).await;
    assert!(matches!(
        raised,
        RateLeased::Granted(RateSlice { requests: 1, .. })
    ));
}

#[tokio::test]
async fn what_is_unused_is_there_for_others() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let RateLeased::Granted(first) = lease(&ledger, 40, None).await else {
        panic!("nothing was made");
    };
    assert_eq!(first.requests, 10, "a quarter");
    let unused = RateSlice {
        requests: 8,
        ..first
    };
    let RateLeased::Granted(second) = lease(&ledger, 40, Some(unused)).await else {
        panic!("two were made");
    };
    assert_eq!(second.requests, (40 - 2) / 4);
    assert_eq!(all(&ledger, 40).await, 40 - 2 - second.requests);
}

#[tokio::test]
async fn a_minute_after_its_moment_a_lease_counts_no_more() {
    let home = Home::new().await;
    let ledger = home.start().await;
    assert_eq!(all(&ledger, 5).await, 5);
    if on_postgres() {
        let outside = home.outside().await;
        let older = "UPDATE rate_slices SET leased_at = leased_at - 62000000";
        outside.execute_unprepared(older).await.unwrap();
    } else {
        home.clock.advance(Duration::from_secs(61));
        assert_eq!(all(&ledger, 5).await, 0, "not yet");
        home.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(all(&ledger, 5).await, 5);
}
