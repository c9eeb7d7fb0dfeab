//! Answers of a call that takes several provider requests, passed on as they come.

use std::time::Duration;

use keyway_proto::vault::v1 as vault;
use keyway_proto::{Fault, Reason};
use keyway_words::Source;

use super::Answer;
use super::run::Run;
use crate::admission::NoRequest;
use crate::call::Work;
use crate::counters;
use crate::keys::Lease;
use crate::resolver::Planned;

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
            let left = self.listener.left();
            tokio::select! {
                // A caller that left is seen by the other branch.
                _sent = vectors.send(std::mem::take(&mut reply.vectors)) => {}
                left = left => return Err(left.fault("the caller to read")),
            }
            self.passed_on = true;
        }
        self.hosted_counted = false;
        Ok(last.then_some(Answer::Embed(reply)))
    }

    /// Counts a provider request on the platform's key once, however often it is tried. A call on
    /// an own key is not asked.
    pub(super) async fn hosted_turn(
        &mut self,
        planned: &Planned,
        lease: &Lease,
    ) -> Result<(), Fault> {
        if self.hosted_counted || planned.source == Source::Own {
            return Ok(());
        }
        let of = |limits: Option<&vault::Limits>| limits?.hosted_requests_per_minute;
        let operator = of(lease.operator_limits.limits.as_ref());
        let own = of(lease.policy.limits.as_ref());
        let most = operator.into_iter().chain(own).min();
        let (admission, workspace) = (&self.execution.admission, &self.call.workspace);
        if let (Some(shared), Some(most)) = (&admission.shared, most) {
            let taken = tokio::select! {
                taken = shared.take(workspace, most) => taken,
                left = self.listener.left() => return Err(left.fault("the ledger")),
            };
            taken.map_err(|why| match why {
                NoRequest::Limited(wait) => limited(most, wait),
                NoRequest::Ledger(error) => error.into(),
            })?;
            // Counted here too, for those who look; the limit is kept above.
            admission.hosted.take(workspace, None).ok();
        } else {
            let taken = admission.hosted.take(workspace, most);
            taken.map_err(|wait| limited(most.unwrap_or_default(), wait))?;
        }
        self.hosted_counted = true;
        Ok(())
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

fn limited(most: u64, wait: Duration) -> Fault {
    counters::shed(Reason::HostedRateLimited.as_str());
    let message = format!(
        "the workspace made {most} requests on the platform's keys within a minute, which is its limit; calls on an own key are not limited"
    );
    Fault::new(Reason::HostedRateLimited, message).retry_after(wait)
}
