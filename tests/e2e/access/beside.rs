//! A server that is wrong on purpose: a handler that stands beside the layers of access, and shows a
//! key. What the matrix says of it shows that the matrix would say it of ours.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::vault::v1 as pb;
use keyway_proto::vault::v1::audit_service_server::{AuditService, AuditServiceServer};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// The wrong server, until it is dropped.
pub(super) struct Beside {
    pub(super) address: SocketAddr,
    _running: JoinSet<()>,
}

impl Beside {
    /// Starts it with a secret that it will show.
    pub(super) async fn start(secret: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let service = AuditServiceServer::new(Careless(STANDARD.encode(secret)));
        let server = Server::builder().add_service(service);
        let serving = server.serve_with_incoming(TcpListenerStream::new(listener));
        let mut running = JoinSet::new();
        running.spawn(async { serving.await.expect("it serves") });
        Self {
            address,
            _running: running,
        }
    }
}

struct Careless(String);

#[tonic::async_trait]
impl AuditService for Careless {
    type ExportStream = tokio_stream::Empty<Result<pb::AuditServiceExportResponse, Status>>;

    async fn list(
        &self,
        _: Request<pb::AuditServiceListRequest>,
    ) -> Result<Response<pb::AuditServiceListResponse>, Status> {
        let row = pb::AuditRow {
            facts_json: self.0.clone(),
            ..Default::default()
        };
        Ok(Response::new(pb::AuditServiceListResponse {
            rows: vec![row],
            ..Default::default()
        }))
    }

    async fn export(
        &self,
        _: Request<pb::AuditServiceExportRequest>,
    ) -> Result<Response<Self::ExportStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    async fn checkpoint(
        &self,
        _: Request<pb::AuditServiceCheckpointRequest>,
    ) -> Result<Response<pb::AuditServiceCheckpointResponse>, Status> {
        Ok(Response::new(pb::AuditServiceCheckpointResponse::default()))
    }
}
