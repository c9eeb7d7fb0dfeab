//! What the words of a cell mean, from the words alone: written beside the product's own reading of
//! them, so that a slip in one is a difference.

use super::table::Row;

/// What a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Names {
    /// A workspace by its resource name, whether it exists or not.
    Workspace(String),
    /// The platform.
    Platform,
    /// The system: no workspace.
    System,
    /// Nothing but the caller.
    Caller,
    /// A name that is not of any form.
    Garbage,
}

/// What a request would do, where a cell asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Does {
    /// What its RPC does.
    Plain,
    /// Switches a key off and nothing else.
    OnlyDisables,
    /// Changes the blocks of a workspace: policy, operator limits.
    Blocks(bool, bool),
    /// Makes somebody an admin, or takes one away; with or without a reason.
    Admin { reason: bool },
    /// Makes somebody a reader, or takes one away; with or without a reason.
    Reader { reason: bool },
    /// Makes a token of this column's role. Whether an operator needs a reason shows in the field.
    MakesToken { role: usize },
    /// Ends the calling token.
    EndsItself,
    /// Ends another token.
    EndsAnother,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    /// Index of the column.
    pub(super) column: usize,
    /// Resource name of its workspace.
    pub(super) workspace: Option<String>,
    /// A router's allow-list; without one, every workspace.
    pub(super) listed: Option<Vec<String>>,
}

/// Somebody who is known and has no role anywhere.
pub(super) const NO_COLUMN: usize = usize::MAX;
const CALLER: usize = 1;
const READER: usize = 2;
const ADMIN: usize = 3;
const OPERATOR: usize = 4;
const AUDITOR: usize = 5;

/// Whether the rows of an RPC allow a request. `None`: it has no row.
pub(super) fn allowed(rows: &[&Row], who: &Standing, names: &Names, does: Does) -> Option<bool> {
    let cell = |row: &&Row| means(row, who, names, does);
    let touched: Vec<bool> = rows
        .iter()
        .filter(|row| touches(row, names, does))
        .map(cell)
        .collect();
    if rows.is_empty() {
        None
    } else if touched.is_empty() {
        // An update that changes nothing: for those who may change something.
        Some(rows.iter().any(cell))
    } else {
        Some(touched.into_iter().all(|holds| holds))
    }
}

/// Whether a row that is about a part of the request is about this request.
fn touches(row: &Row, names: &Names, does: Does) -> bool {
    match (row.part.as_str(), does) {
        ("policy", Does::Blocks(policy, _)) => policy,
        ("operator_limits", Does::Blocks(_, limits)) => limits,
        ("workspace chain", _) => *names != Names::System,
        ("system chain", _) => *names == Names::System,
        (part, _) => {
            assert_eq!(part, "", "{row:?} is about a part that no request has");
            true
        }
    }
}

fn means(row: &Row, who: &Standing, names: &Names, does: Does) -> bool {
    let own = match names {
        Names::Workspace(name) => who.workspace.as_ref() == Some(name),
        Names::Caller => who.workspace.is_some(),
        Names::Platform | Names::System | Names::Garbage => false,
    };
    let somewhere = matches!(names, Names::Workspace(_) | Names::Garbage);
    match row.cells.get(who.column).map_or("", String::as_str) {
        "" => false,
        "yes" | "all" => true,
        "own" => own || does == Does::EndsItself,
        "`platform`" => *names == Names::Platform,
        "`platform`; elsewhere only `disabled=true`" => {
            *names == Names::Platform || does == Does::OnlyDisables
        }
        "re-seat an admin, with reason" => somewhere && does == Does::Admin { reason: true },
        "own: call, reader, admin" => {
            own && matches!(
                does,
                Does::MakesToken {
                    role: CALLER | READER | ADMIN
                }
            )
        }
        "operator, auditor; a workspace's first admin, or on re-seat" => match does {
            Does::MakesToken {
                role: OPERATOR | AUDITOR,
            } => *names == Names::System,
            Does::MakesToken { role: ADMIN } => somewhere,
            _ => false,
        },
        // A reader may name any token; only its own are found. A call token names itself.
        "self" => match does {
            Does::EndsItself => true,
            Does::EndsAnother => own && who.column != CALLER,
            _ => own,
        },
        "listed workspaces" => match (&who.listed, names) {
            (None, _) | (Some(_), Names::System) => true,
            (Some(listed), Names::Workspace(name)) => listed.contains(name),
            (Some(_), _) => false,
        },
        other => panic!(
            "the table says `{other}` of {}, which no test knows",
            row.rpc
        ),
    }
}
