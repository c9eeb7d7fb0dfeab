//! The file of the switches, followed while the router runs.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use keyway_chassis::operations::Readiness;
use keyway_router_billing::Ledger;
use serde_json::json;
use tracing::{error, warn};

use super::{Off, Switches};
use crate::conditions::SWITCHES;
use crate::counters;

/// The file, and what it switches.
#[derive(Debug)]
pub struct SwitchFile {
    path: PathBuf,
    switches: Switches,
    ledger: Arc<Ledger>,
    /// Changes in force that are not on the billing stream yet, oldest first.
    untold: VecDeque<String>,
}

/// Why the file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SwitchFileError {
    /// It can't be read.
    #[error("can't read {} (switches.file): {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not of its form.
    #[error("{} (switches.file): {cause}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
}

impl SwitchFile {
    /// The file, to be followed by [`SwitchFile::follow`]; `switches` gets what it says.
    pub fn new(path: PathBuf, switches: Switches, ledger: Arc<Ledger>) -> Self {
        Self {
            path,
            switches,
            ledger,
            untold: VecDeque::new(),
        }
    }

    /// Reads the file for the first time and puts into force what it says.
    pub fn begin(&mut self) -> Result<(), SwitchFileError> {
        let off = read(&self.path)?;
        self.put(off);
        Ok(())
    }

    /// Reads it again and again until `stop`. What can't be used changes nothing.
    pub async fn follow(mut self, readiness: Readiness, stop: Shutdown) {
        let mut refused = None;
        let mut hangup = hangup();
        loop {
            self.tell().await;
            tokio::select! {
                () = stop.wait() => return,
                () = tokio::time::sleep(EVERY) => {}
                () = hangup.next() => {}
            }
            match read(&self.path) {
                Ok(off) => {
                    refused = None;
                    if off != *self.switches.now() {
                        self.put(off);
                    }
                }
                Err(error) => {
                    let why = error.to_string();
                    if refused.as_ref() != Some(&why) {
                        counters::switches("refused");
                        error!(
                            "the switches changed and can't be read; what was off stays off: {why}"
                        );
                        refused = Some(why);
                    }
                }
            }
            readiness.set(SWITCHES, refused.is_none());
        }
    }

    /// Puts a state into force at once, and tells what changed by it.
    fn put(&mut self, off: Off) {
        let (was, is) = (self.switches.now().words(), off.words());
        self.switches.put(off);
        let went_off: Vec<String> = is.difference(&was).cloned().collect();
        let came_on: Vec<String> = was.difference(&is).cloned().collect();
        if went_off.is_empty() && came_on.is_empty() {
            return;
        }
        counters::switches("taken");
        warn!(off = ?went_off, on = ?came_on, "the operator's switches changed");
        let all: Vec<&String> = is.iter().collect();
        let told = json!({
            "operation": "switches", "went_off": went_off, "came_on": came_on, "off": all,
        });
        if self.untold.len() >= UNTOLD {
            self.untold.pop_front();
        }
        self.untold.push_back(told.to_string());
    }
}

impl SwitchFile {
    /// Puts every change on the billing stream; while the ledger takes nothing they wait.
    async fn tell(&mut self) {
        while let Some(change) = self.untold.front() {
            let Ok(slot) = self.ledger.reserve() else {
                return;
            };
            if slot.operation(change.clone()).durable().await.is_err() {
                return;
            }
            self.untold.pop_front();
        }
    }
}

fn read(path: &Path) -> Result<Off, SwitchFileError> {
    let failed = |source| SwitchFileError::File {
        path: path.to_owned(),
        source,
    };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Off::parse(&text).map_err(|cause| SwitchFileError::Content {
        path: path.to_owned(),
        cause,
    })
}

/// `SIGHUP`, where there is such a thing.
struct Hangup(Option<tokio::signal::unix::Signal>);

fn hangup() -> Hangup {
    Hangup(tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok())
}

impl Hangup {
    async fn next(&mut self) {
        match &mut self.0 {
            Some(signal) => {
                if signal.recv().await.is_none() {
                    self.0 = None;
                }
            }
            None => std::future::pending().await,
        }
    }
}

/// How often the file is looked at; it is small.
const EVERY: Duration = Duration::from_secs(1);
/// Changes that wait for the ledger at most; each says all that is off, so the last ones are enough.
const UNTOLD: usize = 64;
