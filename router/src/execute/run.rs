//! One call while it runs: the plan, the attempts, the answer. [`Run::attempts`] is the paragraph
//! to read.

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::deadline::Deadline;
use keyway_chassis::drain;
use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_router_providers::chat::ChatDelta;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::attempt::Ended;
use super::budget::Budget;
use super::failure::Failure;
use super::plan::{Next, Plan};
use super::{Answer, Done, Execution, NativePiece, NativeRefusal};
use crate::admission::{Admitted, Claimed};
use crate::call::{Call, Work};
use crate::keys::{InFlight, LeaseKey, LeasedKey};
use crate::resolver::{self, Planned, Skipped};
use crate::route::Asked;

/// Who waits for the answer.
#[derive(Debug)]
pub(super) struct Listener {
    reply: Option<oneshot::Sender<Result<Done, Fault>>>,
    pub(super) deltas: Option<mpsc::Sender<ChatDelta>>,
    pub(super) vectors: Option<mpsc::Sender<Vec<Vec<f32>>>>,
    pub(super) native: Option<mpsc::Sender<NativePiece>>,
    pub(super) gone: CancellationToken,
    pub(super) deadline: Deadline,
}

/// Why nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    Caller,
    Deadline,
}

impl Listener {
    pub(super) fn new(
        reply: oneshot::Sender<Result<Done, Fault>>,
        gone: CancellationToken,
        deadline: Deadline,
    ) -> Self {
        Self {
            reply: Some(reply),
            deltas: None,
            vectors: None,
            native: None,
            gone,
            deadline,
        }
    }

    /// Ends when nobody waits for the answer any more.
    pub(super) async fn left(gone: CancellationToken, deadline: Deadline) -> Left {
        tokio::select! {
            () = gone.cancelled() => Left::Caller,
            () = deadline.wait() => Left::Deadline,
        }
    }

    pub(super) fn answer(&mut self, result: Result<Done, Fault>) {
        if let Some(reply) = self.reply.take() {
            // A caller that left reads nothing.
            drop(reply.send(result));
        }
    }
}

/// One call while it runs.
pub(super) struct Run {
    pub(super) execution: Arc<Execution>,
    pub(super) call: Call,
    pub(super) listener: Listener,
    pub(super) receipt: wire::Receipt,
    /// Keys that failed during this call.
    failed: Vec<Arc<LeasedKey>>,
    budget: Budget,
    /// A part of a streamed answer was passed on.
    pub(super) passed_on: bool,
    /// The current provider request was counted as a hosted one.
    pub(super) hosted_counted: bool,
    /// What the provider said of the last attempt, where it may be passed on.
    pub(super) refusal: Option<NativeRefusal>,
    admitted: Admitted,
    _in_flight: drain::InFlight,
    _request_id: Option<Claimed>,
}

impl Run {
    /// A call that is admitted.
    pub(super) fn new(
        execution: Arc<Execution>,
        call: Call,
        listener: Listener,
        (admitted, in_flight, claimed): (Admitted, drain::InFlight, Option<Claimed>),
    ) -> Self {
        let receipt = wire::Receipt {
            call_id: call.id.to_string(),
            ..wire::Receipt::default()
        };
        let budget = Budget::of(&call, execution.rules.attempts);
        Self {
            execution,
            call,
            listener,
            receipt,
            failed: Vec::new(),
            budget,
            passed_on: false,
            hosted_counted: false,
            refusal: None,
            admitted,
            _in_flight: in_flight,
            _request_id: claimed,
        }
    }

    /// Runs it to its end and answers whoever waits.
    pub(super) async fn run(mut self) {
        let (gone, deadline) = (self.listener.gone.clone(), self.listener.deadline);
        let plan = tokio::select! {
            plan = self.begin() => plan,
            _left = Listener::left(gone, deadline) => Err(Deadline::fault("the vault")),
        };
        let result = match plan {
            Ok(plan) => self.requests(plan).await,
            Err(fault) => Err(fault),
        };
        if result.is_err() {
            self.tell_failure().await;
        }
        self.listener.answer(result);
    }

    /// What a caller in the provider's own words learns beside the fault.
    async fn tell_failure(&mut self) {
        let Some(listener) = &self.listener.native else {
            return;
        };
        let failed = NativePiece::Failed {
            refusal: self.refusal.take(),
            spent: self.budget.is_spent(),
        };
        let left = Listener::left(self.listener.gone.clone(), self.listener.deadline);
        tokio::select! {
            _sent = listener.send(failed) => {}
            _left = left => {}
        }
    }

    /// Waits for room, if there is none, and makes the plan.
    async fn begin(&mut self) -> Result<Plan, Fault> {
        self.admitted.turn().await?;
        self.plan().await
    }

    /// Leases the keys and decides which of them may be tried, in which order.
    async fn plan(&mut self) -> Result<Plan, Fault> {
        let (execution, call) = (&self.execution, &self.call);
        let key = LeaseKey {
            workspace: call.workspace.clone(),
            provider: call.provider,
        };
        let lease = execution.leases.lease(&key, call.id).await?;
        if let Work::Native(native) = &call.work {
            native.allowed(&lease.policy)?;
        }
        let limits = lease
            .operator_limits
            .limits
            .as_ref()
            .and_then(|limits| limits.concurrency);
        self.admitted.within(limits)?;
        let limits = lease
            .policy
            .limits
            .as_ref()
            .and_then(|limits| limits.concurrency);
        self.admitted.within(limits)?;
        let asked = Asked {
            workspace: &call.workspace,
            provider: call.provider,
            model: &call.model,
            mode: call.mode,
            is_priced: call.work.is_priced(),
        };
        let (table, now) = (execution.prices.table(), execution.clock.now());
        let mut route = execution.route(asked, &lease, &table, now).route?;
        self.receipt.skipped = route.skipped.drain(..).map(|key| skipped(&key)).collect();
        Ok(Plan::new(Arc::clone(&lease), route))
    }

    /// Makes the plan anew, because something changed, and goes on where the old one was.
    async fn plan_anew(&mut self, plan: &mut Plan) -> Result<(), Fault> {
        let mut anew = self.plan().await?;
        anew.goes_on(Some(plan), &self.failed);
        *plan = anew;
        Ok(())
    }

    /// The call's provider requests, one after the other; there are several of a streamed embedding
    /// only.
    async fn requests(&mut self, mut plan: Plan) -> Result<Done, Fault> {
        loop {
            let answer = self.attempts(&mut plan).await;
            let answer = answer.map_err(|fault| self.after_a_part(fault))?;
            let Some(answer) = self.pass_on(answer).await? else {
                // The next request is another one: only a key in trouble is left out, by its health.
                self.failed.clear();
                plan = self.plan().await?;
                continue;
            };
            return Ok(self.done(answer));
        }
    }

    /// Attempts, until one answers, or none is left, or nobody waits.
    async fn attempts(&mut self, plan: &mut Plan) -> Result<Answer, Fault> {
        let mut last = None;
        while let Some(number) = self.budget.take() {
            let Some((planned, in_flight)) = self.next(plan).await? else {
                break;
            };
            if let Err(limited) = self.hosted_turn(&planned, &plan.lease) {
                // What limits the platform's key is not what failed on an own one.
                if last.is_none() {
                    return Err(limited);
                }
                break;
            }
            let ended = Box::pin(self.attempt(&planned, number, &plan.lease)).await;
            self.learn(&planned, &ended, &in_flight);
            let failure = match ended {
                Ended::Done(answer) => return Ok(*answer),
                Ended::Left(fault) => return Err(fault),
                Ended::AfterContent(failure) => {
                    // The caller has a part of the answer: asking again would repeat it.
                    let fault = self.fault(failure, &planned);
                    return Err(Fault {
                        retry_after: None,
                        ..fault
                    });
                }
                Ended::Failed(Failure::Withdrawn) => {
                    last = Some((Failure::Withdrawn, planned));
                    continue;
                }
                Ended::Failed(failure) => failure,
            };
            let next = plan.after(&planned, &failure, self.execution.rules.longest_wait);
            last = Some((failure, planned));
            let Next::Try(pause) = next else { break };
            if pause >= self.listener.deadline.remaining() || !self.wait(pause).await {
                break;
            }
        }
        match last {
            Some((failure, planned)) => Err(self.fault(failure, &planned)),
            None => Err(resolver::Refusal::ProviderUnavailable.fault(
                &self.call.workspace,
                self.call.provider,
                self.execution.clock.now(),
            )),
        }
    }

    /// The next key, of a new plan if something changed at the vault or at the key since.
    async fn next(&mut self, plan: &mut Plan) -> Result<Option<(Planned, InFlight)>, Fault> {
        if !self.execution.leases.is_good(&plan.lease) {
            self.plan_anew(plan).await?;
        }
        for _ in 0..self.execution.rules.attempts {
            let Some(planned) = plan.next() else { break };
            let now = self.execution.clock.now();
            if let Some(in_flight) = self.execution.health.enter(&planned.key, now) {
                return Ok(Some((planned, in_flight)));
            }
            // Another call met trouble with it meanwhile, or tries it just now.
            self.plan_anew(plan).await?;
        }
        Ok(None)
    }

    /// Waits; `false` if nobody waits for the answer any more.
    async fn wait(&self, pause: Duration) -> bool {
        let left = Listener::left(self.listener.gone.clone(), self.listener.deadline);
        tokio::time::timeout(pause, left).await.is_err()
    }

    /// Applies at once what an attempt says about its key.
    fn learn(&mut self, planned: &Planned, ended: &Ended, in_flight: &InFlight) {
        let now = self.execution.clock.now();
        let failure = match ended {
            Ended::Done(_) => return in_flight.worked(now),
            Ended::Left(_) => return,
            Ended::Failed(failure) | Ended::AfterContent(failure) => failure,
        };
        self.failed.push(Arc::clone(&planned.key));
        let Some(trouble) = failure.trouble() else {
            return in_flight.learnt_nothing(now);
        };
        in_flight.met(&trouble, now);
    }

    fn done(&mut self, answer: Answer) -> Done {
        Done {
            answer,
            receipt: std::mem::take(&mut self.receipt),
        }
    }

    fn fault(&self, failure: Failure, planned: &Planned) -> Fault {
        failure.fault(
            self.call.provider,
            planned.source,
            planned.key.secret.as_ref(),
        )
    }
}

fn skipped(skipped: &Skipped) -> wire::SkippedKey {
    wire::SkippedKey {
        key_name: skipped.key.name(),
        key_version: skipped.key.version,
        why: skipped.why.to_owned(),
    }
}
