//! The raw sequences, and what a client may see of each: the status of the first answer, or `None`
//! where the connection ends without one.

/// The status of the first answer.
pub(super) type Seen = Option<u16>;

/// One sequence.
pub(super) struct Raw {
    pub(super) name: &'static str,
    pub(super) bytes: Vec<u8>,
    pub(super) seen: &'static [Seen],
}

const BAD: &[Seen] = &[Some(400), None];
const LARGE: &[Seen] = &[Some(400), Some(414), Some(431), None];

/// A body that no provider may see.
const CHAT: &str = r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":"smuggled"}]}"#;

/// Headers with which two readers differ about where a request ends: name, headers, body.
const FRAMING: [(&str, &str, &str); 17] = [
    (
        "two lengths",
        "content-length: 0\r\ncontent-length: 9\r\n",
        "123456789",
    ),
    ("a list of lengths", "content-length: 0, 10\r\n", ""),
    (
        "a length with a sign",
        "content-length: +10\r\n",
        "0123456789",
    ),
    ("a negative length", "content-length: -1\r\n", ""),
    ("a length in hex", "content-length: 0x0a\r\n", "0123456789"),
    (
        "a length beyond 64 bits",
        "content-length: 99999999999999999999999\r\n",
        "",
    ),
    (
        "a length with a space in it",
        "content-length: 1 0\r\n",
        "0123456789",
    ),
    (
        "chunks under another name",
        "transfer-encoding: xchunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks not last",
        "transfer-encoding: chunked, gzip\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks behind a control",
        "transfer-encoding:\tchunked\u{b}\r\n",
        "0\r\n\r\n",
    ),
    (
        "chunks behind a space",
        "transfer-encoding : chunked\r\n",
        "0\r\n\r\n",
    ),
    (
        "a folded header",
        "x-a: b\r\n transfer-encoding: chunked\r\n",
        "",
    ),
    (
        "a header with a bare return",
        "x-a: b\rtransfer-encoding: chunked\r\n",
        "",
    ),
    ("a header with a null", "x-a: b\0c\r\n", ""),
    ("a header without a name", ": x\r\n", ""),
    ("a header without a colon", "nothing\r\n", ""),
    ("a space before the first header", " x-a: b\r\n", ""),
];

/// Bodies in chunks that are broken.
const CHUNKS: [(&str, &str); 6] = [
    ("a chunk without a size", "\r\nx\r\n0\r\n\r\n"),
    ("a chunk of no number", "zz\r\nx\r\n0\r\n\r\n"),
    ("a chunk with a sign", "-1\r\nx\r\n0\r\n\r\n"),
    (
        "a chunk beyond 64 bits",
        "fffffffffffffffff\r\nx\r\n0\r\n\r\n",
    ),
    ("a chunk that is longer", "1\r\nxyz\r\n0\r\n\r\n"),
    ("a chunk without its end", "1\r\nx0\r\n\r\n"),
];

/// Bodies that are too much, too slow, or of another kind: name, headers, body, status.
const BODIES: [(&str, &str, &str, &[Seen]); 7] = [
    (
        "a body of 100 MB by its head",
        "content-length: 104857600\r\n",
        "",
        &[Some(413)],
    ),
    (
        "a body that waits for leave",
        "content-length: 104857600\r\nexpect: 100-continue\r\n",
        "",
        &[Some(413)],
    ),
    (
        "a body that never comes",
        "content-length: 100\r\n",
        "{",
        &[Some(408)],
    ),
    (
        "chunks that never end",
        "transfer-encoding: chunked\r\n",
        "1\r\n{\r\n",
        &[Some(408)],
    ),
    (
        "a compressed body",
        "content-encoding: gzip\r\ncontent-length: 2\r\n",
        "{}",
        &[Some(415)],
    ),
    ("no object", "content-length: 2\r\n", "[]", &[Some(400)]),
    ("no body", "", "", &[Some(400)]),
];

/// Heads that are wrong, or none: name, bytes, status.
const HEADS: [(&str, &str, &[Seen]); 16] = [
    (
        "no host",
        "GET /openai/v1/models HTTP/1.1\r\n\r\n",
        &[Some(400)],
    ),
    (
        "two hosts",
        "GET /openai/v1/models HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        &[Some(400)],
    ),
    ("HTTP/0.9", "GET /openai/v1/models\r\n\r\n", BAD),
    (
        "HTTP/3.0",
        "GET /openai/v1/models HTTP/3.0\r\nhost: x\r\n\r\n",
        BAD,
    ),
    (
        "a tunnel",
        "CONNECT evil.example:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        &[Some(400), Some(404), None],
    ),
    (
        "a trace",
        "TRACE /openai/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        &[Some(405)],
    ),
    (
        "another host's URL",
        "GET http://evil.example/openai/v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        &[Some(401)],
    ),
    (
        "an upgrade to HTTP/2",
        "GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        &[Some(400)],
    ),
    (
        "an upgrade to a socket",
        "GET /openai/v1/realtime HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        &[Some(400)],
    ),
    (
        "a way out of the path",
        "GET /openai/v1/../../x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        &[Some(401)],
    ),
    (
        "a null in the path",
        "GET /openai/v1/\0 HTTP/1.1\r\nhost: x\r\n\r\n",
        BAD,
    ),
    (
        "a head that never ends",
        "GET /openai/v1/models HTTP/1.1\r\nhost: x\r\nx-a: ",
        &[None],
    ),
    ("one letter", "G", &[None]),
    (
        "half a preface of HTTP/2",
        "PRI * HTTP/2.0\r\n\r\nSM",
        &[None],
    ),
    (
        "a preface and nonsense",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}\u{7f}",
        &[None],
    ),
    ("empty lines", "\r\n\r\n\r\n", &[None]),
];

/// The path that the sequences are written for.
pub(super) const NATIVE: &str = "/openai/v1/chat/completions";

/// The same sequences for another path.
pub(super) fn at(path: &str, corpus: Vec<Raw>) -> Vec<Raw> {
    let moved = |raw: Raw| {
        let bytes = match String::from_utf8(raw.bytes) {
            Ok(text) if path != NATIVE => {
                let text = text.replace(NATIVE, path);
                text.replace("/openai/v1/", "/v1/").into_bytes()
            }
            Ok(text) => text.into_bytes(),
            Err(bytes) => bytes.into_bytes(),
        };
        Raw { bytes, ..raw }
    };
    corpus.into_iter().map(moved).collect()
}

/// Every sequence, with a token that is good.
pub(super) fn corpus(token: &str) -> Vec<Raw> {
    let framing = FRAMING.map(|(name, headers, body)| raw(name, post(token, headers, body), BAD));
    let chunks = CHUNKS.map(|(name, body)| raw(name, chunked(token, body), BAD));
    let bodies =
        BODIES.map(|(name, headers, body, seen)| raw(name, post(token, headers, body), seen));
    let heads = HEADS.map(|(name, bytes, seen)| raw(name, bytes, seen));
    let mut all = smuggled(token);
    all.extend(framing);
    all.extend(chunks);
    all.extend(bodies);
    all.extend(heads);
    all.extend(large(token));
    all
}

/// A whole request hidden in the body of another.
fn smuggled(token: &str) -> Vec<Raw> {
    let hidden = post(token, &format!("content-length: {}\r\n", CHAT.len()), CHAT);
    let (length, body) = (hidden.len(), format!("0\r\n\r\n{hidden}"));
    let both = "content-length: 4\r\ntransfer-encoding: chunked\r\n";
    let other = format!("transfer-encoding: chunked\r\ncontent-length: {length}\r\n");
    let old = post(token, "transfer-encoding: chunked\r\n", &body).replace("HTTP/1.1", "HTTP/1.0");
    vec![
        raw("length and chunks", post(token, both, &body), BAD),
        raw("chunks and length", post(token, &other, &body), BAD),
        raw("chunks in HTTP/1.0", old, BAD),
    ]
}

/// Too much of everything.
fn large(token: &str) -> Vec<Raw> {
    let many = "x-a: 1\r\n".repeat(10_000);
    let text = "a".repeat(1 << 20);
    let deep = format!("{{\"model\":\"gpt-5-mini\",\"x\":{}", "[".repeat(100_000));
    let length = format!("content-length: {}\r\n", deep.len());
    let path = format!("GET /{text} HTTP/1.1\r\nhost: x\r\n\r\n");
    let trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(100_000));
    let chunk = format!("200000\r\n{text}{text}\r\n0\r\n\r\n");
    let extension = format!("1;{text}\r\nx\r\n0\r\n\r\n");
    vec![
        raw("10 000 headers", post(token, &many, ""), LARGE),
        raw(
            "a header of 1 MB",
            post(token, &format!("x-a: {text}\r\n"), ""),
            LARGE,
        ),
        raw("a path of 1 MB", path, LARGE),
        raw("a method of 1 MB", text.to_uppercase(), LARGE),
        raw("deep JSON", post(token, &length, &deep), &[Some(400)]),
        raw("endless trailers", chunked(token, &trailers), BAD),
        raw(
            "endless extensions of a chunk",
            chunked(token, &extension),
            BAD,
        ),
        raw(
            "a body of 2 MB in chunks",
            chunked(token, &chunk),
            &[Some(413)],
        ),
        raw(
            "a TLS handshake",
            [0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0],
            &[None],
        ),
        raw("unknown bytes", [0, 1, 2, 3], &[None]),
    ]
}

fn raw(name: &'static str, bytes: impl Into<Vec<u8>>, seen: &'static [Seen]) -> Raw {
    Raw {
        name,
        bytes: bytes.into(),
        seen,
    }
}

fn post(token: &str, headers: &str, body: &str) -> String {
    format!(
        "POST {NATIVE} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n{headers}\r\n{body}"
    )
}

fn chunked(token: &str, body: &str) -> String {
    post(token, "transfer-encoding: chunked\r\n", body)
}
