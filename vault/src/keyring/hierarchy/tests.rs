//! What holds the master key fails, hangs and comes back.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use keyway_vault_crypto::{self as crypto, MasterKey};
use tokio::time::Instant;

use super::*;
use crate::keyring::wrap::Generation;

#[derive(Clone, Copy)]
enum Mood {
    Works,
    Fails,
    Hangs,
}

struct Double {
    key: MasterKey,
    mood: Mutex<Mood>,
    /// Whether it has read its key: it does when its status is asked for.
    read: AtomicBool,
}

/// The double as the hierarchy owns it.
struct Shared(Arc<Double>);

impl Double {
    fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn answer<T: Send + 'static>(
        &self,
        answer: Result<T, WrapError>,
    ) -> BoxFuture<'_, Result<T, WrapError>> {
        match *self.mood.lock().unwrap() {
            Mood::Works => async { answer }.boxed(),
            Mood::Fails => async { Err(WrapError::Unavailable("it fails".to_owned())) }.boxed(),
            Mood::Hangs => pending().boxed(),
        }
    }
}

impl KeyWrap for Shared {
    fn status(&self) -> BoxFuture<'_, Result<Generations, WrapError>> {
        self.0.read.store(true, Ordering::Relaxed);
        self.0.answer(Ok(Generations(vec![Generation {
            id: self.0.key.id(),
            check_value: self.0.key.check_value(),
        }])))
    }

    fn wrap<'a>(
        &'a self,
        _master_key_id: &'a str,
        context: WrapContext<'a>,
        data_key: &'a DataKey,
    ) -> BoxFuture<'a, Result<Vec<u8>, WrapError>> {
        let wrapped = crypto::wrap(&self.0.key, &context, data_key, &mut OsRandom);
        self.0.answer(wrapped.map_err(WrapError::from))
    }

    fn unwrap<'a>(
        &'a self,
        master_key_id: &'a str,
        context: WrapContext<'a>,
        wrapped: &'a [u8],
    ) -> BoxFuture<'a, Result<DataKey, WrapError>> {
        let read = self.0.read.load(Ordering::Relaxed);
        if !read || master_key_id != self.0.key.id() {
            let not_here = WrapError::NotHere(master_key_id.to_owned());
            return async { Err(not_here) }.boxed();
        }
        let data_key = crypto::unwrap(&self.0.key, &context, wrapped);
        self.0.answer(data_key.map_err(WrapError::from))
    }

    fn forget(&self, _master_key_id: &str) {}
}

const BOUNDS: Bounds = Bounds {
    timeout: Duration::from_secs(3),
    cache: CacheBounds {
        size: 10,
        idle: Duration::from_mins(1),
        lifetime: Duration::from_secs(100),
    },
};
const OWNER: &str = "workspaces/acme";

/// A hierarchy above a double, and a data key that it wrapped.
fn world() -> (Arc<Double>, Hierarchy, DataKeyRow) {
    let double = Arc::new(Double {
        key: MasterKey::generate(&mut OsRandom).unwrap(),
        mood: Mutex::new(Mood::Works),
        read: AtomicBool::new(true),
    });
    let hierarchy = Hierarchy::new(Box::new(Shared(Arc::clone(&double))), BOUNDS);
    let mut row = DataKeyRow {
        id: "dk-1".to_owned(),
        owner: OWNER.to_owned(),
        generation: 1,
        master_key_id: double.key.id(),
        wrapped: Vec::new(),
        state: ACTIVE.to_owned(),
        created_at: 0,
    };
    let data_key = DataKey::generate(&mut OsRandom).unwrap();
    let wrapped = crypto::wrap(
        &double.key,
        &context(&row).unwrap(),
        &data_key,
        &mut OsRandom,
    );
    row.wrapped = wrapped.unwrap();
    (double, hierarchy, row)
}

#[tokio::test]
async fn a_generation_that_came_a_moment_ago_is_looked_for_and_one_that_is_not_here_says_nothing_of_the_key()
 {
    let (double, hierarchy, row) = world();
    double.read.store(false, Ordering::Relaxed);
    assert!(hierarchy.unwrap(&row, OWNER).await.is_ok());
    let other = DataKeyRow {
        master_key_id: "another".to_owned(),
        ..row
    };
    let error = hierarchy.unwrap(&other, OWNER).await.err().unwrap();
    assert!(matches!(&error, DataKeyError::MasterKeyNotHere(id) if id == "another"));
    assert!(!error.is_lost());
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_hangs_is_given_up_at_the_deadline_and_used_again_when_it_is_back() {
    let (double, hierarchy, row) = world();
    double.turn(Mood::Hangs);
    let start = Instant::now();
    assert!(matches!(
        hierarchy.status().await,
        Err(WrapError::Unavailable(_))
    ));
    assert_eq!(start.elapsed(), BOUNDS.timeout);
    let unwrapped = hierarchy.unwrap(&row, OWNER).await.err().unwrap();
    assert_eq!(start.elapsed(), BOUNDS.timeout * 2);
    assert!(matches!(unwrapped, DataKeyError::Unavailable(_)));
    assert!(
        !unwrapped.is_lost(),
        "a holder that hangs says nothing of the key"
    );
    let again = hierarchy.wrap_again(&row, &double.key.id()).await.err();
    assert!(matches!(again, Some(DataKeyError::Unavailable(_))));

    double.turn(Mood::Works);
    assert_eq!(hierarchy.status().await.unwrap().newest(), double.key.id());
    assert!(hierarchy.unwrap(&row, OWNER).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_data_key_in_the_cache_outlives_a_failing_holder_to_its_bound_and_no_longer() {
    for mood in [Mood::Fails, Mood::Hangs] {
        let (double, hierarchy, row) = world();
        let start = Instant::now();
        assert!(hierarchy.unwrap(&row, OWNER).await.is_ok());
        double.turn(mood);
        // It is asked for all the time, and the holder is looked at all the time.
        while start.elapsed() + Duration::from_secs(10) < BOUNDS.cache.lifetime {
            assert!(hierarchy.status().await.is_err());
            let cached = hierarchy.unwrap(&row, OWNER).await;
            assert!(cached.is_ok(), "after {:?}", start.elapsed());
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        tokio::time::sleep_until(start + BOUNDS.cache.lifetime).await;
        let ended = hierarchy.unwrap(&row, OWNER).await.err();
        assert!(
            matches!(ended, Some(DataKeyError::Unavailable(_))),
            "{ended:?}"
        );
        double.turn(Mood::Works);
        assert!(hierarchy.unwrap(&row, OWNER).await.is_ok());
    }
}
