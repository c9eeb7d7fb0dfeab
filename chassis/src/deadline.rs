//! Deadlines: how long the caller will wait, capped by the configuration.
//!
//! tonic would answer `grpc-timeout` itself, with `CANCELLED`, and drop the handler. So the layer
//! takes the header away before tonic sees it and hands the handler a [`Deadline`] instead. The
//! handler keeps it and can say what it was waiting for; the layer answers `DEADLINE` for one that
//! does not, half a second later. Watches have no cap: they are meant to stay.

use std::convert::Infallible;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use keyway_proto::{Fault, Reason};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use crate::body::cut_when;
use crate::rpc;

/// For handlers that keep the deadline themselves and say more about it.
const GRACE: Duration = Duration::from_millis(500);

/// When the caller stops waiting; in the extensions of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline: a watch whose caller gave none.
    pub const NONE: Self = Self(None);

    /// So long from now.
    pub fn after(budget: Duration) -> Self {
        Self(Instant::now().checked_add(budget))
    }

    /// The moment; `None` for a watch without one.
    pub fn at(self) -> Option<Instant> {
        self.0
    }

    /// What is left; zero once it has passed, [`Duration::MAX`] without a deadline.
    pub fn remaining(self) -> Duration {
        self.0.map_or(Duration::MAX, |at| {
            at.saturating_duration_since(Instant::now())
        })
    }

    /// Whether it has passed.
    pub fn passed(self) -> bool {
        self.remaining().is_zero()
    }

    /// Ends when it passes; never without one.
    pub async fn wait(self) {
        match self.0 {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// The fault of a call that is still waiting for `what` when it passes.
    pub fn fault(what: &str) -> Fault {
        let message = format!("the deadline passed while waiting for {what}; allow more time");
        Fault::new(Reason::Deadline, message)
    }
}

/// Reads a `grpc-timeout`: 1 to 8 digits and a unit of H, M, S, m, u, n.
pub fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = plain.then(|| digits.parse().ok()).flatten()?;
    Some(match unit {
        "H" => Duration::from_secs(number.saturating_mul(3_600)),
        "M" => Duration::from_secs(number.saturating_mul(60)),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

/// The layer; `cap` is the longest that a call may take.
#[derive(Debug, Clone, Copy)]
pub struct DeadlineLayer {
    cap: Duration,
}

impl DeadlineLayer {
    /// Calls may take `cap`, watches as long as they like.
    pub fn new(cap: Duration) -> Self {
        Self { cap }
    }

    fn read<B>(self, request: &mut Request<B>) -> Result<Deadline, Fault> {
        let given = match request.headers_mut().remove("grpc-timeout") {
            None => None,
            Some(value) => Some(value.to_str().ok().and_then(parse_timeout).ok_or_else(|| {
                let form = "accepted are 1 to 8 digits and a unit of H, M, S, m, u, n";
                Fault::field("grpc-timeout", form)
            })?),
        };
        let cap = (!rpc::is_watch(request.uri().path())).then_some(self.cap);
        let budget = match (given, cap) {
            (Some(given), Some(cap)) => Some(given.min(cap)),
            (one, other) => one.or(other),
        };
        Ok(budget.map_or(Deadline::NONE, Deadline::after))
    }
}

impl<S> Layer<S> for DeadlineLayer {
    type Service = DeadlineService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        DeadlineService {
            inner,
            layer: *self,
        }
    }
}

/// The service of [`DeadlineLayer`].
#[derive(Debug, Clone)]
pub struct DeadlineService<S> {
    inner: S,
    layer: DeadlineLayer,
}

impl<S, B> Service<Request<B>> for DeadlineService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let deadline = match self.layer.read(&mut request) {
            Ok(deadline) => deadline,
            Err(fault) => return Box::pin(async { Ok(Status::from(fault).into_http()) }),
        };
        request.extensions_mut().insert(deadline);
        let reply = self.inner.call(request);
        let Some(last) = deadline.at().and_then(|at| at.checked_add(GRACE)) else {
            return Box::pin(reply);
        };
        Box::pin(async move {
            match tokio::time::timeout_at(last, reply).await {
                Ok(reply) => reply.map(|reply| {
                    let passed = async move {
                        tokio::time::sleep_until(last).await;
                        Deadline::fault("the stream's end")
                    };
                    reply.map(|body| cut_when(body, passed))
                }),
                Err(_passed) => Ok(Status::from(Deadline::fault("the answer")).into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_spells_them() {
        for (text, millis) in [
            ("1H", 3_600_000),
            ("2M", 120_000),
            ("3S", 3_000),
            ("4m", 4),
            ("5000u", 5),
            ("99999999m", 99_999_999),
        ] {
            assert_eq!(
                parse_timeout(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(parse_timeout("7n"), Some(Duration::from_nanos(7)));
        for text in [
            "",
            "S",
            "1",
            "1s",
            "-1S",
            "+1S",
            "1.5S",
            "123456789S",
            " 1S",
            "1S ",
            "1é",
        ] {
            assert_eq!(parse_timeout(text), None, "{text}");
        }
    }

    async fn through(path: &str, timeout: Option<&str>) -> (Response<Body>, Option<Deadline>) {
        let (sender, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let service = tower::service_fn(move |request: Request<()>| {
            assert!(
                !request.headers().contains_key("grpc-timeout"),
                "tonic would see it"
            );
            sender
                .send(*request.extensions().get::<Deadline>().unwrap())
                .unwrap();
            async { Ok(Response::new(Body::empty())) }
        });
        let mut request = Request::builder().uri(path);
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        let mut service = DeadlineLayer::new(Duration::from_mins(10)).layer(service);
        let reply = service.call(request.body(()).unwrap()).await.unwrap();
        (reply, seen.try_recv().ok())
    }

    const CHAT: &str = "/keyway.router.v1.ExecutionService/Chat";
    const WATCH: &str = "/keyway.vault.v1.LeaseService/WatchChanges";

    #[tokio::test]
    async fn the_callers_deadline_is_capped_and_moves_to_the_extensions() {
        let remaining = async |path, timeout| through(path, timeout).await.1.unwrap().remaining();
        for (path, timeout, seconds) in [
            (CHAT, Some("20S"), 20),
            (CHAT, Some("2H"), 600),
            (CHAT, None, 600),
            (WATCH, Some("2H"), 7_200),
        ] {
            let left = remaining(path, timeout).await;
            let most = Duration::from_secs(seconds);
            assert!(
                left <= most && left + Duration::from_secs(10) > most,
                "{path} {timeout:?}"
            );
        }
        assert_eq!(remaining(WATCH, None).await, Duration::MAX);
    }

    #[tokio::test]
    async fn a_malformed_timeout_is_a_field_error_and_reaches_no_handler() {
        let (reply, seen) = through(CHAT, Some("soon")).await;
        let status = Status::from_header_map(reply.headers()).unwrap();
        let refusal = keyway_proto::status::refusal(&status);
        assert_eq!(refusal.reason, Some(Reason::FieldInvalid));
        assert_eq!(seen, None);
    }

    #[tokio::test]
    async fn a_handler_that_ignores_the_deadline_is_answered_for() {
        let service = tower::service_fn(|_: Request<()>| std::future::pending());
        let request = Request::builder()
            .uri(CHAT)
            .header("grpc-timeout", "1m")
            .body(())
            .unwrap();
        let mut service = DeadlineLayer::new(Duration::from_mins(10)).layer(service);
        let reply: Response<Body> = service.call(request).await.unwrap();
        let status = Status::from_header_map(reply.headers()).unwrap();
        assert_eq!(
            keyway_proto::status::refusal(&status).reason,
            Some(Reason::Deadline)
        );
    }
}
