use std::collections::BTreeMap;

use keyway_words::Owner;
use proptest::prelude::*;

use super::*;

mod written;

fn id(text: &str) -> WorkspaceId {
    text.parse().unwrap()
}

fn own_aim() -> Aim {
    Aim::Owner(Owner::Workspace(id("acme")))
}

fn aims() -> Vec<Aim> {
    let other = Aim::Owner(Owner::Workspace(id("other")));
    let platform = Aim::Owner(Owner::Platform);
    vec![
        own_aim(),
        other,
        platform,
        Aim::System,
        Aim::Caller,
        Aim::Unreadable,
    ]
}

const BOOLS: [bool; 2] = [false, true];

/// Every act that requests of an RPC can have.
fn acts(rpc: &str) -> Vec<Act> {
    let pairs = || BOOLS.into_iter().flat_map(|a| BOOLS.map(|b| (a, b)));
    match rpc.rsplit_once('.').unwrap().1 {
        "KeyService/UpdateKey" => BOOLS
            .map(|only_disables| Act::UpdateKey { only_disables })
            .to_vec(),
        "WorkspaceService/Update" => pairs()
            .map(|(policy, operator_limits)| Act::UpdateWorkspace {
                policy,
                operator_limits,
            })
            .collect(),
        "MemberService/Put" => pairs()
            .map(|(seats_admin, has_reason)| Act::ChangeMember {
                seats_admin,
                has_reason,
            })
            .collect(),
        "MemberService/Remove" => BOOLS
            .map(|has_reason| Act::ChangeMember {
                seats_admin: false,
                has_reason,
            })
            .to_vec(),
        "TokenService/Create" => Role::ALL
            .into_iter()
            .map(Some)
            .chain([None])
            .flat_map(|role| BOOLS.map(|has_reason| Act::CreateToken { role, has_reason }))
            .collect(),
        "TokenService/Revoke" => ["", "mine", "another"]
            .map(|accessor| Act::RevokeToken {
                accessor: accessor.to_owned(),
            })
            .to_vec(),
        _ => vec![Act::Plain],
    }
}

fn columns() -> [Option<Role>; 7] {
    std::array::from_fn(|column| column.checked_sub(1).map(|role| Role::ALL[role]))
}

fn standing(role: Option<Role>, workspace: &WorkspaceId) -> Standing<'_> {
    let of_workspace = matches!(role, Some(Role::Caller | Role::Reader | Role::Admin));
    Standing {
        role,
        workspace: of_workspace.then_some(workspace),
        accessor: if role.is_some() { "mine" } else { "" },
        listed: None,
    }
}

#[test]
fn an_update_of_both_blocks_is_for_nobody_and_of_none_for_those_who_may_update() {
    let acme = id("acme");
    let allowed = |policy, operator_limits| -> Vec<Role> {
        let act = Act::UpdateWorkspace {
            policy,
            operator_limits,
        };
        Role::ALL
            .into_iter()
            .filter(|role| {
                let caller = standing(Some(*role), &acme);
                decide(
                    &caller,
                    "keyway.vault.v1.WorkspaceService/Update",
                    &own_aim(),
                    &act,
                ) == Decision::Allowed
            })
            .collect()
    };
    assert_eq!(allowed(true, true), []);
    assert_eq!(allowed(false, false), [Role::Admin, Role::Operator]);
}

#[test]
fn an_rpc_without_a_row_is_for_nobody() {
    let acme = id("acme");
    for rpc in [
        "",
        "/",
        "keyway.vault.v1.KeyService/getkey",
        "/keyway.vault.v1.KeyService/GetKey",
    ] {
        for role in columns() {
            let decision = decide(&standing(role, &acme), rpc, &own_aim(), &Act::Plain);
            assert_eq!(decision, Decision::NoRow, "{rpc}");
        }
    }
}

#[test]
fn a_router_with_a_list_resolves_for_nobody_else() {
    let listed = [id("acme")];
    let router = Standing {
        role: Some(Role::Router),
        workspace: None,
        accessor: "router-1",
        listed: Some(&listed),
    };
    let resolve = |aim| {
        decide(
            &router,
            "keyway.vault.v1.LeaseService/ResolveKeys",
            &aim,
            &Act::Plain,
        )
    };
    let allowed: Vec<Aim> = aims()
        .into_iter()
        .filter(|aim| resolve(aim.clone()) == Decision::Allowed)
        .collect();
    assert_eq!(allowed, [own_aim(), Aim::System]);

    let nothing = Standing {
        listed: Some(&[]),
        ..router
    };
    let rpc = "keyway.vault.v1.LeaseService/ResolveKeys";
    assert_eq!(
        decide(&nothing, rpc, &own_aim(), &Act::Plain),
        Decision::Denied
    );
}

#[test]
fn a_role_of_a_workspace_without_one_owns_nothing() {
    let lost = Standing {
        role: Some(Role::Admin),
        workspace: None,
        accessor: "mine",
        listed: None,
    };
    for aim in aims() {
        let decision = decide(
            &lost,
            "keyway.vault.v1.KeyService/PutKey",
            &aim,
            &Act::Plain,
        );
        assert_eq!(decision, Decision::Denied, "{aim:?}");
    }
}

#[test]
fn an_act_of_another_rpc_opens_no_cell_that_depends_on_it() {
    let acme = id("acme");
    for rpc in [
        "KeyService/UpdateKey",
        "WorkspaceService/Update",
        "MemberService/Put",
    ] {
        let rpc = format!("keyway.vault.v1.{rpc}");
        let caller = standing(Some(Role::Operator), &acme);
        assert_eq!(
            decide(&caller, &rpc, &own_aim(), &Act::Plain),
            Decision::Denied,
            "{rpc}"
        );
    }
}

#[test]
fn grants_are_the_routers_rows_and_no_others() {
    let of = |role| grants(role).collect::<BTreeMap<_, _>>();
    assert_eq!(of(Role::Router), BTreeMap::new());
    assert_eq!(of(Role::Caller).len(), 7);
    assert!(of(Role::Caller).values().all(|scope| *scope == Scope::Own));
    assert_eq!(
        of(Role::Operator)["keyway.router.v1.ExecutionService/TestKey"],
        Scope::Platform
    );
    assert_eq!(
        of(Role::Auditor)["keyway.billing.v1.BillingService/ListUsage"],
        Scope::All
    );
    assert!(!of(Role::Auditor).contains_key("keyway.billing.v1.BillingService/Rerate"));
}

#[test]
fn every_cell_that_is_not_empty_in_a_router_row_becomes_a_grant() {
    for role in Role::ALL {
        let granted: Vec<&str> = grants(role).map(|(rpc, _)| rpc).collect();
        for row in TABLE
            .iter()
            .filter(|row| !row.rpc.starts_with("keyway.vault"))
        {
            let of_router = row.rpc.starts_with("keyway.");
            let expected = of_router && row.cell(Some(role)) != Cell::Empty;
            assert_eq!(granted.contains(&row.rpc), expected, "{role} {}", row.rpc);
        }
    }
}

fn any_aim() -> impl Strategy<Value = Aim> {
    let workspace = "[a-z]{3,5}".prop_map(|name| Aim::Owner(Owner::Workspace(id(&name))));
    prop_oneof![proptest::sample::select(aims()), workspace]
}

fn any_act() -> impl Strategy<Value = Act> {
    let every: Vec<Act> = TABLE.iter().flat_map(|row| acts(row.rpc)).collect();
    proptest::sample::select(every)
}

proptest! {
    #[test]
    fn an_empty_cell_is_never_allowed_whatever_is_asked(
        row in proptest::sample::select(TABLE),
        column in 0_usize..7,
        aim in any_aim(),
        act in any_act(),
        accessor in "[a-z]{0,8}",
        has_workspace: bool,
        with_list: bool,
    ) {
        let acme = id("acme");
        let list = [acme.clone()];
        let caller = Standing {
            role: columns()[column],
            workspace: has_workspace.then_some(&acme),
            accessor: &accessor,
            listed: with_list.then_some(&list),
        };
        if row.cells[column] == Cell::Empty {
            prop_assert_eq!(decide(&caller, row.rpc, &aim, &act), Decision::Denied);
        }
    }

    #[test]
    fn a_role_of_a_workspace_never_reaches_another_owner(
        row in proptest::sample::select(TABLE),
        role in proptest::sample::select(&[Role::Caller, Role::Reader, Role::Admin][..]),
        aim in any_aim(),
        act in any_act(),
    ) {
        let acme = id("acme");
        let elsewhere = matches!(&aim, Aim::Owner(owner) if owner.workspace() != Some(&acme));
        if elsewhere && row.cell(Some(role)) != Cell::Yes {
            let decision = decide(&standing(Some(role), &acme), row.rpc, &aim, &act);
            prop_assert_eq!(decision, Decision::Denied);
        }
    }
}
