//! `StreamEmbed`: vectors in the order of their texts, as they come.

use futures::stream::{BoxStream, StreamExt as _};
use keyway_chassis::access::admit;
use keyway_proto::Fault;
use keyway_proto::router::v1 as wire;
use keyway_proto::router::v1::stream_embed_response::Event;
use keyway_words::CallId;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;
use tonic::{Request, Response, Status};

use super::execution::{origin, within_request};
use super::{Services, named};
use crate::call::Call;
use crate::execute::{Done, Execution};

/// Provider answers that may wait for a slow caller: they are large.
const WAITING: usize = 1;

type Item = Result<wire::StreamEmbedResponse, Status>;

impl Services {
    /// Embeddings that are answered in pieces.
    pub(super) fn vectors(
        &self,
        id: CallId,
        request: Request<wire::StreamEmbedRequest>,
    ) -> Result<BoxStream<'static, Item>, Fault> {
        let granted = admit(&*self.authority, request)?;
        let (origin, request) = origin(id, granted);
        let request = request
            .request
            .ok_or_else(|| Fault::field("request", "must be set"))?;
        let call = Call::stream_embed(origin, request, &self.prices.table());
        let call = call.map_err(within_request)?;
        let (vectors, received) = mpsc::channel(WAITING);
        let running = self.execution.start_vectors(call, vectors)?;
        let answer = Vectors {
            id,
            index: 0,
            part: Vec::new().into_iter(),
            received,
            result: Some(running.result),
            end: None,
            _gone_with_the_caller: running.guard,
        };
        let first = event(Event::CallId(id.to_string()));
        let rest = futures::stream::unfold(answer, |mut answer| async {
            let next = answer.next().await;
            next.map(|next| (next, answer))
        });
        Ok(futures::stream::once(async { Ok(first) })
            .chain(rest)
            .boxed())
    }
}

/// A streamed answer on its way to the caller.
struct Vectors {
    id: CallId,
    index: u32,
    part: std::vec::IntoIter<Vec<f32>>,
    received: mpsc::Receiver<Vec<Vec<f32>>>,
    result: Option<oneshot::Receiver<Result<Done, Fault>>>,
    end: Option<Result<Done, Fault>>,
    _gone_with_the_caller: DropGuard,
}

impl Vectors {
    /// Every vector that came, then the receipt or the failure.
    async fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(values) = self.part.next() {
                let index = self.index;
                self.index = index.saturating_add(1);
                let embedding = Some(wire::Embedding { values });
                let embedding = wire::IndexedEmbedding { index, embedding };
                return Some(Ok(event(Event::Embedding(embedding))));
            }
            match self.more().await {
                Some(part) => self.part = part.into_iter(),
                None => break,
            }
        }
        let end = self.end.take()?;
        let end = end.map(|done| event(Event::Receipt(done.receipt)));
        Some(named(self.id, end).map(Response::into_inner))
    }

    /// The vectors of one more provider request; what was received comes before the end.
    async fn more(&mut self) -> Option<Vec<Vec<f32>>> {
        if let Some(result) = &mut self.result {
            tokio::select! {
                biased;
                Some(part) = self.received.recv() => return Some(part),
                end = result => {
                    self.end = Some(end.unwrap_or_else(|_lost| Err(Execution::lost())));
                    self.result = None;
                    // What is in the channel is still given; nothing more gets in.
                    self.received.close();
                }
            }
        }
        self.received.recv().await
    }
}

fn event(event: Event) -> wire::StreamEmbedResponse {
    wire::StreamEmbedResponse { event: Some(event) }
}
