//! What a request of `BillingService` asks for, read and checked. Pure.

use std::collections::HashSet;

use keyway_proto::Fault;
use keyway_proto::billing::v1 as wire;
use keyway_proto::convert::{from_timestamp, known};
use keyway_router_billing::{PageRequest, Part, SummaryRequest, UsageFilter};
use keyway_words::{Source, Timestamp, WorkspaceId};

pub(super) fn filter(filter: Option<&wire::UsageFilter>) -> Result<UsageFilter, Fault> {
    let Some(filter) = filter else {
        return Ok(UsageFilter::default());
    };
    let workspace = match filter.workspace.as_str() {
        "" => None,
        name => Some(
            WorkspaceId::from_resource(name)
                .map_err(|form| Fault::field("filter.workspace", form.to_string()))?,
        ),
    };
    let provider = match filter.provider.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|form: keyway_words::InvalidName| {
            Fault::field("filter.provider", form.to_string())
        })?),
    };
    let source = match known("filter.source", filter.source)? {
        wire::Source::Unspecified => None,
        wire::Source::Own => Some(Source::Own),
        wire::Source::Hosted => Some(Source::Hosted),
    };
    Ok(UsageFilter {
        workspace,
        provider,
        source,
        ..UsageFilter::default()
    })
}

pub(super) fn page(request: wire::ListUsageRequest) -> Result<PageRequest, Fault> {
    let size = match u32::try_from(request.page_size) {
        Ok(0) => 50,
        Ok(size @ 1..=500) => size,
        _ => return Err(Fault::field("page_size", "must be 0 to 500")),
    };
    let call_id = match request.call_id.as_str() {
        "" => None,
        id => Some(id.parse().map_err(|form: keyway_words::InvalidName| {
            Fault::field("call_id", form.to_string())
        })?),
    };
    let (from, to) = span(request.from_time.as_ref(), request.to_time.as_ref())?;
    Ok(PageRequest {
        filter: filter(request.filter.as_ref())?,
        from,
        to,
        call_id,
        size,
        token: request.page_token,
    })
}

pub(super) fn summary(request: wire::SummarizeUsageRequest) -> Result<SummaryRequest, Fault> {
    let by = request.by.iter().map(|part| match known("by", *part)? {
        wire::SummaryPart::Unspecified => Err(Fault::field("by", "must be parts of a summary")),
        wire::SummaryPart::Workspace => Ok(Part::Workspace),
        wire::SummaryPart::Day => Ok(Part::Day),
        wire::SummaryPart::Model => Ok(Part::Model),
        wire::SummaryPart::Source => Ok(Part::Source),
        wire::SummaryPart::Key => Ok(Part::Key),
        wire::SummaryPart::Label => Ok(Part::Label),
    });
    let by = by.collect::<Result<HashSet<_>, _>>()?;
    if by.contains(&Part::Label) == request.label.is_empty() {
        return Err(Fault::field(
            "label",
            "must be given with LABEL, and only then",
        ));
    }
    let (from, to) = span(request.from_time.as_ref(), request.to_time.as_ref())?;
    Ok(SummaryRequest {
        filter: filter(request.filter.as_ref())?,
        from,
        to,
        by,
        label: request.label,
    })
}

/// From when until when. A span that holds nothing is a slip, and would read as nothing used.
pub(super) fn span(
    from: Option<&prost_types::Timestamp>,
    to: Option<&prost_types::Timestamp>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Fault> {
    let (from, to) = (time("from_time", from)?, time("to_time", to)?);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Err(Fault::field("to_time", "must be after from_time"));
    }
    Ok((from, to))
}

fn time(field: &str, at: Option<&prost_types::Timestamp>) -> Result<Option<Timestamp>, Fault> {
    at.map(|at| from_timestamp(at).ok_or_else(|| Fault::field(field, "must be a time")))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field<T: std::fmt::Debug>(read: Result<T, Fault>) -> String {
        let fault = read.unwrap_err();
        assert_eq!(fault.reason, keyway_proto::Reason::FieldInvalid);
        fault.field.unwrap()
    }

    #[test]
    fn a_value_that_is_not_known_is_refused_and_never_reads_as_everything() {
        let filter = |source| wire::UsageFilter {
            source,
            ..wire::UsageFilter::default()
        };
        assert!(super::filter(Some(&filter(1))).is_ok());
        for unknown in [3, -1, i32::MAX] {
            assert_eq!(
                field(super::filter(Some(&filter(unknown)))),
                "filter.source"
            );
            let by = wire::SummarizeUsageRequest {
                by: vec![1, unknown.wrapping_mul(31)],
                ..wire::SummarizeUsageRequest::default()
            };
            assert_eq!(field(summary(by)), "by");
        }
    }

    #[test]
    fn a_span_that_ends_before_it_begins_is_refused() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        for (from, to) in [(at(2), at(1)), (at(1), at(1))] {
            let list = wire::ListUsageRequest {
                from_time: from,
                to_time: to,
                ..wire::ListUsageRequest::default()
            };
            assert_eq!(field(page(list)), "to_time");
            let sums = wire::SummarizeUsageRequest {
                from_time: from,
                to_time: to,
                ..wire::SummarizeUsageRequest::default()
            };
            assert_eq!(field(summary(sums)), "to_time");
        }
    }
}
