//! `ExecutionService`.

use futures::stream::{BoxStream, StreamExt as _};
use keyway_chassis::access::{Granted, admit};
use keyway_proto::router::v1 as wire;
use keyway_proto::router::v1::execution_service_server::ExecutionService;
use keyway_proto::target::Target;
use keyway_proto::{Fault, Reason};
use keyway_router_pricing::Catalogue;
use keyway_router_providers::chat::ChatDelta;
use keyway_words::{CallId, WorkspaceId};
use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;
use tonic::{Request, Response, Status};

use super::models::Page;
use super::wire as to_wire;
use super::{Services, call_id, named, receipt};
use crate::call::{Call, Origin, STREAM_EMBED};
use crate::execute::{Done, Execution, Running};
use crate::probe::Tester;

/// Deltas that may wait for a slow caller.
const WAITING_DELTAS: usize = 32;
/// Most bytes of one reply.
const REPLY: usize = 4 << 20;

#[tonic::async_trait]
impl ExecutionService for Services {
    type StreamChatStream = BoxStream<'static, Result<wire::StreamChatResponse, Status>>;
    type StreamEmbedStream = BoxStream<'static, Result<wire::StreamEmbedResponse, Status>>;

    async fn chat(
        &self,
        request: Request<wire::ChatRequest>,
    ) -> Result<Response<wire::ChatResponse>, Status> {
        let id = call_id(&request);
        let parse = |origin, request, table: &Catalogue| Call::chat(origin, request, false, table);
        let done = self.whole(id, request, parse).await;
        named(
            id,
            done.and_then(|done| fits("message", STREAM_CHAT, to_wire::chat(done)?)),
        )
    }

    async fn stream_chat(
        &self,
        request: Request<wire::StreamChatRequest>,
    ) -> Result<Response<Self::StreamChatStream>, Status> {
        let id = call_id(&request);
        named(id, self.pieces(id, request))
    }

    async fn embed(
        &self,
        request: Request<wire::EmbedRequest>,
    ) -> Result<Response<wire::EmbedResponse>, Status> {
        let id = call_id(&request);
        let done = self.whole(id, request, Call::embed).await;
        named(
            id,
            done.and_then(|done| fits("inputs", STREAM_EMBED, to_wire::embed(done)?)),
        )
    }

    async fn stream_embed(
        &self,
        request: Request<wire::StreamEmbedRequest>,
    ) -> Result<Response<Self::StreamEmbedStream>, Status> {
        let id = call_id(&request);
        named(id, self.vectors(id, request))
    }

    async fn search(
        &self,
        request: Request<wire::SearchRequest>,
    ) -> Result<Response<wire::SearchResponse>, Status> {
        let id = call_id(&request);
        let done = self.whole(id, request, Call::search).await;
        named(
            id,
            done.and_then(|done| fits("contents", LESS, to_wire::search(done)?)),
        )
    }

    async fn test_key(
        &self,
        request: Request<wire::TestKeyRequest>,
    ) -> Result<Response<wire::TestKeyResponse>, Status> {
        let id = call_id(&request);
        let granted = admit(&*self.authority, request)?;
        let deadline = granted.deadline();
        let (request, caller) = granted.into_parts();
        let form = |form: keyway_words::InvalidName| Fault::field("name", form.to_string());
        let path = request.name.parse().map_err(form)?;
        let tester = Tester {
            id,
            accessor: caller.accessor,
            deadline,
        };
        named(id, self.probes.test(tester, path).await)
    }

    async fn list_models(
        &self,
        request: Request<wire::ListModelsRequest>,
    ) -> Result<Response<wire::ListModelsResponse>, Status> {
        let granted = admit(&*self.authority, request)?;
        let workspace = workspace("", &granted)?;
        let page = Page::new(granted.get_ref())?;
        Ok(Response::new(
            self.execution.models(&workspace, page).await?,
        ))
    }

    async fn get_receipt(
        &self,
        request: Request<wire::GetReceiptRequest>,
    ) -> Result<Response<wire::GetReceiptResponse>, Status> {
        let granted = admit(&*self.authority, request)?;
        let workspace = workspace(&granted.get_ref().workspace, &granted)?;
        let request = granted.into_inner();
        let call = request.call_id.parse::<CallId>();
        let call = call.map_err(|form| Fault::field("call_id", form.to_string()))?;
        let record = self
            .ledger
            .receipt(&workspace, call)
            .await
            .map_err(Fault::from)?;
        let record = record.ok_or_else(|| {
            Fault::new(
                Reason::CallNotFound,
                "the workspace has no call with this id that was attempted",
            )
        })?;
        Ok(Response::new(wire::GetReceiptResponse {
            receipt: Some(receipt::of(call, record)),
        }))
    }

    async fn explain_route(
        &self,
        request: Request<wire::ExplainRouteRequest>,
    ) -> Result<Response<wire::ExplainRouteResponse>, Status> {
        let granted = admit(&*self.authority, request)?;
        let workspace = workspace(&granted.get_ref().workspace, &granted)?;
        let model = granted.into_inner().model;
        Ok(Response::new(
            self.execution.explain(workspace, &model).await?,
        ))
    }
}

impl Services {
    /// A call that is answered whole.
    async fn whole<T: Target>(
        &self,
        id: CallId,
        request: Request<T>,
        parse: impl FnOnce(Origin, T, &Catalogue) -> Result<Call, Fault>,
    ) -> Result<Done, Fault> {
        let granted = admit(&*self.authority, request)?;
        let (origin, request) = origin(id, granted);
        let call = parse(origin, request, &self.prices.table())?;
        let Running {
            result,
            guard: _gone_with_the_caller,
            ..
        } = self.execution.start(call, None)?;
        result.await.unwrap_or_else(|_lost| Err(Execution::lost()))
    }

    /// A chat turn that is answered in pieces.
    fn pieces(
        &self,
        id: CallId,
        request: Request<wire::StreamChatRequest>,
    ) -> Result<BoxStream<'static, Result<wire::StreamChatResponse, Status>>, Fault> {
        let granted = admit(&*self.authority, request)?;
        let (origin, request) = origin(id, granted);
        let request = request
            .request
            .ok_or_else(|| Fault::field("request", "must be set"))?;
        let call = Call::chat(origin, request, true, &self.prices.table());
        let call = call.map_err(within_request)?;
        let (deltas, received) = mpsc::channel(WAITING_DELTAS);
        let running = self.execution.start(call, Some(deltas))?;
        let pieces = Pieces {
            id,
            deltas: received,
            result: Some(running.result),
            end: None,
            _gone_with_the_caller: running.guard,
        };
        let first = to_wire::call_id(id);
        let rest = futures::stream::unfold(pieces, |mut pieces| async {
            let next = pieces.next().await;
            next.map(|next| (next, pieces))
        });
        Ok(futures::stream::once(async { Ok(first) })
            .chain(rest)
            .boxed())
    }
}

/// A streamed answer on its way to the caller.
struct Pieces {
    id: CallId,
    deltas: mpsc::Receiver<ChatDelta>,
    result: Option<oneshot::Receiver<Result<Done, Fault>>>,
    end: Option<Result<Done, Fault>>,
    _gone_with_the_caller: DropGuard,
}

impl Pieces {
    /// What was received comes first; then the end, whatever it is.
    async fn next(&mut self) -> Option<Result<wire::StreamChatResponse, Status>> {
        if let Some(result) = &mut self.result {
            tokio::select! {
                biased;
                Some(delta) = self.deltas.recv() => return Some(Ok(to_wire::delta(delta))),
                end = result => {
                    self.end = Some(end.unwrap_or_else(|_lost| Err(Execution::lost())));
                    self.result = None;
                    // What is in the channel is still given; nothing more gets in.
                    self.deltas.close();
                }
            }
        }
        if let Some(delta) = self.deltas.recv().await {
            return Some(Ok(to_wire::delta(delta)));
        }
        let end = self.end.take()?.and_then(to_wire::end);
        Some(named(self.id, end).map(Response::into_inner))
    }
}

pub(super) fn origin<T>(id: CallId, granted: Granted<T>) -> (Origin, T) {
    let deadline = granted.deadline();
    let (request, caller) = granted.into_parts();
    (
        Origin {
            id,
            caller,
            deadline,
        },
        request,
    )
}

/// The workspace that a request names, or its caller's own.
fn workspace<T>(text: &str, granted: &Granted<T>) -> Result<WorkspaceId, Fault> {
    if text.is_empty() {
        let own = granted.caller().workspace.clone();
        return own.ok_or_else(|| Fault::field("workspace", "must be set by a caller without one"));
    }
    WorkspaceId::from_resource(text).map_err(|form| Fault::field("workspace", form.to_string()))
}

/// Fields of a streamed request stand below `request`.
pub(super) fn within_request(mut fault: Fault) -> Fault {
    if let Some(field) = &mut fault.field {
        field.insert_str(0, "request.");
    }
    fault
}

/// A reply that gRPC clients take; the call itself is over and recorded.
fn fits<T: Message>(field: &str, remedy: &str, reply: T) -> Result<T, Fault> {
    if reply.encoded_len() > REPLY {
        let message = format!("the answer is larger than one reply of 4 MiB; use {remedy}");
        return Err(Fault::field(field, message));
    }
    Ok(reply)
}

const STREAM_CHAT: &str = "keyway.router.v1.ExecutionService/StreamChat";
const LESS: &str = "smaller max_results or contents";
