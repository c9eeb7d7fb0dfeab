//! Requests of the router's RPCs.

use keyway_proto::billing::v1 as bill;
use keyway_proto::router::v1 as pb;

use super::{Ask, NO_CALL, PROVIDER, in_each, in_each_or, only};
use crate::access::cells::{Does, Names};
use crate::harness::ask;

pub(super) fn execution(rpc: &str) -> Option<Vec<Ask>> {
    let method = rpc.strip_prefix("ExecutionService/")?;
    let chat = || ask("openai/gpt-5-mini");
    let embed = || pb::EmbedRequest {
        model: "openai/text-embedding-3-small".to_owned(),
        inputs: vec!["a word".to_owned()],
        ..Default::default()
    };
    Some(match method {
        "Chat" => only(Names::Caller, &chat()),
        "StreamChat" => {
            let request = Some(chat());
            only(Names::Caller, &pb::StreamChatRequest { request })
        }
        "Embed" => only(Names::Caller, &embed()),
        "StreamEmbed" => {
            let request = Some(embed());
            only(Names::Caller, &pb::StreamEmbedRequest { request })
        }
        "Search" => {
            let request = pb::SearchRequest {
                model: "exa/auto".to_owned(),
                query: "a word".to_owned(),
                ..Default::default()
            };
            only(Names::Caller, &request)
        }
        "ListModels" => only(Names::Caller, &pb::ListModelsRequest::default()),
        "GetReceipt" => in_each_or(Names::Caller, |owner| pb::GetReceiptRequest {
            call_id: NO_CALL.to_owned(),
            workspace: owner.to_owned(),
        }),
        "ExplainRoute" => in_each_or(Names::Caller, |owner| pb::ExplainRouteRequest {
            workspace: owner.to_owned(),
            model: "openai/gpt-5-mini".to_owned(),
        }),
        "TestKey" => in_each(Does::Plain, |owner| pb::TestKeyRequest {
            name: format!("{owner}/keys/{PROVIDER}/default"),
        }),
        _ => return None,
    })
}

pub(super) fn billing(rpc: &str) -> Option<Vec<Ask>> {
    let method = rpc.strip_prefix("BillingService/")?;
    let filter = |workspace: &str| {
        Some(bill::UsageFilter {
            workspace: workspace.to_owned(),
            ..Default::default()
        })
    };
    Some(match method {
        "ListUsage" => in_each_or(Names::System, |owner| bill::ListUsageRequest {
            filter: filter(owner),
            ..Default::default()
        }),
        "SummarizeUsage" => in_each_or(Names::System, |owner| bill::SummarizeUsageRequest {
            filter: filter(owner),
            ..Default::default()
        }),
        "StreamUsage" => in_each_or(Names::System, |owner| {
            let open = bill::StreamUsageOpen {
                filter: filter(owner),
                ..Default::default()
            };
            let message = Some(bill::stream_usage_request::Message::Open(open));
            bill::StreamUsageRequest { message }
        }),
        "GetPriceTable" => in_each_or(Names::Caller, |owner| bill::GetPriceTableRequest {
            workspace: owner.to_owned(),
            ..Default::default()
        }),
        "Rerate" => in_each_or(Names::System, |owner| bill::RerateRequest {
            filter: filter(owner),
            dry_run: true,
            ..Default::default()
        }),
        _ => return None,
    })
}
