//! The trace that a call belongs to, by its caller's W3C `traceparent`.

use http::HeaderMap;

/// A trace id; in the extensions of every request. Said by the caller, believed for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TraceId(Option<String>);

impl TraceId {
    /// Reads the header; none if it is absent or not of its form.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok());
        Self(text.and_then(parse).map(str::to_owned))
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The id in `version-id-parent-flags`. Later versions may have more fields behind these.
fn parse(text: &str) -> Option<&str> {
    let mut fields = text.split('-');
    let (version, id) = (fields.next()?, fields.next()?);
    let (parent, flags) = (fields.next()?, fields.next()?);
    let is_hex = |text: &str, length| {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        text.len() == length && text.bytes().all(digit)
    };
    let is_whole = version != "00" || fields.next().is_none();
    let has_form = is_hex(version, 2) && is_hex(parent, 16) && is_hex(flags, 2) && is_whole;
    let names_one = is_hex(id, 32) && id.bytes().any(|byte| byte != b'0');
    (has_form && version != "ff" && names_one).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_traceparent_of_its_form_gives_a_trace_id() {
        let id = "0af7651916cd43dd8448eb211c80319c";
        let good = format!("00-{id}-b7ad6b7169203331-01");
        assert_eq!(parse(&good), Some(id));
        assert_eq!(parse(&good.replacen("00", "01", 1)), Some(id));
        assert_eq!(
            parse(&format!("01-{id}-b7ad6b7169203331-01-more")),
            Some(id)
        );
        for bad in [
            String::new(),
            id.to_owned(),
            good.to_ascii_uppercase(),
            good.replace(id, &"0".repeat(32)),
            good.replace(id, &id.replace('0', "")),
            good.replace("b7", "b"),
            good.replacen("00", "ff", 1),
            format!("{good}-more"),
        ] {
            assert_eq!(parse(&bad), None, "{bad}");
        }
    }
}
