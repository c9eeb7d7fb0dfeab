//! The shipped cache under a scheduler that decides, by a seed, what happens next: a change, its
//! arrival, a fill's reading at the vault and its answer, a look, a renewal, an eviction, another
//! database. At every lock of the cache other threads may get in first, and theirs may be
//! overtaken too. Nothing of the cache is modelled; only the vault is a script.
//!
//! What must hold: once a change was applied, no lease that is asked for afterwards was read before
//! it, and no attempt may go on with one that was.

use std::cell::{Cell, RefCell};
use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use futures::future::poll_fn;
use futures::task::noop_waker;
use keyway_words::{Secret, WorkspaceId};

use super::*;

const SCHEDULES: usize = 100_000;
const STEPS: usize = 28;
/// Threads that overtake each other at once.
const DEEPEST: u32 = 2;

#[test]
fn no_interleaving_of_fills_and_changes_revives_a_key() {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = SCHEDULES.div_ceil(threads);
    let distinct: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| scope.spawn(move || run_share(worker as u64, share)))
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap())
            .sum()
    });
    assert!(distinct >= SCHEDULES, "{distinct} distinct schedules");
}

/// Runs seeds of one worker until so many different schedules were seen; how many.
fn run_share(worker: u64, share: usize) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let mut seen = HashSet::new();
    for seed in 0.. {
        if seen.len() >= share {
            break;
        }
        let seed = worker << 40 | seed;
        // Every future is polled here and nowhere else, so nothing may make it wait for fairness.
        let run = tokio::task::unconstrained(run(seed));
        seen.insert(runtime.block_on(run));
    }
    seen.len()
}

/// One schedule; its fingerprint.
async fn run(seed: u64) -> u64 {
    let world = Rc::new(World::new(seed));
    let _entered = Entered::new(&world);
    for _ in 0..STEPS {
        world.step();
        if world.one_in(8) {
            let seconds = [1, 700, 800][world.below(3)];
            tokio::time::advance(Duration::from_secs(seconds)).await;
            world.note(90);
        }
    }
    world.settle();
    world.trace.get()
}

/// A moment of the feed: revisions of one database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Moment {
    epoch: u64,
    revision: u64,
}

/// What the feed brings, in order.
enum Event {
    Change(wire::Change),
    Bookmark(Moment),
    Restart(Moment),
}

/// A question at the vault: first it is read, later it is answered.
#[derive(Debug, Default)]
struct Question {
    read: Option<Result<wire::ResolveKeysResponse, VaultError>>,
    answered: bool,
}

/// The vault: a moment, and the questions under way.
#[derive(Debug, Default)]
struct Script {
    questions: Mutex<Vec<Arc<Mutex<Question>>>>,
}

impl VaultSource for Arc<Script> {
    fn resolve(
        &self,
        _workspace: &WorkspaceId,
        _provider: ProviderId,
        _call: CallId,
    ) -> BoxFuture<'static, Result<wire::ResolveKeysResponse, VaultError>> {
        let question = Arc::new(Mutex::new(Question::default()));
        self.questions.lock().unwrap().push(Arc::clone(&question));
        Box::pin(poll_fn(move |_| {
            let mut question = question.lock().unwrap();
            if question.answered {
                Poll::Ready(question.read.take().unwrap())
            } else {
                Poll::Pending
            }
        }))
    }

    fn verify(
        &self,
        _token: Secret,
        _source_address: String,
    ) -> BoxFuture<'static, Result<wire::VerifyCallerResponse, VaultError>> {
        Box::pin(async { Err(VaultError::Away) })
    }
}

/// Fills, each of them polled when the scheduler says so.
#[derive(Debug, Clone, Default)]
struct Fills(Arc<Mutex<Vec<Option<Task>>>>);

struct Task(BoxFuture<'static, ()>);

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Task")
    }
}

impl Spawn for Fills {
    fn spawn_fill(&self, fill: BoxFuture<'static, ()>) {
        self.0.lock().unwrap().push(Some(Task(fill)));
    }
}

/// A call that waits for its lease.
struct Waiting {
    key: usize,
    /// Up to here every change was applied before it asked.
    floor: Moment,
    lease: Pin<Box<dyn Future<Output = Result<Arc<Lease>, VaultError>>>>,
}

struct World {
    random: Cell<u64>,
    trace: Cell<u64>,
    seed: u64,
    depth: Cell<u32>,
    cache: LeaseCache,
    freshness: Arc<Freshness>,
    script: Arc<Script>,
    fills: Fills,
    now: Cell<Moment>,
    feed: RefCell<VecDeque<Event>>,
    feeding: Cell<bool>,
    /// Per key: every change up to here was applied.
    floors: RefCell<[Moment; 3]>,
    waiting: RefCell<Vec<Option<Waiting>>>,
    /// Leases that calls hold, with their key.
    held: RefCell<Vec<(usize, Arc<Lease>)>>,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// Here the cache is about to take its lock: another thread may take it first.
pub(super) fn other_threads() {
    let world = WORLD.with(|world| world.borrow().clone());
    if let Some(world) = world {
        world.overtaken();
    }
}

struct Entered;

impl Entered {
    fn new(world: &Rc<World>) -> Self {
        WORLD.with(|entered| *entered.borrow_mut() = Some(Rc::clone(world)));
        Self
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        WORLD.with(|entered| entered.borrow_mut().take());
    }
}

fn key(index: usize) -> LeaseKey {
    LeaseKey {
        workspace: ["acme", "globex", "initech"][index].parse().unwrap(),
        provider: ProviderId::OpenAi,
    }
}

fn epoch(moment: Moment) -> String {
    moment.epoch.to_string()
}

/// What changes concern, and which of the keys that is.
const SCOPES: [(&str, &str, [bool; 3]); 6] = [
    ("workspaces/acme", "openai", [true, false, false]),
    ("workspaces/globex", "openai", [false, true, false]),
    ("workspaces/initech", "", [false, false, true]),
    ("workspaces/acme", "exa", [false, false, false]),
    ("platform", "openai", [true, true, true]),
    ("", "", [true, true, true]),
];

impl World {
    fn new(seed: u64) -> Self {
        let start = Moment {
            epoch: 1,
            revision: 10,
        };
        let (script, fills) = (Arc::new(Script::default()), Fills::default());
        let stale_bound = Duration::from_hours(24);
        let freshness = Arc::new(Freshness::new(stale_bound, Duration::from_secs(15)));
        freshness.bookmark(&epoch(start), start.revision, Instant::now());
        let bounds = CacheBounds {
            entries: 2,
            lease: Duration::from_mins(15),
        };
        let source: Arc<dyn VaultSource> = Arc::new(Arc::clone(&script));
        let cache = LeaseCache::new(source, Arc::clone(&freshness), bounds, fills.clone());
        Self {
            random: Cell::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            trace: Cell::new(0),
            seed,
            depth: Cell::new(0),
            cache,
            freshness,
            script,
            fills,
            now: Cell::new(start),
            feed: RefCell::default(),
            feeding: Cell::new(false),
            floors: RefCell::new([start; 3]),
            waiting: RefCell::default(),
            held: RefCell::default(),
        }
    }

    /// xorshift64*.
    fn next(&self) -> u64 {
        let mut x = self.random.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&self, bound: usize) -> usize {
        usize::try_from((self.next() >> 33) % bound.max(1) as u64).unwrap()
    }

    fn one_in(&self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    /// Adds a decision to the fingerprint of the schedule.
    fn note(&self, decision: u64) {
        let mixed = (self.trace.get() ^ decision).wrapping_mul(0x0100_0000_01b3);
        self.trace
            .set(mixed.rotate_left(17) ^ u64::from(self.depth.get()));
    }

    fn overtaken(&self) {
        if self.depth.get() >= DEEPEST || !self.one_in(3) {
            return;
        }
        self.depth.set(self.depth.get() + 1);
        for _ in 0..=self.below(3) {
            self.step();
        }
        self.depth.set(self.depth.get() - 1);
    }

    /// One decision of the scheduler.
    fn step(&self) {
        let choice = self.below(20);
        self.note(choice as u64);
        match choice {
            0 | 1 => self.change(),
            2 => self.enqueue_bookmark(),
            3 if self.one_in(8) => self.another_database(),
            3..=5 => self.feed(),
            6..=8 => self.ask(),
            9..=11 => self.poll_waiting(),
            12..=14 => self.poll_fill(),
            15 | 16 => self.read(),
            17 | 18 => self.answer(),
            _ => self.attempts(),
        }
    }

    fn change(&self) {
        let Moment { epoch, revision } = self.now.get();
        let now = Moment {
            epoch,
            revision: revision + 1,
        };
        self.now.set(now);
        let scope = self.below(SCOPES.len());
        self.note(100 + scope as u64);
        let (owner, provider, _) = SCOPES[scope];
        let change = wire::Change {
            revision: now.revision,
            kind: wire::ChangeKind::Key.into(),
            owner: owner.to_owned(),
            provider: provider.to_owned(),
            ..wire::Change::default()
        };
        self.feed.borrow_mut().push_back(Event::Change(change));
    }

    fn enqueue_bookmark(&self) {
        self.feed
            .borrow_mut()
            .push_back(Event::Bookmark(self.now.get()));
    }

    /// The database is restored: another epoch, and fewer revisions than there were.
    fn another_database(&self) {
        let Moment { epoch, .. } = self.now.get();
        let restored = Moment {
            epoch: epoch + 1,
            revision: 5,
        };
        self.now.set(restored);
        let mut feed = self.feed.borrow_mut();
        feed.clear();
        feed.push_back(Event::Restart(restored));
    }

    /// The router's feed applies the next message. It is one task: nobody overtakes it there.
    fn feed(&self) {
        if self.feeding.replace(true) {
            return;
        }
        let event = self.feed.borrow_mut().pop_front();
        match event {
            None => {}
            Some(Event::Change(change)) => {
                self.cache.invalidate(&change);
                self.raise(
                    |_, floor| floor.revision = floor.revision.max(change.revision),
                    &change,
                );
            }
            Some(Event::Bookmark(at)) => {
                self.freshness
                    .bookmark(&epoch(at), at.revision, Instant::now());
            }
            Some(Event::Restart(at)) => {
                self.freshness
                    .bookmark(&epoch(at), at.revision, Instant::now());
                self.cache.restart(at.revision);
                *self.floors.borrow_mut() = [at; 3];
            }
        }
        self.feeding.set(false);
    }

    fn raise(&self, raise: impl Fn(usize, &mut Moment), change: &wire::Change) {
        let scope = SCOPES
            .iter()
            .find(|(owner, provider, _)| (*owner, *provider) == (&change.owner, &change.provider));
        let (_, _, concerns) = scope.unwrap();
        for (index, floor) in self.floors.borrow_mut().iter_mut().enumerate() {
            if concerns[index] {
                raise(index, floor);
            }
        }
    }

    /// A call asks for its lease.
    fn ask(&self) {
        let index = self.below(3);
        self.note(200 + index as u64);
        let (cache, floor) = (self.cache.clone(), self.floors.borrow()[index]);
        let lease = Box::pin(async move { cache.lease(&key(index), CallId::new()).await });
        let waiting = Waiting {
            key: index,
            floor,
            lease,
        };
        self.poll(waiting);
    }

    fn poll_waiting(&self) {
        let picked = {
            let mut all = self.waiting.borrow_mut();
            let index = self.below(all.len());
            all.get_mut(index).and_then(Option::take)
        };
        if let Some(waiting) = picked {
            self.poll(waiting);
        }
    }

    /// Polls a call; what it gets must be newer than every change applied before it asked.
    fn poll(&self, mut waiting: Waiting) {
        let waker = noop_waker();
        match waiting
            .lease
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
        {
            Poll::Pending => {
                let mut all = self.waiting.borrow_mut();
                all.retain(Option::is_some);
                all.push(Some(waiting));
            }
            Poll::Ready(Ok(lease)) => {
                let read = moment(&lease);
                let Waiting { key, floor, .. } = waiting;
                assert!(
                    read.epoch > floor.epoch
                        || (read.epoch == floor.epoch && read.revision >= floor.revision),
                    "seed {}: key {key} was asked for after {floor:?} and got {read:?}",
                    self.seed
                );
                self.held.borrow_mut().push((key, lease));
            }
            Poll::Ready(Err(_)) => {}
        }
    }

    fn poll_fill(&self) {
        let picked = {
            let mut all = self.fills.0.lock().unwrap();
            let index = self.below(all.len());
            all.get_mut(index).and_then(Option::take)
        };
        let Some(mut task) = picked else { return };
        let waker = noop_waker();
        if task
            .0
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
        {
            let mut all = self.fills.0.lock().unwrap();
            all.retain(Option::is_some);
            all.push(Some(task));
        }
    }

    /// The vault reads what one question asks for, as it is now.
    fn read(&self) {
        let Some(question) = self.question(|question| question.read.is_none()) else {
            return;
        };
        let answer = match self.below(12) {
            0 => Err(VaultError::Away),
            1 => Err(VaultError::Refused(keyway_proto::Reason::Denied)),
            _ => Ok(answer_at(self.now.get())),
        };
        question.lock().unwrap().read = Some(answer);
    }

    /// An answer arrives.
    fn answer(&self) {
        let read = |question: &Question| question.read.is_some() && !question.answered;
        if let Some(question) = self.question(read) {
            question.lock().unwrap().answered = true;
        }
    }

    fn question(&self, is_wanted: impl Fn(&Question) -> bool) -> Option<Arc<Mutex<Question>>> {
        let mut all = self.script.questions.lock().unwrap();
        all.retain(|question| !question.lock().unwrap().answered);
        let wanted: Vec<_> = all
            .iter()
            .filter(|question| is_wanted(&question.lock().unwrap()))
            .collect();
        let index = self.below(wanted.len());
        wanted.get(index).map(|question| Arc::clone(question))
    }

    /// Calls that hold a lease are about to send: what is good must be newer than every change.
    fn attempts(&self) {
        let held = self.held.borrow().clone();
        for (key, lease) in held {
            let floor = self.floors.borrow()[key];
            if !self.cache.is_good(&lease) {
                continue;
            }
            let read = moment(&lease);
            assert!(
                read.epoch == floor.epoch && read.revision >= floor.revision
                    || read.epoch > floor.epoch,
                "seed {}: key {key} is good as of {read:?} though {floor:?} was applied",
                self.seed
            );
        }
    }

    /// Everything under way comes to its end; then every key can be had, as it is.
    fn settle(&self) {
        self.depth.set(DEEPEST); // nobody gets in first any more
        self.enqueue_bookmark();
        while !self.feed.borrow().is_empty() {
            self.feed();
        }
        for index in 0..3 {
            self.drain();
            let floor = self.floors.borrow()[index];
            let cache = self.cache.clone();
            let mut lease = Box::pin(async move { cache.lease(&key(index), CallId::new()).await });
            let waker = noop_waker();
            let mut rounds = 0;
            let lease = loop {
                match lease.as_mut().poll(&mut Context::from_waker(&waker)) {
                    Poll::Ready(lease) => break lease,
                    Poll::Pending => self.drain(),
                }
                rounds += 1;
                assert!(rounds < 100, "seed {}: key {index} is never had", self.seed);
            };
            let lease = lease.unwrap_or_else(|error| panic!("seed {}: {error:?}", self.seed));
            assert!(
                moment(&lease) >= floor && self.cache.is_good(&lease),
                "seed {}",
                self.seed
            );
        }
        self.attempts();
    }

    /// Answers every question well and polls every fill, until all fills have ended.
    fn drain(&self) {
        while self.fills.0.lock().unwrap().iter().any(Option::is_some) {
            for question in &*self.script.questions.lock().unwrap() {
                let mut question = question.lock().unwrap();
                if !question.answered {
                    question.read = Some(Ok(answer_at(self.now.get())));
                    question.answered = true;
                }
            }
            self.poll_fill();
        }
    }
}

fn answer_at(moment: Moment) -> wire::ResolveKeysResponse {
    wire::ResolveKeysResponse {
        revision: moment.revision,
        epoch: epoch(moment),
        workspace_state: wire::WorkspaceState::Active.into(),
        ..wire::ResolveKeysResponse::default()
    }
}

fn moment(lease: &Lease) -> Moment {
    Moment {
        epoch: lease.epoch.parse().unwrap(),
        revision: lease.revision,
    }
}
