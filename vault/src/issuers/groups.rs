//! What an issuer's groups may: `group=role` as the configuration lists it.

use std::str::FromStr;

use keyway_words::{Role, WorkspaceId};

/// One group and what its members may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GroupRole {
    group: String,
    right: Right,
}

/// A role, in a workspace or, of operators and auditors, in the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) role: Role,
    pub(crate) workspace: Option<WorkspaceId>,
}

/// Not a group and its role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidGroupRole;

impl FromStr for GroupRole {
    type Err = InvalidGroupRole;

    fn from_str(text: &str) -> Result<Self, InvalidGroupRole> {
        let (group, right) = text.rsplit_once('=').ok_or(InvalidGroupRole)?;
        if !(1..=256).contains(&group.len()) || group.contains(char::is_control) {
            return Err(InvalidGroupRole);
        }
        let right = match right.rsplit_once(':') {
            None => Right {
                role: match right {
                    "operator" => Role::Operator,
                    "auditor" => Role::Auditor,
                    _ => return Err(InvalidGroupRole),
                },
                workspace: None,
            },
            Some((workspace, role)) => Right {
                role: match role {
                    "call" => Role::Caller,
                    "reader" => Role::Reader,
                    "admin" => Role::Admin,
                    _ => return Err(InvalidGroupRole),
                },
                workspace: Some(
                    WorkspaceId::from_resource(workspace).map_err(|_form| InvalidGroupRole)?,
                ),
            },
        };
        Ok(Self {
            group: group.to_owned(),
            right,
        })
    }
}

/// What somebody in these groups may be.
pub(super) fn rights(groups: &[GroupRole], memberships: &[&str]) -> Vec<Right> {
    groups
        .iter()
        .filter(|known| memberships.contains(&known.group.as_str()))
        .map(|known| known.right.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_gives_the_role_that_stands_behind_it_and_no_other_group_does() {
        let groups: Vec<GroupRole> = [
            "ops=operator",
            "cn=audit,dc=example=auditor",
            "acme-admins=workspaces/acme:admin",
            "acme-apps=workspaces/acme:call",
        ]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
        let given = rights(
            &groups,
            &["acme-apps", "ops2", "OPS", "cn=audit,dc=example"],
        );
        let given: Vec<(Role, Option<&str>)> = given
            .iter()
            .map(|right| {
                (
                    right.role,
                    right.workspace.as_ref().map(WorkspaceId::as_str),
                )
            })
            .collect();
        assert_eq!(given, [(Role::Auditor, None), (Role::Caller, Some("acme"))]);
    }

    #[test]
    fn a_group_that_would_give_something_else_is_refused() {
        for text in [
            "",
            "ops",
            "=operator",
            "ops=router",
            "ops=admin",
            "ops=workspaces/acme:operator",
            "ops=workspaces/acme:router",
            "ops=workspaces/Acme:admin",
            "ops=platform:admin",
            "ops=acme:admin",
            "ops=workspaces/acme",
        ] {
            assert_eq!(text.parse::<GroupRole>(), Err(InvalidGroupRole), "{text}");
        }
    }
}
