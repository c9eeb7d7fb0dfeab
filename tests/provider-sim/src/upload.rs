//! Files: in a form, as the providers' file endpoints take them, and named in a conversation.

use serde_json::{Value, json};

use crate::request::Request;

/// An uploaded file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) purpose: String,
    /// The content; bytes that are no UTF-8 are replaced.
    pub(crate) text: String,
}

/// The file of a `multipart/form-data` request; `None` if there is none.
pub(crate) fn read(request: &Request) -> Option<Upload> {
    let kind = request.header("content-type")?;
    let boundary = kind.split("boundary=").nth(1)?.trim_matches('"');
    let body = String::from_utf8_lossy(&request.bytes).into_owned();
    let mut upload = Upload {
        name: String::new(),
        purpose: String::new(),
        text: String::new(),
    };
    let mut found = false;
    for part in body.split(&format!("--{boundary}")) {
        let Some((head, content)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let content = content.strip_suffix("\r\n").unwrap_or(content);
        match quoted(head, " name=") {
            Some("purpose") => content.clone_into(&mut upload.purpose),
            Some("file") => {
                quoted(head, "filename=")
                    .unwrap_or("file")
                    .clone_into(&mut upload.name);
                content.clone_into(&mut upload.text);
                found = true;
            }
            _ => {}
        }
    }
    found.then_some(upload)
}

/// The request with the text of each file that a message names in place of the part that names it;
/// `None` if no part does. `id_of`: the id in such a part. `text_of`: its text, or what is wrong.
pub(crate) fn inlined<E>(
    request: &Request,
    id_of: impl Fn(&Value) -> Option<&str>,
    text_of: impl Fn(&str) -> Result<String, E>,
) -> Result<Option<Request>, E> {
    let messages = request.body["messages"].as_array().into_iter().flatten();
    let mut parts =
        messages.flat_map(|message| message["content"].as_array().into_iter().flatten());
    if !parts.any(|part| id_of(part).is_some()) {
        return Ok(None);
    }
    let mut body = request.body.clone();
    let messages = body["messages"].as_array_mut().into_iter().flatten();
    for message in messages {
        let parts = message.get_mut("content").and_then(Value::as_array_mut);
        for part in parts.into_iter().flatten() {
            let text = id_of(part).map(&text_of).transpose()?;
            if let Some(text) = text {
                *part = json!({"type": "text", "text": text});
            }
        }
    }
    Ok(Some(request.with_body(body)))
}

fn quoted<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let rest = head.split(name).nth(1)?;
    rest.strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::tests::openai;

    #[test]
    fn a_file_is_found_among_the_fields() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\none\r\ntwo\r\n--x--\r\n";
        let mut request = openai("/v1/files", body);
        assert_eq!(read(&request), None);
        let kind = "multipart/form-data; boundary=x".parse().unwrap();
        request.headers.insert("content-type", kind);
        let upload = read(&request).unwrap();
        assert_eq!(
            (upload.name.as_str(), upload.purpose.as_str()),
            ("a.txt", "user_data")
        );
        assert_eq!(upload.text, "one\r\ntwo");
    }
}
