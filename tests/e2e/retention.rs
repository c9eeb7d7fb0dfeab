//! Events older than what is kept: a consumer behind them is told so, never passed over in silence, and
//! one that has not acknowledged them holds them for as long as the settings say.

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::{
    StreamUsageOpen, StreamUsageRequest, StreamUsageResponse, UsageFilter, stream_usage_request,
};
use stream_usage_request::Message;
use tonic::{Status, Streaming};

use crate::harness::{DEMO, Product, Setup, Speaker, reason, wait_for};

const MODEL: &str = "openai/gpt-5-mini";

type Asking = tokio::sync::mpsc::Sender<StreamUsageRequest>;

async fn open(
    admin: &Speaker,
    (consumer, cursor): (&str, &str),
    follow: bool,
) -> Result<(Asking, Streaming<StreamUsageResponse>), Status> {
    let open = StreamUsageOpen {
        filter: Some(UsageFilter {
            workspace: DEMO.to_owned(),
            ..Default::default()
        }),
        cursor: cursor.to_owned(),
        consumer: consumer.to_owned(),
        follow,
    };
    let (ask, asked) = tokio::sync::mpsc::channel(2);
    let message = Some(Message::Open(open));
    ask.send(StreamUsageRequest { message })
        .await
        .expect("it is open");
    let requests = tokio_stream::wrappers::ReceiverStream::new(asked);
    let answer = admin.router.billing().stream_usage(requests).await?;
    Ok((ask, answer.into_inner()))
}

/// Everything after a cursor, or after what the consumer has acknowledged.
async fn read(
    admin: &Speaker,
    consumer: &str,
    cursor: &str,
) -> Result<Vec<StreamUsageResponse>, Status> {
    let (ask, mut stream) = open(admin, (consumer, cursor), false).await?;
    drop(ask);
    let mut all = Vec::new();
    while let Some(next) = stream.message().await? {
        all.push(next);
    }
    Ok(all)
}

/// Acknowledges the first of three events for a consumer; its cursor.
async fn acknowledge_first(admin: &Speaker) -> String {
    let (ask, mut stream) = open(admin, ("billing", ""), true).await.expect("a stream");
    let first = stream.message().await.expect("no error").expect("an event");
    let message = Some(Message::Acknowledge(first.cursor.clone()));
    ask.send(StreamUsageRequest { message })
        .await
        .expect("it is open");
    let acknowledged = async || {
        let rest = read(admin, "billing", "").await.ok()?;
        (rest.len() == 2).then_some(())
    };
    wait_for("the acknowledgement", acknowledged).await;
    first.cursor
}

/// Makes every event so many days older, while the router is away.
async fn age(product: &Product, days: i64) {
    let sql = format!(
        "UPDATE stream_positions SET settled_at = settled_at - {}",
        days * 86_400_000_000
    );
    product.change_ledger(&[&sql]).await;
}

async fn restart_older(product: &mut Product, days: i64) {
    product.terminate(Part::Router);
    product.exit_code(Part::Router).await;
    age(product, days).await;
    product.start_again(Part::Router).await;
}

#[tokio::test]
async fn a_consumer_behind_what_is_kept_is_told_and_an_unacknowledged_event_stays_until_its_bound()
{
    let setup = Setup::new()
        .with("KEYWAY_ROUTER__LEDGER__RETENTION", "10d")
        .with("KEYWAY_ROUTER__LEDGER__CONSUMER_HOLD", "5d");
    let mut product = setup.start().await;
    let caller = product.caller();
    for _ in 0..3 {
        caller.chat_once(MODEL).await;
    }
    product.admin().first_events(DEMO, 3).await;

    let first = acknowledge_first(&product.admin()).await;

    // Older than what is kept, but not acknowledged: they stay.
    restart_older(&mut product, 12).await;
    let gone = async || {
        read(&product.admin(), "", "")
            .await
            .ok()
            .filter(|all| all.len() == 2)
    };
    wait_for("the acknowledged event to go", gone).await;
    let rest = read(&product.admin(), "billing", "").await.expect("both");
    assert_eq!(rest.len(), 2);

    // Past the bound nobody holds them any more.
    restart_older(&mut product, 5).await;
    let told = async || {
        let refused = read(&product.admin(), "billing", "").await.err()?;
        (reason(&refused) == Some(Reason::CursorExpired)).then_some(refused.code())
    };
    let (code, _) = wait_for("the refusal", told).await;
    assert_eq!(code, tonic::Code::OutOfRange);
    let refused = read(&product.admin(), "", &first)
        .await
        .expect_err("it is behind");
    assert_eq!(reason(&refused), Some(Reason::CursorExpired));
    // From the beginning of what there is it goes on.
    product.caller().chat_once(MODEL).await;
    let kept = product.admin().first_events(DEMO, 1).await;
    assert_eq!(kept.len(), 1);
}
