//! Requests of the vault's RPCs.

use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::Role;
use prost_types::FieldMask;

use super::{
    ACME, Ask, GLOBEX, Handles, NO_CALL, PROVIDER, in_each, in_each_or, lease, only, owners,
};
use crate::access::cells::{Does, Names};

/// A text that no field takes: what would change something fails after the decision.
const BAD_TEXT: &str = "\u{1}";
/// The first admin of every workspace of the world.
pub(crate) const FIRST_ADMIN: &str = "service:first-admin";
/// A reader of every workspace, who has no token.
pub(crate) const BYSTANDER: &str = "service:bystander";

pub(super) fn of(rpc: &str, handles: &Handles) -> Option<Vec<Ask>> {
    let (service, method) = rpc.split_once('/')?;
    match service {
        "KeyService" => keys(method, handles),
        "WorkspaceService" => workspaces(method),
        "MemberService" => members(method),
        "TokenService" => tokens(method, handles),
        "AuditService" => audit(method),
        "SealService" => seal(method),
        "LeaseService" => lease::of(method, handles),
        _ => None,
    }
}

fn key(owner: &str) -> String {
    format!("{owner}/keys/{PROVIDER}/spare")
}

fn keys(method: &str, handles: &Handles) -> Option<Vec<Ask>> {
    Some(match method {
        "PutKey" => in_each(Does::Plain, |owner| pb::PutKeyRequest {
            owner: owner.to_owned(),
            provider: PROVIDER.to_owned(),
            key_name: "put".to_owned(),
            secret: handles.key.clone(),
            ..Default::default()
        }),
        "GetKey" => in_each(Does::Plain, |owner| pb::GetKeyRequest { name: key(owner) }),
        "ListKeys" => in_each(Does::Plain, |owner| pb::ListKeysRequest {
            owner: owner.to_owned(),
            ..Default::default()
        }),
        "UpdateKey" => {
            let update = |owner: &str, path: &str, disabled| pb::UpdateKeyRequest {
                name: key(owner),
                disabled,
                update_mask: Some(FieldMask {
                    paths: path.split(' ').map(str::to_owned).collect(),
                }),
                ..Default::default()
            };
            let mut asks = in_each(Does::OnlyDisables, |owner| update(owner, "disabled", true));
            asks.extend(in_each(Does::Plain, |owner| {
                update(owner, "disabled", false)
            }));
            asks.extend(in_each(Does::Plain, |owner| update(owner, "label", true)));
            asks.extend(in_each(Does::Plain, |owner| {
                update(owner, "disabled label", true)
            }));
            asks
        }
        "DeleteKey" => in_each(Does::Plain, |owner| pb::DeleteKeyRequest {
            name: format!("{owner}/keys/{PROVIDER}/nobody-stored-this"),
            ..Default::default()
        }),
        "ListProviders" => only(Names::Caller, &pb::ListProvidersRequest {}),
        _ => return None,
    })
}

fn workspaces(method: &str) -> Option<Vec<Ask>> {
    Some(match method {
        "Create" => {
            let request = pb::WorkspaceServiceCreateRequest {
                workspace_id: "Not An Id".to_owned(),
                first_admin: FIRST_ADMIN.to_owned(),
                ..Default::default()
            };
            vec![Ask::new(Names::System, Does::Plain, &request).refused()]
        }
        "Get" => in_each(Does::Plain, |owner| pb::WorkspaceServiceGetRequest {
            name: owner.to_owned(),
        }),
        "List" => only(Names::System, &pb::WorkspaceServiceListRequest::default()),
        "Update" => [(true, false), (false, true), (true, true), (false, false)]
            .into_iter()
            .flat_map(|(policy, limits)| {
                in_each(Does::Blocks(policy, limits), |owner| {
                    update(owner, policy, limits)
                })
            })
            .collect(),
        "Suspend" => in_each(Does::Plain, |owner| pb::WorkspaceServiceSuspendRequest {
            name: owner.to_owned(),
            reason: BAD_TEXT.to_owned(),
        }),
        // Of a workspace that is suspended or deleted it would succeed.
        "Resume" => active(Does::Plain, |owner| pb::WorkspaceServiceResumeRequest {
            name: owner.to_owned(),
        }),
        "Delete" => in_each(Does::Plain, |owner| pb::WorkspaceServiceDeleteRequest {
            name: owner.to_owned(),
            confirm_name: "workspaces/another".to_owned(),
            ..Default::default()
        })
        .into_iter()
        .map(Ask::refused)
        .collect(),
        "Undelete" => active(Does::Plain, |owner| pb::WorkspaceServiceUndeleteRequest {
            name: owner.to_owned(),
        }),
        _ => return None,
    })
}

fn update(owner: &str, policy: bool, limits: bool) -> pb::WorkspaceServiceUpdateRequest {
    pb::WorkspaceServiceUpdateRequest {
        name: owner.to_owned(),
        policy: policy.then(pb::Policy::default),
        operator_limits: limits.then(pb::OperatorLimits::default),
        ..Default::default()
    }
}

fn active<M: prost::Message>(does: Does, request: impl Fn(&str) -> M) -> Vec<Ask> {
    let still = [super::SUSPENDED, super::DELETED].map(|name| Names::Workspace(name.to_owned()));
    let mut asks = in_each(does, request);
    asks.retain(|ask| !still.contains(&ask.names));
    asks
}

fn members(method: &str) -> Option<Vec<Ask>> {
    let with_and_without = |does: fn(bool) -> Does, request: &dyn Fn(&str, &str) -> Vec<u8>| {
        let mut asks = Vec::new();
        for (names, owner) in owners() {
            for (has, reason) in [(true, "the admin left"), (false, " ")] {
                asks.push(Ask::raw(names.clone(), does(has), request(owner, reason)));
            }
        }
        asks
    };
    Some(match method {
        "List" => in_each(Does::Plain, |owner| pb::MemberServiceListRequest {
            workspace: owner.to_owned(),
            ..Default::default()
        }),
        "Put" => {
            let put = |role: Role| {
                move |owner: &str, reason: &str| {
                    let request = pb::MemberServicePutRequest {
                        workspace: owner.to_owned(),
                        subject: FIRST_ADMIN.to_owned(),
                        role: role.into(),
                        reason: reason.to_owned(),
                    };
                    prost::Message::encode_to_vec(&request)
                }
            };
            let mut asks = with_and_without(|reason| Does::Admin { reason }, &put(Role::Admin));
            // The last admin stays one, so this fails where it is allowed.
            asks.extend(with_and_without(
                |reason| Does::Reader { reason },
                &put(Role::Reader),
            ));
            asks
        }
        "Remove" => {
            let remove = |owner: &str, reason: &str| {
                let request = pb::MemberServiceRemoveRequest {
                    workspace: owner.to_owned(),
                    subject: FIRST_ADMIN.to_owned(),
                    reason: reason.to_owned(),
                };
                prost::Message::encode_to_vec(&request)
            };
            let asks = with_and_without(|reason| Does::Admin { reason }, &remove);
            let mut asks: Vec<_> = asks.into_iter().map(Ask::refused).collect();
            // In the workspace of nobody who asks: for its own admin it would succeed.
            let bystander = pb::MemberServiceRemoveRequest {
                workspace: GLOBEX.to_owned(),
                subject: BYSTANDER.to_owned(),
                reason: "has no business here".to_owned(),
            };
            let names = Names::Workspace(GLOBEX.to_owned());
            asks.push(Ask::new(names, Does::Reader { reason: true }, &bystander));
            asks
        }
        _ => return None,
    })
}

/// The roles of tokens by their columns.
const ROLES: [(usize, Role); 6] = [
    (1, Role::Caller),
    (2, Role::Reader),
    (3, Role::Admin),
    (4, Role::Operator),
    (5, Role::Auditor),
    (6, Role::Router),
];

fn tokens(method: &str, handles: &Handles) -> Option<Vec<Ask>> {
    Some(match method {
        "Create" => {
            let mut asks = Vec::new();
            for (role, wire) in ROLES {
                for (reason, text) in [(true, "the admin lost it"), (false, "")] {
                    asks.extend(creates(role, wire, reason, text));
                }
            }
            asks
        }
        "List" => in_each_or(Names::System, |owner| pb::TokenServiceListRequest {
            workspace: owner.to_owned(),
            ..Default::default()
        }),
        "Revoke" => revokes(handles),
        "WhoAmI" => only(Names::Caller, &pb::TokenServiceWhoAmIRequest {}),
        _ => return None,
    })
}

fn creates(role: usize, wire: Role, reason: bool, text: &str) -> Vec<Ask> {
    let does = Does::MakesToken { role };
    let request = |workspace: &str| pb::TokenServiceCreateRequest {
        workspace: workspace.to_owned(),
        role: wire.into(),
        subject: FIRST_ADMIN.to_owned(),
        reason: text.to_owned(),
        label: "made by a test".to_owned(),
        ..Default::default()
    };
    let mut asks = in_each(does, request);
    asks.push(Ask::new(Names::System, does, &request("")));
    for ask in &mut asks {
        // This workspace has an admin's token, so an operator must say why it makes another.
        let again = ask.names == Names::Workspace(GLOBEX.to_owned());
        ask.must_fail = wire == Role::Router || (wire == Role::Admin && !reason && again);
    }
    asks
}

/// Tokens that were never made, and the tokens of the admins: only an admin or an operator may end
/// them, and for those the request leads elsewhere.
fn revokes(handles: &Handles) -> Vec<Ask> {
    let request = |workspace: &str, accessor: &str| pb::TokenServiceRevokeRequest {
        workspace: workspace.to_owned(),
        accessor: accessor.to_owned(),
        ..Default::default()
    };
    let mut asks = in_each(Does::EndsAnother, |owner| request(owner, NO_CALL));
    asks.push(Ask::new(
        Names::System,
        Does::EndsAnother,
        &request("", NO_CALL),
    ));
    for (workspace, accessor) in &handles.admins {
        // In the other workspace: it is not there, whoever asks.
        let other = if workspace == ACME { GLOBEX } else { ACME };
        let names = Names::Workspace(other.to_owned());
        asks.push(Ask::new(names, Does::EndsAnother, &request(other, accessor)).refused());
    }
    asks
}

fn audit(method: &str) -> Option<Vec<Ask>> {
    Some(match method {
        "List" => in_each_or(Names::System, |owner| pb::AuditServiceListRequest {
            workspace: owner.to_owned(),
            ..Default::default()
        }),
        "Export" => in_each_or(Names::System, |owner| pb::AuditServiceExportRequest {
            workspace: owner.to_owned(),
            ..Default::default()
        }),
        "Checkpoint" => in_each_or(Names::System, |owner| pb::AuditServiceCheckpointRequest {
            workspace: owner.to_owned(),
        }),
        _ => return None,
    })
}

fn seal(method: &str) -> Option<Vec<Ask>> {
    Some(match method {
        "Status" => only(Names::System, &pb::SealServiceStatusRequest::default()),
        "Rewrap" => only(Names::System, &pb::SealServiceRewrapRequest::default()),
        "RotateDataKey" => {
            let request = pb::SealServiceRotateDataKeyRequest {
                owner: super::ABSENT.to_owned(),
            };
            vec![Ask::new(Names::System, Does::Plain, &request).refused()]
        }
        "RetireMasterKey" => {
            let request = pb::SealServiceRetireMasterKeyRequest {
                id: "nobody-made-this".to_owned(),
            };
            vec![Ask::new(Names::System, Does::Plain, &request).refused()]
        }
        _ => return None,
    })
}
