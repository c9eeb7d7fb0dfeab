//! The generated reference of all settings.

use super::{Default, Setting, Settings};

/// A Markdown table of all settings of a service, with their variables.
pub fn reference<T: Settings>(service: &str) -> String {
    let rows: String = T::settings()
        .iter()
        .map(|setting| row(service, setting))
        .collect();
    format!(
        "| setting | variable | accepted | default | what it does |\n|---|---|---|---|---|\n{rows}"
    )
}

fn row(service: &str, setting: &Setting) -> String {
    let default = match setting.default {
        Default::Is("") => "empty".to_owned(),
        Default::Is(text) => format!("`{text}`"),
        Default::Absent => "none".to_owned(),
        Default::Required => "must be set".to_owned(),
    };
    format!(
        "| `{}` | `{}` | {} | {default} | {} |\n",
        setting.path,
        variable(service, setting.path),
        setting.kind.accepted(),
        setting.help,
    )
}

/// The environment variable of a setting.
pub(super) fn variable(service: &str, path: &str) -> String {
    let path = path.replace('.', "__").to_ascii_uppercase();
    format!("KEYWAY_{}__{path}", service.to_ascii_uppercase())
}
