//! The stream has every event once, in one order, for every reader.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_follower_sees_every_event_of_many_writers_in_the_order_of_gap_free_positions() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let follower = Arc::clone(&ledger);
    let seen = tokio::spawn(async move { events(&follower, 640).await });
    let mut tasks = Vec::new();
    for writer in 0..32 {
        let ledger = Arc::clone(&ledger);
        tasks.push(tokio::spawn(async move {
            for _ in 0..20 {
                let source = if writer % 2 == 0 {
                    Source::Own
                } else {
                    Source::Hosted
                };
                one(&ledger, "acme", source).await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let live: Vec<_> = seen
        .await
        .unwrap()
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    let again: Vec<_> = events(&ledger, 640)
        .await
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    assert_eq!(live, again);
    let outside = home.outside().await;
    let sql = "SELECT count(*) FROM stream_positions WHERE position BETWEEN 1 AND 640";
    assert_eq!(number(&outside, sql).await, 640);
    assert_eq!(
        number(&outside, "SELECT last_position FROM sequencer").await,
        640
    );
    assert_eq!(
        number(&outside, "SELECT count(*) FROM unsequenced").await,
        0
    );
}

#[tokio::test]
async fn from_every_cursor_the_stream_goes_on_after_it() {
    let home = Home::new().await;
    let ledger = home.start().await;
    for _ in 0..5 {
        one(&ledger, "acme", Source::Own).await;
    }
    let ids: Vec<_> = events(&ledger, 5)
        .await
        .into_iter()
        .map(|event| event.event_id)
        .collect();
    let all = ledger
        .stream(UsageFilter::default(), "", false)
        .await
        .unwrap();
    let items: Vec<_> = all.map(|item| item.unwrap()).collect().await;
    assert_eq!(items.len(), 5);
    for (index, item) in items.iter().enumerate() {
        let rest = ledger
            .stream(UsageFilter::default(), &item.cursor, false)
            .await
            .unwrap();
        let rest: Vec<_> = rest
            .map(|item| item.unwrap().event.unwrap().event_id)
            .collect()
            .await;
        assert_eq!(rest, ids[index + 1..]);
    }
}

#[tokio::test]
async fn a_cursor_that_is_not_of_this_stream_or_too_old_is_refused() {
    let home = Home::new().await;
    let elsewhere = Home::new().await;
    let (ledger, other) = (home.start().await, elsewhere.start().await);
    one(&ledger, "acme", Source::Own).await;
    one(&other, "acme", Source::Own).await;
    events(&ledger, 1).await;
    events(&other, 1).await;
    let cursor_of = async |ledger: &Ledger| {
        let stream = ledger
            .stream(UsageFilter::default(), "", false)
            .await
            .unwrap();
        Box::pin(stream).next().await.unwrap().unwrap().cursor
    };
    let (own, foreign) = (cursor_of(&ledger).await, cursor_of(&other).await);
    let beyond = crate::cursor::Cursor::after(2).to_text(ledger.stream_id());
    for bad in ["x", "AAAA", foreign.as_str(), beyond.as_str()] {
        let refused = ledger
            .stream(UsageFilter::default(), bad, false)
            .await
            .err();
        assert!(matches!(refused, Some(LedgerError::CursorInvalid)), "{bad}");
    }
    let outside = home.outside().await;
    outside
        .execute_unprepared("UPDATE sequencer SET first_position = 3, last_position = 9")
        .await
        .unwrap();
    let refused = ledger
        .stream(UsageFilter::default(), &own, false)
        .await
        .err()
        .unwrap();
    let fault = keyway_proto::Fault::from(refused);
    assert_eq!(fault.reason, keyway_proto::Reason::CursorExpired);
}

#[tokio::test]
async fn a_stream_is_filtered_by_workspace_provider_and_source() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let own = one(&ledger, "acme", Source::Own).await.event_id(1);
    let hosted = one(&ledger, "acme", Source::Hosted).await.event_id(1);
    let other = one(&ledger, "other", Source::Own).await.event_id(1);
    events(&ledger, 3).await;
    let acme = Some("acme".parse().unwrap());
    for (filter, ids) in [
        (
            UsageFilter {
                workspace: acme.clone(),
                ..UsageFilter::default()
            },
            vec![&own, &hosted],
        ),
        (
            UsageFilter {
                source: Some(Source::Own),
                ..UsageFilter::default()
            },
            vec![&own, &other],
        ),
        (
            UsageFilter {
                workspace: acme,
                source: Some(Source::Hosted),
                ..UsageFilter::default()
            },
            vec![&hosted],
        ),
        (
            UsageFilter {
                provider: Some(ProviderId::Exa),
                ..UsageFilter::default()
            },
            vec![],
        ),
    ] {
        let stream = ledger.stream(filter.clone(), "", false).await.unwrap();
        let seen: Vec<_> = stream
            .map(|item| item.unwrap().event.unwrap().event_id)
            .collect()
            .await;
        assert_eq!(seen.iter().collect::<Vec<_>>(), ids, "{filter:?}");
    }
}

#[tokio::test]
async fn a_following_stream_ends_when_the_ledger_stops() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let stream = ledger
        .stream(UsageFilter::default(), "", true)
        .await
        .unwrap();
    let counted = tokio::spawn(stream.count());
    one(&ledger, "acme", Source::Own).await;
    events(&ledger, 1).await;
    ledger.stop(Duration::from_secs(5)).await.unwrap();
    tokio::time::timeout(Duration::from_secs(20), counted)
        .await
        .expect("it ends")
        .unwrap();
}

#[tokio::test]
async fn an_acknowledged_cursor_is_kept_by_consumer_and_never_goes_back() {
    let home = Home::new().await;
    let ledger = home.start().await;
    for _ in 0..3 {
        one(&ledger, "acme", Source::Own).await;
    }
    events(&ledger, 3).await;
    let stream = ledger
        .stream(UsageFilter::default(), "", false)
        .await
        .unwrap();
    let cursors: Vec<_> = stream.map(|item| item.unwrap().cursor).collect().await;
    let acme = "acme".parse().unwrap();
    assert_eq!(ledger.acknowledged(None, "invoices").await.unwrap(), "");
    for cursor in [&cursors[1], &cursors[0]] {
        ledger.acknowledge(None, "invoices", cursor).await.unwrap();
        assert_eq!(
            ledger.acknowledged(None, "invoices").await.unwrap(),
            cursors[1]
        );
    }
    ledger
        .acknowledge(None, "invoices", &cursors[2])
        .await
        .unwrap();
    assert_eq!(
        ledger.acknowledged(None, "invoices").await.unwrap(),
        cursors[2]
    );
    assert_eq!(
        ledger.acknowledged(Some(&acme), "invoices").await.unwrap(),
        ""
    );
    assert!(
        ledger
            .acknowledge(None, "invoices", "nonsense")
            .await
            .is_err()
    );
}
