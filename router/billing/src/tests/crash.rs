//! A process that dies loses nothing that was acknowledged, and leaves nothing open for ever.

use keyway_proto::billing::v1 as wire;

use super::*;

/// Runs a process of its own and lets it die without any goodbye.
fn dies<T: Send>(work: impl AsyncFnOnce() -> (T, Arc<Ledger>)) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (result, ledger) = runtime.block_on(work());
    runtime.shutdown_timeout(Duration::from_secs(5));
    drop(ledger);
    result
}

fn lives<T>(work: impl AsyncFnOnce() -> T) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work())
}

#[test]
fn attempts_of_a_dead_process_are_closed_at_the_next_start_and_say_so() {
    let home = lives(Home::new);
    let (own, hosted) = (
        attempt("acme", Source::Own),
        attempt("acme", Source::Hosted),
    );
    let (own_id, hosted_id) = (own.call_id.event_id(1), hosted.call_id.event_id(1));
    let settled = dies(async || {
        let ledger = home.start().await;
        let settled = one(&ledger, "acme", Source::Hosted).await.event_id(1);
        for attempt in [own, hosted] {
            let open = ledger.reserve().unwrap().open(attempt);
            open.durable().await.unwrap();
            // Leaks the handle: a process that dies runs no `Drop`.
            #[expect(clippy::mem_forget, reason = "as kill -9 does")]
            std::mem::forget(open);
        }
        (settled, ledger)
    });
    lives(async || {
        home.all_writers_are_gone().await;
        let ledger = home.start().await;
        let outside = home.outside().await;
        assert_eq!(
            number(&outside, "SELECT count(*) FROM open_attempts").await,
            0
        );
        let events = events(&ledger, 3).await;
        let find = |id: &str| events.iter().find(|event| event.event_id == id).unwrap();
        for id in [&own_id, &hosted_id] {
            let event = find(id);
            assert_eq!(event.outcome(), wire::Outcome::Swept);
            assert_eq!(event.basis(), wire::Basis::Unknown);
            assert_eq!(event.reason, "ROUTER_STOPPED");
            assert_eq!((&event.usage, &event.list_price_usd), (&None, &None));
            assert_eq!(event.key_version, 3);
        }
        assert_eq!(find(&own_id).charge_usd.as_deref(), Some("0.000000000000"));
        assert_eq!(find(&hosted_id).charge_usd, None);
        assert_eq!(find(&settled).outcome(), wire::Outcome::Completed);
    });
}

#[test]
fn what_was_settled_but_had_no_place_in_the_stream_gets_it_after_the_crash() {
    let home = lives(Home::new);
    let settled = dies(async || {
        let never = Duration::from_hours(1);
        let config = LedgerConfig {
            sequence_every: never,
            ..home.config()
        };
        let ledger = home.start_with(config).await.unwrap();
        let mut settled = Vec::new();
        for _ in 0..20 {
            settled.push(one(&ledger, "acme", Source::Own).await.event_id(1));
        }
        (settled, ledger)
    });
    lives(async || {
        home.all_writers_are_gone().await;
        let ledger = home.start().await;
        let ids: Vec<_> = events(&ledger, 20)
            .await
            .into_iter()
            .map(|event| event.event_id)
            .collect();
        assert_eq!(ids, settled);
    });
}

#[test]
fn a_cursor_from_before_a_crash_goes_on_where_it_was() {
    let home = lives(Home::new);
    let cursor = dies(async || {
        let ledger = home.start().await;
        for _ in 0..3 {
            one(&ledger, "acme", Source::Own).await;
        }
        events(&ledger, 3).await;
        let stream = ledger
            .stream(UsageFilter::default(), "", false)
            .await
            .unwrap();
        let second = Box::pin(stream.skip(1)).next().await.unwrap().unwrap();
        (second.cursor, ledger)
    });
    lives(async || {
        home.all_writers_are_gone().await;
        let ledger = home.start().await;
        let new = one(&ledger, "acme", Source::Own).await;
        let stream = ledger
            .stream(UsageFilter::default(), &cursor, true)
            .await
            .unwrap();
        let rest: Vec<_> = stream
            .take(2)
            .map(|item| item.unwrap().event.unwrap())
            .collect()
            .await;
        assert_eq!(rest[1].event_id, new.event_id(1));
    });
}
