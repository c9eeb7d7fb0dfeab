//! One cell: a workspace of its own with its keys, one call, and what became of it.

use std::cell::RefCell;
use std::io::Write as _;

use keyway_proto::router::v1::{GetReceiptRequest, StreamChatRequest, stream_chat_response};
use keyway_proto::vault::v1::{
    CredentialMode, DeleteKeyRequest, FailureClass, Policy, PutKeyRequest,
    WorkspaceServiceUpdateRequest,
};
use keyway_proto::{Reason, status};
use serde_json::Value;
use tonic::Status;

use super::failure::Failure;
use super::{World, router_of};
use crate::harness::{Speaker, Tenant, ask, wait_for};

/// Attempts per call, the default.
const BUDGET: usize = 4;
const CALL_ID: &str = "keyway-call-id";

/// The keys that a call may use: a column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keys {
    Own,
    Pool,
    Allowed,
    Denied,
    Hosted,
}

impl Keys {
    pub(super) const ALL: [Self; 5] = [
        Self::Own,
        Self::Pool,
        Self::Allowed,
        Self::Denied,
        Self::Hosted,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Pool => "pool",
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Hosted => "hosted",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Cell {
    pub(super) number: u16,
    pub(super) failure: &'static Failure,
    pub(super) keys: Keys,
    pub(super) streamed: bool,
}

/// How a call ended for its caller.
#[derive(Debug)]
struct End {
    call_id: String,
    part: bool,
    result: Result<(), Status>,
}

impl Cell {
    /// What happened, in the notation of the table.
    pub(super) async fn run(self, world: &World) -> String {
        let tenant = world.product.tenant(&self.id()).await;
        self.store_keys(world, &tenant).await;
        let suffix = self.suffix(if self.keys == Keys::Hosted { 'h' } else { 'a' });
        let simulator = world.product.simulator();
        simulator
            .script(&self.failure.rule(&suffix, self.streamed))
            .await;
        let caller = router_of(world, self.failure).map_or_else(
            || tenant.caller.clone(),
            |router| router.speaker(&tenant.call_token),
        );
        let end = self.call(&caller).await;
        let attempts = self.attempts(world, &caller, &end).await;
        format!("{attempts}{}", told(&end))
    }

    fn id(self) -> String {
        let how = if self.streamed { "streamed" } else { "whole" };
        format!("cell-{}-{}-{how}", self.number, self.keys.name())
    }

    /// The end of the secret that stands for a letter.
    fn suffix(self, letter: char) -> String {
        let how = if self.streamed { 's' } else { 'w' };
        format!("{letter}{:02}{how}", self.number)
    }

    fn secret(self, letter: char) -> String {
        format!("sk-ant-keyway-{}-{}", self.id(), self.suffix(letter))
    }

    async fn store_keys(self, world: &World, tenant: &Tenant) {
        let put = async |by: &Speaker, owner: &str, name: &str, letter: char| {
            let request = PutKeyRequest {
                owner: owner.to_owned(),
                provider: self.failure.provider.to_owned(),
                key_name: name.to_owned(),
                secret: self.secret(letter),
                ..Default::default()
            };
            by.vault.keys().put_key(request).await.unwrap();
        };
        match self.keys {
            Keys::Hosted => {
                let operator = world.product.operator();
                // A key whose health nobody has touched, known to every router.
                let request = DeleteKeyRequest {
                    name: format!("platform/keys/{}/default", self.failure.provider),
                    wait_for_routers: true,
                    ..Default::default()
                };
                operator.vault.keys().delete_key(request).await.unwrap();
                put(&operator, "platform", "", 'h').await;
            }
            Keys::Pool => {
                put(&tenant.admin, &tenant.name, "first", 'a').await;
                put(&tenant.admin, &tenant.name, "second", 'b').await;
            }
            Keys::Own | Keys::Allowed | Keys::Denied => {
                put(&tenant.admin, &tenant.name, "first", 'a').await;
            }
        }
        let mut policy = Policy::default();
        match self.keys {
            Keys::Own => policy.set_credential_mode(CredentialMode::OwnOnly),
            Keys::Allowed => policy.fallback_on = CLASSES.map(Into::into).to_vec(),
            Keys::Pool | Keys::Denied | Keys::Hosted => return,
        }
        let request = WorkspaceServiceUpdateRequest {
            name: tenant.name.clone(),
            policy: Some(policy),
            ..Default::default()
        };
        tenant
            .admin
            .vault
            .workspaces()
            .update(request)
            .await
            .unwrap();
    }

    async fn call(self, caller: &Speaker) -> End {
        let mut request = ask(match self.failure.provider {
            "openai" => "openai/gpt-5-mini",
            _ => "anthropic/claude-haiku-4-5",
        });
        // So that the journal tells whose request it was.
        request.end_user = self.id();
        if self.streamed {
            return stream(caller, request).await;
        }
        match caller.router.execution().chat(request).await {
            Ok(answer) => End {
                call_id: id_in(answer.metadata()),
                part: false,
                result: Ok(()),
            },
            Err(status) => End {
                call_id: id_in(status.metadata()),
                part: false,
                result: Err(status),
            },
        }
    }

    /// The letters of the attempts, by the receipt; the journal must know of the same ones. The
    /// receipt of a call on an own key may be complete a moment after the call.
    async fn attempts(self, world: &World, caller: &Speaker, end: &End) -> String {
        let is_there = router_of(world, self.failure).is_none();
        let seen = Seen::default();
        let complete = async || {
            let used = self.receipt(caller, &end.call_id).await;
            let sent = self.journal(world).await;
            seen.note(format!("receipt {used:?}, journal {sent:?}, {end:?}"));
            let used = used?;
            let whole = if is_there {
                used == sent
            } else {
                used.len() == BUDGET
            };
            whole.then_some(used)
        };
        let what = format!("the receipt of {self:?} to be as the journal says");
        let (mut used, _) = wait_for(&what, complete).await;
        if end.result.is_ok()
            && let Some(last) = used.last_mut()
        {
            *last = last.to_ascii_uppercase();
        }
        used.into_iter().collect()
    }

    async fn receipt(self, caller: &Speaker, call_id: &str) -> Option<Vec<char>> {
        let request = GetReceiptRequest {
            call_id: call_id.to_owned(),
            ..Default::default()
        };
        let receipt = caller.router.execution().get_receipt(request).await.ok()?;
        let receipt = receipt.into_inner().receipt?;
        let letter = |name: &str| match name.rsplit('/').next() {
            Some("first") => 'a',
            Some("second") => 'b',
            _ => 'h',
        };
        // One that never left, since a key of the platform changed for another cell, is in no journal.
        let left = |reason: &str| reason != Reason::NoKey.as_str();
        let names = receipt
            .attempts
            .iter()
            .filter(|attempt| left(&attempt.reason))
            .map(|attempt| letter(&attempt.key_name));
        Some(names.collect())
    }

    /// The keys that the simulator saw for this cell, by the last four characters.
    async fn journal(self, world: &World) -> Vec<char> {
        let mine = |entry: &Value| {
            let body = entry["body"].as_str().unwrap_or_default();
            body.contains(&format!("\"{}\"", self.id()))
        };
        let key = |entry: &Value| {
            let last = entry["credential"]["last4"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let own = ['a', 'b', 'h']
                .into_iter()
                .find(|letter| last == self.suffix(*letter));
            own.unwrap_or('h')
        };
        let journal = world.product.simulator().journal().await;
        journal
            .iter()
            .filter(|entry| mine(entry))
            .map(key)
            .collect()
    }
}

/// What was seen last, shown where the test ends because of it.
#[derive(Default)]
struct Seen(RefCell<String>);

impl Seen {
    fn note(&self, what: String) {
        *self.0.borrow_mut() = what;
    }
}

impl Drop for Seen {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(writeln!(
                std::io::stderr(),
                "last seen: {}",
                self.0.borrow()
            ));
        }
    }
}

async fn stream(caller: &Speaker, request: keyway_proto::router::v1::ChatRequest) -> End {
    let request = StreamChatRequest {
        request: Some(request),
    };
    let mut end = End {
        call_id: String::new(),
        part: false,
        result: Ok(()),
    };
    let answer = match caller.router.execution().stream_chat(request).await {
        Ok(answer) => answer,
        Err(status) => {
            return End {
                call_id: id_in(status.metadata()),
                result: Err(status),
                ..end
            };
        }
    };
    let mut stream = answer.into_inner();
    loop {
        match stream.message().await {
            Ok(Some(message)) => match message.event {
                Some(stream_chat_response::Event::CallId(id)) => end.call_id = id,
                Some(_) => end.part = true,
                None => {}
            },
            Ok(None) => return end,
            Err(status) => {
                end.result = Err(status);
                return end;
            }
        }
    }
}

fn id_in(metadata: &tonic::metadata::MetadataMap) -> String {
    let id = metadata.get(CALL_ID).and_then(|id| id.to_str().ok());
    id.unwrap_or_default().to_owned()
}

fn told(end: &End) -> String {
    let Err(status) = &end.result else {
        return String::new();
    };
    let refusal = status::refusal(status);
    let reason = refusal.reason.map_or("no reason", Reason::as_str);
    let mut said = format!(" {reason}");
    if let Some(stage) = refusal.metadata.get("stage") {
        said.push(' ');
        said.push_str(stage);
    }
    if refusal.retry_after.is_some() {
        said.push_str(" +retry");
    }
    if end.part {
        said.push_str(" after a part");
    }
    said
}

const CLASSES: [FailureClass; 6] = [
    FailureClass::RateLimited,
    FailureClass::KeyExhausted,
    FailureClass::KeyRejected,
    FailureClass::ProviderUnavailable,
    FailureClass::ProviderTimeout,
    FailureClass::ModelNotAvailable,
];
