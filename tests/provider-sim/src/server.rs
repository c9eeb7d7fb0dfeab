//! The listener, and what happens to one request.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderName, HeaderValue, Request as HttpRequest, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::account::{Account, Accounts};
use crate::control;
use crate::deliver::{Body, Cut, Gates, Sending};
use crate::door::Doors;
use crate::journal::Journal;
use crate::nonsense::{self, Nonsense};
use crate::provider::Provider;
use crate::reply::{Chunk, Reply};
use crate::request::Request;
use crate::script::{Action, Script};

/// What can be set.
#[derive(Debug, Clone)]
pub struct Options {
    /// File that gets a line for each request; without one the journal is in memory only.
    pub journal: Option<PathBuf>,
    /// Multiplies every token count; 1 is the documented rule.
    pub token_factor: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            journal: None,
            token_factor: 1,
        }
    }
}

/// What all requests share.
#[derive(Debug)]
pub(crate) struct State {
    factor: u64,
    pub(crate) journal: Arc<Journal>,
    pub(crate) script: Script,
    pub(crate) gates: Arc<Gates>,
    pub(crate) doors: Doors,
    accounts: Accounts,
    connections: AtomicU64,
}

impl State {
    /// Connections that are open, that of the asking one too.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }
}

/// A connection that is open while this lives.
struct Counted(Arc<State>);

impl Counted {
    fn new(state: &Arc<State>) -> Self {
        state.connections.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How long no caller is taken after one could not be.
const PAUSE: Duration = Duration::from_millis(20);

/// Answers on the listener for ever. Errors: the journal can't be opened.
pub async fn serve(listener: TcpListener, options: Options) -> io::Result<()> {
    let journal = Arc::new(Journal::open(options.journal.as_deref())?);
    let state = Arc::new(State {
        factor: options.token_factor,
        journal,
        script: Script::default(),
        gates: Arc::default(),
        doors: Doors::default(),
        accounts: Accounts::default(),
        connections: AtomicU64::new(0),
    });
    loop {
        // One caller who has left, or no free descriptor for a while, ends nothing for the others.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        tokio::spawn(connection(Arc::clone(&state), stream));
    }
}

/// Serves one connection to its end; its type hides that a request can open a door to the same.
pub(crate) fn boxed_connection(state: &Arc<State>, stream: TcpStream) -> BoxFuture<'static, ()> {
    Box::pin(connection(Arc::clone(state), stream))
}

async fn connection(state: Arc<State>, stream: TcpStream) {
    // Without it a small chunk waits for the peer's delayed acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let _counted = Counted::new(&state);
    let by_hand = Arc::new(ByHand::default());
    let asked = Arc::clone(&by_hand);
    let service = service_fn(move |request| {
        Box::pin(exchange(Arc::clone(&state), Arc::clone(&asked), request))
    });
    let mut served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // A broken connection is the caller's leaving or a scripted cut; the journal tells which.
        _ended = &mut served => return,
        () = by_hand.asked.notified() => {}
    }
    let stream = served.into_parts().io.into_inner();
    let sending = by_hand.take();
    if let Some(sending) = sending {
        sending.endless_header(stream).await;
    }
}

/// A reply that is no HTTP, so that it is written by hand when the connection's server is out of the
/// way.
#[derive(Debug, Default)]
struct ByHand {
    sending: Mutex<Option<Sending>>,
    asked: Notify,
}

impl ByHand {
    fn give(&self, sending: Sending) {
        *self.sending.lock().unwrap_or_else(PoisonError::into_inner) = Some(sending);
        self.asked.notify_one();
    }

    fn take(&self) -> Option<Sending> {
        self.sending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

async fn exchange(
    state: Arc<State>,
    by_hand: Arc<ByHand>,
    request: HttpRequest<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Err(Cut);
    };
    let bytes = body.to_bytes();
    let path = parts.uri.path();
    let query = parts.uri.query().unwrap_or_default();
    if path.starts_with("/_sim") {
        let reply = control::answer(&state, &parts.method, path, query, &bytes).await;
        return Ok(response(&reply, full(reply.body())));
    }
    let Some((provider, rest)) = Provider::of_path(path) else {
        let reply = Reply::text(
            404,
            "no such provider; there are /openai/v1, /anthropic, /google, /mistral and /exa",
        );
        return Ok(response(&reply, full(reply.body())));
    };
    let mut request = Request {
        number: state.journal.number(),
        provider,
        path: rest.to_owned(),
        query: query.to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
        method: parts.method,
        headers: parts.headers,
        bytes,
        factor: state.factor,
        account: Account::default(),
    };
    let key = request.credential().map(|(_, key)| key.to_owned());
    request.account = state.accounts.of(provider, key.as_deref());
    reply(&state, &by_hand, &request).await
}

async fn reply(state: &State, by_hand: &ByHand, request: &Request) -> Result<Response<Body>, Cut> {
    let action = state.script.take(request);
    let reply = scripted(request, &action);
    if let Err(error) = state.journal.request(request, &reply) {
        let reply = Reply::text(
            500,
            &format!("the simulator can't write its journal: {error}"),
        );
        return Ok(response(&reply, full(reply.body())));
    }
    let gates = Arc::clone(&state.gates);
    let chunks = reply.chunks.clone();
    let endless = action.nonsense == Some(Nonsense::EndlessHeader);
    let mut sending = Sending::new(
        Arc::clone(&state.journal),
        gates,
        request.number,
        action,
        chunks,
    );
    sending.begin().await?;
    if endless {
        by_hand.give(sending);
        return std::future::pending().await;
    }
    Ok(response(&reply, sending.into_body()))
}

/// The provider's reply with the script's changes.
fn scripted(request: &Request, action: &Action) -> Reply {
    let mut reply = if action.replaces() {
        replacement(request, action)
    } else {
        request.provider.answer(request, action)
    };
    if let Some(kind) = action.nonsense {
        reply = nonsense::spoil(reply, kind, action);
        reply.status = action.status.unwrap_or(reply.status);
    }
    for (name, value) in &action.headers {
        reply.set_header(name, value);
    }
    reply.headers.retain(|(_, value)| !value.is_empty());
    reply
}

fn replacement(request: &Request, action: &Action) -> Reply {
    let key = request.credential().map_or("", |(_, key)| key);
    let mut reply = match &action.fixture {
        Some(id) => Reply::fixture(request, id).with_key(key),
        None => Reply::text(action.status.unwrap_or(200), "scripted"),
    };
    reply.status = action.status.unwrap_or(reply.status);
    if let Some(body) = &action.body {
        let packed = base64::engine::general_purpose::STANDARD.encode(key);
        let body = body
            .replace("{{key}}", key)
            .replace("{{key_base64}}", &packed);
        reply.chunks = vec![Chunk::plain(body)];
    }
    reply
}

fn response(reply: &Reply, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    if !reply.stream {
        let length: usize = reply.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        response
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, length.into());
    }
    response
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes))
        .map_err(Cut::from)
        .boxed_unsync()
}

#[cfg(test)]
mod tests;
