//! `BillingService`.

mod asked;
mod rerate;

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{BoxStream, StreamExt as _};
use keyway_chassis::access::{admit, grant};
use keyway_proto::Fault;
use keyway_proto::billing::v1 as wire;
use keyway_proto::billing::v1::billing_service_server::BillingService;
use keyway_proto::billing::v1::stream_usage_request::Message as Asked;
use keyway_proto::convert::timestamp;
use keyway_router_billing::{Ledger, LedgerError, StreamItem};
use keyway_words::{KeyName, WorkspaceId};
use tonic::{Request, Response, Status, Streaming};

use self::asked::{filter, page, summary};
use super::Services;

#[tonic::async_trait]
impl BillingService for Services {
    type StreamUsageStream = BoxStream<'static, Result<wire::StreamUsageResponse, Status>>;

    async fn stream_usage(
        &self,
        request: Request<Streaming<wire::StreamUsageRequest>>,
    ) -> Result<Response<Self::StreamUsageStream>, Status> {
        let (_, extensions, mut asked) = request.into_parts();
        let first = asked.message().await?.ok_or_else(opens_first)?;
        let granted = grant(&*self.authority, &extensions, first)?;
        let Some(Asked::Open(open)) = granted.into_inner().message else {
            return Err(opens_first().into());
        };
        let filter = filter(open.filter.as_ref())?;
        let consumer = consumer(&open.consumer, filter.workspace.clone())?;
        let cursor = self.start_cursor(&open.cursor, consumer.as_ref()).await?;
        let events = self.ledger.stream(filter, &cursor, open.follow).await;
        let follower = Follower {
            events: events.map_err(Fault::from)?.boxed(),
            asked: Some(asked),
            consumer,
            ledger: Arc::clone(&self.ledger),
        };
        let items = futures::stream::unfold(follower, |mut follower| async {
            let next = follower.next().await;
            next.map(|next| (next.map_err(Status::from), follower))
        });
        Ok(Response::new(items.boxed()))
    }

    async fn list_usage(
        &self,
        request: Request<wire::ListUsageRequest>,
    ) -> Result<Response<wire::ListUsageResponse>, Status> {
        let request = admit(&*self.authority, request)?.into_inner();
        let page = self
            .ledger
            .list(&page(request)?)
            .await
            .map_err(|error| match error {
                LedgerError::CursorInvalid => Fault::field(
                    "page_token",
                    "must be the next_page_token of the page before",
                ),
                other => Fault::from(other),
            })?;
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(wire::ListUsageResponse {
            events: page.events,
            next_page_token,
        }))
    }

    async fn summarize_usage(
        &self,
        request: Request<wire::SummarizeUsageRequest>,
    ) -> Result<Response<wire::SummarizeUsageResponse>, Status> {
        let request = admit(&*self.authority, request)?.into_inner();
        let rows = self.ledger.summarize(&summary(request)?).await;
        Ok(Response::new(wire::SummarizeUsageResponse {
            rows: rows.map_err(Fault::from)?,
        }))
    }

    async fn get_price_table(
        &self,
        request: Request<wire::GetPriceTableRequest>,
    ) -> Result<Response<wire::GetPriceTableResponse>, Status> {
        let asked = admit(&*self.authority, request)?.into_inner().price_table;
        let hash = if asked.is_empty() {
            self.prices.table().hash().to_owned()
        } else {
            asked
        };
        let table = self.ledger.price_table(&hash).await.map_err(Fault::from)?;
        let table = table.ok_or_else(|| {
            Fault::field(
                "price_table",
                "must be the hash of a table that was in force, or empty",
            )
        })?;
        Ok(Response::new(wire::GetPriceTableResponse {
            price_table: table.hash,
            table_json: table.json,
            effective_time: Some(timestamp(table.effective_at)),
        }))
    }

    async fn rerate(
        &self,
        request: Request<wire::RerateRequest>,
    ) -> Result<Response<wire::RerateResponse>, Status> {
        let (asked, caller) = admit(&*self.authority, request)?.into_parts();
        Ok(Response::new(self.rate_again(asked, &caller).await?))
    }
}

impl Services {
    /// The cursor to start after: the one given, else the consumer's acknowledged one.
    async fn start_cursor(
        &self,
        given: &str,
        consumer: Option<&Consumer>,
    ) -> Result<String, Fault> {
        match consumer {
            Some(consumer) if given.is_empty() => {
                let scope = consumer.scope.as_ref();
                Ok(self
                    .ledger
                    .acknowledged(scope, consumer.name.as_str())
                    .await?)
            }
            _ => Ok(given.to_owned()),
        }
    }
}

/// A named consumer: one of a workspace, or of the whole stream.
struct Consumer {
    scope: Option<WorkspaceId>,
    name: KeyName,
}

/// One open stream: events out, acknowledgements in.
struct Follower {
    events: BoxStream<'static, Result<StreamItem, LedgerError>>,
    asked: Option<Streaming<wire::StreamUsageRequest>>,
    consumer: Option<Consumer>,
    ledger: Arc<Ledger>,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<wire::StreamUsageResponse, Fault>> {
        loop {
            let asked = async {
                match &mut self.asked {
                    Some(asked) => asked.message().await,
                    None => std::future::pending().await,
                }
            };
            let asked = tokio::select! {
                biased;
                asked = asked => asked,
                item = self.events.next() => match item {
                    Some(item) => return Some(item.map(response).map_err(Fault::from)),
                    None => return self.last_words().await,
                },
            };
            match asked {
                Ok(Some(message)) => {
                    if let Err(fault) =
                        acknowledge(&self.ledger, self.consumer.as_ref(), message).await
                    {
                        return Some(Err(fault));
                    }
                }
                // The client says no more; it may still read.
                Ok(None) | Err(_) => self.asked = None,
            }
        }
    }

    /// Takes what a consumer still acknowledges that has just read the last event.
    async fn last_words(&mut self) -> Option<Result<wire::StreamUsageResponse, Fault>> {
        let consumer = self.consumer.as_ref()?;
        let mut asked = self.asked.take()?;
        let heard = async {
            while let Ok(Some(message)) = asked.message().await {
                acknowledge(&self.ledger, Some(consumer), message).await?;
            }
            Ok(())
        };
        let heard = tokio::time::timeout(LAST_WORDS, heard).await;
        heard.ok()?.err().map(Err)
    }
}

/// How long a stream that came to its end waits for a consumer that does not close its side.
const LAST_WORDS: Duration = Duration::from_secs(5);

async fn acknowledge(
    ledger: &Ledger,
    consumer: Option<&Consumer>,
    message: wire::StreamUsageRequest,
) -> Result<(), Fault> {
    let Some(Asked::Acknowledge(cursor)) = message.message else {
        return Err(opens_first());
    };
    let consumer = consumer.ok_or_else(|| {
        Fault::field(
            "acknowledge",
            "needs a stream that was opened with a consumer",
        )
    })?;
    Ok(ledger
        .acknowledge(consumer.scope.as_ref(), consumer.name.as_str(), &cursor)
        .await?)
}

fn response(item: StreamItem) -> wire::StreamUsageResponse {
    wire::StreamUsageResponse {
        event: item.event,
        cursor: item.cursor,
    }
}

fn opens_first() -> Fault {
    Fault::field(
        "open",
        "must be the first message and no other; later ones acknowledge",
    )
}

fn consumer(name: &str, scope: Option<WorkspaceId>) -> Result<Option<Consumer>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    let form = "must be [a-z]([a-z0-9-]{0,61}[a-z0-9])?";
    let name = name
        .parse()
        .map_err(|_form| Fault::field("open.consumer", form))?;
    Ok(Some(Consumer { scope, name }))
}
