//! Tests of keys: one request that asks the provider whether a stored key is good.
//!
//! A test works on a disabled key too. It is an attempt of kind PROBE on the billing stream, at
//! charge 0. Success clears REJECTED and EXHAUSTED, a definite answer marks them, and whatever says
//! nothing about the key changes nothing.

mod found;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::deadline::Deadline;
use keyway_proto::router::v1 as wire;
use keyway_proto::{Fault, Reason};
use keyway_router_billing::{Amounts, OpenAttempt, OpenHandle, Settlement};
use keyway_router_providers::{Adapter, registry};
use keyway_words::{Basis, CallId, EventKind, KeyPath, Outcome, Owner, Secret, Source, Usd};

use crate::admission::Minute;
use crate::execute::Execution;
use crate::keys::{LeasedKey, VaultClient};
use crate::meter;
use crate::upstream::{SendError, Upstream};
use found::Found;

/// Tests keys.
#[derive(Debug)]
pub struct Probes {
    execution: Arc<Execution>,
    vault: VaultClient,
    bounds: ProbeBounds,
    made: Minute<KeyPath>,
}

/// Bounds of tests.
#[derive(Debug, Clone, Copy)]
pub struct ProbeBounds {
    /// Tests of one key within a minute.
    pub per_minute: u64,
    /// How long one may take.
    pub longest: Duration,
}

/// Who asks.
#[derive(Debug)]
pub struct Tester {
    /// The call's id.
    pub id: CallId,
    /// Accessor of the caller's token.
    pub accessor: String,
    /// When the caller stops waiting.
    pub deadline: Deadline,
}

impl Probes {
    /// Tests keys that `vault` gives.
    pub fn new(execution: Arc<Execution>, vault: VaultClient, bounds: ProbeBounds) -> Self {
        Self {
            execution,
            vault,
            bounds,
            made: Minute::default(),
        }
    }

    /// Tests one key, in a task of its own, so that what it used is known though its caller left.
    pub async fn test(
        self: &Arc<Self>,
        tester: Tester,
        path: KeyPath,
    ) -> Result<wire::TestKeyResponse, Fault> {
        let in_flight = self.execution.drain.enter()?;
        let deadline = tester.deadline;
        let (reply, answer) = tokio::sync::oneshot::channel();
        let probes = Arc::clone(self);
        self.execution.tasks.spawn("probe", async move {
            let _in_flight = in_flight;
            // A caller that left reads nothing.
            drop(reply.send(probes.run(tester, path).await));
        });
        tokio::select! {
            answer = answer => answer.unwrap_or_else(|_lost| Err(Execution::lost())),
            () = deadline.wait() => Err(Deadline::fault("the provider")),
        }
    }

    async fn run(&self, tester: Tester, path: KeyPath) -> Result<wire::TestKeyResponse, Fault> {
        let provider = path.provider;
        if self.execution.switches.now().provider(provider) {
            let message = format!("the operator switched {provider} off; nothing was sent");
            return Err(Fault::new(Reason::SwitchedOff, message));
        }
        let adapter = registry::adapter(provider).zip(self.execution.upstreams.of(provider));
        let (adapter, upstream) = adapter.ok_or_else(|| crate::execute::not_built(provider))?;
        let most = self.bounds.per_minute;
        self.made
            .take(&path, Some(most))
            .map_err(|wait| busy(most, wait))?;
        let key = self.vault.key(&path, tester.id).await?;
        let secret = key.secret.as_ref().ok_or_else(unreadable)?;
        let slot = self.execution.ledger.reserve()?;
        let opening = self.opening(&tester, &path, &key);
        let open = slot.open(opening.clone());
        open.durable().await?;
        let now = self.execution.clock.now();
        let trial = self.execution.health.test(&key, now);
        let found = self.ask(adapter, upstream, secret).await?;
        if found.good() {
            self.execution.breakers.close(&path, key.version);
        }
        if let Some(trial) = trial {
            match found.trouble() {
                _ if found.good() => trial.worked(now),
                Some(trouble) => trial.met(&trouble, now),
                None => trial.learnt_nothing(now),
            }
        }
        self.settled(open, opening, &found, &key).await
    }

    /// Sends the probe and reads what it found.
    async fn ask(
        &self,
        adapter: &'static dyn Adapter,
        upstream: &Upstream,
        secret: &Secret,
    ) -> Result<Found, Fault> {
        let request = adapter
            .probe()
            .map_err(|error| crate::call::encode_fault(&error))?;
        let now = self.execution.clock.now();
        let asked = async {
            let mut reply = upstream.send(request, secret, upstream.room()).await?;
            let status = reply.status();
            if !(200..300).contains(&status) {
                let headers = reply.headers().clone();
                let body = reply.error_body().await;
                return Ok(Found::Refused(
                    adapter.failure(status, &headers, &body, now),
                ));
            }
            let body = reply.whole().await?;
            let good = |probed| Found::Good(Box::new(probed));
            Ok::<_, SendError>(adapter.probe_reply(&body).map_or_else(Found::Unread, good))
        };
        Ok(
            match tokio::time::timeout(self.bounds.longest, asked).await {
                Ok(found) => found.unwrap_or_else(Found::NoAnswer),
                Err(_passed) => Found::NoAnswer(SendError::TimedOut(crate::upstream::Stage::Total)),
            },
        )
    }

    fn opening(&self, tester: &Tester, path: &KeyPath, key: &LeasedKey) -> OpenAttempt {
        let execution = &self.execution;
        OpenAttempt {
            call_id: tester.id,
            attempt: 1,
            kind: EventKind::Probe,
            owner: path.owner.clone(),
            caller_accessor: tester.accessor.clone(),
            labels: std::collections::BTreeMap::new(),
            end_user: String::new(),
            endpoint: "test_key".to_owned(),
            provider: path.provider,
            requested_model: String::new(),
            source: match path.owner {
                Owner::Workspace(_) => Source::Own,
                Owner::Platform => Source::Hosted,
            },
            key: path.clone(),
            key_version: key.version,
            request_id: None,
            started_at: execution.clock.now(),
            price_table: execution.prices.table().hash().to_owned(),
        }
    }

    /// Settles the test, at charge 0, and says what was found.
    async fn settled(
        &self,
        open: OpenHandle,
        opening: OpenAttempt,
        found: &Found,
        key: &LeasedKey,
    ) -> Result<wire::TestKeyResponse, Fault> {
        let settlement = self.settlement(&opening, found);
        let words = found.words(opening.provider, key, settlement.amounts.list_price);
        let line = meter::line(&opening, &settlement);
        open.settle(settlement).durable().await?;
        Ok(wire::TestKeyResponse {
            state: found.state().into(),
            state_reason: words,
            models: found.models().to_vec(),
            receipt: Some(wire::Receipt {
                call_id: opening.call_id.to_string(),
                attempts: vec![line],
                skipped: Vec::new(),
            }),
        })
    }

    fn settlement(&self, opening: &OpenAttempt, found: &Found) -> Settlement {
        let execution = &self.execution;
        let (outcome, reason) = match found {
            Found::Good(_) => (Outcome::Completed, ""),
            _ => (Outcome::Failed, found.reason().as_str()),
        };
        let now = execution.clock.now();
        let Some((model, metered)) = found.used() else {
            let basis = match found {
                Found::Unread(_) => Basis::Unknown,
                _ => Basis::None,
            };
            let mut settlement = Settlement::without_usage(outcome, basis, reason, now);
            settlement.amounts.charge = Some(Usd::ZERO);
            return settlement;
        };
        let priced = execution.prices.price(
            &execution.prices.table(),
            (opening.source, opening.provider, model),
            (metered, metered.basis()),
        );
        Settlement {
            basis: metered.basis(),
            usage: metered.usage,
            raw_usage_json: metered.raw.clone().unwrap_or_default(),
            unpriced: priced.unpriced,
            // Nobody owes a test anything.
            amounts: Amounts {
                charge: Some(Usd::ZERO),
                ..priced.amounts
            },
            ..Settlement::without_usage(outcome, metered.basis(), reason, now)
        }
    }
}

fn busy(most: u64, wait: Duration) -> Fault {
    let message = format!("this key was tested {most} times within a minute, which is the limit");
    Fault::new(Reason::WorkspaceBusy, message).retry_after(wait)
}

fn unreadable() -> Fault {
    Fault::new(
        Reason::KeyUnreadable,
        "the stored key can't be opened; store it again with keyway.vault.v1.KeyService/PutKey",
    )
}
