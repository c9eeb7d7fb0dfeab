//! A request message that can't be read is `FIELD_INVALID`, with a reason like every other failure.
//!
//! tonic decodes before any handler runs, and answers by itself, without details: a message beyond
//! the limit with `OUT_OF_RANGE`, which here means an expired cursor, and bytes that are no such
//! message with `INTERNAL`, which here means a bug.

use http::Response;
use keyway_proto::{Fault, Reason};
use tonic::body::Body;
use tonic::{Code, Status};

/// The answer, or what it should have said of a message that was not read.
pub(super) fn explained(reply: Response<Body>) -> Response<Body> {
    let status = Status::from_header_map(reply.headers());
    match status.as_ref().and_then(fault) {
        Some(fault) => Status::from(fault).into_http(),
        None => reply,
    }
}

fn fault(status: &Status) -> Option<Fault> {
    if !status.details().is_empty() {
        return None;
    }
    let message = match status.code() {
        Code::OutOfRange => {
            "the request message is larger than the service takes; send less at once"
        }
        Code::Internal if status.message().starts_with(UNDECODABLE) => {
            "the request message can't be decoded; it is not what this RPC takes"
        }
        _ => return None,
    };
    Some(Fault::new(Reason::FieldInvalid, message))
}

/// How tonic's codec begins.
const UNDECODABLE: &str = "failed to decode Protobuf message";

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "statuses as tonic makes them")]
mod tests {
    use keyway_proto::status::refusal;

    use super::*;

    fn read(reply: &Response<Body>) -> Status {
        Status::from_header_map(reply.headers()).unwrap()
    }

    #[test]
    fn a_message_that_was_not_read_is_a_field_that_is_invalid() {
        for status in [
            Status::out_of_range("Error, decoded message length too large: found 9 bytes"),
            Status::internal("failed to decode Protobuf message: invalid tag value: 0"),
        ] {
            let status = read(&explained(status.into_http()));
            assert_eq!(status.code(), Code::InvalidArgument);
            assert_eq!(refusal(&status).reason, Some(Reason::FieldInvalid));
        }
    }

    #[test]
    fn every_other_answer_stays() {
        let expired = Status::from(Fault::new(Reason::CursorExpired, "older than what is kept"));
        let reply = explained(expired.into_http());
        assert_eq!(refusal(&read(&reply)).reason, Some(Reason::CursorExpired));
        let bug = explained(Status::internal("else").into_http());
        assert_eq!(read(&bug).message(), "else");
        assert!(
            Status::from_header_map(explained(Response::new(Body::empty())).headers()).is_none()
        );
    }
}
