//! Runs the calls of this edge and hands their answers on as they come.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body::Frame;
use http_body_util::StreamBody;
use keyway_proto::router::v1 as wire;
use keyway_proto::{Fault, Reason};
use keyway_router_providers::chat::ChatDelta;
use keyway_words::{CallId, WorkspaceId};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::DropGuard;
use tonic::Status;
use tonic::body::Body;

use super::sealed::Sealing;
use super::shape::{Events, Head, Shape};
use super::{Endpoint, embeddings, models};
use crate::call::{self, Call, Origin};
use crate::edge::serve::{Failed, Sent, Serve, Whole, say_whose, trailers};
use crate::execute::{Answer, Done, Execution, Notes, Running};
use crate::service::Page;

/// Pieces that may wait for a slow caller.
const WAITING_PIECES: usize = 32;
/// Provider answers full of vectors that may wait: they are large.
const WAITING_VECTORS: usize = 1;
/// The shape whose names the fields of embeddings have too.
const EMBEDDINGS: Shape = Shape::Completions;
/// Most bytes of one list of vectors as text.
const MOST_LIST: usize = 128 << 20;

impl Serve {
    /// Runs one call.
    pub(in crate::edge) async fn compatible(
        &self,
        origin: Origin,
        endpoint: Endpoint,
        sent: Sent,
    ) -> Result<Response<Body>, Fault> {
        if !sent.query.is_empty() {
            let message = "query: there are no parameters at this path";
            return Err(Fault::new(Reason::FieldUnsupported, message).at_field("query"));
        }
        let workspace = origin.caller.workspace.clone();
        let workspace = workspace.ok_or_else(keyway_chassis::access::denied)?;
        match endpoint {
            Endpoint::Chat(shape) => self.chat(origin, workspace, sent, shape).await,
            Endpoint::Embeddings => self.embeddings(origin, workspace, sent).await,
            Endpoint::Models => {
                let models = self.models(&workspace).await?;
                Ok(json(&models::list(&models)))
            }
            Endpoint::Model(name) => self.model(&workspace, &name).await,
        }
    }

    async fn chat(
        &self,
        origin: Origin,
        workspace: WorkspaceId,
        sent: Sent,
        shape: Shape,
    ) -> Result<Response<Body>, Fault> {
        let table = self.execution.prices.table();
        let seal = self.seal.of(&workspace);
        let provider_of = |name: &str| call::model(name, &table).map(|(provider, _)| provider);
        let asked = shape.read(&sent.body, sent.request_id, &seal, provider_of)?;
        let head = self.head(origin.id, &asked.request.model);
        let call = Call::chat(origin, asked.request, asked.stream, &table);
        let call = call.map_err(|fault| shape.renamed(fault))?;
        let provider = call.provider;
        let sealing = Sealing { seal, provider };
        if asked.stream {
            let (deltas, received) = mpsc::channel(WAITING_PIECES);
            let running = self.execution.start(call, Some(deltas))?;
            let events = shape.events(head, asked.tail, sealing);
            let streaming = Streaming::new(running, received, (shape, events));
            return Ok(streaming.reply(&workspace).await);
        }
        let Running {
            result,
            guard: _gone_with_the_caller,
            notes,
        } = self.execution.start(call, None)?;
        let done = match ended(result.await) {
            Ok(done) => done,
            Err(fault) => return Ok(failed(shape, fault, &notes)),
        };
        let Answer::Chat(reply) = done.answer else {
            return Err(Execution::lost());
        };
        let mut reply = whole(
            shape
                .whole(&head, asked.tail, sealing, reply, &done.receipt)
                .into(),
        );
        whose(&mut reply, &workspace, &notes);
        Ok(reply)
    }

    async fn embeddings(
        &self,
        origin: Origin,
        workspace: WorkspaceId,
        sent: Sent,
    ) -> Result<Response<Body>, Fault> {
        let (request, encoding) = embeddings::request(&sent.body, sent.request_id)?;
        let model = request.model.clone();
        let table = self.execution.prices.table();
        let call = Call::embed_list(origin, request, &table);
        let call = call.map_err(|fault| EMBEDDINGS.renamed(fault))?;
        let (vectors, mut received) = mpsc::channel::<Vec<Vec<f32>>>(WAITING_VECTORS);
        let Running {
            result,
            guard: _gone_with_the_caller,
            notes,
        } = self.execution.start_vectors(call, vectors)?;
        let mut list = embeddings::List::new(encoding);
        while let Some(part) = received.recv().await {
            for vector in &part {
                list.push(vector);
            }
            if list.len() > MOST_LIST {
                let most = "the vectors are larger than one answer may be; send fewer texts";
                return Err(Fault::field("input", most));
            }
        }
        let done = match ended(result.await) {
            Ok(done) => done,
            Err(fault) => return Ok(failed(EMBEDDINGS, fault, &notes)),
        };
        let mut reply = whole(list.end(&model, &done.receipt).into());
        whose(&mut reply, &workspace, &notes);
        Ok(reply)
    }

    /// Every model that the workspace's calls may name, usable or not.
    async fn models(&self, workspace: &WorkspaceId) -> Result<Vec<wire::Model>, Fault> {
        let mut all = Vec::new();
        let mut request = wire::ListModelsRequest {
            page_size: 500,
            ..wire::ListModelsRequest::default()
        };
        loop {
            let page = Page::new(&request)?;
            let page = self.execution.models(workspace, page).await?;
            all.extend(page.models);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn model(&self, workspace: &WorkspaceId, name: &str) -> Result<Response<Body>, Fault> {
        let (provider, model) = call::model(name, &self.execution.prices.table())?;
        let full = format!("{provider}/{model}");
        let models = self.models(workspace).await?;
        let found = models
            .iter()
            .filter(|model| models::is_usable(model))
            .find(|model| model.name == full || model.aliases.contains(&full));
        let unknown = || {
            let message =
                "the workspace can use no model of this name; /v1/models lists those that it can";
            Fault::new(Reason::ModelNotAvailable, message).at_field("model")
        };
        found
            .map(|model| json(&models::one(model)))
            .ok_or_else(unknown)
    }

    fn head(&self, id: CallId, model: &str) -> Head {
        let (created, _nanos) = self.execution.clock.now().seconds_and_nanos();
        Head {
            id,
            created,
            model: model.to_owned(),
        }
    }
}

/// A streamed answer on its way to its caller.
struct Streaming {
    received: mpsc::Receiver<ChatDelta>,
    result: Option<oneshot::Receiver<Result<Done, Fault>>>,
    end: Option<Result<Done, Fault>>,
    /// Everything is told but that all is well.
    told: bool,
    shape: Shape,
    events: Box<dyn Events>,
    notes: Arc<Notes>,
    _gone_with_the_caller: DropGuard,
}

impl Streaming {
    fn new(
        running: Running,
        received: mpsc::Receiver<ChatDelta>,
        (shape, events): (Shape, Box<dyn Events>),
    ) -> Self {
        Self {
            received,
            result: Some(running.result),
            end: None,
            told: false,
            shape,
            events,
            notes: running.notes,
            _gone_with_the_caller: running.guard,
        }
    }

    /// Waits for the first piece, so that a call that fails before it is answered by a status.
    async fn reply(mut self, workspace: &WorkspaceId) -> Response<Body> {
        let first = self.received().await;
        if first.is_none()
            && let Some(Err(fault)) = self.end.take_if(|end| end.is_err())
        {
            return failed(self.shape, fault, &self.notes);
        }
        let mut reply = Response::new(Body::empty());
        whose(&mut reply, workspace, &self.notes);
        let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
        reply.headers_mut().insert(header::CONTENT_TYPE, events);
        let unbuffered = HeaderValue::from_static("no-cache");
        reply
            .headers_mut()
            .insert(header::CACHE_CONTROL, unbuffered);
        let frames = futures::stream::unfold((self, first), |(mut this, first)| async move {
            let frame = this.frame(first).await?;
            Some((Ok::<_, Status>(frame), (this, None)))
        });
        reply.map(|_empty| Body::new(StreamBody::new(frames)))
    }

    /// The next events; at last how it ended.
    async fn frame(&mut self, first: Option<ChatDelta>) -> Option<Frame<Bytes>> {
        let mut next = first;
        loop {
            let piece = match next.take() {
                Some(piece) => Some(piece),
                None => self.received().await,
            };
            let Some(piece) = piece else { break };
            let events = self.events.piece(piece);
            if !events.is_empty() {
                return Some(Frame::data(events.into()));
            }
        }
        if std::mem::take(&mut self.told) {
            return Some(trailers(&Status::ok(""), false));
        }
        match self.end.take()? {
            Ok(Done {
                answer: Answer::Stream(end),
                receipt,
            }) => {
                self.told = true;
                Some(Frame::data(self.events.end(&end, &receipt).into()))
            }
            Ok(_other) => Some(trailers(&Execution::lost().into(), false)),
            Err(fault) => Some(trailers(&self.shape.renamed(fault).into(), false)),
        }
    }

    /// The next piece; `None` once there is an end, whatever it is.
    async fn received(&mut self) -> Option<ChatDelta> {
        if let Some(result) = &mut self.result {
            tokio::select! {
                biased;
                Some(piece) = self.received.recv() => return Some(piece),
                end = result => {
                    self.end = Some(ended(end));
                    self.result = None;
                    // What is in the channel comes before the end; nothing more gets in.
                    self.received.close();
                }
            }
        }
        self.received.recv().await
    }
}

type Received = Result<Result<Done, Fault>, oneshot::error::RecvError>;

fn ended(result: Received) -> Result<Done, Fault> {
    result.unwrap_or_else(|_lost| Err(Execution::lost()))
}

/// A call that failed before its answer began.
fn failed(shape: Shape, fault: Fault, notes: &Notes) -> Response<Body> {
    let mut reply = Status::from(shape.renamed(fault)).into_http();
    reply.extensions_mut().insert(Failed {
        refusal: None,
        spent: notes.is_spent(),
    });
    reply
}

fn whose(reply: &mut Response<Body>, workspace: &WorkspaceId, notes: &Notes) {
    if let Some(answering) = notes.answering() {
        say_whose(reply, workspace.as_str(), answering.source, &answering.key);
    }
}

fn json(value: &Value) -> Response<Body> {
    whole(value.to_string().into())
}

fn whole(bytes: Bytes) -> Response<Body> {
    let mut reply = Response::new(Body::empty());
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(header::CONTENT_TYPE, json);
    let length = HeaderValue::from(bytes.len());
    reply.headers_mut().insert(header::CONTENT_LENGTH, length);
    reply.map(|_empty| Body::new(Whole::new(bytes)))
}
