//! Admins who store keys without pause, through whichever vault answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::task::JoinHandle;

use crate::harness::{Product, Speaker, wait_for, wait_for_listener};

/// Running writers.
pub(crate) struct Writers {
    running: Vec<JoinHandle<(String, usize)>>,
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Writers {
    /// Starts so many writers, each with a workspace of its own.
    pub(crate) async fn start(product: &Product, count: usize) -> Self {
        Self::start_at(product, count, None).await
    }

    /// The same, with every second change through another vault.
    pub(crate) async fn start_at(
        product: &Product,
        count: usize,
        other: Option<SocketAddr>,
    ) -> Self {
        let (done, stop) = (Arc::default(), Arc::default());
        let here = product.running.site.addresses.vault;
        let mut running = Vec::new();
        for number in 0..count {
            let tenant = product.tenant(&format!("writer-{number}")).await;
            let there = other.map(|address| tenant.admin.at_vault(address, &tenant.token));
            let writer = Writer {
                owner: tenant.name,
                vaults: other.into_iter().chain([here]).collect(),
                admins: std::iter::once(tenant.admin).chain(there).collect(),
                done: Arc::clone(&done),
                stop: Arc::clone(&stop),
            };
            running.push(tokio::spawn(writer.run()));
        }
        Self {
            running,
            done,
            stop,
        }
    }

    /// Waits until so many more changes are answered.
    pub(crate) async fn until_more(&self, count: usize) {
        let goal = self.done.load(Ordering::Relaxed) + count;
        let reached = async || (self.done.load(Ordering::Relaxed) >= goal).then_some(());
        wait_for("more changes", reached).await;
    }

    /// Ends them; each one's workspace and how many of its changes were answered as done.
    pub(crate) async fn stop(self) -> Vec<(String, usize)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Vec::new();
        for writer in self.running {
            all.push(writer.await.expect("a task"));
        }
        all
    }
}

struct Writer {
    owner: String,
    /// Where it speaks to vaults.
    vaults: Vec<SocketAddr>,
    admins: Vec<Speaker>,
    done: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
}

impl Writer {
    async fn run(self) -> (String, usize) {
        let mut own = 0;
        for round in 0_usize.. {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let admin = &self.admins[round % self.admins.len()];
            let secret = format!("sk-keyway-test-feed-{round}");
            if admin.put_key(&self.owner, "openai", &secret).await.is_ok() {
                own += 1;
                self.done.fetch_add(1, Ordering::Relaxed);
            } else {
                // A vault that was killed; the next try meets the other one, or the new one.
                wait_for_listener(&self.vaults).await;
            }
        }
        (self.owner, own)
    }
}
