//! The use case: one call, from its admission to its last attempt.
//!
//! Each call runs in a task of its own that outlives the handler, so that an attempt is settled
//! whatever its caller does. The paragraph to read is [`Run::attempts`].

mod attempt;
mod exchange;
mod failure;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::deadline::Deadline;
use keyway_chassis::drain::{Drain, InFlight};
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::router::v1 as wire;
use keyway_proto::vault::v1 as vault;
use keyway_proto::{Fault, Reason};
use keyway_router_billing::Ledger;
use keyway_router_providers::chat::{ChatDelta, ChatReply, StreamEnd};
use keyway_router_providers::embed::EmbedReply;
use keyway_router_providers::search::SearchReply;
use keyway_words::{ProviderId, Source, WorkspaceId};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::admission::{Admission, Admitted};
use crate::call::Call;
use crate::keys::{HealthBoard, LeaseCache, LeaseKey, LeasedKey, View};
use crate::price::Prices;
use crate::resolver::{self, Planned, Skipped};
use crate::upstream::Upstreams;
use attempt::Ended;
use failure::Failure;
use plan::{Next, Plan};

/// Everything that calls are run with.
#[derive(Debug)]
pub struct Execution {
    /// Leases.
    pub leases: LeaseCache,
    /// Health of keys.
    pub health: Arc<HealthBoard>,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Prices.
    pub prices: Arc<Prices>,
    /// Providers.
    pub upstreams: Upstreams,
    /// Calls in flight per workspace.
    pub admission: Arc<Admission>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Owner of the calls' tasks.
    pub tasks: Tasks,
    /// The stop of the process.
    pub drain: Drain,
    /// Room for answers that are read on though their caller left.
    pub drained: Arc<Semaphore>,
    /// Bounds.
    pub rules: Rules,
}

/// How calls are run.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Attempts per call.
    pub attempts: u32,
    /// Longest wait between two attempts.
    pub longest_wait: Duration,
    /// How long an answer is read on though its caller left.
    pub drain_for: Duration,
    /// When an attempt must be durably open, by source.
    pub open_before_send: BySource,
    /// Whether the answer's end waits for the settlement, by source.
    pub settle_before_reply: BySource,
}

/// A switch for own and for hosted attempts.
#[derive(Debug, Clone, Copy)]
pub struct BySource {
    /// On own keys.
    pub own: bool,
    /// On the platform's.
    pub hosted: bool,
}

impl BySource {
    const fn of(self, source: Source) -> bool {
        match source {
            Source::Own => self.own,
            Source::Hosted => self.hosted,
        }
    }
}

/// A provider's answer.
#[derive(Debug)]
pub enum Answer {
    /// A chat turn.
    Chat(ChatReply),
    /// The end of a streamed one.
    Stream(StreamEnd),
    /// Vectors.
    Embed(EmbedReply),
    /// Results.
    Search(SearchReply),
}

/// A call that ended well.
#[derive(Debug)]
pub struct Done {
    /// The answer.
    pub answer: Answer,
    /// What it cost, and on which key.
    pub receipt: wire::Receipt,
}

/// A call under way. Dropping it tells the call that its caller left.
#[derive(Debug)]
pub struct Running {
    /// The end, whole.
    pub result: oneshot::Receiver<Result<Done, Fault>>,
    /// Cancelled with the caller.
    pub guard: DropGuard,
}

impl Execution {
    /// Admits a call and starts it. `deltas` takes the pieces of a streamed answer.
    pub fn start(
        self: &Arc<Self>,
        call: Call,
        deltas: Option<mpsc::Sender<ChatDelta>>,
    ) -> Result<Running, Fault> {
        if self.upstreams.of(call.provider).is_none() {
            return Err(not_built(call.provider));
        }
        let admitted = self.admission.enter(&call.workspace)?;
        let in_flight = self.drain.enter()?;
        let (reply, result) = oneshot::channel();
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        let run = Run {
            execution: Arc::clone(self),
            listener: Listener {
                reply: Some(reply),
                deltas,
                gone,
                deadline: call.deadline,
            },
            receipt: wire::Receipt {
                call_id: call.id.to_string(),
                ..wire::Receipt::default()
            },
            call,
            admitted,
            refused: Vec::new(),
            _in_flight: in_flight,
        };
        self.tasks.spawn("call", run.run());
        Ok(Running { result, guard })
    }

    /// The fault of a call whose task is gone: a bug that its log line shows.
    pub fn lost() -> Fault {
        Fault::new(Reason::Internal, "the call ended without an answer")
    }
}

/// Who waits for the answer.
#[derive(Debug)]
struct Listener {
    reply: Option<oneshot::Sender<Result<Done, Fault>>>,
    deltas: Option<mpsc::Sender<ChatDelta>>,
    gone: CancellationToken,
    deadline: Deadline,
}

/// Why nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    Caller,
    Deadline,
}

impl Listener {
    /// Ends when nobody waits for the answer any more.
    async fn left(gone: CancellationToken, deadline: Deadline) -> Left {
        tokio::select! {
            () = gone.cancelled() => Left::Caller,
            () = deadline.wait() => Left::Deadline,
        }
    }

    fn answer(&mut self, result: Result<Done, Fault>) {
        if let Some(reply) = self.reply.take() {
            // A caller that left reads nothing.
            drop(reply.send(result));
        }
    }
}

/// One call while it runs.
struct Run {
    execution: Arc<Execution>,
    call: Call,
    listener: Listener,
    receipt: wire::Receipt,
    /// Keys that were refused during this call.
    refused: Vec<Arc<LeasedKey>>,
    admitted: Admitted,
    _in_flight: InFlight,
}

impl Run {
    async fn run(mut self) {
        let (gone, deadline) = (self.listener.gone.clone(), self.listener.deadline);
        let plan = tokio::select! {
            plan = self.plan() => plan,
            _left = Listener::left(gone, deadline) => Err(Deadline::fault("the vault")),
        };
        let result = match plan {
            Ok(plan) => self.attempts(plan).await,
            Err(fault) => Err(fault),
        };
        self.listener.answer(result);
    }

    /// Leases the keys and decides which of them may be tried, in which order.
    async fn plan(&mut self) -> Result<Plan, Fault> {
        let (execution, call) = (&self.execution, &self.call);
        let key = LeaseKey {
            workspace: call.workspace.clone(),
            provider: call.provider,
        };
        let lease = execution.leases.lease(&key, call.id).await?;
        runs(lease.workspace_state, &call.workspace)?;
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
        let now = execution.clock.now();
        let refused =
            |refusal: resolver::Refusal| refusal.fault(&call.workspace, call.provider, now);
        let mode =
            resolver::narrowed(lease.policy.credential_mode(), call.mode).map_err(refused)?;
        let table = execution.prices.table();
        let unpriced = Prices::unpriced(&table, call.provider, &call.model);
        let view = View {
            lease: &lease,
            health: &execution.health,
            model: &call.model,
            now,
        };
        let mut route = resolver::resolve(&view.facts(mode, unpriced)).map_err(refused)?;
        self.receipt.skipped = route.skipped.drain(..).map(|key| skipped(&key)).collect();
        let mut plan = Plan::new(Arc::clone(&lease), route);
        plan.without(&self.refused);
        Ok(plan)
    }

    /// Attempts, until one answers, or none is left, or nobody waits.
    async fn attempts(&mut self, mut plan: Plan) -> Result<Done, Fault> {
        let mut last = None;
        for number in 1..=self.execution.rules.attempts {
            let Some(planned) = self.next(&mut plan).await? else {
                break;
            };
            let failure = match Box::pin(self.attempt(&planned, number, &plan.lease)).await {
                Ended::Done(answer) => return Ok(self.done(*answer)),
                Ended::Left(fault) => return Err(fault),
                Ended::AfterContent(failure) => return Err(self.fault(failure, &planned)),
                Ended::Failed(Failure::Withdrawn) => {
                    last = Some((Failure::Withdrawn, planned));
                    continue;
                }
                Ended::Failed(failure) => failure,
            };
            self.learn(&planned, &failure);
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

    /// The next key, of a new plan if something changed at the vault since.
    async fn next(&mut self, plan: &mut Plan) -> Result<Option<Planned>, Fault> {
        if !self.execution.leases.is_good(&plan.lease) {
            *plan = self.plan().await?;
        }
        Ok(plan.next())
    }

    /// Waits; `false` if nobody waits for the answer any more.
    async fn wait(&self, pause: Duration) -> bool {
        let left = Listener::left(self.listener.gone.clone(), self.listener.deadline);
        tokio::time::timeout(pause, left).await.is_err()
    }

    /// Applies at once what a failure says about its key.
    fn learn(&mut self, planned: &Planned, failure: &Failure) {
        let (Some(path), Some((state, told))) = (&planned.key.path, failure.key_state()) else {
            return;
        };
        self.refused.push(Arc::clone(&planned.key));
        self.execution.mark(path, planned.key.version, state, told);
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

impl Execution {
    fn mark(
        &self,
        path: &keyway_words::KeyPath,
        version: u64,
        state: vault::KeyState,
        told: Option<Duration>,
    ) {
        use crate::keys::{Fresh, LIMITED_FOR, TRIAL_AFTER};
        let limited = state == vault::KeyState::Limited;
        let believed = told.unwrap_or(if limited { LIMITED_FOR } else { TRIAL_AFTER });
        let now = self.clock.now();
        let seconds = i64::try_from(believed.as_secs().max(1)).unwrap_or(i64::MAX);
        let until = now.plus_seconds(seconds);
        self.health.mark(path, version, Fresh { state, until }, now);
    }
}

fn runs(state: vault::WorkspaceState, workspace: &WorkspaceId) -> Result<(), Fault> {
    match state {
        vault::WorkspaceState::Active => Ok(()),
        vault::WorkspaceState::Suspended => Err(Fault::new(
            Reason::WorkspaceSuspended,
            format!(
                "workspaces/{workspace} is suspended; the operator lifts it with keyway.vault.v1.WorkspaceService/Resume"
            ),
        )),
        vault::WorkspaceState::Deleted => Err(Fault::new(
            Reason::WorkspaceDeleted,
            format!(
                "workspaces/{workspace} is deleted; take it back with keyway.vault.v1.WorkspaceService/Undelete"
            ),
        )),
        vault::WorkspaceState::Unspecified => Err(keyway_chassis::access::denied()),
    }
}

fn skipped(skipped: &Skipped) -> wire::SkippedKey {
    wire::SkippedKey {
        key_name: skipped.key.name(),
        key_version: skipped.key.version,
        why: skipped.why.to_owned(),
    }
}

/// The fault of a provider that this build does not speak.
fn not_built(provider: ProviderId) -> Fault {
    let message = format!("this build does not speak {provider} yet");
    Fault::new(Reason::NotBuilt, message).at_field("model")
}
