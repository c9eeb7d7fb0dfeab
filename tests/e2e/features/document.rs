//! The tables as a document.

use std::fmt::Write as _;

use serde_json::Value;

/// Name, title, model and cases of an endpoint.
type Table = (&'static str, &'static str, &'static str, Vec<Value>);

pub(super) fn of(tables: &[Table]) -> String {
    let mut text = String::from(
        "# What each provider makes of the neutral schema\n\n\
         Made by `KEYWAY_WRITE_DOCS=1 cargo test -p keyway-tests features` from what the product sent and what the\n\
         simulator answered, on a workspace's own key; kept current by the same test. A streamed answer is always the same as\n\
         the whole one; what its request has beside the other's is in the last column. `id-…` and `signature-…` stand for what\n\
         the provider made up. The cases are in `tests/e2e/features/cases`; the providers' own SDKs accept every request.\n",
    );
    for (_, title, model, cases) in tables {
        write!(
            text,
            "\n## {title}\n\nModel `{model}` unless the request says another.\n\n"
        )
        .unwrap();
        text.push_str("| feature | in the neutral schema | request | answer or error | streamed |\n|---|---|---|---|---|\n");
        for case in cases {
            let cells = [
                case["feature"].as_str().unwrap().to_owned(),
                case["neutral"].as_str().unwrap().to_owned(),
                request(&case["request"]),
                end(case),
                streamed(case),
            ];
            let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
            writeln!(text, "| {} |", cells.join(" | ")).unwrap();
        }
    }
    text
}

fn request(asked: &Value) -> String {
    let Some(body) = asked["body"].as_str() else {
        return "nothing is sent".to_owned();
    };
    format!("`{}` `{body}`", asked["path"].as_str().unwrap())
}

fn end(case: &Value) -> String {
    let error = &case["error"];
    if let Some(reason) = error["reason"].as_str() {
        let message = error["message"].as_str().unwrap();
        return format!("**`{reason}`**: {message}");
    }
    format!("`{}`", case["answer"])
}

/// What a streamed request has beside the other.
fn streamed(case: &Value) -> String {
    let (whole, streamed) = (&case["request"], &case["streamed"]);
    if streamed.is_null() {
        return String::new();
    }
    let mut differences = Vec::new();
    if streamed["path"] != whole["path"] {
        differences.push(format!("`{}`", streamed["path"].as_str().unwrap()));
    }
    let body =
        |asked: &Value| -> Value { serde_json::from_str(asked["body"].as_str().unwrap()).unwrap() };
    let (whole, streamed) = (body(whole), body(streamed));
    for (name, value) in streamed.as_object().unwrap() {
        if whole[name] != *value {
            differences.push(format!("`\"{name}\":{value}`"));
        }
    }
    differences.join(" ")
}
