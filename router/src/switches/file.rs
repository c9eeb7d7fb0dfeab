//! The file of the switches, followed while the router runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use keyway_chassis::lifecycle::Shutdown;
use tracing::{error, warn};

use super::{Off, Switches};
use crate::counters;

/// The file, and what it switches.
#[derive(Debug)]
pub struct SwitchFile {
    path: PathBuf,
    switches: Switches,
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
    pub fn new(path: PathBuf, switches: Switches) -> Self {
        Self { path, switches }
    }

    /// Reads the file for the first time and puts into force what it says.
    pub fn begin(&self) -> Result<(), SwitchFileError> {
        let off = read(&self.path)?;
        self.put(off);
        Ok(())
    }

    /// Reads it again and again until `stop`. What can't be used changes nothing.
    pub async fn follow(self, stop: Shutdown) {
        let mut refused = None;
        let mut hangup = hangup();
        loop {
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
        }
    }

    /// Puts a state into force at once, and tells what changed by it.
    fn put(&self, off: Off) {
        let (was, is) = (self.switches.now().words(), off.words());
        self.switches.put(off);
        let went_off: Vec<String> = is.difference(&was).cloned().collect();
        let came_on: Vec<String> = was.difference(&is).cloned().collect();
        if went_off.is_empty() && came_on.is_empty() {
            return;
        }
        counters::switches("taken");
        warn!(off = ?went_off, on = ?came_on, "the operator's switches changed");
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
