//! Questions to the vault about tokens: one at a time per token and address, however many calls
//! wait for the answer.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{self, BoxFuture};
use keyway_chassis::access::Lookup;
use keyway_proto::Fault;
use keyway_words::Secret;
use tokio::time::Instant;

use super::verdict::Verdict;
use super::{Inner, Presented, Shared, TokenHash};
use crate::keys::VaultError;

/// What the vault said; `None` is an unknown token.
pub(super) type Asked = Result<Option<Arc<Verdict>>, VaultError>;
/// A question that is under way.
pub(super) type Asking = future::Shared<BoxFuture<'static, Asked>>;

impl Shared {
    /// Waits for the question that is under way, or asks if the limit lets this address; what the
    /// vault knows is free.
    pub(super) async fn look_up(
        self: &Arc<Self>,
        presented: Presented,
        token: Secret,
    ) -> Result<Asked, Fault> {
        let asking = {
            let mut inner = self.lock();
            if let Some(running) = inner.asking(&presented) {
                running
            } else if let Some(answered) = inner.known(&presented).filter(|v| self.is_young(v)) {
                return Ok(Ok(Some(answered)));
            } else if inner.is_unknown(&presented, self.bounds.unknown) {
                return Ok(Ok(None));
            } else {
                let lookup = self.lookups.begin(presented.anywhere, presented.source)?;
                self.begin(&mut inner, presented, token, Some(lookup))
            }
        };
        Ok(asking.await)
    }

    /// Asks again in the background, once a second at most per token.
    pub(super) fn renew(self: &Arc<Self>, presented: Presented, token: Secret) {
        let mut inner = self.lock();
        inner
            .renewing
            .retain(|_, begun| begun.elapsed() < RENEW_EVERY);
        if inner.renewing.contains_key(&presented.here) || inner.asking(&presented).is_some() {
            return;
        }
        inner.renewing.insert(presented.here, Instant::now());
        // What it learns stands in the cache; a vault that is away changes nothing.
        drop(self.begin(&mut inner, presented, token, None));
    }

    /// Asks as a task of its own, so that the question ends even if everyone who waits leaves.
    fn begin(
        self: &Arc<Self>,
        inner: &mut Inner,
        presented: Presented,
        token: Secret,
        lookup: Option<Lookup<TokenHash>>,
    ) -> Asking {
        let shared = Arc::clone(self);
        let (sender, receiver) = tokio::sync::oneshot::channel();
        self.tasks.spawn("verdict", async move {
            let asked = shared.ask(presented, token).await;
            if let (Ok(Some(_)), Some(lookup)) = (&asked, lookup) {
                lookup.known();
            }
            // Nobody may be waiting any more.
            drop(sender.send(asked));
        });
        let asking = receiver
            .map(|asked| asked.unwrap_or(Err(VaultError::Away)))
            .boxed()
            .shared();
        inner.asking.insert(presented.here, asking.clone());
        asking
    }

    /// Asks until the answer is newer than every change seen meanwhile. The question ends in the
    /// same moment as its verdict is stored, so that nobody joins it after a later change.
    async fn ask(&self, presented: Presented, token: Secret) -> Asked {
        let source = presented.source.map(|source| source.to_string());
        let source = source.unwrap_or_default();
        let text = token.expose();
        for _ in 0..MOST_TRIES {
            let asked_at = Instant::now();
            let token = Secret::new(text.to_owned());
            let answer = self.vault.verify(token, source.clone()).await;
            let mut inner = self.lock();
            let answer = answer.inspect_err(|_| inner.ended(&presented))?;
            let Some(verdict) = Verdict::from_wire(answer, asked_at).map(Arc::new) else {
                inner.ended(&presented);
                inner.put_unknown(&presented, self.bounds.entries);
                return Ok(None);
            };
            let overtaken = inner.tombstones.cover(verdict.revision, &verdict.scopes());
            if overtaken || !self.freshness.is_epoch(&verdict.epoch) {
                continue;
            }
            inner.ended(&presented);
            inner.put_known(&presented, &verdict, self.bounds.entries);
            return Ok(Some(verdict));
        }
        self.lock().ended(&presented);
        Err(VaultError::Away)
    }
}

impl Inner {
    /// The question that is under way; one whose task died has ended without leaving.
    fn asking(&self, presented: &Presented) -> Option<Asking> {
        let asking = self.asking.get(&presented.here);
        asking.filter(|asking| asking.peek().is_none()).cloned()
    }

    fn ended(&mut self, presented: &Presented) {
        self.asking.remove(&presented.here);
    }

    fn put_unknown(&mut self, presented: &Presented, most: usize) {
        self.known.remove(&presented.anywhere);
        self.known.remove(&presented.here);
        if self.unknown.len() >= most {
            self.unknown.clear();
        }
        self.unknown.insert(presented.here, Instant::now());
    }

    fn put_known(&mut self, presented: &Presented, verdict: &Arc<Verdict>, most: usize) {
        self.keep_within(most);
        let key = if verdict.source_bound {
            presented.here
        } else {
            presented.anywhere
        };
        self.known.insert(key, Arc::clone(verdict));
    }

    fn keep_within(&mut self, most: usize) {
        while self.known.len() >= most {
            let oldest = self
                .known
                .iter()
                .min_by_key(|(_, verdict)| verdict.asked_at);
            let Some(oldest) = oldest.map(|(hash, _)| *hash) else {
                return;
            };
            self.known.remove(&oldest);
        }
    }
}

const RENEW_EVERY: Duration = Duration::from_secs(1);
const MOST_TRIES: usize = 4;
