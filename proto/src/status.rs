//! `Fault` ↔ `tonic::Status`: the only place that makes a status, and the only one that reads one.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{Fault, Reason};

/// Domain of every `google.rpc.ErrorInfo`.
pub const DOMAIN: &str = "keyway";

impl From<Fault> for Status {
    fn from(fault: Fault) -> Self {
        let metadata: HashMap<String, String> = fault
            .metadata
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let mut details = ErrorDetails::with_error_info(fault.reason.as_str(), DOMAIN, metadata);
        if let Some(field) = fault.field {
            details.add_bad_request_violation(field, fault.message.clone());
        }
        if let Some(delay) = fault.retry_after {
            details.set_retry_info(Some(delay));
        }
        Self::with_error_details(fault.reason.code(), fault.message, details)
    }
}

/// What a client reads of a status: the stable reason if this build knows it.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// The reason, or `None` for a status that is not ours.
    pub reason: Option<Reason>,
    /// The code, to fall back on.
    pub code: Code,
    /// The request field at fault.
    pub field: Option<String>,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
    /// Variables of the message.
    pub metadata: HashMap<String, String>,
}

/// Reads the reason of a status from its details, never from its message.
pub fn refusal(status: &Status) -> Refusal {
    let info = status
        .get_details_error_info()
        .filter(|info| info.domain == DOMAIN);
    let bad = status.get_details_bad_request();
    let violation = bad.and_then(|bad| bad.field_violations.into_iter().next());
    Refusal {
        reason: info
            .as_ref()
            .and_then(|info| Reason::from_wire(&info.reason)),
        code: status.code(),
        field: violation.map(|violation| violation.field),
        retry_after: status
            .get_details_retry_info()
            .and_then(|info| info.retry_delay),
        metadata: info.map(|info| info.metadata).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_the_wire() {
        for reason in Reason::ALL.iter().copied() {
            let status = Status::from(Fault::new(reason, "why"));
            assert_eq!(status.code(), reason.code());
            assert_eq!(refusal(&status).reason, Some(reason));
        }
    }

    #[test]
    fn a_fault_names_its_field_and_when_to_try_again() {
        let fault = Fault::field("owner", "must be x").retry_after(Duration::from_secs(2));
        let details = Status::from(fault).get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            "owner"
        );
        assert_eq!(
            details.retry_info().unwrap().retry_delay,
            Some(Duration::from_secs(2))
        );
    }
}
