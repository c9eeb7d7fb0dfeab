//! A request id belongs to one call while it is open, and for a day once it completed.

use super::*;

fn with_id(request_id: &str) -> OpenAttempt {
    OpenAttempt {
        request_id: Some(request_id.into()),
        ..attempt("acme", Source::Hosted)
    }
}

fn refused_for(result: Result<(), LedgerError>) -> Option<String> {
    match result {
        Err(LedgerError::RequestRepeated { first_call_id }) => Some(first_call_id),
        Ok(()) => None,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_repeated_request_id_is_refused_with_the_first_call_and_leaves_no_event() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let first = with_id("order-1");
    let first_call = first.call_id.to_string();
    let open = ledger.reserve().unwrap().open(first);
    // In the same group as the first one, or in a later one: the answer is the same.
    let second = ledger.reserve().unwrap().open(with_id("order-1"));
    assert_eq!(
        refused_for(second.durable().await),
        Some(first_call.clone())
    );
    drop(second.settle(failed()));
    open.durable().await.unwrap();
    open.settle(completed()).durable().await.unwrap();

    let third = ledger.reserve().unwrap().open(with_id("order-1"));
    assert_eq!(refused_for(third.durable().await), Some(first_call.clone()));
    drop(third);
    let elsewhere = OpenAttempt {
        request_id: Some("order-1".into()),
        ..attempt("other", Source::Own)
    };
    let other = ledger.reserve().unwrap().open(elsewhere);
    assert_eq!(refused_for(other.durable().await), None);
    other.settle(completed()).durable().await.unwrap();
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        2
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM open_attempts").await,
        0
    );
}

#[tokio::test]
async fn a_repeated_opening_and_its_settlement_in_one_group_leave_no_event() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let open = ledger.reserve().unwrap().open(with_id("order-1"));
    open.durable().await.unwrap();
    let second = ledger.reserve().unwrap().open(with_id("order-1"));
    drop(second.settle(completed()));
    open.settle(completed()).durable().await.unwrap();
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    let outside = home.outside().await;
    assert_eq!(
        number(&outside, "SELECT count(*) FROM settlements").await,
        1
    );
}

#[tokio::test]
async fn after_a_failure_or_a_day_the_id_may_be_used_again() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let open = ledger.reserve().unwrap().open(with_id("order-1"));
    open.settle(failed()).durable().await.unwrap();

    let open = ledger.reserve().unwrap().open(with_id("order-1"));
    assert_eq!(refused_for(open.durable().await), None);
    open.settle(completed()).durable().await.unwrap();
    let day = Duration::from_hours(24);
    home.clock.advance(day);
    let early = ledger.reserve().unwrap().open(with_id("order-1"));
    assert!(refused_for(early.durable().await).is_some());
    home.clock.advance(Duration::from_secs(3));
    let late = ledger.reserve().unwrap().open(with_id("order-1"));
    assert_eq!(refused_for(late.durable().await), None);
}

#[tokio::test]
async fn the_next_attempt_of_the_same_call_has_the_id_too() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let first = with_id("order-1");
    let second = OpenAttempt {
        attempt: 2,
        ..first.clone()
    };
    let one = ledger.reserve().unwrap().open(first);
    let two = ledger.reserve().unwrap().open(second);
    assert_eq!(refused_for(one.durable().await), None);
    assert_eq!(refused_for(two.durable().await), None);
}
