//! Waiting for a server, without a runtime and with a bound.

use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

/// Looks again and again until it happened; a minute at most.
pub(crate) fn wait_for(what: &str, mut happened: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..LOOKS {
        if happened()? {
            return Ok(());
        }
        pause();
    }
    bail!("waited too long for {what}")
}

#[expect(
    clippy::disallowed_methods,
    reason = "no runtime here, and a bounded wait"
)]
fn pause() {
    thread::sleep(BETWEEN_LOOKS);
}

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// A minute in all.
const LOOKS: u32 = 3000;
