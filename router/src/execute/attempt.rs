//! One attempt: open, send, measure, settle exactly once.

use std::future::Future;
use std::sync::Arc;

use keyway_chassis::deadline::Deadline;
use keyway_proto::Fault;
use keyway_proto::vault::v1 as vault;
use keyway_router_billing::{LedgerError, OpenAttempt};
use keyway_router_providers::{Adapter, WireRequest, registry};
use keyway_words::{EventKind, KeyPath, Outcome, Owner, Source};

use tracing::Instrument as _;

use super::exchange::{Exchange, Progress};
use super::failure::Failure;
use super::listener::Left;
use super::run::Run;
use super::{Answer, Execution, not_built};
use crate::counters;
use crate::keys::Lease;
use crate::meter::{Meter, PLATFORM, Pricing, Settled};
use crate::resolver::Planned;
use crate::upstream::Room;

/// How an attempt ended, for the call.
#[derive(Debug)]
pub(super) enum Ended {
    /// With an answer.
    Done(Box<Answer>),
    /// Without; no byte reached the caller.
    Failed(Failure),
    /// Without, after a part of the answer had reached the caller.
    AfterContent(Failure),
    /// Nobody waits any more, or nothing can be tried.
    Left(Fault),
}

/// Everything that one attempt is made with.
struct Ready {
    adapter: &'static dyn Adapter,
    request: WireRequest,
    path: KeyPath,
}

impl Run {
    /// Makes one attempt with one key.
    pub(super) async fn attempt(
        &mut self,
        planned: &Planned,
        number: u32,
        lease: &Arc<Lease>,
    ) -> Ended {
        let ready = match self.ready(planned) {
            Ok(ready) => ready,
            Err(failure) => return failure,
        };
        let reserved = match self.reserved(planned, lease, &ready.request).await {
            Ok(reserved) => reserved,
            Err(refused) => return Ended::Left(refused),
        };
        let slot = match self.execution.ledger.reserve() {
            Ok(slot) => slot,
            Err(refused) => return Ended::Failed(Failure::Ledger(refused)),
        };
        let pricing = self.pricing();
        let opening = self.opening(planned, &ready.path, number, &pricing);
        let mut meter = Meter::open(slot, opening, pricing);
        meter.draws_from(reserved);
        if self.opens_before_send(planned.source)
            && let Err(failure) = self.opened(&meter).await
        {
            self.settle(meter, planned.source, Outcome::Failed, &failure)
                .await;
            return Ended::Failed(failure);
        }
        // Checked now, not when it was planned.
        let Some(lease) = self.standing(planned, lease).await else {
            self.settle(meter, planned.source, Outcome::Failed, &Failure::Withdrawn)
                .await;
            return Ended::Failed(Failure::Withdrawn);
        };
        let mut progress = Progress::default();
        let ended = self
            .exchange(ready, planned, &lease, &meter, &mut progress)
            .instrument(meter.span())
            .await;
        if progress.left && self.call.work.is_priced() {
            meter.left();
        }
        self.refusal = progress.refusal.take();
        meter.saw(&progress.metered);
        meter.first_piece(progress.first_piece);
        self.ended(ended, planned, meter, &progress).await
    }

    /// The lease by which the key may be used now: the one that it was planned by, or, if something
    /// changed at the vault since, the one of now, if that still gives it to this call.
    async fn standing(&mut self, planned: &Planned, lease: &Arc<Lease>) -> Option<Arc<Lease>> {
        if self.execution.leases.is_good(lease) {
            return Some(Arc::clone(lease));
        }
        let left = self.listener.left();
        let anew = tokio::select! {
            anew = self.plan() => anew.ok()?,
            _left = left => return None,
        };
        anew.has(planned).then_some(anew.lease)
    }

    /// The request, written for the provider, and the key's name.
    fn ready(&mut self, planned: &Planned) -> Result<Ready, Ended> {
        let provider = self.call.provider;
        let adapter =
            registry::adapter(provider).ok_or_else(|| Ended::Left(not_built(provider)))?;
        let request = self.call.work.encode(adapter, planned.source);
        let request = request.map_err(|error| Ended::Failed(Failure::Encode(error)))?;
        let path = planned.key.path.clone();
        let path = path.ok_or(Ended::Failed(Failure::Withdrawn))?;
        Ok(Ready {
            adapter,
            request,
            path,
        })
    }

    fn pricing(&self) -> Pricing {
        let execution = &self.execution;
        let prices = Arc::clone(&execution.prices);
        Pricing {
            table: prices.table(),
            prices,
            clock: Arc::clone(&execution.clock),
        }
    }

    fn opening(
        &self,
        planned: &Planned,
        path: &KeyPath,
        attempt: u32,
        pricing: &Pricing,
    ) -> OpenAttempt {
        let call = &self.call;
        OpenAttempt {
            call_id: call.id,
            attempt,
            kind: EventKind::Call,
            owner: Owner::Workspace(call.workspace.clone()),
            caller_accessor: call.accessor.clone(),
            labels: call.labels.clone(),
            end_user: call.end_user.clone(),
            endpoint: call.work.endpoint().to_owned(),
            provider: call.provider,
            requested_model: call.model.clone(),
            source: planned.source,
            key: path.clone(),
            key_version: planned.key.version,
            request_id: call.request_id.clone(),
            started_at: pricing.clock.now(),
            price_table: pricing.table.hash().to_owned(),
        }
    }

    /// A request id is unique by its insert, so such a call waits for it.
    fn opens_before_send(&self, source: Source) -> bool {
        self.call.request_id.is_some() || self.execution.rules.open_before_send.of(source)
    }

    async fn opened(&self, meter: &Meter) -> Result<(), Failure> {
        let Some(open) = meter.handle() else {
            return Ok(());
        };
        tokio::select! {
            opened = open.durable() => opened.map_err(Failure::Ledger),
            () = self.listener.deadline.wait() => Err(Failure::Deadline),
        }
    }

    /// Runs the exchange until it ends or nobody waits for it; then as the policy says.
    async fn exchange(
        &mut self,
        ready: Ready,
        planned: &Planned,
        lease: &Lease,
        meter: &Meter,
        progress: &mut Progress,
    ) -> Result<Result<Answer, Failure>, Left> {
        let execution = Arc::clone(&self.execution);
        let Some((upstream, key)) = execution
            .upstreams
            .of(self.call.provider)
            .zip(planned.key.secret.as_ref())
        else {
            return Ok(Err(Failure::Withdrawn));
        };
        let room = upstream.room();
        let exchange = Exchange {
            adapter: ready.adapter,
            upstream,
            key,
            room: room.clone(),
            work: &self.call.work,
            deltas: self.listener.deltas.clone(),
            native: self.listener.native.clone(),
            source: planned.source,
            key_name: match planned.source {
                Source::Own => ready.path.to_string(),
                Source::Hosted => PLATFORM.to_owned(),
            },
            notes: Arc::clone(&self.listener.notes),
            open: open(meter),
            now: execution.clock.now(),
        };
        let running = exchange.run(ready.request, progress);
        let left = self.listener.left();
        tokio::pin!(running);
        let left = tokio::select! {
            // An opening that fails while the request is out takes it back.
            Err(refused) = open(meter) => return Ok(Err(Failure::Ledger(refused))),
            answer = &mut running => return Ok(answer),
            left = left => left,
        };
        if left == Left::Deadline {
            self.listener.answer(Err(Deadline::fault("the provider")));
        }
        if left != Left::Stopping && drains(lease, planned.source) {
            // Settled as abandoned, with the usage that the end of the answer tells.
            execution.read_on(running, &room).await;
        }
        Err(left)
    }

    /// Settles by how the exchange ended.
    async fn ended(
        &mut self,
        ended: Result<Result<Answer, Failure>, Left>,
        planned: &Planned,
        mut meter: Meter,
        progress: &Progress,
    ) -> Ended {
        match ended {
            Ok(Ok(answer)) => {
                let settled = meter.settle(Outcome::Completed, "");
                match self.settled(settled, planned.source).await {
                    Ok(()) => Ended::Done(Box::new(answer)),
                    Err(fault) => Ended::Left(fault),
                }
            }
            Ok(Err(failure)) => {
                if failure.used_nothing() && progress.metered.usage.is_none() {
                    meter.used_nothing();
                }
                let outcome = outcome(&failure, progress);
                self.settle(meter, planned.source, outcome, &failure).await;
                if progress.content {
                    Ended::AfterContent(failure)
                } else {
                    Ended::Failed(failure)
                }
            }
            Err(left) => {
                let settled = meter.settle(Outcome::Abandoned, left.reason());
                self.receipt.attempts.push(settled.receipt);
                Ended::Left(left.fault("the provider"))
            }
        }
    }

    /// Settles a failure. On a hosted key its end waits for the disk, like any other.
    async fn settle(&mut self, meter: Meter, source: Source, outcome: Outcome, failure: &Failure) {
        let reason = failure.reason(source);
        let settled = meter.settle(outcome, reason.as_str());
        // A ledger that does not take it says so at the next attempt.
        drop(self.settled(settled, source).await);
    }

    /// Notes the receipt and waits for the settlement where the rules say so.
    async fn settled(&mut self, settled: Settled, source: Source) -> Result<(), Fault> {
        self.receipt.attempts.push(settled.receipt);
        let waits = self.execution.rules.settle_before_reply.of(source);
        let Some(handle) = settled.handle.filter(|_| waits) else {
            return Ok(());
        };
        tokio::select! {
            durable = handle.durable() => durable.map_err(Fault::from),
            () = self.listener.deadline.wait() => Err(Deadline::fault("the ledger")),
        }
    }
}

impl Execution {
    /// Reads the rest of an answer whose caller left, within the bounds of such answers and while
    /// the process may wait for it.
    async fn read_on(&self, answer: impl Future, room: &Room) {
        let Ok(_place) = self.drained.try_acquire() else {
            return;
        };
        room.narrow(self.rules.drain_bytes);
        counters::answers_read_on(1.0);
        tokio::select! {
            _ended = tokio::time::timeout(self.rules.drain_for, answer) => {}
            () = self.drain.cut_off() => {}
        }
        counters::answers_read_on(-1.0);
    }
}

/// Ends when the attempt is durably open; `Unavailable` if its record is gone.
async fn open(meter: &Meter) -> Result<(), LedgerError> {
    match meter.handle() {
        Some(open) => open.durable().await,
        None => Err(LedgerError::Unavailable),
    }
}

/// Whether the answer is read on though its caller left.
fn drains(lease: &Lease, source: Source) -> bool {
    let (asked, otherwise) = match source {
        Source::Own => (
            lease.policy.on_disconnect_own(),
            vault::OnDisconnect::Cancel,
        ),
        Source::Hosted => (
            lease.policy.on_disconnect_hosted(),
            vault::OnDisconnect::Drain,
        ),
    };
    let asked = if asked == vault::OnDisconnect::Unspecified {
        otherwise
    } else {
        asked
    };
    asked == vault::OnDisconnect::Drain
}

/// An answer that had begun and broke off is truncated; anything else failed.
fn outcome(failure: &Failure, progress: &Progress) -> Outcome {
    let broke_off = match failure {
        Failure::Decode(error) => matches!(error, keyway_router_providers::DecodeError::Truncated),
        Failure::Send(_) => progress.content,
        _ => false,
    };
    if broke_off {
        Outcome::Truncated
    } else {
        Outcome::Failed
    }
}
