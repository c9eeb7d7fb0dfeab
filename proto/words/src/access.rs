//! The words of access: roles, what a request aims at, and what it would do there.

use std::fmt;
use std::str::FromStr;

use crate::{InvalidName, Owner};

/// What a credential may be. Reader, admin and caller belong to one workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// A call token: calls the router for one workspace.
    Caller,
    /// Reads a workspace.
    Reader,
    /// Manages a workspace.
    Admin,
    /// Runs the system.
    Operator,
    /// Reads the whole system.
    Auditor,
    /// Resolves keys; from configuration only.
    Router,
}

impl Role {
    /// Every role, in the order of the access table's columns.
    pub const ALL: [Self; 6] = [
        Self::Caller,
        Self::Reader,
        Self::Admin,
        Self::Operator,
        Self::Auditor,
        Self::Router,
    ];

    /// As it stands in databases and audit rows.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Reader => "reader",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Router => "router",
        }
    }
}

impl FromStr for Role {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(InvalidName {
                what: "role",
                form: "one of caller, reader, admin, operator, auditor, router",
            })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a request aims at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// Nothing but the caller's own workspace or credential.
    Caller,
    /// The system: no workspace.
    System,
    /// A workspace or the platform.
    Owner(Owner),
    /// A name that is not of its form. Nobody has a role there; those who may reach everything
    /// get as far as the check of the field.
    Unreadable,
}

/// What a request would do, where that decides whether it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// The RPC says it all.
    Plain,
    /// `UpdateKey`: whether the only change is `disabled=true`.
    UpdateKey {
        /// Nothing else changes, and the key ends up switched off.
        only_disables: bool,
    },
    /// `Workspace Update`: which of the two blocks it changes.
    UpdateWorkspace {
        /// The admin's block.
        policy: bool,
        /// The operator's block.
        operator_limits: bool,
    },
    /// `Member Put` and `Remove`.
    ChangeMember {
        /// Whether the member becomes an admin.
        seats_admin: bool,
        /// Whether a reason is given.
        has_reason: bool,
    },
    /// `Token Create`.
    CreateToken {
        /// The role asked for; `None` if it is not a role that tokens can have.
        role: Option<Role>,
        /// Whether a reason is given.
        has_reason: bool,
    },
    /// `Token Revoke`: the accessor; empty means the calling token.
    RevokeToken {
        /// Accessor as given.
        accessor: String,
    },
}
