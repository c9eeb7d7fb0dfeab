//! The demo: the main job in a few readable lines, made of ordinary calls. Every figure in it is
//! read from the answers.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use keyway_chassis::proto::billing::v1::{
    Source, StreamUsageOpen, StreamUsageRequest, UsageEvent, UsageFilter, stream_usage_request,
};
use keyway_chassis::proto::router::v1::{
    AttemptReceipt, ChatRequest, ChatResponse, ChatRole, ExplainRouteRequest, Message, Part, part,
};
use keyway_chassis::proto::vault::v1::{DeleteKeyRequest, Key, ListKeysRequest, PutKeyRequest};
use keyway_words::ProviderId;
use tokio::time::{Instant, sleep, timeout};

use crate::client::{Session, refused};
use crate::provision::WORKSPACE;

/// Label of the own key that the demo stores, so that the next start knows it again.
const LABEL: &str = "stored by the launcher's demo";
/// How soon a stored key must be in use.
const IN_USE_BOUND: Duration = Duration::from_secs(10);
/// How soon both events must be on the stream.
const EVENTS_BOUND: Duration = Duration::from_secs(20);

/// Who speaks in the demo.
pub(crate) struct Sessions<'a> {
    /// The demo's admin at the vault.
    pub(crate) admin: &'a Session,
    /// The demo's client at the router.
    pub(crate) caller: &'a Session,
    /// The demo's admin at the router, for the route and the billing stream.
    pub(crate) billing: &'a Session,
}

/// Providers that the demo can run on, with the model that it asks for.
const MODELS: [(ProviderId, &str); 4] = [
    (ProviderId::OpenAi, "openai/gpt-5-mini"),
    (ProviderId::Anthropic, "anthropic/claude-haiku-4-5"),
    (ProviderId::Google, "google/gemini-3.8-flash"),
    (ProviderId::Mistral, "mistral/mistral-small-latest"),
];

/// Shows the demo on the first provider at the simulator for which nobody has stored an own key, or
/// says why it is skipped.
pub(crate) async fn show(
    sessions: &Sessions<'_>,
    simulated: &[ProviderId],
    out: &mut dyn Write,
) -> Result<()> {
    let at_simulator = MODELS
        .into_iter()
        .filter(|(provider, _)| simulated.contains(provider));
    let mut free = None;
    let mut candidates = 0;
    for (provider, model) in at_simulator {
        candidates += 1;
        if clear_way(sessions.admin, provider).await? {
            free = Some((provider, model));
            break;
        }
    }
    match free {
        Some((provider, model)) => run(sessions, provider, model, out).await,
        None if candidates == 0 => Ok(writeln!(
            out,
            "Demo skipped: no chat provider is at the simulator, and a demo spends no real money (--simulator shows it)."
        )?),
        None => Ok(writeln!(
            out,
            "Demo skipped: {WORKSPACE} has own keys that were not stored by the demo, and they stay as they are."
        )?),
    }
}

/// Deletes the own key of an earlier demo. `false`: there is a key of somebody else.
async fn clear_way(admin: &Session, provider: ProviderId) -> Result<bool> {
    let request = ListKeysRequest {
        owner: WORKSPACE.to_owned(),
        provider: provider.to_string(),
        ..Default::default()
    };
    let answer = admin.keys().list_keys(request).await;
    let keys = answer
        .map_err(|status| refused("can't list the demo's keys", &status))?
        .into_inner()
        .keys;
    // A later version is somebody's secret: PutKey keeps the label that a request leaves out.
    if keys.iter().any(|key| key.label != LABEL || key.version > 1) {
        return Ok(false);
    }
    for key in keys {
        let request = DeleteKeyRequest {
            name: key.name,
            ..Default::default()
        };
        let deleted = admin.keys().delete_key(request).await;
        deleted
            .map_err(|status| refused("can't delete the own key of the demo before", &status))?;
    }
    Ok(true)
}

async fn run(
    sessions: &Sessions<'_>,
    provider: ProviderId,
    model: &str,
    out: &mut dyn Write,
) -> Result<()> {
    writeln!(out, "Demo: {model} at the simulator, for {WORKSPACE}")?;
    let hosted = call(sessions.caller, model).await?;
    let hosted_id = describe(out, "1. a call on the platform's key", &hosted)?;

    let key = store_own_key(sessions.admin, provider).await?;
    writeln!(
        out,
        "  2. own key stored: {} version {}, shown as {}",
        key.name, key.version, key.mask
    )?;

    wait_until_used(sessions.billing, model).await?;
    let own = call(sessions.caller, model).await?;
    let own_id = describe(out, "3. the same call again", &own)?;

    writeln!(out, "  4. the billing stream has both:")?;
    for event in events(sessions.billing, &[&hosted_id, &own_id]).await? {
        writeln!(out, "     {}", event_line(&event))?;
    }
    Ok(())
}

async fn call(caller: &Session, model: &str) -> Result<ChatResponse> {
    let text = "In one sentence: who pays for this call?".to_owned();
    let request = ChatRequest {
        model: model.to_owned(),
        messages: vec![Message {
            role: ChatRole::User.into(),
            parts: vec![Part {
                part: Some(part::Part::Text(text)),
            }],
        }],
        max_output_tokens: Some(256),
        ..Default::default()
    };
    let answer = caller.execution().chat(request).await;
    let answer =
        answer.map_err(|status| refused(&format!("the call of {model} failed"), &status))?;
    Ok(answer.into_inner())
}

async fn store_own_key(admin: &Session, provider: ProviderId) -> Result<Key> {
    let request = PutKeyRequest {
        owner: WORKSPACE.to_owned(),
        provider: provider.to_string(),
        secret: format!("sk-keyway-simulator-{provider}-own-key-0001"),
        label: LABEL.to_owned(),
        ..Default::default()
    };
    let answer = admin.keys().put_key(request).await;
    let answer = answer.map_err(|status| refused("can't store the demo's own key", &status))?;
    answer
        .into_inner()
        .key
        .context("the vault stored the demo's own key and did not show it")
}

/// Waits until the router has heard of the own key, by asking which key a call would use.
async fn wait_until_used(billing: &Session, model: &str) -> Result<()> {
    let end = Instant::now() + IN_USE_BOUND;
    loop {
        let request = ExplainRouteRequest {
            workspace: WORKSPACE.to_owned(),
            model: model.to_owned(),
        };
        let answer = billing.execution().explain_route(request).await;
        let answer = answer.map_err(|status| refused("can't ask for the route", &status))?;
        if answer.get_ref().source() == Source::Own {
            return Ok(());
        }
        if Instant::now() > end {
            bail!(
                "the router did not use the stored key within {} s",
                IN_USE_BOUND.as_secs()
            );
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// Prints one call from its receipt; its id.
fn describe(out: &mut dyn Write, title: &str, answer: &ChatResponse) -> Result<String> {
    let receipt = answer
        .receipt
        .as_ref()
        .context("the answer has no receipt")?;
    let attempt = receipt
        .attempts
        .last()
        .context("the receipt has no attempt")?;
    writeln!(
        out,
        "  {title}: {}, {}",
        source(attempt.source()),
        amounts(attempt)
    )?;
    Ok(receipt.call_id.clone())
}

fn amounts(attempt: &AttemptReceipt) -> String {
    money(
        attempt.charge_usd.as_deref(),
        attempt.list_price_usd.as_deref(),
    )
}

fn money(charge: Option<&str>, list: Option<&str>) -> String {
    let shown = |amount: Option<&str>| {
        amount.map_or_else(|| "not known".to_owned(), |usd| format!("{usd} USD"))
    };
    format!("charge {} (list price {})", shown(charge), shown(list))
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Own => "OWN",
        Source::Hosted => "HOSTED",
        Source::Unspecified => "no key",
    }
}

fn event_line(event: &UsageEvent) -> String {
    let usage = event.usage.unwrap_or_default();
    let tokens =
        |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    format!(
        "{:6} {} v{}: {} tokens in, {} out, {}",
        source(event.source()),
        event.key_name,
        event.key_version,
        tokens(usage.input_tokens),
        tokens(usage.output_tokens),
        money(event.charge_usd.as_deref(), event.list_price_usd.as_deref()),
    )
}

/// Follows the billing stream until the events of these calls have come, in this order of calls.
async fn events(billing: &Session, call_ids: &[&str]) -> Result<Vec<UsageEvent>> {
    let open = StreamUsageOpen {
        filter: Some(UsageFilter {
            workspace: WORKSPACE.to_owned(),
            ..Default::default()
        }),
        follow: true,
        ..Default::default()
    };
    let first = StreamUsageRequest {
        message: Some(stream_usage_request::Message::Open(open)),
    };
    let requests = tokio_stream::once(first);
    let answer = billing.billing().stream_usage(requests).await;
    let mut stream = answer
        .map_err(|status| refused("can't read the billing stream", &status))?
        .into_inner();
    let mut found = Vec::new();
    let reading = async {
        while found.len() < call_ids.len() {
            let next = stream
                .message()
                .await
                .map_err(|status| refused("the billing stream broke", &status))?;
            let event = next.context("the billing stream ended")?.event;
            found.extend(event.filter(|event| call_ids.contains(&event.call_id.as_str())));
        }
        anyhow::Ok(())
    };
    timeout(EVENTS_BOUND, reading).await.with_context(|| {
        format!(
            "the billing stream did not show both calls within {} s",
            EVENTS_BOUND.as_secs()
        )
    })??;
    Ok(found)
}
