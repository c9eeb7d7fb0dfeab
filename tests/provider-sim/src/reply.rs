//! A reply, before anything is done to it.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fixtures;
use crate::provider::Provider;
use crate::request::Request;

/// A part of a body that is sent at once.
#[derive(Debug, Clone)]
pub(crate) struct Chunk {
    pub(crate) bytes: Bytes,
    /// The caller that read this part knows what the request cost.
    pub(crate) tells_usage: bool,
}

/// What a provider answers.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) chunks: Vec<Chunk>,
    /// The body is a stream of events, whose length is not announced.
    pub(crate) stream: bool,
    /// Token counts or cost that the body tells, for the journal.
    pub(crate) reported: Value,
}

impl Reply {
    /// A fixture, with the ids of this request in place of the authored ones. An unknown id is a 500
    /// that says so.
    pub(crate) fn fixture(request: &Request, id: &str) -> Self {
        let Some(found) = fixtures::find(id) else {
            return Self::text(500, &format!("provider-sim has no fixture {id}"));
        };
        let own = |text: &str| with_own_ids(request, text);
        let headers = found
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), own(value)));
        let text = own(found.text);
        let events: Vec<&str> = if found.stream {
            fixtures::frames(&text)
        } else {
            vec![&text]
        };
        Self {
            status: found.status,
            headers: headers.collect(),
            chunks: events
                .into_iter()
                .map(|event| Chunk::plain(event.to_owned()))
                .collect(),
            stream: found.stream,
            reported: Value::Null,
        }
    }

    /// The status and headers of a fixture with another JSON body.
    pub(crate) fn like(request: &Request, id: &str, body: &Value) -> Self {
        let mut reply = Self::fixture(request, id);
        reply.chunks = vec![Chunk::plain(body.to_string())];
        reply
    }

    /// The status and headers of a stream fixture with other events.
    pub(crate) fn events(request: &Request, id: &str, events: Vec<Chunk>) -> Self {
        Self {
            chunks: events,
            ..Self::fixture(request, id)
        }
    }

    /// A reply that no provider gives: the simulator's own.
    pub(crate) fn text(status: u16, message: &str) -> Self {
        Self::own(status, &json!({"error": message}))
    }

    pub(crate) fn own(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            chunks: vec![Chunk::plain(body.to_string())],
            stream: false,
            reported: Value::Null,
        }
    }

    /// Says in the journal what the body tells, and which chunk tells it.
    pub(crate) fn reporting(mut self, reported: Value) -> Self {
        self.reported = reported;
        if let [only] = self.chunks.as_mut_slice() {
            only.tells_usage = true;
        }
        self
    }

    /// Puts the part of the key that the provider echoes in place of the fixture's.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        for chunk in &mut self.chunks {
            if let Ok(text) = std::str::from_utf8(&chunk.bytes) {
                chunk.bytes = text.replace("sk-exam***mple", &echo(key)).into();
            }
        }
        self
    }

    pub(crate) fn set_header(&mut self, name: &str, value: &str) {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Vec<u8> {
        self.chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.iter().copied())
            .collect()
    }
}

impl Chunk {
    pub(crate) fn plain(text: impl Into<Bytes>) -> Self {
        Self {
            bytes: text.into(),
            tells_usage: false,
        }
    }

    /// An unnamed event with a JSON payload.
    pub(crate) fn data(payload: &Value) -> Self {
        Self::plain(format!("data: {payload}\n\n"))
    }

    /// An event whose name is the payload's `type`.
    pub(crate) fn named(payload: &Value) -> Self {
        let name = payload["type"].as_str().unwrap_or_default();
        Self::plain(format!("event: {name}\ndata: {payload}\n\n"))
    }

    pub(crate) fn telling_usage(self) -> Self {
        Self {
            tells_usage: true,
            ..self
        }
    }
}

/// The id of a request, in the form of its provider.
pub(crate) fn request_id(request: &Request) -> String {
    match request.provider {
        Provider::OpenAi => format!("req_{:032x}", request.number),
        Provider::Anthropic => format!("req_011CS{:019}", request.number),
        Provider::Google => format!("r-sim{:08}", request.number),
        Provider::Mistral => format!("0192f0aa-0000-7000-8000-{:012x}", request.number),
        Provider::Exa => format!("{:032x}", request.number),
    }
}

fn with_own_ids(request: &Request, text: &str) -> String {
    let authored = match request.provider {
        Provider::OpenAi => "req_0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        Provider::Anthropic => "req_011CSHoEeqs5C35K2UUqR7Fy",
        // Its replies carry no id of the request; the body's own id is set where it is made.
        Provider::Google => return text.to_owned(),
        Provider::Mistral => "0192f0aa-1111-7222-8333-944445555666",
        Provider::Exa => "b5947044c4b78efa9552a7c89b306d95",
    };
    text.replace(authored, &request_id(request))
}

/// First seven and last four characters, as `OpenAI` shows a key that it refuses.
fn echo(key: &str) -> String {
    let characters: Vec<char> = key.chars().collect();
    let head: String = characters.iter().take(7).collect();
    let tail: String = characters
        .iter()
        .skip(characters.len().saturating_sub(4))
        .collect();
    format!("{head}***{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_key_is_echoed_in_part() {
        assert_eq!(echo("bad-key-0123456789"), "bad-key***6789");
        assert_eq!(echo("abc"), "abc***abc");
    }
}
