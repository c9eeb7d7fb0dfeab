//! Rating again adds corrections and changes nothing that is there.

use keyway_proto::billing::v1 as wire;

use super::*;
use crate::{Part, Rated, RerateRequest, Rerated, SummaryRequest};

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// A dollar for every hosted event with usage, and as its list price.
fn a_dollar(event: &UsageEvent) -> Rated {
    let known = event.usage.is_some().then(|| usd("1"));
    let own = event.source() == wire::Source::Own;
    Rated {
        charge: if own { Some(Usd::ZERO) } else { known },
        list_price: known,
    }
}

fn request(dry_run: bool) -> RerateRequest {
    RerateRequest {
        price_table: "cd".repeat(32),
        reason: "the price was wrong".into(),
        dry_run,
        ..RerateRequest::default()
    }
}

/// A hosted event with a price, an own one, one whose usage has no price, one of unknown usage, and
/// an operation.
async fn some(ledger: &Ledger) {
    one(ledger, "acme", Source::Hosted).await;
    one(ledger, "acme", Source::Own).await;
    let unpriced = Settlement {
        amounts: Amounts::default(),
        unpriced: true,
        ..completed()
    };
    let unknown = Settlement::without_usage(Outcome::Failed, Basis::Unknown, "INTERNAL", START);
    for settlement in [unpriced, unknown] {
        let open = ledger
            .reserve()
            .unwrap()
            .open(attempt("acme", Source::Hosted));
        open.durable().await.unwrap();
        open.settle(settlement).durable().await.unwrap();
    }
    let slot = ledger.reserve().unwrap();
    slot.operation("{}".into()).durable().await.unwrap();
    events(ledger, 5).await;
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_says_what_the_real_one_then_does() {
    let home = Home::new().await;
    let ledger = home.start().await;
    some(&ledger).await;
    let before = events(&ledger, 5).await;
    let would = ledger.rerate(&request(true), &a_dollar).await.unwrap();
    let expected = Rerated {
        events: 4,
        corrections: 3,
        // 1 − 0.00055, 0 and 1.
        difference: usd("1.99945"),
    };
    assert_eq!(would, expected);
    let outside = home.outside().await;
    let corrections = "SELECT count(*) FROM corrections";
    assert_eq!(number(&outside, corrections).await, 0);
    assert_eq!(
        ledger.rerate(&request(false), &a_dollar).await.unwrap(),
        would
    );
    assert_eq!(number(&outside, corrections).await, 3);
    let after = events(&ledger, 8).await;
    assert_eq!(after[..5], before, "no event has changed");
    let again = ledger.rerate(&request(false), &a_dollar).await.unwrap();
    assert_eq!((again.corrections, again.difference), (0, Usd::ZERO));
}

#[tokio::test]
async fn a_correction_counts_in_the_month_it_is_made_in_and_names_the_one_it_corrects() {
    let home = Home::new().await;
    let ledger = home.start().await;
    some(&ledger).await;
    home.clock.set(START.plus_seconds(10 * 86_400));
    ledger.rerate(&request(false), &a_dollar).await.unwrap();
    let all = events(&ledger, 8).await;
    let (original, correction) = (&all[0], &all[5]);
    assert_eq!(correction.r#type, "keyway.correction.v1");
    assert_eq!(correction.corrects_event_id, original.event_id);
    assert_eq!(correction.event_id, format!("{}-r0001", original.event_id));
    assert_eq!(
        (
            correction.period.as_str(),
            correction.corrects_period.as_str()
        ),
        ("2026-12", "2026-11")
    );
    assert_eq!(correction.charge_usd.as_deref(), Some("0.999450000000"));
    assert_eq!(correction.reason, "the price was wrong");
    assert_eq!(correction.price_table, "cd".repeat(32));
    assert_eq!(correction.usage, None, "the usage is counted already");
    let own = &all[6];
    assert_eq!(own.source(), wire::Source::Own);
    assert_eq!(own.charge_usd.as_deref(), Some("0.000000000000"));
    assert_eq!(own.list_price_usd.as_deref(), Some("0.999450000000"));
}

#[tokio::test]
async fn sums_after_rating_again_twice_are_what_the_last_table_says() {
    let home = Home::new().await;
    let ledger = home.start().await;
    some(&ledger).await;
    ledger.rerate(&request(false), &a_dollar).await.unwrap();
    events(&ledger, 8).await;
    let half = |event: &UsageEvent| Rated {
        charge: event.usage.is_some().then(|| usd("0.5")),
        list_price: event.usage.is_some().then(|| usd("0.5")),
    };
    let filter = UsageFilter {
        source: Some(Source::Hosted),
        ..UsageFilter::default()
    };
    let hosted = RerateRequest {
        filter,
        ..request(false)
    };
    let rerated = ledger.rerate(&hosted, &half).await.unwrap();
    assert_eq!((rerated.corrections, rerated.difference), (2, usd("-1")));
    events(&ledger, 10).await;
    summaries::rolled_up(&home, 10).await;
    // From the roll-ups, and from the events.
    for from in [None, Some(Timestamp(1))] {
        let by_source = SummaryRequest {
            from,
            by: [Part::Source].into(),
            ..SummaryRequest::default()
        };
        let rows = ledger.summarize(&by_source).await.unwrap();
        let hosted = rows
            .iter()
            .find(|row| row.source() == wire::Source::Hosted)
            .unwrap();
        assert_eq!(hosted.charge_usd, "1.000000000000");
        assert_eq!((hosted.events, hosted.events_without_charge), (3, 1));
        assert_eq!(hosted.usage.unwrap().input_tokens, Some(200));
    }
}

#[tokio::test]
async fn what_the_table_has_no_price_for_keeps_what_it_has() {
    let home = Home::new().await;
    let ledger = home.start().await;
    some(&ledger).await;
    let nothing = |_: &UsageEvent| Rated::default();
    let rerated = ledger.rerate(&request(false), &nothing).await.unwrap();
    assert_eq!((rerated.events, rerated.corrections), (4, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_at_once_correct_every_event_once() {
    let home = Home::new().await;
    let ledger = home.start().await;
    some(&ledger).await;
    let runs = (0..4).map(|_| {
        let ledger = Arc::clone(&ledger);
        tokio::spawn(async move { ledger.rerate(&request(false), &a_dollar).await.unwrap() })
    });
    let mut corrections = 0;
    for run in runs.collect::<Vec<_>>() {
        corrections += run.await.unwrap().corrections;
    }
    assert_eq!(corrections, 3);
    assert_eq!(events(&ledger, 8).await.len(), 8);
}
