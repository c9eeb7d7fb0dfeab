//! Answers of a call that takes several provider requests, passed on as they come.

use keyway_chassis::deadline::Deadline;
use keyway_proto::Fault;

use super::Answer;
use super::run::{Listener, Run};
use crate::call::Work;

impl Run {
    /// Passes the vectors of one request on and goes to the next; the answer, if it was the last.
    pub(super) async fn pass_on(&mut self, answer: Answer) -> Result<Option<Answer>, Fault> {
        let Work::StreamEmbed(parts) = &mut self.call.work else {
            return Ok(Some(answer));
        };
        let Answer::Embed(mut reply) = answer else {
            return Ok(Some(answer));
        };
        let last = !parts.advance();
        if let Some(vectors) = &self.listener.vectors {
            let left = Listener::left(self.listener.gone.clone(), self.listener.deadline);
            tokio::select! {
                // A caller that left is seen by the other branch.
                _sent = vectors.send(std::mem::take(&mut reply.vectors)) => {}
                _left = left => return Err(Deadline::fault("the caller to read")),
            }
            self.passed_on = true;
        }
        Ok(last.then_some(Answer::Embed(reply)))
    }

    /// The caller has a part of the answer: to ask again would repeat it.
    pub(super) fn after_a_part(&self, fault: Fault) -> Fault {
        if self.passed_on {
            Fault {
                retry_after: None,
                ..fault
            }
        } else {
            fault
        }
    }
}
