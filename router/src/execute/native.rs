//! An exchange whose bytes pass: the provider's head and body go to the caller as they came, while a
//! meter reads along.

mod reader;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, header};
use keyway_router_providers::DecodeError;
use keyway_router_providers::json::JsonText;
use keyway_router_providers::native::NativeMeter;
use keyway_words::{Secret, Source};
use tokio::sync::mpsc;
use tokio::time::Instant;

use self::reader::{Read, Reader, readable};
use super::Answer;
use super::exchange::{Progress, broke_off};
use super::failure::Failure;
use crate::call::NativeCall;
use crate::media_type::{EVENTS, is_of};
use crate::upstream::{Reply, without_key_whole};

/// The head of an answer that passes.
#[derive(Debug, Clone)]
pub struct NativeHead {
    /// The provider's status.
    pub status: u16,
    /// Its headers, as far as they pass.
    pub headers: HeaderMap,
    /// On whose key.
    pub source: Source,
    /// The name of an own key; `platform` of the platform's.
    pub key: String,
}

/// A piece of an answer that passes, in order.
#[derive(Debug)]
pub enum NativePiece {
    /// The head; once, before the first bytes of a stream.
    Head(NativeHead),
    /// Bytes of its body.
    Bytes(Bytes),
    /// The provider's own error within its stream; nothing comes after it.
    Error(Bytes),
    /// There is no answer; why stands in the call's result.
    Failed {
        /// The provider's own words for it, where they may be passed on.
        refusal: Option<NativeRefusal>,
        /// As many attempts were made as there may be.
        spent: bool,
    },
}

/// An error answer of a provider on an own key, without the key.
#[derive(Debug, Clone)]
pub struct NativeRefusal {
    /// The provider's status.
    pub status: u16,
    /// Its headers, as far as they pass.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// An answer that passes whole.
#[derive(Debug)]
pub struct NativeReply {
    /// The head.
    pub head: NativeHead,
    /// The body; `None` if it was streamed.
    pub body: Option<Bytes>,
}

/// Where an answer goes, and by whose key it came.
pub(super) struct Relay<'a> {
    pub(super) call: &'a NativeCall,
    pub(super) listener: Option<mpsc::Sender<NativePiece>>,
    pub(super) source: Source,
    pub(super) key: &'a Secret,
    pub(super) key_name: String,
}

impl Relay<'_> {
    /// Passes a good answer on.
    pub(super) async fn run(
        self,
        reply: &mut Reply,
        progress: &mut Progress,
    ) -> Result<Answer, Failure> {
        let head = NativeHead {
            status: reply.status(),
            headers: passing(reply.headers(), self.source),
            source: self.source,
            key: self.key_name.clone(),
        };
        if is_encoded(reply.headers()) {
            return Err(Failure::Decode(DecodeError::Malformed {
                what: "an encoding that was not asked for",
            }));
        }
        let mut meter = self.call.meter();
        if !is_of(reply.headers(), EVENTS) {
            let body = reply.whole().await.map_err(Failure::Send)?;
            let read = meter.as_mut().map_or(Ok(()), |meter| {
                let read = meter.whole(&body);
                progress.metered.clone_from(meter.metered());
                read.and_then(|()| readable(self.source, &body))
            });
            let body = match read {
                Ok(()) => body,
                Err(_told) if matches!(self.source, Source::Own) => self.without_key(body),
                Err(error) => return Err(Failure::Decode(error)), // its words are for the key's owner alone
            };
            let body = Some(body);
            return Ok(Answer::Native(NativeReply { head, body }));
        }
        progress.content = true;
        progress.first_piece = Some(Instant::now());
        self.send(NativePiece::Head(head.clone())).await;
        match meter {
            Some(meter) => self.events(reply, meter, progress).await?,
            None => self.bytes(reply).await?,
        }
        Ok(Answer::Native(NativeReply { head, body: None }))
    }

    /// An answer of a kind that nobody knows.
    async fn bytes(&self, reply: &mut Reply) -> Result<(), Failure> {
        while let Some(bytes) = reply.next().await.map_err(Failure::Send)? {
            self.send(NativePiece::Bytes(bytes)).await;
        }
        Ok(())
    }

    async fn events(
        &self,
        reply: &mut Reply,
        mut meter: Box<dyn NativeMeter>,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let mut reader = Reader::of(self.source);
        while !meter.is_finished() {
            let Some(bytes) = reply.next().await.map_err(broke_off)? else {
                break;
            };
            let read = reader.push(&bytes, &mut *meter);
            progress.metered.clone_from(meter.metered());
            self.pass(read).await?;
        }
        let read = reader.end(&mut *meter);
        progress.metered.clone_from(meter.metered());
        self.pass(read).await?;
        if meter.may_end() {
            Ok(())
        } else {
            Err(Failure::Decode(DecodeError::Truncated))
        }
    }

    /// Passes on what was read, also before an error; an error in the provider's own words only
    /// without the key, and only to the key's owner.
    async fn pass(&self, read: Read) -> Result<(), Failure> {
        if !read.passing.is_empty() {
            self.send(NativePiece::Bytes(read.passing)).await;
        }
        let Some((error, words)) = read.error else {
            return Ok(());
        };
        // Where the provider said nothing, or nothing that can be read, the error is told in our words.
        if matches!(self.source, Source::Own)
            && !words.is_empty()
            && std::str::from_utf8(&words).is_ok()
        {
            self.send(self.told(self.without_key(words))).await;
        }
        Err(Failure::Decode(error))
    }

    /// A provider's error as its SDK takes notice of it: as an event, and an event has an end. What
    /// its SDK does not read is told once more, in our words.
    fn told(&self, words: Bytes) -> NativePiece {
        let is_event = !words.trim_ascii_start().starts_with(b"{");
        let seen = is_event || self.call.sdk_reads_bare_errors();
        let ends = [&b"\n\n"[..], b"\r\r", b"\r\n\r\n"];
        let is_whole = ends.iter().any(|end| words.ends_with(end));
        let words = if (is_event || !seen) && !is_whole {
            Bytes::from([words.as_ref(), b"\n\n"].concat())
        } else {
            words
        };
        if seen {
            NativePiece::Error(words)
        } else {
            NativePiece::Bytes(words)
        }
    }

    /// A provider's words; what is no text can't be looked through, and passes as it is.
    fn without_key(&self, words: Bytes) -> Bytes {
        let text = std::str::from_utf8(&words);
        let text = text.map(|text| without_key_whole(text, self.key));
        text.map_or(words, Into::into)
    }

    /// A caller that left is noticed elsewhere; the answer may be read on.
    async fn send(&self, piece: NativePiece) {
        if let Some(listener) = &self.listener {
            drop(listener.send(piece).await);
        }
    }
}

/// An error answer as it may be passed on: on an own key, without the key, if it is JSON.
pub(super) fn refusal(
    (status, headers, body): (u16, &HeaderMap, &Bytes),
    source: Source,
    key: &Secret,
) -> Option<NativeRefusal> {
    if matches!(source, Source::Hosted) || is_encoded(headers) {
        return None;
    }
    let words = without_key_whole(std::str::from_utf8(body).ok()?, key);
    JsonText::parse(&words).ok().map(|_json| NativeRefusal {
        status,
        headers: passing(headers, source),
        body: words.into(),
    })
}

fn is_encoded(headers: &HeaderMap) -> bool {
    let encoding = headers.get(header::CONTENT_ENCODING);
    encoding.is_some_and(|encoding| encoding != "identity")
}

/// The headers that pass: never cookies, never what belongs to the connection, and of the
/// platform's account nothing.
fn passing(headers: &HeaderMap, source: Source) -> HeaderMap {
    let own = matches!(source, Source::Own);
    let passes = |name: &HeaderName| {
        let name = name.as_str();
        ALWAYS.contains(&name)
            || (own
                && (ACCOUNT.contains(&name) || LIMITS.iter().any(|begin| name.starts_with(begin))))
    };
    headers
        .iter()
        .filter(|(name, _)| passes(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

const ALWAYS: [&str; 10] = [
    "cache-control",
    "content-type",
    "mistral-correlation-id",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-should-retry",
];
const ACCOUNT: [&str; 4] = [
    "anthropic-organization-id",
    "anthropic-workspace-id",
    "openai-organization",
    "openai-project",
];
const LIMITS: [&str; 2] = ["anthropic-ratelimit-", "x-ratelimit-"];
