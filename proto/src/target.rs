//! What each request aims at and would do there: the input of the access decision.
//!
//! Every request type of the contract implements [`Target`]; a handler can't be reached with one
//! that does not.

use keyway_words::{Act, Aim, KeyPath, Owner, Role};

use crate::billing::v1 as billing;
use crate::router::v1 as router;
use crate::vault::v1 as vault;

/// What a request aims at and would do there.
pub trait Target {
    /// What it aims at.
    fn aim(&self) -> Aim;

    /// What it would do there, where that decides.
    fn act(&self) -> Act {
        Act::Plain
    }
}

fn owner(text: &str) -> Aim {
    text.parse::<Owner>().map_or(Aim::Unreadable, Aim::Owner)
}

fn key(text: &str) -> Aim {
    text.parse::<KeyPath>().map_or_else(
        // The owner alone decides, so that a slip in the rest is a field error for its admin.
        |_form| {
            text.split_once("/keys/")
                .map_or(Aim::Unreadable, |(name, _)| owner(name))
        },
        |path| Aim::Owner(path.owner),
    )
}

fn workspace_or(text: &str, otherwise: Aim) -> Aim {
    if text.is_empty() {
        otherwise
    } else {
        owner(text)
    }
}

macro_rules! targets {
    ($($request:ty => |$this:pat_param| $aim:expr;)+) => {$(
        impl Target for $request {
            fn aim(&self) -> Aim {
                let $this = self;
                $aim
            }
        }
    )+};
}

targets! {
    vault::PutKeyRequest => |r| owner(&r.owner);
    vault::GetKeyRequest => |r| key(&r.name);
    vault::ListKeysRequest => |r| owner(&r.owner);
    vault::DeleteKeyRequest => |r| key(&r.name);
    vault::ListProvidersRequest => |_| Aim::System;
    vault::WorkspaceServiceCreateRequest => |_| Aim::System;
    vault::WorkspaceServiceGetRequest => |r| owner(&r.name);
    vault::WorkspaceServiceListRequest => |_| Aim::System;
    vault::WorkspaceServiceSuspendRequest => |r| owner(&r.name);
    vault::WorkspaceServiceResumeRequest => |r| owner(&r.name);
    vault::WorkspaceServiceDeleteRequest => |r| owner(&r.name);
    vault::WorkspaceServiceUndeleteRequest => |r| owner(&r.name);
    vault::MemberServiceListRequest => |r| owner(&r.workspace);
    vault::TokenServiceListRequest => |r| workspace_or(&r.workspace, Aim::System);
    vault::TokenServiceWhoAmIRequest => |_| Aim::System;
    vault::AuditServiceListRequest => |r| workspace_or(&r.workspace, Aim::System);
    vault::AuditServiceExportRequest => |r| workspace_or(&r.workspace, Aim::System);
    vault::AuditServiceCheckpointRequest => |r| workspace_or(&r.workspace, Aim::System);
    vault::SealServiceStatusRequest => |_| Aim::System;
    vault::SealServiceRewrapRequest => |_| Aim::System;
    vault::SealServiceRotateDataKeyRequest => |_| Aim::System;
    vault::SealServiceRetireMasterKeyRequest => |_| Aim::System;
    vault::ResolveKeysRequest => |r| if r.key.is_empty() { owner(&r.workspace) } else { key(&r.key) };
    vault::VerifyCallerRequest => |_| Aim::System;
    vault::WatchChangesRequest => |_| Aim::System;
    vault::ReportHealthRequest => |_| Aim::System;
    router::ChatRequest => |_| Aim::Caller;
    router::StreamChatRequest => |_| Aim::Caller;
    router::EmbedRequest => |_| Aim::Caller;
    router::StreamEmbedRequest => |_| Aim::Caller;
    router::SearchRequest => |_| Aim::Caller;
    router::ListModelsRequest => |_| Aim::Caller;
    router::GetReceiptRequest => |r| workspace_or(&r.workspace, Aim::Caller);
    router::ExplainRouteRequest => |r| workspace_or(&r.workspace, Aim::Caller);
    router::TestKeyRequest => |r| key(&r.name);
    billing::ListUsageRequest => |r| filtered(r.filter.as_ref());
    billing::SummarizeUsageRequest => |r| filtered(r.filter.as_ref());
    billing::RerateRequest => |r| filtered(r.filter.as_ref());
    billing::GetPriceTableRequest => |r| workspace_or(&r.workspace, Aim::Caller);
    billing::StreamUsageRequest => |r| match &r.message {
        Some(billing::stream_usage_request::Message::Open(open)) => filtered(open.filter.as_ref()),
        Some(billing::stream_usage_request::Message::Acknowledge(_)) | None => Aim::Unreadable,
    };
}

fn filtered(filter: Option<&billing::UsageFilter>) -> Aim {
    filter.map_or(Aim::System, |filter| {
        workspace_or(&filter.workspace, Aim::System)
    })
}

impl Target for vault::UpdateKeyRequest {
    fn aim(&self) -> Aim {
        key(&self.name)
    }

    fn act(&self) -> Act {
        let only_disabled = self
            .update_mask
            .as_ref()
            .is_some_and(|mask| mask.paths == ["disabled"]);
        Act::UpdateKey {
            only_disables: only_disabled && self.disabled,
        }
    }
}

impl Target for vault::WorkspaceServiceUpdateRequest {
    fn aim(&self) -> Aim {
        owner(&self.name)
    }

    fn act(&self) -> Act {
        let paths = self
            .update_mask
            .as_ref()
            .map_or(&[][..], |mask| &mask.paths);
        let names = |block: &str| {
            paths.iter().any(|path| {
                path == block
                    || path
                        .strip_prefix(block)
                        .is_some_and(|rest| rest.starts_with('.'))
            })
        };
        Act::UpdateWorkspace {
            policy: self.policy.is_some() || names("policy"),
            operator_limits: self.operator_limits.is_some() || names("operator_limits"),
        }
    }
}

impl Target for vault::MemberServicePutRequest {
    fn aim(&self) -> Aim {
        owner(&self.workspace)
    }

    fn act(&self) -> Act {
        Act::ChangeMember {
            seats_admin: self.role() == vault::Role::Admin,
            has_reason: !self.reason.trim().is_empty(),
        }
    }
}

impl Target for vault::MemberServiceRemoveRequest {
    fn aim(&self) -> Aim {
        owner(&self.workspace)
    }

    fn act(&self) -> Act {
        Act::ChangeMember {
            seats_admin: false,
            has_reason: !self.reason.trim().is_empty(),
        }
    }
}

impl Target for vault::TokenServiceCreateRequest {
    fn aim(&self) -> Aim {
        workspace_or(&self.workspace, Aim::System)
    }

    fn act(&self) -> Act {
        Act::CreateToken {
            role: role(self.role()),
            has_reason: !self.reason.trim().is_empty(),
        }
    }
}

impl Target for vault::TokenServiceRevokeRequest {
    fn aim(&self) -> Aim {
        let otherwise = if self.accessor.is_empty() {
            Aim::Caller
        } else {
            Aim::System
        };
        workspace_or(&self.workspace, otherwise)
    }

    fn act(&self) -> Act {
        Act::RevokeToken {
            accessor: self.accessor.clone(),
        }
    }
}

/// The role of a wire value; `None` for the unspecified one.
pub fn role(wire: vault::Role) -> Option<Role> {
    match wire {
        vault::Role::Unspecified => None,
        vault::Role::Reader => Some(Role::Reader),
        vault::Role::Admin => Some(Role::Admin),
        vault::Role::Operator => Some(Role::Operator),
        vault::Role::Auditor => Some(Role::Auditor),
        vault::Role::Router => Some(Role::Router),
        vault::Role::Caller => Some(Role::Caller),
    }
}

/// The wire value of a role.
pub fn wire_role(role: Role) -> vault::Role {
    match role {
        Role::Reader => vault::Role::Reader,
        Role::Admin => vault::Role::Admin,
        Role::Operator => vault::Role::Operator,
        Role::Auditor => vault::Role::Auditor,
        Role::Router => vault::Role::Router,
        Role::Caller => vault::Role::Caller,
    }
}
