//! One trace leads from the client's own span through router and vault to the attempt at the
//! provider, and no span holds what was said or a secret.

use keyway_proto::router::v1::{StreamChatRequest, part};
use prost::Message as _;
use tonic::Request;

use crate::harness::{Collector, DEMO, Logs, Made, Product, Setup, ask, wait_for};

const MODEL: &str = "openai/gpt-5-mini";
const TRACE: [u8; 16] = [0x4b; 16];
const PARENT: [u8; 8] = [0x07; 8];
const PROMPT: &str = "Walrus-lantern 5521 drifts over copper fjords";
const KEY: &str = "sk-keyway-test-traced-Qw8Er7Ty6";

async fn start(collector: &Collector) -> Product {
    let endpoint = format!("http://{}", collector.address);
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__TRACES__ENDPOINT", &endpoint)
        .with("KEYWAY_VAULT__TRACES__ENDPOINT", &endpoint);
    setup.start().await
}

/// A request within the client's own trace.
fn traced<T>(message: T, sampled: bool) -> Request<T> {
    let mut request = Request::new(message);
    let flags = if sampled { "01" } else { "00" };
    let parent = format!("00-{}-{}-{flags}", hex::encode(TRACE), hex::encode(PARENT));
    request
        .metadata_mut()
        .insert("traceparent", parent.parse().unwrap());
    request
}

fn named<'a>(spans: &'a [Made], service: &str, name: &str) -> Vec<&'a Made> {
    let wanted = |made: &&Made| made.service == service && made.span.name == name;
    spans.iter().filter(wanted).collect()
}

fn holds_no_piece_of(made: &Made, secrets: &[&str]) {
    let bytes = made.span.encode_to_vec();
    for secret in secrets {
        let mut pieces = secret.as_bytes().windows(12);
        let found = pieces.any(|piece| bytes.windows(12).any(|part| part == piece));
        assert!(!found, "{made:?} holds a piece of {secret}");
    }
}

#[tokio::test]
async fn one_trace_leads_from_the_client_through_router_and_vault_to_the_provider() {
    let collector = Collector::start().await;
    let product = start(&collector).await;
    let _logs = Logs(&product);
    product.admin().put_key(DEMO, "openai", KEY).await.unwrap();
    let mut request = ask(MODEL);
    request.messages[0].parts[0].part = Some(part::Part::Text(PROMPT.to_owned()));
    let caller = product.caller();
    let answer = caller
        .router
        .execution()
        .chat(traced(request, true))
        .await
        .unwrap();
    let call = answer.into_inner().receipt.unwrap().call_id;

    // The client's → the router's RPC → the question to the vault → the vault's RPC.
    let of_call = || {
        let spans = collector.spans();
        let of_trace: Vec<_> = spans
            .into_iter()
            .filter(|made| made.span.trace_id == TRACE)
            .collect();
        let resolved = !named(&of_trace, "keyway-vault", RESOLVE).is_empty();
        let served = !named(&of_trace, "keyway-router", CHAT).is_empty();
        (resolved && served).then_some(of_trace)
    };
    let (spans, _) = wait_for("the spans of the call", async || of_call()).await;
    let one = |service, name| match named(&spans, service, name)[..] {
        [made] => made.clone(),
        ref several => panic!("{} spans {name} of {service}: {spans:?}", several.len()),
    };
    let served = one("keyway-router", CHAT);
    assert_eq!(served.span.parent_span_id, PARENT);
    assert_eq!(served.attribute("keyway.call_id"), Some(call.clone()));
    let asked = one("keyway-router", RESOLVE);
    assert_eq!(asked.span.parent_span_id, served.span.span_id);
    assert_eq!(
        one("keyway-vault", RESOLVE).span.parent_span_id,
        asked.span.span_id
    );

    let attempt = one("keyway-router", "chat gpt-5-mini");
    assert_eq!(attempt.span.parent_span_id, served.span.span_id);
    for (name, value) in [
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "gpt-5-mini"),
        ("keyway.source", "own"),
        ("keyway.outcome", "completed"),
        ("keyway.call_id", &call),
    ] {
        assert_eq!(attempt.attribute(name).as_deref(), Some(value), "{name}");
    }
    let tokens = attempt.attribute("gen_ai.usage.input_tokens").unwrap();
    assert_ne!(tokens.parse::<u64>().unwrap(), 0);

    let secrets = [PROMPT, KEY, product.running.access.call_token.expose()];
    for made in collector.spans() {
        holds_no_piece_of(&made, &secrets);
    }
}

#[tokio::test]
async fn a_trace_is_not_told_to_a_provider_and_ends_where_its_client_says_so() {
    let collector = Collector::start().await;
    let product = start(&collector).await;
    let _logs = Logs(&product);
    let simulator = product.simulator();
    let caller = product.caller();
    let request = StreamChatRequest {
        request: Some(ask(MODEL)),
    };
    let answer = caller
        .router
        .execution()
        .stream_chat(traced(request, false))
        .await
        .unwrap();
    let mut stream = answer.into_inner();
    while stream.message().await.unwrap().is_some() {}
    caller.chat(ask(MODEL)).await.unwrap();
    // The second call's span comes after the first one's would.
    wait_for("the second call's span", async || {
        let spans = collector.spans();
        (!named(&spans, "keyway-router", CHAT).is_empty()).then_some(())
    })
    .await;
    let of_trace = |made: &Made| made.span.trace_id == TRACE;
    assert!(
        !collector.spans().iter().any(of_trace),
        "a trace that is not sampled"
    );
    for entry in simulator.journal().await {
        let headers = entry["header_names"].to_string();
        assert!(
            !headers.contains("traceparent") && !headers.contains("tracestate"),
            "{headers}"
        );
    }
}

const CHAT: &str = "keyway.router.v1.ExecutionService/Chat";
const RESOLVE: &str = "keyway.vault.v1.LeaseService/ResolveKeys";
