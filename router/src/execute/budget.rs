//! How many attempts a call may make, whatever is nested in it.

use crate::call::{Call, Work};

/// One number for the whole call, and the number of the next attempt.
#[derive(Debug)]
pub(super) struct Budget {
    made: u32,
    most: u32,
}

impl Budget {
    /// One attempt for each provider request that the call takes, and `attempts` less one more to
    /// repeat any of them.
    pub(super) fn of(call: &Call, attempts: u32) -> Self {
        let requests = match &call.work {
            Work::StreamEmbed(parts) => u32::try_from(parts.left()).unwrap_or(u32::MAX),
            Work::Chat(_)
            | Work::StreamChat(_)
            | Work::Embed(_)
            | Work::Search(_)
            | Work::Native(_) => 1,
        };
        Self {
            made: 0,
            most: requests.saturating_add(attempts.saturating_sub(1)),
        }
    }

    /// Whether there is none left.
    pub(super) const fn is_spent(&self) -> bool {
        self.made >= self.most
    }

    /// Takes an attempt; its number, counting from 1.
    pub(super) fn take(&mut self) -> Option<u32> {
        let number = self.made.checked_add(1)?;
        if number > self.most {
            return None;
        }
        self.made = number;
        Some(number)
    }
}
