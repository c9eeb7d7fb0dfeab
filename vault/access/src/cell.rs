//! The cells of the access table: a closed set, each with one meaning.

use keyway_words::{Act, Aim, Owner, Role};

use crate::{Decision, Standing};

/// What a role may do with an RPC. Wherever the meaning does not say so, the answer is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Empty: nothing.
    Empty,
    /// `yes`: whatever the request aims at.
    Yes,
    /// `own`: the caller's own workspace.
    Own,
    /// `all`: every workspace, the platform and the system. A name that can't be read gets as far as
    /// the check of the field.
    All,
    /// `platform`: the platform only.
    Platform,
    /// `own`, of `Workspace Update`: the own workspace, and nothing of the operator's block.
    OwnPolicy,
    /// `all`, of `Workspace Update`: any workspace, and nothing of the admin's block.
    AllLimits,
    /// `platform; elsewhere only disabled=true`: a key of the platform in every way, any other
    /// only to switch it off.
    PlatformElsewhereDisable,
    /// `re-seat an admin, with reason`, of `Member Put`: the member becomes an admin, for a reason.
    SeatAdmin,
    /// `re-seat an admin, with reason`, of `Member Remove`: for a reason. That the member removed is
    /// an admin only the service can see.
    UnseatAdmin,
    /// `own: call, reader, admin`: tokens of these roles, in the own workspace.
    CreateOwn,
    /// `operator, auditor; a workspace's first admin, or on re-seat`: tokens of these two roles for
    /// the system, admin tokens for a workspace. Only the service can see whether an admin token
    /// existed before: then it must ask for the reason.
    CreateSystem,
    /// `self`, of `Token List`: the own workspace, narrowed to the caller's own tokens.
    OwnTokens,
    /// `self`, of `Token Revoke`: the calling token itself, or, for a reader, one of its own tokens.
    RevokeSelf,
    /// `listed workspaces`: those of the router's allow-list and the system's feed; without a list,
    /// every workspace.
    Listed,
}

impl Cell {
    /// Decides for one caller and one request.
    pub(crate) fn decide(self, caller: &Standing<'_>, aim: &Aim, act: &Act) -> Decision {
        match self {
            Self::Empty => Decision::Denied,
            Self::Yes | Self::All => Decision::Allowed,
            Self::Own => allow(own(caller, aim, act)),
            Self::Platform => allow(*aim == Aim::Owner(Owner::Platform)),
            Self::OwnPolicy => {
                allow(own(caller, aim, act) && blocks(act).is_some_and(|b| !b.limits))
            }
            Self::AllLimits => allow(blocks(act).is_some_and(|b| !b.policy)),
            Self::PlatformElsewhereDisable => allow(
                *aim == Aim::Owner(Owner::Platform)
                    || *act
                        == Act::UpdateKey {
                            only_disables: true,
                        },
            ),
            Self::SeatAdmin => allow(
                in_a_workspace(aim)
                    && *act
                        == Act::ChangeMember {
                            seats_admin: true,
                            has_reason: true,
                        },
            ),
            Self::UnseatAdmin => allow(in_a_workspace(aim) && has_reason(act)),
            Self::CreateOwn => allow(own(caller, aim, act) && creates_own(act)),
            Self::CreateSystem => allow(creates_system(aim, act)),
            Self::OwnTokens => narrow(own(caller, aim, act)),
            Self::RevokeSelf => narrow(own(caller, aim, act) && revokes_self(caller, act)),
            Self::Listed => allow(listed(caller, aim)),
        }
    }
}

fn allow(holds: bool) -> Decision {
    if holds {
        Decision::Allowed
    } else {
        Decision::Denied
    }
}

fn narrow(holds: bool) -> Decision {
    if holds {
        Decision::AllowedSelf
    } else {
        Decision::Denied
    }
}

/// Whether the aim is the caller's own workspace, or nothing but the caller. The calling token named
/// by its accessor, without a workspace, is the caller too.
fn own(caller: &Standing<'_>, aim: &Aim, act: &Act) -> bool {
    let Some(workspace) = caller.workspace else {
        return false;
    };
    match aim {
        Aim::Caller => true,
        Aim::Owner(Owner::Workspace(id)) => id == workspace,
        Aim::System => names_this_token(caller, act),
        Aim::Owner(Owner::Platform) | Aim::Unreadable => false,
    }
}

/// Whether the request names a workspace, or tries to.
fn in_a_workspace(aim: &Aim) -> bool {
    match aim {
        Aim::Owner(Owner::Workspace(_)) | Aim::Unreadable => true,
        Aim::Owner(Owner::Platform) | Aim::Caller | Aim::System => false,
    }
}

fn listed(caller: &Standing<'_>, aim: &Aim) -> bool {
    let Some(list) = caller.listed else {
        return true;
    };
    match aim {
        Aim::Owner(Owner::Workspace(id)) => list.contains(id),
        Aim::System => true,
        Aim::Owner(Owner::Platform) | Aim::Caller | Aim::Unreadable => false,
    }
}

/// Which blocks of a workspace a request changes.
struct Blocks {
    policy: bool,
    limits: bool,
}

fn blocks(act: &Act) -> Option<Blocks> {
    match *act {
        Act::UpdateWorkspace {
            policy,
            operator_limits,
        } => Some(Blocks {
            policy,
            limits: operator_limits,
        }),
        Act::Plain
        | Act::UpdateKey { .. }
        | Act::ChangeMember { .. }
        | Act::CreateToken { .. }
        | Act::RevokeToken { .. } => None,
    }
}

fn has_reason(act: &Act) -> bool {
    match act {
        Act::ChangeMember { has_reason, .. } => *has_reason,
        Act::Plain
        | Act::UpdateKey { .. }
        | Act::UpdateWorkspace { .. }
        | Act::CreateToken { .. }
        | Act::RevokeToken { .. } => false,
    }
}

/// Whether the request makes a token of a role that may be made. A missing role is a slip of somebody
/// who may create tokens here: it gets as far as the check of the field.
fn creates(act: &Act, may: impl FnOnce(Role) -> bool) -> bool {
    match act {
        Act::CreateToken { role, .. } => role.is_none_or(may),
        Act::Plain
        | Act::UpdateKey { .. }
        | Act::UpdateWorkspace { .. }
        | Act::ChangeMember { .. }
        | Act::RevokeToken { .. } => false,
    }
}

fn creates_own(act: &Act) -> bool {
    creates(act, |role| match role {
        Role::Caller | Role::Reader | Role::Admin => true,
        Role::Operator | Role::Auditor | Role::Router => false,
    })
}

fn creates_system(aim: &Aim, act: &Act) -> bool {
    creates(act, |role| match role {
        Role::Operator | Role::Auditor => *aim == Aim::System,
        Role::Admin => in_a_workspace(aim),
        Role::Caller | Role::Reader | Role::Router => false,
    })
}

fn names_this_token(caller: &Standing<'_>, act: &Act) -> bool {
    match act {
        Act::RevokeToken { accessor } => !accessor.is_empty() && accessor == caller.accessor,
        Act::Plain
        | Act::UpdateKey { .. }
        | Act::UpdateWorkspace { .. }
        | Act::ChangeMember { .. }
        | Act::CreateToken { .. } => false,
    }
}

/// A call token is given to clients, often under its admin's name, so it reaches itself only.
/// A reader may end any token of its own subject, which the service checks.
fn revokes_self(caller: &Standing<'_>, act: &Act) -> bool {
    match act {
        Act::RevokeToken { accessor } => {
            accessor.is_empty()
                || names_this_token(caller, act)
                || caller.role == Some(Role::Reader)
        }
        Act::Plain
        | Act::UpdateKey { .. }
        | Act::UpdateWorkspace { .. }
        | Act::ChangeMember { .. }
        | Act::CreateToken { .. } => false,
    }
}
