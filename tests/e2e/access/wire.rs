//! One call on the wire, with nothing added and nothing hidden: the bytes that a caller sends and
//! every byte that comes back.

use std::time::Duration;

use keyway_proto::{Reason, status};
use prost::bytes::{Buf, BufMut};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};

use crate::harness::BOUND;

/// Most messages that are read of one answer. A watch never ends by itself.
const MOST_MESSAGES: usize = 64;

/// What came back.
#[derive(Debug)]
pub(super) struct Heard {
    /// How it ended. `Ok` for a stream that was left while it was well.
    pub(super) code: Code,
    /// The stable reason of a refusal.
    pub(super) reason: Option<Reason>,
    /// The words and details of a refusal, without what differs from call to call.
    pub(super) refusal: Option<String>,
    /// Every piece of it: headers, messages, status, trailers.
    pub(super) pieces: Vec<(String, Vec<u8>)>,
}

/// Sends messages to an RPC and reads the answer.
pub(super) async fn call(
    channel: &Channel,
    authorization: &[String],
    rpc: &str,
    messages: Vec<Vec<u8>>,
    watch: bool,
) -> Heard {
    let mut heard = Heard {
        code: Code::Ok,
        reason: None,
        refusal: None,
        pieces: Vec::new(),
    };
    let exchange = exchange(channel, authorization, rpc, messages, watch, &mut heard);
    let ended = tokio::time::timeout(BOUND, exchange).await;
    let ended = ended.unwrap_or_else(|_late| panic!("{rpc}: no answer within {BOUND:?}"));
    if let Err(status) = ended {
        heard.refused(&status);
    }
    heard
}

async fn exchange(
    channel: &Channel,
    authorization: &[String],
    rpc: &str,
    messages: Vec<Vec<u8>>,
    watch: bool,
    heard: &mut Heard,
) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone()).max_decoding_message_size(64 << 20);
    grpc.ready().await.expect("the server can be reached");
    let path = PathAndQuery::try_from(format!("/{rpc}")).expect("a path");
    let mut request = Request::new(tokio_stream::iter(messages));
    request.set_timeout(Duration::from_secs(30));
    for value in authorization {
        let value = value.parse().expect("printable");
        request.metadata_mut().append("authorization", value);
    }
    let answer = grpc.streaming(request, path, Bytes).await?;
    heard.metadata("header", answer.metadata());
    let mut stream: Streaming<Vec<u8>> = answer.into_inner();
    while let Some(message) = stream.message().await? {
        heard.pieces.push(("message".to_owned(), message));
        if watch || heard.pieces.len() > MOST_MESSAGES {
            return Ok(());
        }
    }
    if let Some(trailers) = stream.trailers().await? {
        heard.metadata("trailer", &trailers);
    }
    Ok(())
}

impl Heard {
    fn metadata(&mut self, what: &str, metadata: &MetadataMap) {
        for (name, value) in &metadata.clone().into_headers() {
            let piece = (format!("{what} {name}"), value.as_bytes().to_vec());
            self.pieces.push(piece);
        }
    }

    fn refused(&mut self, status: &Status) {
        self.code = status.code();
        self.reason = status::refusal(status).reason;
        self.metadata("status", status.metadata());
        let message = status.message().to_owned();
        let details = status.details().to_vec();
        self.refusal = Some(format!("{message} {}", hex::encode(&details)));
        self.pieces.push(("status message".into(), message.into()));
        self.pieces.push(("status details".into(), details));
    }
}

/// Messages as they stand on the wire.
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}
