//! Slices of a workspace's month: what is spent and what is held never exceed the limit, whoever
//! leases, settles, returns, or dies.

use futures::future::join_all;

use tokio::sync::{Semaphore, oneshot, watch};

use super::*;
use crate::record::SettleRecord;
use crate::slot::OpenState;
use crate::{Leased, Spend, SpendMonth, event, group};

/// What [`completed`] is charged.
const CHARGE: i128 = 550_000_000;

fn usd(pico: i128) -> Usd {
    Usd::from_pico(pico)
}

fn month() -> SpendMonth {
    SpendMonth {
        workspace: "acme".parse().unwrap(),
        period: "2026-11".to_owned(),
    }
}

/// So many charges.
fn charges(count: i128) -> Usd {
    usd(count * CHARGE)
}

async fn granted(ledger: &Ledger, limit: Usd, least: Usd) -> Usd {
    match ledger.lease_spend(&month(), limit, least).await.unwrap() {
        Leased::Granted(granted) => granted,
        Leased::Refused(spend) => panic!("{spend:?}"),
    }
}

/// One hosted attempt, settled from a slice or not.
async fn settled(ledger: &Ledger, from: Option<SpendMonth>) {
    let open = ledger
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    let settling = match from {
        Some(month) => open.settle_from(month, completed()),
        None => open.settle(completed()),
    };
    settling.durable().await.unwrap();
}

#[tokio::test]
async fn what_is_spent_and_held_is_one_sum_and_what_returns_remains() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let limit = charges(100);
    // Spent before anybody leased, and so from no slice.
    for _ in 0..3 {
        settled(&ledger, None).await;
    }
    one(&ledger, "acme", Source::Own).await;
    one(&ledger, "other", Source::Hosted).await;
    let slice = granted(&ledger, limit, charges(2)).await;
    assert_eq!(slice.pico(), charges(97).pico() / 8);
    for calls in 1..=4 {
        settled(&ledger, Some(month())).await;
        let spend = ledger.spend(&month()).await.unwrap();
        assert_eq!(spend.spent, charges(3 + calls));
        assert_eq!(spend.held.pico(), slice.pico() - charges(calls).pico());
        assert_eq!(
            spend.remains(limit).pico(),
            charges(97).pico() - slice.pico()
        );
    }
    let unused = usd(slice.pico() - charges(4).pico());
    ledger.return_spend(&month(), unused).await.unwrap();
    let spend = ledger.spend(&month()).await.unwrap();
    let (spent, held) = (charges(7), Usd::ZERO);
    assert_eq!(spend, Spend { spent, held });
    // Numbered and rolled up, it is the same sum.
    events(&ledger, 9).await;
    assert_eq!(ledger.spend(&month()).await.unwrap(), spend);
    let other = SpendMonth {
        period: "2026-12".to_owned(),
        ..month()
    };
    let nothing = (Usd::ZERO, Usd::ZERO);
    let december = ledger.spend(&other).await.unwrap();
    assert_eq!((december.spent, december.held), nothing);
}

#[tokio::test]
async fn what_does_not_remain_is_refused_and_says_how_the_month_stands() {
    let home = Home::new().await;
    let ledger = home.start().await;
    settled(&ledger, None).await;
    let refused = ledger.lease_spend(&month(), charges(2), charges(2)).await;
    let (spent, held) = (charges(1), Usd::ZERO);
    assert_eq!(refused.unwrap(), Leased::Refused(Spend { spent, held }));
    assert_eq!(granted(&ledger, charges(2), charges(1)).await, charges(1));
    let (spent, held) = (charges(1), charges(1));
    let refused = ledger.lease_spend(&month(), charges(2), usd(1)).await;
    assert_eq!(refused.unwrap(), Leased::Refused(Spend { spent, held }));
    let lowered = ledger.lease_spend(&month(), usd(1), usd(1)).await;
    assert_eq!(lowered.unwrap(), Leased::Refused(Spend { spent, held }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_leases_never_give_more_than_the_limit() {
    let home = Home::new().await;
    let mut ledgers = vec![home.start().await];
    if on_postgres() {
        ledgers.push(home.start().await);
    }
    let limit = charges(40);
    let leases = (0..60).map(|number| {
        let ledger = Arc::clone(&ledgers[number % ledgers.len()]);
        tokio::spawn(async move { ledger.lease_spend(&month(), limit, charges(1)).await })
    });
    let mut given = 0;
    for leased in join_all(leases).await {
        if let Leased::Granted(granted) = leased.unwrap().unwrap() {
            given += granted.pico();
        }
    }
    let spend = ledgers[0].spend(&month()).await.unwrap();
    assert_eq!(spend.held, usd(given));
    assert!(
        given <= limit.pico() && given > limit.pico() - CHARGE,
        "{given}"
    );
}

#[tokio::test]
async fn what_a_writer_holds_that_is_gone_comes_back_with_the_sweep_and_what_it_spent_does_not() {
    let home = Home::new().await;
    let limit = charges(10);
    let first = home.start().await;
    granted(&first, limit, charges(5)).await;
    settled(&first, Some(month())).await;
    let open = first
        .reserve()
        .unwrap()
        .open(attempt("acme", Source::Hosted));
    open.durable().await.unwrap();
    let mut kept = Some(open);
    if !on_postgres() {
        // A file has one router: the next one starts when this one is gone.
        drop(kept.take());
        first.stop(Duration::from_secs(5)).await.unwrap();
    }
    home.all_writers_are_gone().await;
    let second = home.start().await;
    let spend = second.spend(&month()).await.unwrap();
    let (spent, held) = (charges(1), Usd::ZERO);
    assert_eq!(spend, Spend { spent, held });
    drop(kept);
}

/// A database may have a group though its writer never heard so, and writes it again.
#[tokio::test]
async fn a_settlement_that_is_written_twice_is_drawn_once() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let slice = granted(&ledger, charges(100), charges(5)).await;
    let event = event::settled(event::opened(attempt("acme", Source::Hosted)), completed());
    let permit = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
    let (_state, open) = watch::channel(OpenState::Durable);
    let record = SettleRecord::new(event, None, open, oneshot::channel().0, permit)
        .drawn(Some((month(), charges(1))));
    let (connection, records) = (ledger.side_writer(), [record]);
    for _ in 0..2 {
        let commit = group::commit(&connection, ledger.term(), START, &[], &records);
        commit.await.unwrap();
    }
    let spend = ledger.spend(&month()).await.unwrap();
    assert_eq!(spend.spent, charges(1));
    assert_eq!(spend.held.pico(), slice.pico() - charges(1).pico());
}

#[tokio::test]
async fn charges_that_no_slice_can_hold_stop_no_commit_and_leave_nothing() {
    let home = Home::new().await;
    let ledger = home.start().await;
    granted(&ledger, charges(100), charges(5)).await;
    // What a count of 64 bits costs.
    let absurd: Usd = "36893488147419.103230000000".parse().unwrap();
    for _ in 0..3 {
        let mut settlement = completed();
        settlement.amounts.charge = Some(absurd);
        let open = attempt("acme", Source::Hosted);
        let open = ledger.reserve().unwrap().open(open);
        open.durable().await.unwrap();
        let settled = open.settle_from(month(), settlement).durable();
        let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
        settled.expect("a commit").unwrap();
    }
    let spend = ledger.spend(&month()).await.unwrap();
    assert_eq!(spend.spent.pico(), 3 * absurd.pico());
    let leased = ledger
        .lease_spend(&month(), charges(1_000_000), usd(1))
        .await;
    assert!(matches!(leased.unwrap(), Leased::Refused(_)));
}

#[tokio::test]
async fn a_slice_beyond_what_its_row_can_hold_is_refused_and_the_month_can_still_be_read() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let (limit, dear) = (usd(i128::MAX), usd(1 << 62));
    assert_eq!(granted(&ledger, limit, dear).await, dear);
    for _ in 0..2 {
        let refused = ledger.lease_spend(&month(), limit, dear).await.unwrap();
        assert!(matches!(refused, Leased::Refused(spend) if spend.held == dear));
    }
}
