//! The relay: in order, at least once, one at a time, and in nobody's way. Its publisher here is a
//! list; the real one is tested against a real server from outside.

use std::sync::Mutex;

use futures::future::BoxFuture;
use keyway_chassis::lifecycle::Shutdown;

use super::*;
use crate::{Message, PublishError, Publisher, Relay, RelayStanding, Told};

/// What was published, in order, and what happens at the next pages.
#[derive(Clone, Default)]
struct Listed {
    ids: Arc<Mutex<Vec<String>>>,
    /// Pages to fail, each after so many of its messages were stored.
    failing: Arc<Mutex<Vec<usize>>>,
}

impl Listed {
    fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.ids.lock().unwrap().len()
    }
}

impl Publisher for Listed {
    fn reach(&mut self) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async { Ok(()) })
    }

    fn publish<'a>(&'a mut self, page: &'a [Message]) -> BoxFuture<'a, Result<Told, PublishError>> {
        Box::pin(async {
            let stored = self.failing.lock().unwrap().pop();
            let count = stored.unwrap_or(page.len()).min(page.len());
            let ids = page.iter().map(|message| message.id.clone());
            self.ids.lock().unwrap().extend(ids.take(count));
            match stored {
                None => Ok(Told::default()),
                Some(_) => Err(PublishError::Away("on purpose".into())),
            }
        })
    }
}

/// A relay that runs until it is dropped.
struct Running {
    stop: Shutdown,
    tasks: Tasks,
    standing: tokio::sync::watch::Receiver<RelayStanding>,
}

impl Running {
    fn start(ledger: &Arc<Ledger>, publisher: &Listed) -> Self {
        let relay = Relay::new(Arc::clone(ledger), publisher.clone(), "keyway".to_owned());
        let standing = relay.standing();
        let (stop, tasks) = (Shutdown::new(), Tasks::new());
        tasks.spawn("relay", relay.run(stop.clone()));
        Self {
            stop,
            tasks,
            standing,
        }
    }

    async fn end(self) {
        self.stop.begin();
        assert!(self.tasks.wait(Duration::from_secs(20)).await.is_empty());
    }

    fn now(&self) -> RelayStanding {
        *self.standing.borrow()
    }
}

async fn stream_ids(ledger: &Ledger, count: usize) -> Vec<String> {
    let events = events(ledger, count).await;
    events.into_iter().map(|event| event.event_id).collect()
}

#[tokio::test]
async fn every_event_is_published_in_the_order_of_the_stream_and_a_second_start_goes_on_behind_it()
{
    let home = Home::new().await;
    let ledger = home.start().await;
    for _ in 0..5 {
        one(&ledger, "acme", Source::Hosted).await;
    }
    let listed = Listed::default();
    let first = Running::start(&ledger, &listed);
    until("five", || listed.count() == 5).await;
    first.end().await;
    for _ in 0..3 {
        one(&ledger, "beta", Source::Own).await;
    }
    let second = Running::start(&ledger, &listed);
    until("eight", || listed.count() >= 8).await;
    until("it says so", || {
        second.now().waiting == 0 && second.now().leads
    })
    .await;
    second.end().await;
    assert_eq!(listed.ids(), stream_ids(&ledger, 8).await);
}

#[tokio::test]
async fn a_page_that_failed_is_published_again_from_its_beginning_and_nothing_before_it() {
    let home = Home::new().await;
    let ledger = home.start().await;
    for _ in 0..4 {
        one(&ledger, "acme", Source::Hosted).await;
    }
    let wanted = stream_ids(&ledger, 4).await;
    let listed = Listed::default();
    listed.failing.lock().unwrap().extend([0, 3]);
    let running = Running::start(&ledger, &listed);
    until("seven", || listed.count() >= 7).await;
    until("it is back", || !running.now().is_away).await;
    running.end().await;
    assert_eq!(listed.ids(), [&wanted[..3], &wanted[..]].concat());
}

#[tokio::test]
async fn while_nothing_can_be_published_calls_go_on_and_what_waits_is_counted() {
    let home = Home::new().await;
    let ledger = home.start().await;
    let listed = Listed::default();
    listed.failing.lock().unwrap().extend(vec![0; 10_000]);
    let running = Running::start(&ledger, &listed);
    for _ in 0..300 {
        one(&ledger, "acme", Source::Hosted).await;
    }
    events(&ledger, 300).await;
    until("it is told", || {
        let standing = running.now();
        standing.is_away && standing.waiting == 300 && standing.oldest.is_some()
    })
    .await;
    listed.failing.lock().unwrap().clear();
    until("all", || listed.count() == 300).await;
    until("none waits", || running.now().waiting == 0).await;
    assert_eq!(running.now().oldest, None);
    running.end().await;
}

#[tokio::test]
async fn of_two_routers_one_relays_and_the_other_goes_on_where_it_ended() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let (ours, theirs) = (home.start().await, home.start().await);
    let listed = Listed::default();
    let first = Running::start(&ours, &listed);
    one(&ours, "acme", Source::Hosted).await;
    until("one", || listed.count() == 1).await;
    let second = Running::start(&theirs, &listed);
    for _ in 0..5 {
        one(&theirs, "acme", Source::Hosted).await;
    }
    until("six", || listed.count() == 6).await;
    assert!(first.now().leads && !second.now().leads);
    first.end().await;
    ours.stop(Duration::from_secs(5)).await.unwrap();
    one(&theirs, "acme", Source::Hosted).await;
    until("seven", || listed.count() == 7).await;
    assert!(second.now().leads);
    second.end().await;
    assert_eq!(listed.ids(), stream_ids(&theirs, 7).await);
}

#[tokio::test]
async fn a_relay_whose_term_is_gone_acknowledges_nothing() {
    if !on_postgres() {
        return;
    }
    let home = Home::new().await;
    let ledger = home.start().await;
    let listed = Listed::default();
    let running = Running::start(&ledger, &listed);
    one(&ledger, "acme", Source::Hosted).await;
    until("one", || listed.count() == 1).await;
    // Another one took it and is alive.
    let other = home.start().await;
    let outside = home.outside().await;
    let taken = "UPDATE relay SET term = (SELECT max(term) FROM writers)";
    outside.execute_unprepared(taken).await.unwrap();
    // What it stored before that is its own.
    let stored = "SELECT COALESCE(max(position), 0) FROM consumers";
    let before = number(&outside, stored).await;
    one(&ledger, "acme", Source::Hosted).await;
    events(&ledger, 2).await;
    running.end().await;
    assert_eq!(number(&outside, stored).await, before);
    drop(other);
}
