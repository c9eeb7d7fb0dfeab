//! Requests of the vault's data plane.

use keyway_proto::vault::v1 as pb;

use super::{Ask, DELETED, Handles, NO_CALL, PROVIDER, in_each, only};
use crate::access::cells::{Does, Names};

pub(super) fn of(method: &str, handles: &Handles) -> Option<Vec<Ask>> {
    Some(match method {
        "ResolveKeys" => in_each(Does::Plain, |owner| pb::ResolveKeysRequest {
            workspace: owner.to_owned(),
            provider: PROVIDER.to_owned(),
            call_id: NO_CALL.to_owned(),
            key: String::new(),
        }),
        "VerifyCaller" => handles
            .bearers
            .iter()
            .map(|(workspace, token)| {
                let request = pb::VerifyCallerRequest {
                    token: token.clone(),
                    ..Default::default()
                };
                // What it aims at is the workspace of the token, if it is one.
                let names = match workspace.as_str() {
                    DELETED => Names::System,
                    name => Names::Workspace(name.to_owned()),
                };
                Ask::new(names, Does::Plain, &request)
            })
            .chain(only(Names::System, &pb::VerifyCallerRequest::default()))
            .collect(),
        "WatchChanges" => {
            let start = pb::WatchStart {
                instance: "matrix".to_owned(),
                ..Default::default()
            };
            let message = Some(pb::watch_changes_request::Message::Start(start));
            only(Names::System, &pb::WatchChangesRequest { message })
        }
        "ReportHealth" => reports(),
        _ => return None,
    })
}

/// Of no key at all, and of keys of workspaces in a version that they never had. Keys of the platform
/// are every router's, though no list names it.
fn reports() -> Vec<Ask> {
    let of = |owner: &str| pb::ReportHealthRequest {
        changes: vec![pb::HealthChange {
            name: format!("{owner}/keys/{PROVIDER}/default"),
            version: 999,
            state: pb::KeyState::Active.into(),
            ..Default::default()
        }],
    };
    let mut asks = in_each(Does::Plain, of);
    asks.retain(|ask| matches!(ask.names, Names::Workspace(_)));
    asks.extend(only(Names::System, &pb::ReportHealthRequest::default()));
    asks
}
