//! What a body is, by its header. Names of media types have no case.

use http::{HeaderMap, header};

/// Server-sent events.
pub(crate) const EVENTS: &str = "text/event-stream";
/// A page for people.
pub(crate) const PAGE: &str = "text/html";
/// JSON.
pub(crate) const JSON: &str = "application/json";

/// Whether headers say that a body is of this type, whatever its parameters.
pub(crate) fn is_of(headers: &HeaderMap, media_type: &str) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.map_or(&b""[..], |kind| kind.as_bytes());
    let name = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    name.trim_ascii()
        .eq_ignore_ascii_case(media_type.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_media_type_is_known_in_any_case_and_with_any_parameters() {
        for (written, events) in [
            ("text/event-stream", true),
            ("Text/Event-Stream; charset=utf-8", true),
            ("text/event-stream;charset=UTF-8", true),
            ("text/event-streams", false),
            ("application/json", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(written));
            assert_eq!(is_of(&headers, EVENTS), events, "{written}");
        }
        assert!(!is_of(&HeaderMap::new(), EVENTS));
    }
}
