//! The table itself, as it stands in `commands.toml`.

use std::collections::BTreeMap;

use serde_json::Value;

/// All of it.
pub(crate) struct Table {
    pub(crate) sections: Vec<Section>,
    pub(crate) left_out: Vec<LeftOut>,
}

/// Rows that belong together.
pub(crate) struct Section {
    pub(crate) title: String,
    pub(crate) says: String,
    pub(crate) rows: Vec<Row>,
}

/// One call.
pub(crate) struct Row {
    /// Full name, `package.Service/Method`.
    pub(crate) rpc: String,
    /// What for.
    pub(crate) says: String,
    /// Variable of the shell that holds the token.
    pub(crate) token: &'static str,
    /// JSON with variables of the shell.
    pub(crate) request: String,
    /// Variables that are set from the answer, each with the field.
    pub(crate) keeps: BTreeMap<String, Field>,
    /// Parts of the messages of the answer, in order; `"*"` is any text.
    pub(crate) answers: Option<Vec<Value>>,
    /// How a wrong call fails.
    pub(crate) fails: Option<Fails>,
}

/// A field of an answer, by its name in JSON.
pub(crate) struct Field {
    pub(crate) name: String,
    /// The last one of that name, not the first.
    pub(crate) last: bool,
}

/// A failure.
pub(crate) struct Fails {
    /// As grpcurl spells the code.
    pub(crate) code: String,
    pub(crate) reason: String,
    /// How the message begins.
    pub(crate) message: String,
}

/// A service without rows.
pub(crate) struct LeftOut {
    pub(crate) service: String,
    pub(crate) why: String,
}

impl Table {
    pub(crate) fn read() -> Self {
        let table: toml::Table = include_str!("commands.toml").parse().expect("TOML");
        Self {
            sections: list(&table, "sections").map(section).collect(),
            left_out: list(&table, "left_out").map(left_out).collect(),
        }
    }

    /// Every row, in the order of the page.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }
}

impl Row {
    /// Whether the router answers it; else the vault does.
    pub(crate) fn is_at_router(&self) -> bool {
        !self.rpc.starts_with("keyway.vault.")
    }
}

fn section(table: &toml::Table) -> Section {
    Section {
        title: text(table, "title"),
        says: text(table, "says"),
        rows: list(table, "rows").map(row).collect(),
    }
}

fn row(table: &toml::Table) -> Row {
    let answers = table.get("answers").map(|answers| {
        let messages = answers.as_array().expect("a list").iter();
        messages.map(message).collect()
    });
    let keeps = table.get("keeps").and_then(toml::Value::as_table);
    Row {
        rpc: text(table, "rpc"),
        says: text(table, "says"),
        token: token(&text(table, "as")),
        request: text(table, "request").trim().to_owned(),
        keeps: keeps.into_iter().flatten().map(kept).collect(),
        answers,
        fails: table.get("fails").map(fails),
    }
}

fn token(who: &str) -> &'static str {
    match who {
        "operator" => "KEYWAY_OPERATOR_TOKEN",
        "admin" => "KEYWAY_ADMIN_TOKEN",
        "reader" => "KEYWAY_READER_TOKEN",
        "client" => "KEYWAY_CALL_TOKEN",
        other => panic!("nobody is {other}"),
    }
}

fn message(value: &toml::Value) -> Value {
    let text = value.as_str().expect("text");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn kept((variable, field): (&String, &toml::Value)) -> (String, Field) {
    let field = field.as_str().expect("a field");
    let last = field.strip_prefix("last:");
    let name = last.unwrap_or(field).to_owned();
    let last = last.is_some();
    (variable.clone(), Field { name, last })
}

fn fails(value: &toml::Value) -> Fails {
    let table = value.as_table().expect("a table");
    Fails {
        code: text(table, "code"),
        reason: text(table, "reason"),
        message: text(table, "message"),
    }
}

fn left_out(table: &toml::Table) -> LeftOut {
    LeftOut {
        service: text(table, "service"),
        why: text(table, "why"),
    }
}

fn list<'a>(table: &'a toml::Table, name: &str) -> impl Iterator<Item = &'a toml::Table> {
    let list = table.get(name).and_then(toml::Value::as_array);
    let list = list.unwrap_or_else(|| panic!("no list of {name}"));
    list.iter().map(|value| value.as_table().expect("a table"))
}

fn text(table: &toml::Table, name: &str) -> String {
    let text = table.get(name).and_then(toml::Value::as_str);
    text.unwrap_or_else(|| panic!("no {name} in {table}"))
        .to_owned()
}
