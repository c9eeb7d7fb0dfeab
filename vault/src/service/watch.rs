//! `WatchChanges`: changes in revision order, bookmarks that were just read, changes of health.
//!
//! A bookmark says "you have everything up to here": it is sent only after the revision row was
//! read, and names the last acknowledgement that had arrived before, so that the router knows how
//! old it can be at most. A watch that can't read the database falls silent, and the router
//! notices. Nothing is kept for a router that does not read: what it has not had stands in the
//! database, and after a bound its watch ends.

mod follower;

use std::sync::Arc;

use futures::Stream;
use keyway_chassis::access;
use keyway_proto::Fault;
use keyway_proto::vault::v1::watch_changes_request::Message as Asked;
use keyway_proto::vault::v1::{WatchChangesRequest, WatchChangesResponse, WatchStart};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status, Streaming};

use self::follower::Follower;
use crate::service::Vault;

/// Opens a watch: reads the start, says where the feed is, and follows it.
pub(super) async fn open(
    vault: Arc<Vault>,
    request: Request<Streaming<WatchChangesRequest>>,
) -> Result<impl Stream<Item = Result<WatchChangesResponse, Status>> + Send + use<>, Fault> {
    let (_metadata, extensions, mut messages) = request.into_parts();
    let first = timeout(vault.limits.bookmark, messages.message()).await;
    let first = first
        .ok()
        .and_then(Result::ok)
        .flatten()
        .unwrap_or_default();
    let granted = access::grant(&*vault.authority, &extensions, first)?;
    let (message, caller) = granted.into_parts();
    let start = read_start(message)?;
    let (sender, receiver) = mpsc::channel(BUFFER);
    let follower = Follower::start(vault, &caller, &start, sender).await?;
    tokio::spawn(follower.run(messages));
    Ok(ReceiverStream::new(receiver))
}

fn read_start(message: WatchChangesRequest) -> Result<WatchStart, Fault> {
    let Some(Asked::Start(start)) = message.message else {
        return Err(Fault::field(
            "start",
            "must be the first message of the stream",
        ));
    };
    let visible = start.instance.bytes().all(|byte| byte.is_ascii_graphic());
    if !visible || !(1..=64).contains(&start.instance.len()) {
        let accepted = "must be 1 to 64 visible ASCII characters";
        return Err(Fault::field("start.instance", accepted));
    }
    Ok(start)
}

/// Messages that wait for a router that reads slowly.
const BUFFER: usize = 64;
