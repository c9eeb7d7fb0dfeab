//! A workspace whose clients go, and the events that they leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyway_proto::billing::v1::{
    Basis, Source, StreamUsageOpen, StreamUsageRequest, UsageEvent, UsageFilter,
    stream_usage_request,
};
use keyway_proto::vault::v1::{OnDisconnect, Policy, WorkspaceServiceUpdateRequest};
use prost_types::FieldMask;
use serde_json::json;
use tokio::sync::watch;

use super::super::harness::{Http, chat};
use super::fixture::Fixture;
use crate::harness::{BOUND, Product, Simulator, Speaker, wait_for};

type Events = BTreeMap<String, Vec<UsageEvent>>;

/// One policy, on one kind of key.
pub(super) struct Leaving {
    pub(super) policy: OnDisconnect,
    pub(super) source: Source,
    http: Arc<Http>,
    simulator: Simulator,
    keeper: Speaker,
    owner: String,
    events: watch::Receiver<Events>,
    cells: AtomicUsize,
}

impl Leaving {
    pub(super) async fn new(product: &Product, policy: OnDisconnect, source: Source) -> Self {
        let id = format!("{}-{}", policy.as_str_name(), source.as_str_name());
        let id = id.to_lowercase().replace('_', "-");
        let tenant = product.tenant(&id).await;
        if source == Source::Own {
            for provider in ["openai", "anthropic", "google", "mistral", "exa"] {
                let secret = format!("{provider}-keyway-test-leaving-0001");
                let stored = tenant.admin.put_key(&tenant.name, provider, &secret).await;
                stored.expect("a key");
            }
        }
        let update = WorkspaceServiceUpdateRequest {
            name: tenant.name.clone(),
            policy: Some(Policy {
                on_disconnect_own: policy.into(),
                on_disconnect_hosted: policy.into(),
                ..Default::default()
            }),
            update_mask: Some(FieldMask {
                paths: ["own", "hosted"]
                    .map(|of| format!("policy.on_disconnect_{of}"))
                    .into(),
            }),
            ..Default::default()
        };
        let updated = tenant.admin.vault.workspaces().update(update).await;
        updated.expect("the policy is set");
        let (keeper, owner) = match source {
            Source::Own => (product.speaker(&tenant.token), tenant.name.clone()),
            _ => (product.operator(), "platform".to_owned()),
        };
        Self {
            policy,
            source,
            http: Arc::new(Http::bearing(product, &tenant.call_token)),
            simulator: product.simulator(),
            keeper,
            owner,
            events: follow(tenant.admin, tenant.name).await,
            cells: AtomicUsize::new(0),
        }
    }

    /// Another key of `OpenAI`, and a call that shows it in use.
    pub(super) async fn renews_its_key(&self) {
        let secret = format!("sk-keyway-test-{}", self.mark());
        self.cells.fetch_sub(1, Ordering::Relaxed);
        let stored = self.keeper.put_key(&self.owner, "openai", &secret).await;
        stored.expect("a key");
        let served = async || {
            let (path, body) = chat("openai", false);
            let answer = self.http.at(&format!("/openai{path}"), &body).await;
            (answer.status == 200).then(|| answer.header("keyway-call-id"))
        };
        let (id, _) = wait_for("the new key", served).await;
        self.event_of(&id).await;
        self.cells.fetch_add(1, Ordering::Relaxed);
    }

    /// A name that no other cell has.
    fn mark(&self) -> String {
        let number = self.cells.fetch_add(1, Ordering::Relaxed);
        format!("cell-{:?}-{:?}-{number}-", self.policy, self.source)
    }

    async fn plays(&self, fixture: &Fixture, mark: &str, more: serde_json::Value) {
        let mut action = json!({"fixture": fixture.id()});
        action
            .as_object_mut()
            .expect("one")
            .extend(more.as_object().expect("one").clone());
        let rule = json!({"times": 1, "match": {"body_contains": mark}, "action": action});
        self.simulator.script(&rule).await;
    }

    /// How many events a client that stays gets, and what is left of its call.
    pub(super) async fn read_whole(&self, fixture: &Fixture) -> (usize, UsageEvent) {
        let mark = self.mark();
        self.plays(fixture, &mark, json!({})).await;
        let (path, body) = fixture.request(&mark);
        let mut stream = self.http.open(&path, &body).await;
        let (text, id) = (stream.rest_of_it().await, stream.call_id());
        (ends(&text), self.event_of(&id).await)
    }

    /// The event of a call whose client goes when it has so many events.
    pub(super) async fn leaves_after(&self, fixture: &Fixture, seen: usize) -> UsageEvent {
        let mark = self.mark();
        let stall = json!({"stall_after_chunks": seen, "stall_hold": mark});
        self.plays(fixture, &mark, stall).await;
        let (path, body) = fixture.request(&mark);
        let mut stream = self.http.open(&path, &body).await;
        let text = stream.until(|text| ends(text) >= seen).await;
        assert!(ends(&text) >= seen, "{fixture} after {seen}: {text}");
        let id = stream.call_id();
        drop(stream);
        self.settles(&mark, self.event_of(&id)).await
    }

    /// The event of a call whose client goes while its provider has said nothing.
    pub(super) async fn leaves_before_the_first_byte(&self, fixture: &Fixture) -> UsageEvent {
        let mark = self.mark();
        self.plays(fixture, &mark, json!({"hold": mark})).await;
        let (path, body) = fixture.request(&mark);
        let http = Arc::clone(&self.http);
        let known: Vec<String> = self.events.borrow().keys().cloned().collect();
        let waiting = tokio::spawn(async move { http.open(&path, &body).await.call_id() });
        self.simulator.until_held(&mark, 1).await;
        waiting.abort();
        // It never heard its call's id: it is the only call that is new.
        self.settles(
            &mark,
            self.event_where(|id| !known.iter().any(|known| known == id)),
        )
        .await
    }

    /// Where the answer is read on, the provider goes on first.
    async fn settles(&self, gate: &str, event: impl Future<Output = UsageEvent>) -> UsageEvent {
        if self.policy == OnDisconnect::Drain {
            self.simulator.release(gate).await;
            return event.await;
        }
        let event = event.await;
        self.simulator.release(gate).await;
        event
    }

    async fn event_of(&self, id: &str) -> UsageEvent {
        self.event_where(|call| call == id).await
    }

    async fn event_where(&self, is: impl Fn(&str) -> bool) -> UsageEvent {
        let mut events = self.events.clone();
        let found = |events: &Events| events.keys().find(|id| is(id)).cloned();
        let waited = tokio::time::timeout(BOUND, events.wait_for(|events| found(events).is_some()));
        let events = waited.await.expect("an event in time").expect("it follows");
        let id = found(&events).expect("it was there");
        events[&id][0].clone()
    }

    /// Every cell has left one event, and nothing else has.
    pub(super) async fn every_call_has_one_event(&self) {
        let count = self.cells.load(Ordering::Relaxed);
        // A renewal's call may begin with the key that is just going: that attempt never left.
        let counts = |event: &&UsageEvent| event.endpoint != "chat" || event.basis() != Basis::None;
        let has_one = |events: &Vec<UsageEvent>| events.iter().any(|event| counts(&event));
        let all = |events: &Events| events.len() >= count && events.values().all(has_one);
        let mut followed = self.events.clone();
        let waited = tokio::time::timeout(BOUND, followed.wait_for(all)).await;
        let events = waited.expect("all in time").expect("it follows").clone();
        assert_eq!(events.len(), count);
        for (id, events) in events {
            assert_eq!(events.iter().filter(counts).count(), 1, "{id}: {events:?}");
        }
    }
}

/// Events as they come, by their call.
async fn follow(admin: Speaker, workspace: String) -> watch::Receiver<Events> {
    let open = StreamUsageOpen {
        filter: Some(UsageFilter {
            workspace,
            ..Default::default()
        }),
        follow: true,
        ..Default::default()
    };
    let message = Some(stream_usage_request::Message::Open(open));
    let requests = tokio_stream::once(StreamUsageRequest { message });
    let answer = admin.router.billing().stream_usage(requests).await;
    let mut stream = answer.expect("a stream").into_inner();
    let (told, events) = watch::channel(Events::new());
    tokio::spawn(async move {
        while let Ok(Some(next)) = stream.message().await {
            if let Some(event) = next.event {
                told.send_modify(|events| {
                    events.entry(event.call_id.clone()).or_default().push(event);
                });
            }
        }
    });
    events
}

/// Events of a whole stream, as they end.
fn ends(text: &str) -> usize {
    text.replace("\r\n", "\n").matches("\n\n").count()
}
