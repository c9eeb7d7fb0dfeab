//! Takes spans by OTLP, as a collector would, and keeps them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status};

/// A span and the service that made it.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) service: String,
    pub(crate) span: Span,
}

impl Made {
    /// One attribute as text.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.span.attributes.iter().find(|pair| pair.key == name)?;
        Some(match found.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            other => format!("{other:?}"),
        })
    }
}

/// The collector; it ends with this.
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    taken: Taken,
    serving: JoinHandle<()>,
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let taken = Taken::default();
        let service = TraceServiceServer::new(taken.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
        let serving = tokio::spawn(async move {
            let server = tonic::transport::Server::builder().add_service(service);
            server
                .serve_with_incoming(incoming)
                .await
                .expect("it serves");
        });
        Self {
            address,
            taken,
            serving,
        }
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Made> {
        self.taken.0.lock().expect("no panic held it").clone()
    }
}

#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<Made>>>);

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut taken = self.0.lock().expect("no panic held it");
        for resource in request.into_inner().resource_spans {
            let attributes = resource.resource.map(|resource| resource.attributes);
            let name = attributes.unwrap_or_default().into_iter().find_map(|pair| {
                let Value::StringValue(text) = pair.value?.value? else {
                    return None;
                };
                (pair.key == "service.name").then_some(text)
            });
            let service = name.unwrap_or_default();
            for span in resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans)
            {
                taken.push(Made {
                    service: service.clone(),
                    span,
                });
            }
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}
