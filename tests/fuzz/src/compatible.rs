//! Requests in the shapes that every model is served in: whatever the bytes are, they are refused by a
//! field or become a body of JSON, and how a request is spelled changes nothing of what is sent.

use keyway_router::edge::compatible::fuzzing::sent;
use serde::de::IgnoredAny;

use crate::bytes::Bytes;

pub(crate) fn holds(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let shape = usize::from(bytes.byte());
    let body = bytes.rest();
    let plain = read(shape, body);
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        assert!(plain.is_err(), "no JSON, and yet it was read");
        return;
    }
    assert_eq!(plain, read(shape, &spelled(body)), "with spaces between its parts");
}

/// What would be sent, without the spaces in it, or the field that is wrong.
fn read(shape: usize, body: &[u8]) -> Result<String, Option<String>> {
    let body = sent(shape, body).map_err(|fault| fault.field)?;
    let json = serde_json::from_slice::<IgnoredAny>(&body);
    assert!(json.is_ok(), "what would be sent is no JSON");
    let text = String::from_utf8(body).expect("JSON is text");
    Ok(text.split_whitespace().collect())
}

/// The same JSON with a space behind every mark that is not within a text.
fn spelled(json: &[u8]) -> Vec<u8> {
    let (mut spelled, mut within, mut escaped) = (Vec::new(), false, false);
    for byte in json {
        spelled.push(*byte);
        match byte {
            _ if escaped => escaped = false,
            b'\\' if within => escaped = true,
            b'"' => within = !within,
            b'{' | b'[' | b':' | b',' if !within => spelled.push(b' '),
            _ => {}
        }
    }
    if cfg!(feature = "seeded-bug") {
        // Takes what the system says for a user's words.
        let text = String::from_utf8_lossy(&spelled).replace("\"system\"", "\"user\"");
        return text.into_bytes();
    }
    spelled
}
