//! Which of a caller's standings counts for a request.

use std::sync::Arc;

use keyway_proto::Fault;
use keyway_words::{Act, Aim, WorkspaceId};

use super::{Authority, Caller, Reach, Standing};

/// Metadata that names the workspace in which the caller acts.
pub(super) const WORKSPACE: &str = "keyway-workspace";

impl Caller {
    /// The caller as each thing that it may be, the present one first; the rest stands in `others`.
    pub fn each(&self) -> impl Iterator<Item = Self> + '_ {
        (0..=self.others.len()).map(|at| self.taking(at))
    }

    /// The caller where it acts in one workspace and is nothing else; `None` where it is nothing
    /// there.
    pub(super) fn within(&self, workspace: &WorkspaceId) -> Option<Self> {
        let mut standings = self
            .standings()
            .filter(|standing| standing.workspace.as_ref() == Some(workspace));
        let first = standings.next()?;
        Some(self.with(first, standings.collect()))
    }

    /// Everything that the caller may be, the present one first.
    pub fn standings(&self) -> impl Iterator<Item = Standing> + '_ {
        let present = Standing {
            role: self.role,
            workspace: self.workspace.clone(),
            grants: Arc::clone(&self.grants),
        };
        std::iter::once(present).chain(self.others.iter().cloned())
    }

    fn taking(&self, at: usize) -> Self {
        if at == 0 {
            return self.clone();
        }
        let mut standings: Vec<Standing> = self.standings().collect();
        let taken = standings.remove(at);
        self.with(taken, standings.into())
    }

    fn with(&self, standing: Standing, others: Arc<[Standing]>) -> Self {
        Self {
            role: standing.role,
            workspace: standing.workspace,
            grants: standing.grants,
            others,
            ..self.clone()
        }
    }
}

/// The caller as what counts, and how far it reaches: the first standing that the authority allows
/// in full, else the first that it allows in part. `None`: none is allowed.
///
/// A request that names no workspace is for the caller's own. Where several would do, the caller
/// must say which, so that nothing is charged to one by chance.
pub(super) fn counting(
    authority: &dyn Authority,
    caller: &Caller,
    rpc: &str,
    aim: &Aim,
    act: &Act,
) -> Result<Option<(Caller, Reach)>, Fault> {
    let mut found: Option<(Caller, Reach)> = None;
    for standing in caller.each() {
        let Ok(reach) = authority.decide(&standing, rpc, aim, act) else {
            continue;
        };
        match &found {
            None => found = Some((standing, reach)),
            Some((first, _)) if *aim == Aim::Caller && first.workspace != standing.workspace => {
                return Err(Fault::field(
                    WORKSPACE,
                    "must name one of the caller's workspaces in the call's metadata, as \
                     workspaces/{id}: the request names none, and the caller has several",
                ));
            }
            Some((_, Reach::OwnTokens)) if reach == Reach::Full => found = Some((standing, reach)),
            Some(_) => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use keyway_proto::Reason;
    use keyway_words::{Owner, Role};

    use super::super::Denied;
    use super::*;

    const CALL: &str = "call";
    const READ: &str = "read";

    /// Callers call, admins read; each in the own workspace. Operators read everywhere.
    struct Table;

    impl Authority for Table {
        fn has_row(&self, _rpc: &str) -> bool {
            true
        }

        fn may_call(&self, _caller: &Caller, _rpc: &str) -> bool {
            true
        }

        fn decide(&self, caller: &Caller, rpc: &str, aim: &Aim, _: &Act) -> Result<Reach, Denied> {
            let own = match aim {
                Aim::Owner(owner) => owner.workspace() == caller.workspace.as_ref(),
                _ => caller.workspace.is_some(),
            };
            match (rpc, caller.role) {
                (CALL, Role::Caller) | (READ, Role::Admin) if own => Ok(Reach::Full),
                (READ, Role::Reader) if own => Ok(Reach::OwnTokens),
                (READ, Role::Operator) => Ok(Reach::Full),
                _ => Err(Denied),
            }
        }
    }

    fn caller(standings: &[(Role, &str)]) -> Caller {
        let mut standings = standings.iter().map(|(role, workspace)| Standing {
            role: *role,
            workspace: workspace.parse().ok(),
            grants: Arc::from([]),
        });
        let first = standings.next().unwrap();
        Caller {
            accessor: "jwt:1".into(),
            subject: "oidc:https://idp.example#alice".into(),
            role: first.role,
            workspace: first.workspace,
            expire_time: None,
            listed: None,
            grants: first.grants,
            others: standings.collect(),
        }
    }

    fn counted(caller: &Caller, rpc: &str, aim: &Aim) -> Option<(Role, Option<String>, Reach)> {
        let counted = counting(&Table, caller, rpc, aim, &Act::Plain).unwrap();
        counted.map(|(counts, reach)| {
            assert_eq!(counts.standings().count(), caller.standings().count());
            let workspace = counts.workspace.map(|id| id.to_string());
            (counts.role, workspace, reach)
        })
    }

    fn aim(workspace: &str) -> Aim {
        Aim::Owner(workspace.parse::<Owner>().unwrap())
    }

    #[test]
    fn what_a_caller_is_in_the_workspace_aimed_at_counts_and_nothing_else() {
        let alice = caller(&[(Role::Reader, "acme"), (Role::Admin, "globex")]);
        let globex = Some("globex".to_owned());
        let counts = counted(&alice, READ, &aim("workspaces/globex"));
        assert_eq!(counts, Some((Role::Admin, globex, Reach::Full)));
        let acme = Some("acme".to_owned());
        let counts = counted(&alice, READ, &aim("workspaces/acme"));
        assert_eq!(counts, Some((Role::Reader, acme, Reach::OwnTokens)));
        assert_eq!(counted(&alice, READ, &aim("workspaces/initech")), None);
        assert_eq!(counted(&alice, CALL, &aim("workspaces/globex")), None);
    }

    #[test]
    fn a_full_reach_counts_before_a_narrow_one_and_the_first_before_the_rest() {
        let alice = caller(&[
            (Role::Reader, "acme"),
            (Role::Admin, "acme"),
            (Role::Operator, ""),
        ]);
        let counts = counted(&alice, READ, &aim("workspaces/acme"));
        assert_eq!(
            counts,
            Some((Role::Admin, Some("acme".to_owned()), Reach::Full))
        );
        let counts = counted(&alice, READ, &aim("workspaces/globex"));
        assert_eq!(counts, Some((Role::Operator, None, Reach::Full)));
    }

    #[test]
    fn a_request_that_names_no_workspace_needs_one_from_a_caller_who_has_several() {
        let app = caller(&[
            (Role::Caller, "acme"),
            (Role::Caller, "globex"),
            (Role::Admin, "globex"),
        ]);
        let fault = counting(&Table, &app, CALL, &Aim::Caller, &Act::Plain).unwrap_err();
        assert_eq!(fault.reason, Reason::FieldInvalid);
        assert_eq!(fault.field.as_deref(), Some(WORKSPACE));
        let within = app.within(&"globex".parse().unwrap()).unwrap();
        let counts = counted(&within, CALL, &Aim::Caller);
        assert_eq!(
            counts,
            Some((Role::Caller, Some("globex".to_owned()), Reach::Full))
        );
        assert_eq!(app.within(&"initech".parse().unwrap()), None);
        // One that would do is enough.
        let counts = counted(&app, READ, &Aim::Caller);
        assert_eq!(
            counts,
            Some((Role::Admin, Some("globex".to_owned()), Reach::Full))
        );
    }
}
