//! The use case: one call, from its admission to its last attempt.
//!
//! Each call runs in a task of its own that outlives the handler, so that an attempt is settled
//! whatever its caller does. The paragraph to read is `Run::attempts` in `run`.

mod attempt;
mod budget;
mod exchange;
mod failure;
mod listener;
mod native;
mod plan;
mod requests;
pub(crate) mod reserve;
mod run;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use keyway_chassis::clock::Clock;
use keyway_chassis::drain::Drain;
use keyway_chassis::lifecycle::Tasks;
use keyway_proto::router::v1 as wire;
use keyway_proto::{Fault, Reason};
use keyway_router_billing::Ledger;
use keyway_router_providers::chat::{ChatDelta, ChatReply, StreamEnd};
use keyway_router_providers::embed::EmbedReply;
use keyway_router_providers::search::SearchReply;
use keyway_words::{ProviderId, Source};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::admission::Admission;
use crate::call::Call;
use crate::keys::{Breakers, HealthBoard, LeaseCache};
use crate::price::Prices;
use crate::spend::SpendBook;
use crate::switches::Switches;
use crate::upstream::Upstreams;
use listener::Listener;
pub use native::{NativeHead, NativePiece, NativeRefusal, NativeReply};
use run::Run;

/// Everything that calls are run with.
#[derive(Debug)]
pub struct Execution {
    /// Leases.
    pub leases: LeaseCache,
    /// Health of keys.
    pub health: Arc<HealthBoard>,
    /// Keys that rest because their provider failed.
    pub breakers: Arc<Breakers>,
    /// The ledger.
    pub ledger: Arc<Ledger>,
    /// Prices.
    pub prices: Arc<Prices>,
    /// Providers.
    pub upstreams: Upstreams,
    /// What hosted calls of workspaces with a limit may spend.
    pub spend: Arc<SpendBook>,
    /// Calls in flight, and the rates of hosted requests.
    pub admission: Arc<Admission>,
    /// What the operator switched off.
    pub switches: Switches,
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
    /// How many bytes of it at most.
    pub drain_bytes: usize,
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
    /// Vectors. Of a streamed call: those of its last request, which are passed on already.
    Embed(EmbedReply),
    /// Results.
    Search(SearchReply),
    /// Bytes that passed.
    Native(NativeReply),
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
    /// What is known of the call before its end.
    pub notes: Arc<Notes>,
}

/// What is known of a call while it runs.
#[derive(Debug, Default)]
pub struct Notes {
    answering: OnceLock<Answering>,
    spent: AtomicBool,
}

/// Whose key a provider answered.
#[derive(Debug, Clone)]
pub struct Answering {
    /// Whose.
    pub source: Source,
    /// The name of an own key; `platform` of the platform's.
    pub key: String,
}

impl Notes {
    /// The first attempt that was answered; known before the first piece of its answer.
    pub fn answering(&self) -> Option<&Answering> {
        self.answering.get()
    }

    /// Whether the call failed after as many attempts as there may be; known with its result.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Ordering::Acquire)
    }
}

impl Execution {
    /// Admits a call and starts it. `deltas` takes the pieces of a streamed answer.
    pub fn start(
        self: &Arc<Self>,
        call: Call,
        deltas: Option<mpsc::Sender<ChatDelta>>,
    ) -> Result<Running, Fault> {
        self.begin(call, |listener| listener.deltas = deltas)
    }

    /// The same for a call in a provider's own words; `pieces` takes what passes of a streamed answer
    /// or of a refusal.
    pub fn start_native(
        self: &Arc<Self>,
        call: Call,
        pieces: mpsc::Sender<NativePiece>,
    ) -> Result<Running, Fault> {
        self.begin(call, |listener| listener.native = Some(pieces))
    }

    /// The same for embeddings that are answered in pieces: `vectors` takes those of one provider
    /// request at a time, in order.
    pub fn start_vectors(
        self: &Arc<Self>,
        call: Call,
        vectors: mpsc::Sender<Vec<Vec<f32>>>,
    ) -> Result<Running, Fault> {
        self.begin(call, |listener| listener.vectors = Some(vectors))
    }

    fn begin(
        self: &Arc<Self>,
        call: Call,
        attach: impl FnOnce(&mut Listener),
    ) -> Result<Running, Fault> {
        if self.upstreams.of(call.provider).is_none() {
            return Err(not_built(call.provider));
        }
        let admitted = self.admission.enter(&call.workspace)?;
        let in_flight = self.drain.enter()?;
        let claimed = call.request_id.as_deref().map(|request_id| {
            let ids = &self.admission.request_ids;
            ids.claim(&call.workspace, request_id, call.id)
        });
        let claimed = claimed.transpose()?;
        let (reply, result) = oneshot::channel();
        let gone = CancellationToken::new();
        let guard = gone.clone().drop_guard();
        let notes = Arc::<Notes>::default();
        let mut listener = Listener::new(
            reply,
            gone,
            call.deadline,
            (Arc::clone(&notes), self.drain.clone()),
        );
        attach(&mut listener);
        let run = Run::new(
            Arc::clone(self),
            call,
            listener,
            (admitted, in_flight, claimed),
        );
        self.tasks.spawn("call", run.run());
        Ok(Running {
            result,
            guard,
            notes,
        })
    }

    /// The fault of a call whose task is gone: a bug that its log line shows.
    pub fn lost() -> Fault {
        Fault::new(Reason::Internal, "the call ended without an answer")
    }
}

/// The fault of a provider that this build does not speak.
pub(crate) fn not_built(provider: ProviderId) -> Fault {
    let message = format!("this build does not speak {provider} yet");
    Fault::new(Reason::NotBuilt, message).at_field("model")
}
