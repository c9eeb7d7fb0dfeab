//! Watchers that behave as routers do, and note everything that they are told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use keyway_proto::vault::v1::lease_service_client::LeaseServiceClient;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::watch_changes_response::Message as Told;
use keyway_proto::vault::v1::{WatchChangesRequest, WatchChangesResponse, WatchStart};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::Endpoint;
use tonic::{Request, Streaming};

use super::validator::{Event, Session, Watcher};
use crate::harness::{BOUND, Product, wait_for_listener};

/// Running watchers.
pub(crate) struct Recorder {
    running: Vec<JoinHandle<Watcher>>,
    /// The data planes of the vaults that are there now.
    #[cfg(feature = "external")]
    vaults: Arc<Mutex<Vec<SocketAddr>>>,
    last: watch::Sender<Option<u64>>,
}

/// A change as one text.
pub(crate) fn says(
    kind: &str,
    owner: &str,
    provider: &str,
    accessor: &str,
    subject: &str,
) -> String {
    format!("{kind} {owner} {provider} {accessor} {subject}")
}

impl Recorder {
    /// Starts so many watchers, as the router of this installation.
    pub(crate) fn start(product: &Product, count: usize) -> Self {
        let site = &product.running.site;
        let token = std::fs::read_to_string(site.state.router_token()).expect("a token");
        let bearer: MetadataValue<Ascii> =
            format!("Bearer {}", token.trim()).parse().expect("text");
        let data: SocketAddr = product.vault_data();
        let vaults = Arc::new(Mutex::new(vec![data]));
        let last = watch::Sender::new(None);
        let running = (0..count).map(|number| {
            let watcher = Watching {
                number,
                bearer: bearer.clone(),
                vaults: Arc::clone(&vaults),
                last: last.subscribe(),
                position: None,
                told: Watcher::new(),
            };
            tokio::spawn(watcher.run())
        });
        Self {
            running: running.collect(),
            #[cfg(feature = "external")]
            vaults,
            last,
        }
    }

    /// Says which vaults there are from now on.
    #[cfg(feature = "external")]
    pub(crate) fn vaults(&self, addresses: Vec<SocketAddr>) {
        *self.vaults.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
    }

    /// Lets every watcher come to the last revision; what they were told.
    pub(crate) async fn finish(self, last: u64) -> Vec<Watcher> {
        self.last.send_replace(Some(last));
        let mut all = Vec::new();
        for watcher in self.running {
            let told = tokio::time::timeout(BOUND, watcher).await;
            all.push(told.expect("it comes to the end").expect("a task"));
        }
        all
    }
}

struct Watching {
    number: usize,
    bearer: MetadataValue<Ascii>,
    vaults: Arc<Mutex<Vec<SocketAddr>>>,
    last: watch::Receiver<Option<u64>>,
    /// Epoch and revision.
    position: Option<(String, u64)>,
    told: Watcher,
}

impl Watching {
    /// Opens one watch after the other, each at another vault, until the end.
    async fn run(mut self) -> Watcher {
        for turn in self.number.. {
            if self.is_done() {
                break;
            }
            let vaults = self.vaults();
            match self.open(vaults[turn % vaults.len()]).await {
                Some(stream) => self.session(stream).await,
                None => wait_for_listener(&vaults).await,
            }
        }
        self.told
    }

    fn vaults(&self) -> Vec<SocketAddr> {
        let vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        vaults.clone()
    }

    fn is_done(&self) -> bool {
        let last = *self.last.borrow();
        let at = self.position.as_ref().map(|(_, revision)| *revision);
        last.is_some() && at >= last
    }

    /// One watch, until it ends or there is nothing more to come.
    async fn session(&mut self, mut stream: Streaming<WatchChangesResponse>) {
        while !self.is_done() {
            let next = tokio::select! {
                next = stream.message() => next,
                changed = self.last.changed() => {
                    changed.expect("the recorder lives");
                    continue;
                }
            };
            let Ok(Some(told)) = next else {
                return;
            };
            self.note(told.message);
        }
    }

    async fn open(&self, vault: SocketAddr) -> Option<Streaming<WatchChangesResponse>> {
        let endpoint = Endpoint::from_shared(format!("http://{vault}")).expect("a URL");
        let channel = endpoint.connect().await.ok()?;
        let (epoch, revision) = self.position.clone().unwrap_or_default();
        let start = WatchStart {
            instance: format!("recorder-{}", self.number),
            epoch,
            revision,
            ..Default::default()
        };
        let first = WatchChangesRequest {
            message: Some(Asked::Start(start)),
        };
        // Routers keep their half open for acknowledgements.
        let asked = tokio_stream::once(first).chain(tokio_stream::pending());
        let mut request = Request::new(asked);
        let metadata = request.metadata_mut();
        metadata.insert("authorization", self.bearer.clone());
        let answer = LeaseServiceClient::new(channel)
            .watch_changes(request)
            .await;
        Some(answer.ok()?.into_inner())
    }

    fn note(&mut self, told: Option<Told>) {
        let event = match told {
            Some(Told::Started(started)) => {
                let resumed = self.position.as_ref().map(|(_, revision)| *revision);
                self.told.push(Session {
                    resumed,
                    started: started.revision,
                    events: Vec::new(),
                });
                if resumed.is_none() {
                    self.position = Some((started.epoch, started.revision));
                }
                return;
            }
            Some(Told::Change(change)) => {
                self.advance(change.revision);
                let kind = change.kind().as_str_name();
                let says = says(
                    kind,
                    &change.owner,
                    &change.provider,
                    &change.accessor,
                    &change.subject,
                );
                Event::Change(change.revision, says)
            }
            Some(Told::Bookmark(bookmark)) => {
                self.advance(bookmark.revision);
                Event::Bookmark(bookmark.revision)
            }
            Some(Told::Resync(resync)) => Event::Resync(resync.revision),
            _ => return, // what the feed says of health has numbers of its own
        };
        let session = self.told.last_mut().expect("a watch starts with its start");
        session.events.push(event);
    }

    fn advance(&mut self, to: u64) {
        if let Some((_, revision)) = &mut self.position {
            *revision = to.max(*revision);
        }
    }
}
