use super::*;

/// `table.md`, read: RPC, part of the request (or nothing), the words of the seven cells.
fn written_table() -> Vec<(String, &'static str, Vec<&'static str>)> {
    let mut rows = Vec::new();
    for line in include_str!("../../table.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
    {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let names = cells.next().unwrap();
        let words: Vec<&str> = cells.collect();
        assert_eq!(words.len(), 7, "{line}");
        let part = [
            "`policy`",
            "`operator_limits`",
            "workspace chain",
            "system chain",
        ]
        .into_iter()
        .find(|part| names.ends_with(part))
        .unwrap_or_default();
        for name in names.split('`').filter(|name| name.contains('/')) {
            rows.push((name.to_owned(), part, words.clone()));
        }
    }
    rows
}

/// Whether a row that is about a part of the request is about this one.
fn part_holds(part: &str, aim: &Aim, act: &Act) -> bool {
    match part {
        "`policy`" => {
            *act == Act::UpdateWorkspace {
                policy: true,
                operator_limits: false,
            }
        }
        "`operator_limits`" => {
            *act == Act::UpdateWorkspace {
                policy: false,
                operator_limits: true,
            }
        }
        "workspace chain" => matches!(aim, Aim::Owner(_)),
        "system chain" => *aim == Aim::System,
        _ => true,
    }
}

/// The role of the token asked for.
fn asked(act: &Act) -> Option<Role> {
    let Act::CreateToken { role, .. } = *act else {
        panic!("{act:?} makes no token")
    };
    role
}

/// What the words of a cell mean, written a second time and from the words alone.
fn means(words: &str, rpc: &str, role: Option<Role>, aim: &Aim, act: &Act) -> Decision {
    let own = *aim == own_aim() || *aim == Aim::Caller;
    let mine = *act
        == Act::RevokeToken {
            accessor: "mine".into(),
        };
    let own = own || (mine && *aim == Aim::System);
    let platform = *aim == Aim::Owner(Owner::Platform);
    let a_workspace = matches!(aim, Aim::Owner(Owner::Workspace(_)) | Aim::Unreadable);
    let yes = match words {
        "" => false,
        "yes" | "all" | "listed workspaces" => true,
        "own" => own,
        "`platform`" => platform,
        "`platform`; elsewhere only `disabled=true`" => {
            platform
                || *act
                    == Act::UpdateKey {
                        only_disables: true,
                    }
        }
        "re-seat an admin, with reason" => {
            let Act::ChangeMember {
                seats_admin,
                has_reason,
            } = *act
            else {
                panic!("{rpc}")
            };
            a_workspace && has_reason && (seats_admin || rpc.ends_with("/Remove"))
        }
        "own: call, reader, admin" => {
            own && !matches!(
                asked(act),
                Some(Role::Operator | Role::Auditor | Role::Router)
            )
        }
        "operator, auditor; a workspace's first admin, or on re-seat" => match asked(act) {
            None => true,
            Some(Role::Operator | Role::Auditor) => *aim == Aim::System,
            Some(Role::Admin) => a_workspace,
            Some(_) => false,
        },
        "self" => {
            let another = *act
                == Act::RevokeToken {
                    accessor: "another".into(),
                };
            return if own && !(another && role == Some(Role::Caller)) {
                Decision::AllowedSelf
            } else {
                Decision::Denied
            };
        }
        other => panic!("table.md says `{other}` of {rpc}, which no test knows"),
    };
    if yes {
        Decision::Allowed
    } else {
        Decision::Denied
    }
}

#[test]
fn every_cell_of_the_written_table_is_what_the_code_decides() {
    let acme = id("acme");
    let mut compared = 0;
    for (rpc, part, words) in written_table() {
        for (role, words) in columns().into_iter().zip(words) {
            for aim in aims() {
                for act in acts(&rpc)
                    .into_iter()
                    .filter(|act| part_holds(part, &aim, act))
                {
                    let decision = decide(&standing(role, &acme), &rpc, &aim, &act);
                    let expected = means(words, &rpc, role, &aim, &act);
                    assert_eq!(decision, expected, "{rpc} {part} {role:?} {aim:?} {act:?}");
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 2_000, "only {compared} compared");
}

#[test]
fn the_written_table_and_the_code_name_the_same_rpcs_once() {
    let mut written: Vec<String> = written_table().into_iter().map(|(rpc, ..)| rpc).collect();
    written.sort_unstable();
    written.dedup();
    let mut coded: Vec<&str> = TABLE.iter().map(|row| row.rpc).collect();
    coded.sort_unstable();
    assert_eq!(
        written, coded,
        "an RPC is missing on one side, or has two rows in the code"
    );
}
