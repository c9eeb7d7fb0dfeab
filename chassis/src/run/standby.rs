//! A start that waits for what others do: a database that is away, a migration that is to come.
//!
//! Meanwhile the process is alive and not ready, and says why: `/readyz` names the condition, health
//! answers `NOT_SERVING`, and every other RPC is refused with the reason. It goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use keyway_proto::Fault;
use keyway_words::{Act, Aim};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tonic::service::Routes;
use tracing::{info, warn};

use super::{Parts, StartError};
use crate::access::{Authenticate, Authority, Caller, Credentials, Denied, Reach};
use crate::drain::Drain;
use crate::operations::Condition;
use crate::serve::{self, Listener, Surroundings};

/// Why a start did not come to its end.
#[derive(Debug)]
pub enum NotYet {
    /// It may, without anybody changing this process: what it waits for, and what a caller is told.
    Waits(Condition, Fault),
    /// It can't.
    Failed(StartError),
}

/// A listener on which to say so, and the services that will be served there.
pub type Door<'a> = (&'a Listener, &'static [&'static str]);

impl Parts {
    /// Tries until it is done; `None` if the process was told to stop before that.
    pub async fn once_possible<T>(
        &self,
        doors: &[Door<'_>],
        mut attempt: impl AsyncFnMut() -> Result<T, NotYet>,
    ) -> Result<Option<T>, StartError> {
        let mut standby: Option<Standby> = None;
        loop {
            let (condition, fault) = match attempt().await {
                Ok(done) => {
                    if let Some(standby) = standby {
                        standby.end(self);
                    }
                    return Ok(Some(done));
                }
                Err(NotYet::Failed(error)) => return Err(error),
                Err(NotYet::Waits(condition, fault)) => (condition, fault),
            };
            match &mut standby {
                None => standby = Some(Standby::open(self, doors, condition, fault)?),
                Some(standby) => standby.tell(self, condition, fault),
            }
            if timeout(AGAIN, self.terminate.wait()).await.is_ok() {
                return Ok(None);
            }
        }
    }
}

/// What is served meanwhile.
struct Standby {
    condition: Condition,
    fault: watch::Sender<Fault>,
    drain: Drain,
    serving: JoinSet<()>,
}

impl Standby {
    fn open(
        parts: &Parts,
        doors: &[Door<'_>],
        condition: Condition,
        fault: Fault,
    ) -> Result<Self, StartError> {
        say(parts, condition, &fault);
        let (drain, mut serving) = (Drain::new(), JoinSet::new());
        let (fault, told) = watch::channel(fault);
        for (listener, services) in doors {
            let around = Surroundings {
                config: parts.serve.clone(),
                authenticate: Arc::new(NobodyYet(told.clone())),
                authority: Arc::new(NothingYet),
                drain: drain.clone(),
                readiness: parts.readiness.clone(),
            };
            let served = serve::grpc(listener.again()?, Routes::default(), services, around);
            serving.spawn(async move {
                if let Err(failed) = served.await {
                    warn!("a listener says nothing meanwhile: {failed}");
                }
            });
        }
        Ok(Self {
            condition,
            fault,
            drain,
            serving,
        })
    }

    /// What is waited for may become something else.
    fn tell(&mut self, parts: &Parts, condition: Condition, fault: Fault) {
        if self.condition != condition {
            parts.readiness.set(self.condition, true);
            say(parts, condition, &fault);
            self.condition = condition;
        }
        self.fault.send_replace(fault);
    }

    /// Connections are told to go, to whoever serves the same socket now.
    fn end(mut self, parts: &Parts) {
        info!("the start goes on");
        parts.readiness.set(self.condition, true);
        self.drain.begin();
        self.drain.close();
        parts.tasks.spawn("standby", async move {
            while self.serving.join_next().await.is_some() {}
        });
    }
}

fn say(parts: &Parts, condition: Condition, fault: &Fault) {
    parts.readiness.set(condition, false);
    let reason = fault.reason.as_str();
    warn!(reason, "the start waits: {}", fault.message);
}

/// Whoever calls is told why nobody is served.
struct NobodyYet(watch::Receiver<Fault>);

impl Authenticate for NobodyYet {
    async fn authenticate(
        &self,
        _rpc: &'static str,
        _credentials: Credentials,
    ) -> Result<Caller, Fault> {
        Err(self.0.borrow().clone())
    }
}

/// Every RPC comes as far as [`NobodyYet`], and nothing further.
struct NothingYet;

impl Authority for NothingYet {
    fn has_row(&self, _rpc: &str) -> bool {
        true
    }

    fn may_call(&self, _caller: &Caller, _rpc: &str) -> bool {
        false
    }

    fn decide(&self, _: &Caller, _: &str, _: &Aim, _: &Act) -> Result<Reach, Denied> {
        Err(Denied)
    }
}

/// Time between two tries.
const AGAIN: Duration = Duration::from_secs(1);
