//! Tasks that have an owner, and one signal that ends the process in order.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, Read as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, error, info};

/// Tells tasks to end. Clones are the same signal.
#[derive(Debug, Clone, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A signal that was not given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives it.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether it was given.
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Ends when it is given.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }

    /// The same, owning what it waits on.
    pub fn wait_owned(&self) -> impl Future<Output = ()> + Send + 'static {
        self.0.clone().cancelled_owned()
    }

    /// Given at SIGTERM and SIGINT. SIGHUP ends nothing: without somebody who takes it the process
    /// would go at once, with all its calls.
    pub fn on_signals(tasks: &Tasks) -> io::Result<Self> {
        let shutdown = Self::new();
        let (mut terminate, mut interrupt, mut hangup) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::hangup())?,
        );
        let given = shutdown.clone();
        tasks.spawn("signals", async move {
            loop {
                tokio::select! {
                    _ = terminate.recv() => info!("SIGTERM: stopping"),
                    _ = interrupt.recv() => info!("SIGINT: stopping"),
                    Some(()) = hangup.recv() => {
                        info!("SIGHUP: files that may change are read again by themselves");
                        continue;
                    }
                    () = given.wait() => {}
                }
                break given.begin();
            }
        });
        Ok(shutdown)
    }

    /// Given when standard input ends: a launcher holds the other end, so that its children end
    /// with it, however it ends.
    pub fn when_stdin_ends(&self) -> io::Result<()> {
        let given = self.clone();
        // A thread of its own: the runtime would wait for a blocking read when it stops.
        let thread = std::thread::Builder::new().name("parent".to_owned());
        thread.spawn(move || {
            let mut input = io::stdin().lock();
            let mut buffer = [0; 64];
            while input.read(&mut buffer).is_ok_and(|count| count > 0) {}
            given.begin();
        })?;
        Ok(())
    }
}

/// Tasks by name, so that a stop can wait for them and say which one it waits for.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Tasks {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs it to its end, within the span that is current now. A panic in it is logged with its name and ends nothing else.
    pub fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let running = Running::start(self, name);
        let task = async move {
            let _running = running;
            if std::panic::AssertUnwindSafe(task)
                .catch_unwind()
                .await
                .is_err()
            {
                error!(task = name, "task {name} panicked");
            }
        };
        self.tracker.spawn(task.in_current_span());
    }

    /// Waits until all have ended, at most so long; returns the names of those that have not.
    pub async fn wait(&self, bound: Duration) -> Vec<&'static str> {
        self.tracker.close();
        if tokio::time::timeout(bound, self.tracker.wait())
            .await
            .is_ok()
        {
            return Vec::new();
        }
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .copied()
            .collect()
    }
}

/// Counts a task under its name while it lives.
struct Running {
    counts: Arc<Mutex<BTreeMap<&'static str, usize>>>,
    name: &'static str,
}

impl Running {
    fn start(tasks: &Tasks, name: &'static str) -> Self {
        let counts = Arc::clone(&tasks.running);
        let mut names = counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = names.entry(name).or_default();
        *count = count.saturating_add(1);
        drop(names);
        Self { counts, name }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut names = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = names.get_mut(self.name) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                names.remove(self.name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_wait_names_the_task_that_does_not_end() {
        let tasks = Tasks::new();
        let shutdown = Shutdown::new();
        tasks.spawn("ends", shutdown.wait_owned());
        tasks.spawn("stays", std::future::pending());
        shutdown.begin();
        shutdown.wait().await;
        assert!(
            tasks
                .wait(Duration::from_millis(50))
                .await
                .contains(&"stays")
        );
    }

    #[tokio::test]
    async fn a_panic_in_one_task_ends_that_task_only() {
        let tasks = Tasks::new();
        tasks.spawn("broken", async { panic!("on purpose") });
        tasks.spawn("fine", async {});
        assert!(tasks.wait(Duration::from_secs(5)).await.is_empty());
    }
}
