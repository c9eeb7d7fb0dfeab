//! The layer that lets only authenticated callers of known RPCs through.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, header};
use keyway_proto::Fault;
use keyway_words::{Secret, WorkspaceId};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::hold::{Held, Hold};
use super::{Authority, Caller, Credentials, Peer, Rpc, TraceId, caller_unknown, denied, standing};
use crate::body::cut_when;
use crate::rpc;
use crate::serve::Reflection;
use crate::serve::access_log::CallerNote;

/// Longer credentials are not looked at.
const MAX_BEARER: usize = 8 * 1024;

/// Finds out who calls.
pub trait Authenticate: Send + Sync + 'static {
    /// The caller of `rpc` with these credentials, or `CALLER_UNKNOWN` ([`caller_unknown`]), or a
    /// fault that says that it can't be known now (never "unknown").
    fn authenticate(
        &self,
        rpc: &'static str,
        credentials: Credentials,
    ) -> impl Future<Output = Result<Caller, Fault>> + Send;
}

/// The layer.
pub struct AuthenticateLayer<A> {
    authenticate: Arc<A>,
    pub(super) authority: Arc<dyn Authority>,
    reflection: Reflection,
}

impl<A> AuthenticateLayer<A> {
    /// A layer that asks these two.
    pub fn new(
        authenticate: Arc<A>,
        authority: Arc<dyn Authority>,
        reflection: Reflection,
    ) -> Self {
        Self {
            authenticate,
            authority,
            reflection,
        }
    }
}

impl<A> Clone for AuthenticateLayer<A> {
    fn clone(&self) -> Self {
        Self {
            authenticate: Arc::clone(&self.authenticate),
            authority: Arc::clone(&self.authority),
            reflection: self.reflection,
        }
    }
}

impl<A, S> Layer<S> for AuthenticateLayer<A> {
    type Service = AuthenticateService<A, S>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthenticateService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of [`AuthenticateLayer`].
pub struct AuthenticateService<A, S> {
    inner: S,
    layer: AuthenticateLayer<A>,
}

impl<A, S: Clone> Clone for AuthenticateService<A, S> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            layer: self.layer.clone(),
        }
    }
}

impl<A, S, B> Service<Request<B>> for AuthenticateService<A, S>
where
    A: Authenticate,
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The clone stays; the one that was polled ready makes the call.
        let next = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, next);
        let layer = self.layer.clone();
        Box::pin(async move {
            let hold = match layer.pass(&mut request).await {
                Ok(None) => return inner.call(request).await,
                Ok(Some(hold)) => hold,
                Err(fault) => return Ok(Status::from(fault).into_http()),
            };
            let mut ends = Box::pin(hold.ends());
            // A stream may be held up before its first byte, so its caller is held here too.
            tokio::select! {
                reply = inner.call(request) => Ok(reply?.map(|body| cut_when(body, ends))),
                fault = &mut ends => Ok(Status::from(fault).into_http()),
            }
        })
    }
}

impl<A: Authenticate> AuthenticateLayer<A> {
    /// Puts [`Rpc`] and, but for open RPCs, [`Caller`] in the extensions; gives the hold of a stream.
    async fn pass<B>(&self, request: &mut Request<B>) -> Result<Option<Hold<A>>, Fault> {
        let path = request.uri().path();
        let (health, reflection) = (rpc::is_health(path), rpc::is_reflection(path));
        let name = rpc::name(path).ok_or_else(denied)?;
        let peer = request.extensions().get::<Peer>().cloned();
        let peer = peer.unwrap_or_default();
        request.extensions_mut().insert(Rpc(name));
        let trace = TraceId::of(request.headers());
        request.extensions_mut().insert(trace);
        let bearer = bearer(request.headers_mut());
        match self.reflection {
            _ if health => return Ok(None),
            Reflection::Open if reflection => return Ok(None),
            Reflection::Off if reflection => return Err(denied()),
            Reflection::Open | Reflection::Authenticated | Reflection::Off => {}
        }
        if !reflection && !self.authority.has_row(name) {
            return Err(denied());
        }
        let within = within(request.headers())?;
        let credentials = Credentials {
            bearer: bearer?,
            peer,
        };
        let held = rpc::is_held(request.uri().path()).then(|| credentials.again());
        let caller = self.identify(name, credentials, within.as_ref()).await?;
        if let Some(note) = request.extensions().get::<CallerNote>() {
            note.set(&caller.accessor);
        }
        let mut each = caller.each();
        if !reflection && !each.any(|caller| self.authority.may_call(&caller, name)) {
            self.authority.note_denial(&caller, name, None);
            return Err(denied());
        }
        drop(each);
        request.extensions_mut().insert(caller);
        let Some(credentials) = held else {
            return Ok(None);
        };
        let held = Held::default();
        request.extensions_mut().insert(held.clone());
        Ok(Some(Hold {
            layer: self.clone(),
            rpc: name,
            credentials,
            within,
            held,
        }))
    }

    /// Who calls, acting only in one workspace where the call says so.
    pub(super) async fn identify(
        &self,
        rpc: &'static str,
        credentials: Credentials,
        within: Option<&WorkspaceId>,
    ) -> Result<Caller, Fault> {
        let caller = self.authenticate.authenticate(rpc, credentials).await?;
        let Some(workspace) = within else {
            return Ok(caller);
        };
        caller.within(workspace).ok_or_else(|| {
            self.authority.note_denial(&caller, rpc, None);
            denied()
        })
    }
}

/// The workspace that the call says its caller acts in.
fn within(headers: &HeaderMap) -> Result<Option<WorkspaceId>, Fault> {
    let Some(value) = headers.get(standing::WORKSPACE) else {
        return Ok(None);
    };
    let name = value.to_str().unwrap_or_default();
    let id = WorkspaceId::from_resource(name)
        .map_err(|_form| Fault::field(standing::WORKSPACE, "must be workspaces/{id}"))?;
    Ok(Some(id))
}

/// Takes the credential out of the headers, so that nothing further in can print it.
fn bearer(headers: &mut HeaderMap) -> Result<Option<Secret>, Fault> {
    let header::Entry::Occupied(entry) = headers.entry(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let (_, mut values) = entry.remove_entry_mult();
    let (first, more) = (values.next(), values.next().is_some());
    let text = first
        .as_ref()
        .and_then(|value| value.to_str().ok())
        .filter(|_| !more);
    let token = text.and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        let fits = (1..=MAX_BEARER).contains(&token.len()) && !token.contains(' ');
        (scheme.eq_ignore_ascii_case("bearer") && fits).then(|| Secret::new(token.to_owned()))
    });
    token.map(Some).ok_or_else(caller_unknown)
}
