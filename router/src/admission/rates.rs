//! Requests within the last minute, by whose they are.
//!
//! A window that slides: no minute, wherever it begins, holds more requests than the limit. Kept
//! by whole seconds, so that its size does not depend on the limit.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The windows of all who made a request within the last minute.
#[derive(Debug)]
pub struct Minute<K> {
    begun: Instant,
    windows: Mutex<HashMap<K, Window>>,
}

#[derive(Debug, Default)]
struct Window {
    /// Second and how many requests were made in it, oldest first.
    seconds: VecDeque<(u64, u64)>,
    made: u64,
}

impl<K> Default for Minute<K> {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            windows: Mutex::default(),
        }
    }
}

impl<K: Clone + Eq + Hash> Minute<K> {
    /// Counts one request, unless `most` were made within the last minute: then the time after
    /// which there is room again. Without a limit it is counted all the same.
    pub fn take(&self, whose: &K, most: Option<u64>) -> Result<(), Duration> {
        let now = self.begun.elapsed();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= SWEEP {
            windows.retain(|_, window| window.forget(now.as_secs()) > 0);
        }
        let window = windows.entry(whose.clone()).or_default();
        let made = window.forget(now.as_secs());
        match most {
            Some(most) if made >= most => Err(window.room_again(most, now)),
            _ => {
                window.count(now.as_secs());
                Ok(())
            }
        }
    }

    /// Requests within the last minute.
    pub fn made(&self, whose: &K) -> u64 {
        let now = self.begun.elapsed().as_secs();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows
            .get_mut(whose)
            .map_or(0, |window| window.forget(now))
    }
}

impl Window {
    fn count(&mut self, second: u64) {
        self.made += 1;
        match self.seconds.back_mut() {
            Some((last, count)) if *last == second => *count += 1,
            _ => self.seconds.push_back((second, 1)),
        }
    }

    /// Drops what is older than a minute; how many are left.
    fn forget(&mut self, now: u64) -> u64 {
        while let Some((second, count)) = self.seconds.front().copied()
            && second + MINUTE < now
        {
            self.seconds.pop_front();
            self.made = self.made.saturating_sub(count);
        }
        self.made
    }

    /// When fewer than `most` will be left.
    fn room_again(&self, most: u64, now: Duration) -> Duration {
        let mut left = self.made;
        for (second, count) in &self.seconds {
            left = left.saturating_sub(*count);
            if left < most {
                return Duration::from_secs(second + MINUTE + 1).saturating_sub(now);
            }
        }
        // A limit of none: nothing that passes makes room.
        Duration::from_secs(MINUTE)
    }
}

const MINUTE: u64 = 60;
/// So many windows are looked through for those that are over.
const SWEEP: usize = 10_000;

#[cfg(test)]
mod tests {
    use keyway_words::WorkspaceId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_minute_holds_more_than_the_limit_and_the_time_to_wait_is_told() {
        let rates = Minute::<WorkspaceId>::default();
        let acme = "acme".parse().unwrap();
        let mut made = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_mins(5) {
            match rates.take(&acme, Some(7)) {
                Ok(()) => made.push(begun.elapsed()),
                Err(wait) => {
                    assert!(wait > Duration::ZERO && wait <= Duration::from_secs(61));
                    tokio::time::sleep(wait).await;
                    rates.take(&acme, Some(7)).unwrap();
                    made.push(begun.elapsed());
                }
            }
            tokio::time::sleep(Duration::from_millis(3_100)).await;
        }
        for (at, first) in made.iter().enumerate() {
            let within = made[at..]
                .iter()
                .take_while(|next| next.abs_diff(*first) < Duration::from_mins(1));
            assert!(within.count() <= 7);
        }
        assert!(made.len() >= 30, "{}", made.len());
    }

    #[tokio::test(start_paused = true)]
    async fn a_workspace_at_its_limit_holds_up_no_other_and_none_means_none() {
        let rates = Minute::<WorkspaceId>::default();
        let (acme, other) = ("acme".parse().unwrap(), "other".parse().unwrap());
        rates.take(&acme, Some(1)).unwrap();
        assert!(rates.take(&acme, Some(1)).is_err());
        rates.take(&other, Some(1)).unwrap();
        assert!(rates.take(&other, Some(0)).is_err());
        rates.take(&acme, None).unwrap();
        assert_eq!(rates.made(&acme), 2);
        tokio::time::sleep(Duration::from_secs(62)).await;
        assert_eq!(rates.made(&acme), 0);
    }
}
