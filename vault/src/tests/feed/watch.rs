//! A router that watches, by hand.

use std::time::Duration;

use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::*;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

use crate::tests::harness::{Bearer, World};

/// An open watch.
pub(in crate::tests) struct Watch {
    pub(super) ask: mpsc::Sender<WatchChangesRequest>,
    pub(super) told: Streaming<WatchChangesResponse>,
}

impl Watch {
    pub(in crate::tests) async fn open(
        world: &World,
        by: &Bearer,
        epoch: &str,
        revision: u64,
    ) -> Result<Self, Status> {
        let start = WatchStart {
            instance: "one".to_owned(),
            epoch: epoch.to_owned(),
            revision,
            health_number: 0,
        };
        Self::start(world, by, start).await
    }

    /// A watch of another process at another vault.
    pub(in crate::tests) async fn at(channel: Channel, by: &Bearer, instance: &str) -> Self {
        let (ask, asked) = mpsc::channel(8);
        let start = WatchStart {
            instance: instance.to_owned(),
            ..Default::default()
        };
        let first = WatchChangesRequest {
            message: Some(Asked::Start(start)),
        };
        ask.send(first).await.unwrap();
        let mut lease = LeaseServiceClient::new(InterceptedService::new(channel, by.clone()));
        let told = lease.watch_changes(ReceiverStream::new(asked)).await;
        let told = told.unwrap().into_inner();
        Self { ask, told }
    }

    pub(in crate::tests) async fn say(&self, message: Asked) {
        let message = Some(message);
        self.ask
            .send(WatchChangesRequest { message })
            .await
            .unwrap();
    }

    pub(in crate::tests) async fn acknowledge(&self, revision: u64) {
        let number = revision;
        self.say(Asked::Acknowledge(WatchAcknowledge { revision, number }))
            .await;
    }

    /// Acknowledges every change as it comes.
    pub(in crate::tests) async fn acknowledge_all(&mut self) {
        loop {
            let revision = self.change().await.revision;
            self.acknowledge(revision).await;
        }
    }

    pub(in crate::tests) async fn send_leave(&self) {
        self.say(Asked::Leave(WatchLeave {})).await;
    }

    pub(in crate::tests) async fn start(
        world: &World,
        by: &Bearer,
        start: WatchStart,
    ) -> Result<Self, Status> {
        Self::send(world, by, Asked::Start(start)).await
    }

    pub(in crate::tests) async fn send(
        world: &World,
        by: &Bearer,
        first: Asked,
    ) -> Result<Self, Status> {
        let (ask, asked) = mpsc::channel(8);
        ask.send(WatchChangesRequest {
            message: Some(first),
        })
        .await
        .unwrap();
        let told = world
            .lease(by)
            .watch_changes(ReceiverStream::new(asked))
            .await?
            .into_inner();
        Ok(Self { ask, told })
    }

    pub(in crate::tests) async fn next(&mut self) -> Told {
        let message = timeout(Duration::from_secs(10), self.told.message()).await;
        message
            .expect("nothing came")
            .unwrap()
            .unwrap()
            .message
            .unwrap()
    }

    pub(in crate::tests) async fn started(&mut self) -> WatchStarted {
        match self.next().await {
            Told::Started(started) => started,
            other => panic!("{other:?}"),
        }
    }

    /// The next change, over bookmarks.
    pub(in crate::tests) async fn change(&mut self) -> Change {
        loop {
            match self.next().await {
                Told::Change(change) => return change,
                Told::Bookmark(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
