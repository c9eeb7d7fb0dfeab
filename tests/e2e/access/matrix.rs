//! Every request of an RPC by everybody, and what is wrong with the answers.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use keyway_proto::Reason;
use tonic::Code;
use tonic::transport::Channel;

use super::cells::{self, Names, Standing};
use super::requests::{self, Ask, DELETED};
use super::table::Row;
use super::wire::{self, Heard};
use super::world::{Credential, Door, World};

/// How many calls are under way at once.
const AT_ONCE: usize = 16;

/// What a run has seen.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Answers that were compared.
    pub(super) cells: usize,
    /// Those that the table allows.
    pub(super) allowed: usize,
    /// Answers that are not as the table says, or that show a secret.
    pub(super) violations: Vec<String>,
    /// Names of secrets that were shown to those who may have them.
    pub(super) shown: BTreeSet<String>,
    /// The different denials, and the different refusals of strangers. One of each is right.
    pub(super) denials: BTreeSet<String>,
    pub(super) strangers: BTreeSet<String>,
}

/// What the table makes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Allowed,
    Denied,
    Unknown,
}

/// Calls these RPCs at a listener as everybody, and compares with the table.
pub(super) async fn check(world: &World, door: &Door, rpcs: &[String], table: &[Row]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut calls = Vec::new();
    for rpc in rpcs {
        // Whoever answers before it has read everything may have to close a connection at last.
        let open = door.open_to_all();
        let channels: Vec<Option<Channel>> = world
            .credentials
            .iter()
            .map(|credential| match &credential.shows {
                None => Some(open.clone()),
                Some(certificate) => door.open_showing(certificate),
            })
            .collect();
        let rows: Vec<&Row> = table.iter().filter(|row| row.rpc == *rpc).collect();
        let asks = requests::of(rpc, &world.handles);
        if rows.is_empty() {
            outcome.violations.push(format!("{rpc} has no row"));
        }
        if asks.is_none() {
            outcome.violations.push(format!("{rpc} has no request"));
        }
        for ask in asks.unwrap_or_default() {
            for (credential, channel) in world.credentials.iter().zip(&channels) {
                let expected = expected(&rows, credential, door, &ask);
                if let (Some(expected), Some(channel)) = (expected, channel.clone()) {
                    calls.push((channel, rpc, credential, ask.clone(), expected));
                }
            }
        }
    }
    let heard =
        futures::stream::iter(calls).map(|(channel, rpc, credential, ask, expected)| async move {
            let messages = vec![ask.message.clone()];
            let heard =
                wire::call(&channel, &credential.headers, rpc, messages, is_watch(rpc)).await;
            (rpc, credential, ask, expected, heard)
        });
    let mut heard = heard.buffer_unordered(AT_ONCE);
    while let Some((rpc, credential, ask, expected, heard)) = heard.next().await {
        let what = format!(
            "{rpc} at the {} by {}, {:?}, {:?}",
            door.name, credential.name, ask.names, ask.does
        );
        outcome.judge(&what, &ask, expected, &heard);
        outcome.ended(&what, rpc, credential, &heard);
        outcome.search(world, &what, rpc, &ask, &heard);
    }
    outcome
}

/// What bearers of tokens of a deleted workspace may still do.
const LEFT: [&str; 4] = [
    "keyway.vault.v1.TokenService/WhoAmI",
    "keyway.vault.v1.TokenService/Revoke",
    // Shows nothing of the workspace.
    "keyway.vault.v1.KeyService/ListProviders",
    // Says that no call has a route, and why.
    "keyway.router.v1.ExecutionService/ExplainRoute",
];
/// The same of its admins.
const LEFT_TO_ADMINS: [&str; 8] = [
    "keyway.vault.v1.WorkspaceService/Get",
    "keyway.vault.v1.AuditService/List",
    "keyway.vault.v1.AuditService/Export",
    "keyway.vault.v1.AuditService/Checkpoint",
    "keyway.billing.v1.BillingService/ListUsage",
    "keyway.billing.v1.BillingService/SummarizeUsage",
    "keyway.billing.v1.BillingService/StreamUsage",
    "keyway.billing.v1.BillingService/GetPriceTable",
];

/// Streams that end when somebody leaves.
fn is_watch(rpc: &str) -> bool {
    ["/Watch", "/WatchChanges"]
        .iter()
        .any(|end| rpc.ends_with(end))
}

/// What the table says. `None`: the RPC has no row.
fn expected(rows: &[&Row], credential: &Credential, door: &Door, ask: &Ask) -> Option<Expected> {
    let stranger = Standing {
        column: 0,
        workspace: None,
        listed: None,
    };
    if cells::allowed(rows, &stranger, &ask.names, ask.does)? {
        return Some(Expected::Allowed); // whatever the credential, it is not looked at
    }
    let known = credential
        .standing
        .as_ref()
        .filter(|who| who.column != 6 || door.knows_routers);
    let Some(who) = known else {
        return Some(Expected::Unknown);
    };
    let allowed = cells::allowed(rows, who, &ask.names, ask.does)?;
    Some(if allowed {
        Expected::Allowed
    } else {
        Expected::Denied
    })
}

impl Outcome {
    fn judge(&mut self, what: &str, ask: &Ask, expected: Expected, heard: &Heard) {
        self.cells += 1;
        let refused = match heard.reason {
            Some(Reason::Denied) if heard.code == Code::PermissionDenied => Expected::Denied,
            Some(Reason::CallerUnknown) if heard.code == Code::Unauthenticated => Expected::Unknown,
            _ => Expected::Allowed,
        };
        if refused != expected {
            let got = (heard.code, heard.reason);
            self.violations
                .push(format!("{what}: {expected:?} by the table, but {got:?}"));
        }
        if expected == Expected::Allowed {
            self.allowed += 1;
            if ask.must_fail && heard.code == Code::Ok {
                self.violations.push(format!("{what}: it was carried out"));
            }
            if matches!(
                heard.code,
                Code::Internal | Code::Unknown | Code::DeadlineExceeded
            ) {
                self.violations
                    .push(format!("{what}: {:?} {:?}", heard.code, heard.refusal));
            }
        }
        match (refused, &heard.refusal) {
            (Expected::Denied, Some(words)) => self.denials.insert(words.clone()),
            (Expected::Unknown, Some(words)) => self.strangers.insert(words.clone()),
            _ => false,
        };
    }

    /// Of a deleted workspace there is nothing left but what takes the deletion back, what shows how it
    /// came to it, and what the caller is.
    fn ended(&mut self, what: &str, rpc: &str, credential: &Credential, heard: &Heard) {
        let who = credential.standing.as_ref();
        let deleted = who.and_then(|who| who.workspace.as_deref()) == Some(DELETED);
        let is_admin = who.is_some_and(|who| who.column == 3);
        let kept = LEFT.contains(&rpc) || (is_admin && LEFT_TO_ADMINS.contains(&rpc));
        if deleted && heard.code == Code::Ok && !kept && !rpc.starts_with("grpc.") {
            self.violations
                .push(format!("{what}: although the workspace is deleted"));
        }
    }

    /// Only the one RPC that is there for it shows keys, and only those of the workspace asked for.
    fn search(&mut self, world: &World, what: &str, rpc: &str, ask: &Ask, heard: &Heard) {
        let mut may = Vec::new();
        if let (true, Names::Workspace(workspace)) = (rpc.ends_with("/ResolveKeys"), &ask.names) {
            may.extend([format!("key of {workspace}"), "key of platform".to_owned()]);
            may.push("stored key".to_owned());
        }
        for (piece, bytes) in &heard.pieces {
            for (name, spelling) in world.search.find(bytes) {
                if may.contains(&name) && piece == "message" {
                    self.shown.insert(name);
                } else {
                    self.violations
                        .push(format!("{what}: {piece} shows the {name}, {spelling}"));
                }
            }
        }
    }

    /// What both runs have seen.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.cells += other.cells;
        self.allowed += other.allowed;
        self.violations.extend(other.violations);
        self.shown.extend(other.shown);
        self.denials.extend(other.denials);
        self.strangers.extend(other.strangers);
        self
    }
}
