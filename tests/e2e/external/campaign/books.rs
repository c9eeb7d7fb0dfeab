//! The two sides of the bill: what the providers were asked, and what the stream says.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use keyway_proto::billing::v1::{
    Basis, Outcome, Source, StreamUsageOpen, StreamUsageRequest, UsageEvent, stream_usage_request,
};
use serde_json::Value;
use tokio::time::Instant;

use super::load::{Kill, MARK, Made, OWN, Victim};
use crate::harness::{BOUND, Product};

/// How long after its answer an attempt on an own key may have been unsettled: many times a commit.
const SETTLING: Duration = Duration::from_secs(2);
/// More requests than a provider reads at once: a number is given when a request begins, and its entry
/// comes when it was read whole, perhaps after one with a higher number.
const AT_ONCE: u64 = 500;

/// All of a campaign so far.
#[derive(Default)]
pub(super) struct Books {
    calls: HashMap<String, Made>,
    kills: Vec<Kill>,
    /// By mark, and whether the key is the caller's own.
    accounts: HashMap<(String, bool), Account>,
    ids: HashSet<String>,
    /// Numbers of the journal's entries that were read, and the highest of them.
    read: HashSet<u64>,
    last: u64,
    /// How far the stream was read.
    cursor: String,
    requests: usize,
    reported: usize,
    never_left: usize,
    pub(super) swept: usize,
}

/// One call on one kind of key.
#[derive(Default)]
struct Account {
    /// Requests that a provider read whole.
    asked: usize,
    /// Attempts on the stream that left or may have left.
    billed: usize,
    /// What each request costs that no event has told yet, pico-dollars.
    untold: Vec<i128>,
}

impl fmt::Display for Books {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accounts = self.accounts.iter();
        let missing = accounts.filter(|((_, own), _)| *own).map(|(_, account)| {
            let Account { asked, billed, .. } = account;
            asked.saturating_sub(*billed)
        });
        write!(
            out,
            "{} calls, {} requests, {} attempts as reported, {} swept, {} that never left, {} on own keys missing",
            self.calls.len(),
            self.requests,
            self.reported,
            self.swept,
            self.never_left,
            missing.sum::<usize>(),
        )
    }
}

impl Books {
    /// Adds a round and waits until both sides agree, which they must.
    pub(super) async fn close(&mut self, product: &Product, calls: Vec<Made>, kills: &[Kill]) {
        self.kills.extend(kills);
        let marks: Vec<_> = calls.iter().map(|call| call.mark.clone()).collect();
        let calls = calls.into_iter().map(|call| (call.mark.clone(), call));
        self.calls.extend(calls);
        let started = Instant::now();
        loop {
            self.read_both(product).await;
            let wrong = self.differences(&marks);
            if wrong.is_empty() {
                return;
            }
            assert!(started.elapsed() < BOUND, "{}\n{self}", wrong.join("\n"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Closes the campaign: what came late must not have made a difference.
    pub(super) async fn close_all(&mut self, product: &Product) {
        self.read_both(product).await;
        let marks: Vec<_> = self.calls.keys().cloned().collect();
        let wrong = self.differences(&marks);
        assert!(wrong.is_empty(), "{}\n{self}", wrong.join("\n"));
    }

    /// The stream first: whatever is settled was asked, so that its request is in the journal then.
    async fn read_both(&mut self, product: &Product) {
        let events = self.news_of_the_stream(product).await;
        let from = self.last.saturating_sub(AT_ONCE);
        for entry in product.simulator().journal_after(from).await {
            let number = entry["seq"].as_u64().expect("a number");
            if !self.read.insert(number) {
                continue;
            }
            self.last = self.last.max(number);
            let body = entry["body"].as_str().unwrap_or_default();
            let Some(mark) = mark_in(body) else { continue };
            let own = entry["credential"]["last4"] == OWN;
            let account = self.accounts.entry((mark, own)).or_default();
            account.asked += 1;
            account.untold.push(price(&entry));
            self.requests += 1;
        }
        for event in events {
            self.enter(&event);
        }
    }

    async fn news_of_the_stream(&mut self, product: &Product) -> Vec<UsageEvent> {
        let open = StreamUsageOpen {
            cursor: self.cursor.clone(),
            ..Default::default()
        };
        let message = Some(stream_usage_request::Message::Open(open));
        let request = tokio_stream::once(StreamUsageRequest { message });
        let mut billing = product.operator().router.billing();
        let mut events = Vec::new();
        // The router may still be on its way back to its ledger.
        let Ok(answer) = billing.stream_usage(request).await else {
            return events;
        };
        let mut stream = answer.into_inner();
        while let Ok(Some(next)) = stream.message().await {
            events.extend(next.event);
            if !next.cursor.is_empty() {
                self.cursor = next.cursor;
            }
        }
        events
    }

    /// Counts an event, which must be right by what is known of its call.
    fn enter(&mut self, event: &UsageEvent) {
        let Some(mark) = event.labels.get(MARK) else {
            return;
        };
        assert!(self.ids.insert(event.event_id.clone()), "twice: {event:?}");
        assert_eq!(event.r#type, "keyway.usage.v1", "{event:?}");
        if event.basis() == Basis::None {
            self.never_left += 1;
            return;
        }
        let own = event.source() == Source::Own;
        if event.basis() == Basis::ProviderReported {
            self.reported += 1;
        } else {
            self.swept += 1;
            let in_flight = self.was_unsettled(mark, own);
            assert!(in_flight, "no kill met it: {event:?}");
            assert_eq!(event.outcome(), Outcome::Swept, "{event:?}");
            let unknown = matches!(event.basis(), Basis::Unknown | Basis::Estimated);
            assert!(unknown, "{event:?}");
            assert!(own || event.charge_usd.is_none(), "{event:?}");
        }
        let account = self.accounts.entry((mark.clone(), own)).or_default();
        account.billed += 1;
        if event.basis() == Basis::ProviderReported {
            account.tell(event);
        }
    }

    /// What the two sides don't agree on yet about these calls.
    fn differences(&self, marks: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        for mark in marks {
            let call = &self.calls[mark];
            let sides = [(true, "own"), (false, "hosted")].map(|(own, kind)| {
                let account = self.accounts.get(&(mark.clone(), own));
                let (asked, billed) = account.map_or((0, 0), |it| (it.asked, it.billed));
                let missing = billed < asked && !(own && self.may_miss(call));
                missing.then(|| {
                    wrong.push(format!(
                        "{mark}: {asked} requests on the {kind} key, {billed} billed; {}",
                        call.said
                    ));
                });
                billed
            });
            if call.received && sides == [0, 0] {
                wrong.push(format!(
                    "{mark} was answered and is not on the bill: {}",
                    call.said
                ));
            }
        }
        wrong
    }

    /// Whether an own-key call was in flight at a kill of router or ledger and its caller got nothing.
    fn may_miss(&self, call: &Made) -> bool {
        let met = |kill: &Kill| kill.met(call, Duration::ZERO);
        !call.received && self.kills.iter().any(met)
    }

    /// Whether the attempt of a call may have been unsettled at a kill of the router.
    fn was_unsettled(&self, mark: &str, own: bool) -> bool {
        let after = if own { SETTLING } else { Duration::ZERO };
        let kills = self.kills.iter();
        let mut of_router = kills.filter(|kill| kill.victim == Victim::Router);
        of_router.any(|kill| kill.met(&self.calls[mark], after))
    }
}

impl Account {
    /// Takes the request that an event tells; it must have cost what the event says.
    fn tell(&mut self, event: &UsageEvent) {
        let amount = |text: &Option<String>| text.as_deref().map(pico);
        let list = amount(&event.list_price_usd);
        let at = self.untold.iter().position(|price| Some(*price) == list);
        let at = at.unwrap_or_else(|| panic!("{event:?} for {:?}", self.untold));
        self.untold.swap_remove(at);
        let own = event.source() == Source::Own;
        let charge = if own { Some(0) } else { list };
        assert_eq!(amount(&event.charge_usd), charge, "{event:?}");
    }
}

/// The mark that stands in a request's body.
fn mark_in(body: &str) -> Option<String> {
    let (_, rest) = body.split_once("mark-")?;
    let (numbers, _) = rest.split_once("-x")?;
    Some(format!("mark-{numbers}-x"))
}

/// USD with up to twelve fraction digits, in pico-dollars.
fn pico(usd: &str) -> i128 {
    let (whole, fraction) = usd.split_once('.').unwrap_or((usd, ""));
    let digits = format!("{whole}{fraction:0<12}");
    digits.parse().expect("an amount")
}

/// What a request costs by the simulator's own count: pico-dollars per token, typed in by hand from
/// the providers' lists.
fn price(asked: &Value) -> i128 {
    let reported = &asked["reported"];
    let model = asked["model"].as_str().unwrap_or_default();
    let (input, output) = match model {
        _ if asked["provider"] == "exa" => {
            return pico(reported["cost_usd"].as_str().expect("a cost"));
        }
        "gpt-5-mini" => (250_000, 2_000_000),
        "claude-haiku-4-5" => (1_000_000, 5_000_000),
        "gemini-3.8-flash" => (750_000, 3_750_000),
        "mistral-small-latest" => (150_000, 600_000),
        "text-embedding-3-small" => (20_000, 0),
        other => panic!("no price for {other}: {asked}"),
    };
    let counts = &reported["counts"];
    let count = |name: &str| i128::from(counts[name].as_u64().expect("a count"));
    assert_eq!(count("cache_read") + count("cache_write"), 0, "{asked}");
    count("input") * input + count("output") * output
}
