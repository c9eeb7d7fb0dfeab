//! Server-sent events, read from pieces of any size.
//!
//! The same bytes give the same events however they are cut. What is held is bounded. An event
//! that the body's end cuts off is no event.

use crate::json::Scan;

/// Longest event, in bytes of its lines.
pub const MAX_EVENT_BYTES: usize = 8 * 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SseEvent {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its data lines, joined by line feeds.
    pub data: String,
}

/// Why events can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// An event is longer than the bound.
    #[error("an event is longer than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: usize,
    },
    /// A line is not UTF-8.
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// An incremental reader of events.
#[derive(Debug)]
pub struct SseDecoder {
    limit: usize,
    line: Vec<u8>,
    name: String,
    data: String,
    has_data: bool,
    at_start: bool,
    after_carriage_return: bool,
    /// Where JSON without a field name is an event too: the open one, and how deep it stands.
    bare: Option<BareJson>,
}

impl Default for SseDecoder {
    fn default() -> Self {
        Self::with_limit(MAX_EVENT_BYTES)
    }
}

impl SseDecoder {
    /// A reader that refuses events longer than so many bytes.
    pub fn with_limit(limit: usize) -> Self {
        Self {
            limit,
            line: Vec::new(),
            name: String::new(),
            data: String::new(),
            has_data: false,
            at_start: true,
            after_carriage_return: false,
            bare: None,
        }
    }

    /// A reader that also takes JSON which stands in the stream without `data:`, over as many lines
    /// as its brackets need, for an event.
    pub fn with_bare_json() -> Self {
        Self {
            bare: Some(BareJson::default()),
            ..Self::default()
        }
    }

    /// Reads the next bytes and appends the events that they complete, also when they end in an
    /// error. After an error nothing more can be read.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<SseEvent>) -> Result<(), SseError> {
        let mut rest = bytes;
        if self.after_carriage_return && !rest.is_empty() {
            self.after_carriage_return = false;
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, ending) = rest.split_at(at);
            self.hold(line)?;
            events.extend(self.end_line()?);
            rest = if let Some(after) = ending.strip_prefix(b"\r\n") {
                after
            } else {
                self.after_carriage_return = ending == b"\r";
                ending.get(1..).unwrap_or_default()
            };
        }
        self.hold(rest)
    }

    /// Appends to the line that is not complete yet.
    fn hold(&mut self, piece: &[u8]) -> Result<(), SseError> {
        let held = [
            self.line.len(),
            self.data.len(),
            self.name.len(),
            self.bare.as_ref().map_or(0, BareJson::len),
            piece.len(),
        ];
        if held.into_iter().fold(0, usize::saturating_add) > self.limit {
            return Err(SseError::TooLong { limit: self.limit });
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    /// The line is complete. An empty one ends the event.
    fn end_line(&mut self) -> Result<Option<SseEvent>, SseError> {
        let line = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&line).map_err(|_invalid| SseError::NotUtf8)?;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if let Some(bare) = &mut self.bare
            && (bare.is_open() || line.starts_with(['{', '[']))
        {
            return Ok(bare.line(line).map(|data| SseEvent {
                name: String::new(),
                data,
            }));
        }
        if line.is_empty() {
            return Ok(self.end_event());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.name),
            _comment_or_other_field => {}
        }
        Ok(None)
    }

    /// An event without data is none.
    fn end_event(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then_some(SseEvent { name, data })
    }
}

/// JSON that stands in a stream without a field name.
#[derive(Debug, Default)]
struct BareJson {
    text: String,
    scan: Scan,
    depth: usize,
}

impl BareJson {
    const fn is_open(&self) -> bool {
        self.depth > 0
    }

    const fn len(&self) -> usize {
        self.text.len()
    }

    /// Takes a line; the whole text once its brackets are closed.
    fn line(&mut self, line: &str) -> Option<String> {
        for character in line.chars() {
            if !self.scan.in_text {
                match character {
                    '{' | '[' => self.depth = self.depth.saturating_add(1),
                    '}' | ']' => self.depth = self.depth.saturating_sub(1),
                    _other => {}
                }
            }
            self.scan.step(character);
        }
        self.text.push_str(line);
        self.text.push('\n');
        if self.is_open() {
            return None;
        }
        self.scan = Scan::default();
        Some(std::mem::take(&mut self.text))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> (Vec<SseEvent>, Result<(), SseError>) {
        pieces(bytes, &[])
    }

    /// Reads the bytes cut at these places.
    fn pieces(bytes: &[u8], cuts: &[usize]) -> (Vec<SseEvent>, Result<(), SseError>) {
        let mut decoder = SseDecoder::with_limit(200);
        let mut events = Vec::new();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
        cuts.push(bytes.len());
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts {
            if let Err(error) = decoder.push(&bytes[from..to], &mut events) {
                return (events, Err(error));
            }
            from = to;
        }
        (events, Ok(()))
    }

    fn event(name: &str, data: &str) -> SseEvent {
        SseEvent {
            name: name.into(),
            data: data.into(),
        }
    }

    #[test]
    fn the_three_line_ends_comments_and_a_byte_order_mark_are_read() {
        let text =
            "\u{feff}data: a\r\n\r\n: comment\rdata:b\rdata:  c\r\revent: x\nid: 7\ndata\n\n";
        let (events, result) = whole(text.as_bytes());
        assert_eq!(result, Ok(()));
        assert_eq!(events, [event("", "a"), event("", "b\n c"), event("x", "")]);
    }

    #[test]
    fn an_event_without_data_or_without_its_empty_line_is_none() {
        assert_eq!(whole(b"event: x\n\ndata: cut\n").0, []);
        assert_eq!(whole(b"event: x\n\ndata: y\n\n").0, [event("", "y")]);
    }

    #[test]
    fn an_event_that_is_too_long_or_not_utf8_is_an_error_after_those_before_it() {
        let many_lines = format!("data: a\n\n{}", "data: 123456789\n".repeat(30));
        let one_line = format!("data: a\n\ndata: {}", "x".repeat(201));
        for text in [many_lines, one_line] {
            let (events, result) = whole(text.as_bytes());
            assert_eq!(events, [event("", "a")]);
            assert_eq!(result, Err(SseError::TooLong { limit: 200 }));
        }
        let (events, result) = whole(b"data: a\n\ndata: \xff\n\n");
        assert_eq!(
            (events, result),
            (vec![event("", "a")], Err(SseError::NotUtf8))
        );
    }

    #[test]
    fn bare_json_is_an_event_only_where_it_is_asked_for_and_only_once_it_is_closed() {
        let text = b"data: a\n\n{\n  \"error\": {\"m\": \"}\"}\n\n}\ndata: b\n\n";
        assert_eq!(whole(text).0, [event("", "a"), event("", "b")]);
        let mut decoder = SseDecoder::with_bare_json();
        let mut events = Vec::new();
        for byte in text.chunks(1) {
            decoder.push(byte, &mut events).unwrap();
        }
        let bare = "{\n  \"error\": {\"m\": \"}\"}\n\n}\n";
        assert_eq!(events, [event("", "a"), event("", bare), event("", "b")]);
    }

    proptest! {
        #[test]
        fn the_same_bytes_give_the_same_events_however_they_are_cut(
            lines in prop::collection::vec(
                prop::sample::select(vec![
                    "data: {\"a\":\"ä€👋\"}", "data:", "data", "event: ping", ": keep", "", "", "id: 1", "\u{feff}",
                ]),
                0..30,
            ),
            ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", "\r"]), 30),
            cuts in prop::collection::vec(0_usize..2_000, 0..40),
        ) {
            let text: String =
                lines.iter().zip(&ends).flat_map(|(line, end)| [*line, *end]).collect();
            prop_assert_eq!(pieces(text.as_bytes(), &cuts), whole(text.as_bytes()));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic_and_alike_in_single_bytes(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let every: Vec<usize> = (0..bytes.len()).collect();
            prop_assert_eq!(pieces(&bytes, &every), whole(&bytes));
        }
    }
}
