//! One row at the vault: sent, sent again where that makes sense, and what came of it.

use std::time::Duration;

use keyway_chassis::proto::{Reason, status};
use tonic::{Code, Status};

use super::row::Row;
use crate::client::{Session, is};

/// What came of a row.
pub(super) enum Outcome {
    /// It is stored, or in a dry run would be.
    Stored,
    /// The vault refuses it, in these words.
    Refused(String),
    /// No row can be stored any more.
    Stop(Stop),
}

/// Why an import ends before its file does.
#[derive(Debug)]
pub(super) struct Stop(String);

impl Stop {
    pub(super) const fn new(why: String) -> Self {
        Self(why)
    }

    pub(super) fn why(&self) -> &str {
        &self.0
    }
}

/// Stores rows.
#[derive(Clone)]
pub(super) struct Store {
    session: Session,
    validate_only: bool,
}

impl Store {
    pub(super) const fn new(session: Session, validate_only: bool) -> Self {
        Self {
            session,
            validate_only,
        }
    }

    /// Stores a row, or checks it.
    pub(super) async fn put(&self, row: Row) -> Outcome {
        let mut attempt = 0;
        loop {
            match self.patiently(&row, attempt).await {
                Ok(()) => return Outcome::Stored,
                // The same line with another secret, within the day: another request.
                Err(status) if is(&status, Reason::RequestRepeated) && attempt < MOST_ATTEMPTS => {
                    attempt += 1;
                }
                Err(status) => return outcome(&status),
            }
        }
    }

    /// Sends it until the vault decides. A request id makes sending it twice harmless.
    async fn patiently(&self, row: &Row, attempt: u32) -> Result<(), Status> {
        let mut pauses = PAUSES.iter();
        loop {
            let request = row.request(attempt, self.validate_only);
            let answer = self.session.keys().put_key(request).await;
            let status = match answer {
                Ok(_key) => return Ok(()),
                Err(status) if status.code() == Code::Unavailable => status,
                Err(status) => return Err(status),
            };
            let Some(pause) = pauses.next() else {
                return Err(status);
            };
            tokio::time::sleep(*pause).await;
        }
    }
}

fn outcome(status: &Status) -> Outcome {
    let reason = status::refusal(status).reason;
    match (reason, status.code()) {
        (Some(Reason::CallerUnknown), _) => Outcome::Stop(Stop::new(
            "the vault does not know the token in KEYWAY_ADMIN_TOKEN (CALLER_UNKNOWN)".to_owned(),
        )),
        (Some(reason), Code::Unavailable) => Outcome::Stop(Stop::new(format!(
            "{} ({})",
            status.message(),
            reason.as_str()
        ))),
        (None, Code::Unavailable) => Outcome::Stop(Stop::new(
            "the vault at KEYWAY_VAULT can't be reached".to_owned(),
        )),
        (Some(reason), _) => {
            Outcome::Refused(format!("{} ({})", status.message(), reason.as_str()))
        }
        (None, code) => Outcome::Refused(format!("the vault answered {code:?}")),
    }
}

/// Secrets of one line that may follow each other within a day.
const MOST_ATTEMPTS: u32 = 16;

/// How long to wait before sending again what the vault could not take.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
];
