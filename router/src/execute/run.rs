//! One call while it runs: the plan, the attempts, the answer. [`Run::attempts`] is the paragraph
//! to read.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use keyway_chassis::drain;
use keyway_proto::router::v1 as wire;
use keyway_proto::{Fault, Reason};

use super::attempt::Ended;
use super::budget::Budget;
use super::failure::Failure;
use super::listener::Listener;
use super::plan::{Next, Plan};
use super::{Answer, Done, Execution, NativePiece, NativeRefusal};
use crate::admission::{Admitted, Claimed};
use crate::call::{Call, Work};
use crate::keys::{InFlight, LeaseKey, LeasedKey, Passage};
use crate::resolver::{self, Planned, Skipped};
use crate::route::Asked;

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
    request_id: Option<Claimed>,
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
            request_id: claimed,
        }
    }

    /// Runs it to its end and answers whoever waits.
    pub(super) async fn run(mut self) {
        let left = self.listener.left();
        let plan = tokio::select! {
            plan = self.begin() => plan,
            left = left => Err(left.fault("the vault")),
        };
        let result = match plan {
            Ok(plan) => self.requests(plan).await,
            Err(fault) => Err(fault),
        };
        if result.is_err() {
            self.tell_failure().await;
        }
        let Self {
            mut listener,
            admitted,
            request_id,
            ..
        } = self;
        // Whoever has the answer may ask again at once, with the same id if it failed.
        drop((admitted, request_id));
        listener.answer(result);
    }

    /// What a caller over plain HTTP learns beside the fault.
    async fn tell_failure(&mut self) {
        let spent = self.budget.is_spent();
        self.listener.notes.spent.store(spent, Ordering::Release);
        let Some(listener) = &self.listener.native else {
            return;
        };
        let failed = NativePiece::Failed {
            refusal: self.refusal.take(),
            spent,
        };
        let left = self.listener.left();
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
    pub(super) async fn plan(&mut self) -> Result<Plan, Fault> {
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
            let Some((planned, entered)) = self.next_after(last.as_ref(), plan).await? else {
                break;
            };
            if let Err(limited) = self.hosted_turn(&planned, &plan.lease).await {
                // What limits the platform's key is not what failed on an own one.
                if last.is_none() {
                    return Err(limited);
                }
                break;
            }
            let ended = Box::pin(self.attempt(&planned, number, &plan.lease)).await;
            self.learn(&planned, &ended, &entered);
            let failure = match ended {
                Ended::Done(answer) => return Ok(*answer),
                // What limits the platform's key is not what failed on an own one.
                Ended::Left(fault) if fault.reason == Reason::SpendLimit && last.is_some() => break,
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
            None => Err(
                resolver::Refusal::ProviderUnavailable { until: None }.fault(
                    &self.call.workspace,
                    self.call.provider,
                    self.execution.clock.now(),
                ),
            ),
        }
    }

    /// The next key. If what failed in this call made the last one rest, there is none: the caller
    /// learns what failed.
    async fn next_after(
        &mut self,
        last: Option<&(Failure, Planned)>,
        plan: &mut Plan,
    ) -> Result<Option<(Planned, Entered)>, Fault> {
        let failed = last.is_some_and(|(failure, _)| failure.is_providers());
        match self.next(plan).await {
            Err(refused) if failed && refused.reason == Reason::ProviderUnavailable => Ok(None),
            next => next,
        }
    }

    /// The next key, of a new plan if something changed at the vault or at the key since.
    async fn next(&mut self, plan: &mut Plan) -> Result<Option<(Planned, Entered)>, Fault> {
        if !self.execution.leases.is_good(&plan.lease) {
            self.plan_anew(plan).await?;
        }
        for _ in 0..self.execution.rules.attempts {
            let Some(planned) = plan.next() else { break };
            if let Some(entered) = self.enter(&planned.key) {
                return Ok(Some((planned, entered)));
            }
            // Another call met trouble with it meanwhile, or tries it just now.
            self.plan_anew(plan).await?;
        }
        Ok(None)
    }

    /// Begins to use a key; `None` if its health or its breaker does not let it.
    fn enter(&self, key: &LeasedKey) -> Option<Entered> {
        let (execution, now) = (&self.execution, self.execution.clock.now());
        let workspace = &self.call.workspace;
        Some(Entered {
            passage: execution.breakers.enter(workspace, key, now)?,
            health: execution.health.enter(key, now)?,
        })
    }

    /// Waits; `false` if nobody waits for the answer any more.
    async fn wait(&self, pause: Duration) -> bool {
        tokio::time::timeout(pause, self.listener.left())
            .await
            .is_err()
    }

    /// Applies at once what an attempt says about its key, and about its provider.
    fn learn(&mut self, planned: &Planned, ended: &Ended, entered: &Entered) {
        let Entered { health, passage } = entered;
        let now = self.execution.clock.now();
        let failure = match ended {
            Ended::Done(_) => {
                passage.answered();
                return health.worked(now);
            }
            // Something changed at the vault while it waited: the key itself may be as good as before.
            Ended::Left(_) | Ended::Failed(Failure::Withdrawn) => return,
            Ended::Failed(failure) | Ended::AfterContent(failure) => failure,
        };
        if failure.is_providers() {
            let again = self.failed.iter().any(|key| key.is_same(&planned.key));
            passage.failed(again, now);
        } else if failure.provider().is_some() {
            passage.answered();
        }
        self.failed.push(Arc::clone(&planned.key));
        match failure.trouble() {
            Some(trouble) => health.met(&trouble, now),
            None => health.learnt_nothing(now),
        }
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

/// An attempt's use of a key.
struct Entered {
    health: InFlight,
    passage: Passage,
}

fn skipped(skipped: &Skipped) -> wire::SkippedKey {
    wire::SkippedKey {
        key_name: skipped.key.name(),
        key_version: skipped.key.version,
        why: skipped.why.to_owned(),
    }
}
