//! A limit on look-ups of credentials that turn out unknown, per source address: a flood of guesses
//! costs its source, not the database behind.
//!
//! What is looked up takes a place, and gives it back if it turns out known. A credential that was
//! known a moment ago needs no place, so that it goes on working beside a flood from its own
//! address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keyway_proto::{Fault, Reason};
use tokio::time::Instant;

/// How many look-ups of unknown credentials one source may cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookupRate {
    /// Per second, in the long run.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

/// The limit. `K` tells credentials apart: a keyed hash, never the credential. Cheap to clone.
#[derive(Debug, Clone)]
pub struct LookupLimit<K> {
    rate: LookupRate,
    inner: Arc<Mutex<Inner<K>>>,
}

#[derive(Debug)]
struct Inner<K> {
    sources: HashMap<Source, Bucket>,
    known: HashMap<K, Instant>,
}

/// A source: an IPv4 address, or the /64 of an IPv6 address, since one host has all of it. `None`
/// is every source that is not known or no longer told apart.
type Source = Option<IpAddr>;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// A look-up that may be made.
#[derive(Debug)]
#[must_use]
pub struct Lookup<K: Copy + Eq + Hash> {
    limit: LookupLimit<K>,
    credential: K,
    /// Where its place was taken.
    place: Option<Source>,
}

impl<K: Copy + Eq + Hash> LookupLimit<K> {
    /// A limit that nobody has used.
    pub fn new(rate: LookupRate) -> Self {
        Self {
            rate,
            inner: Arc::new(Mutex::new(Inner {
                sources: HashMap::new(),
                known: HashMap::new(),
            })),
        }
    }

    /// Lets a credential from a source be looked up, or refuses with `OVERLOADED`: nobody knows
    /// whether it is unknown.
    pub fn begin(&self, credential: K, source: Option<IpAddr>) -> Result<Lookup<K>, Fault> {
        let mut inner = self.lock();
        let lately = inner
            .known
            .get(&credential)
            .is_some_and(|at| at.elapsed() < LATELY);
        let place = if lately {
            None
        } else {
            Some(inner.take(self.rate, network(source))?)
        };
        drop(inner);
        Ok(Lookup {
            limit: self.clone(),
            credential,
            place,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner<K>> {
        // A panic elsewhere leaves the maps whole.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Lookup<K> {
    /// The credential is known: its place is free again, and it needs none for some minutes.
    pub fn known(self) {
        let mut inner = self.limit.lock();
        if let Some(source) = self.place
            && let Some(bucket) = inner.sources.get_mut(&source)
        {
            bucket.left = (bucket.left + 1.0).min(f64::from(self.limit.rate.burst));
        }
        if inner.known.len() >= MOST && !inner.known.contains_key(&self.credential) {
            inner.known.retain(|_, at| at.elapsed() < LATELY);
        }
        if inner.known.len() < MOST {
            inner.known.insert(self.credential, Instant::now());
        }
    }
}

impl<K: Copy + Eq + Hash> Inner<K> {
    /// Takes a place of a source; returns whose it was.
    fn take(&mut self, rate: LookupRate, source: Source) -> Result<Source, Fault> {
        let burst = f64::from(rate.burst);
        let now = Instant::now();
        let filled = |bucket: &Bucket| {
            let since = now.saturating_duration_since(bucket.at).as_secs_f64();
            (bucket.left + since * f64::from(rate.per_second)).min(burst)
        };
        if self.sources.len() >= MOST && !self.sources.contains_key(&source) {
            self.sources.retain(|_, bucket| filled(bucket) < burst);
        }
        let told_apart = self.sources.len() < MOST || self.sources.contains_key(&source);
        let source = if told_apart { source } else { None };
        let bucket = self.sources.entry(source).or_insert(Bucket {
            left: burst,
            at: now,
        });
        bucket.left = filled(bucket);
        bucket.at = now;
        if bucket.left < 1.0 {
            return Err(overloaded());
        }
        bucket.left -= 1.0;
        Ok(source)
    }
}

fn network(source: Option<IpAddr>) -> Source {
    Some(match source?.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
    })
}

fn overloaded() -> Fault {
    Fault::new(
        Reason::Overloaded,
        "too many unknown credentials came from this address, so this one was not looked up; \
         credentials that worked in the last minutes still do",
    )
    .retry_after(Duration::from_secs(1))
}

/// How long a credential that was known needs no place.
const LATELY: Duration = Duration::from_mins(10);
/// Sources, and known credentials, that are told apart.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: LookupRate = LookupRate {
        per_second: 2,
        burst: 3,
    };

    fn passes(limit: &LookupLimit<u32>, credential: u32, source: &str) -> bool {
        limit
            .begin(credential, Some(source.parse().unwrap()))
            .is_ok()
    }

    /// Uses up what a source has.
    fn flood(limit: &LookupLimit<u32>, source: &str) {
        let passed = (0..=RATE.burst).filter(|n| passes(limit, 1000 + n, source));
        assert!(passed.count() <= RATE.burst as usize);
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_has_its_burst_and_then_its_rate() {
        let limit = LookupLimit::new(RATE);
        let passed = (0..10).filter(|n| passes(&limit, *n, "192.0.2.1")).count();
        assert_eq!(passed, 3);
        assert!(passes(&limit, 11, "192.0.2.2"), "another source");
        let refused = limit.begin(12, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(refused.unwrap_err().reason, Reason::Overloaded);
        tokio::time::advance(Duration::from_secs(1)).await;
        let passed = (20..30).filter(|n| passes(&limit, *n, "192.0.2.1")).count();
        assert_eq!(passed, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_known_credential_costs_nothing_and_passes_beside_a_flood() {
        let limit = LookupLimit::new(RATE);
        let source = Some("192.0.2.1".parse().unwrap());
        for good in 0..100 {
            limit.begin(good, source).unwrap().known();
        }
        flood(&limit, "192.0.2.1");
        assert!(passes(&limit, 7, "192.0.2.1"));
        assert!(!passes(&limit, 200, "192.0.2.1"));
        tokio::time::advance(LATELY).await;
        flood(&limit, "192.0.2.1");
        assert!(!passes(&limit, 7, "192.0.2.1"), "not known lately");
    }

    #[tokio::test(start_paused = true)]
    async fn an_ipv6_source_is_its_64_bits_and_a_mapped_address_is_ipv4() {
        let limit = LookupLimit::new(RATE);
        let passed = (0..10_u32)
            .filter(|n| passes(&limit, *n, &format!("2001:db8::{n:x}")))
            .count();
        assert_eq!(passed, 3);
        assert!(passes(&limit, 1, "2001:db8:0:1::1"));
        flood(&limit, "192.0.2.1");
        assert!(!passes(&limit, 2, "::ffff:192.0.2.1"));
    }

    #[tokio::test(start_paused = true)]
    async fn sources_beyond_the_table_share_one_bucket() {
        let limit = LookupLimit::new(RATE);
        for n in 0..MOST {
            let source = IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
            assert!(limit.begin(0, Some(source)).is_ok());
        }
        let passed = (0..10_u32)
            .filter(|n| passes(&limit, *n, &format!("203.0.113.{n}")))
            .count();
        assert_eq!(passed, 3);
        assert!(limit.lock().sources.len() <= MOST + 1);
    }
}
