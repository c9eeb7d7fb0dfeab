//! What SQLite says of its schema.

use sea_orm::DatabaseConnection;

use super::{Lines, plain, rows, text};

pub(super) async fn lines(on: &DatabaseConnection) -> Lines {
    let mut lines = Lines::new();
    for table in rows(on, TABLES).await {
        let table = text(&table, "name");
        columns(on, &table, &mut lines).await;
        indexes(on, &table, &mut lines).await;
        foreign_keys(on, &table, &mut lines).await;
    }
    lines
}

const TABLES: &str = "SELECT name FROM sqlite_schema WHERE type = 'table' \
                      AND name NOT LIKE 'sqlite_%' AND name <> 'seaql_migrations'";

async fn columns(on: &DatabaseConnection, table: &str, lines: &mut Lines) {
    let sql = format!("SELECT * FROM pragma_table_info('{table}') ORDER BY pk");
    let mut primary = Vec::new();
    for column in rows(on, &sql).await {
        let name = text(&column, "name");
        let kind = match text(&column, "type").as_str() {
            "INTEGER" => "number",
            "TEXT" => "text",
            "BLOB" => "bytes",
            other => panic!("{table}.{name} is {other}"),
        };
        let not_null = column.try_get::<i64>("", "notnull").unwrap() != 0;
        let null = if not_null { " not null" } else { "" };
        let default = match text(&column, "dflt_value") {
            none if none.is_empty() => String::new(),
            default => format!(" default {}", plain(&default)),
        };
        lines.insert(format!("{table}.{name} {kind}{null}{default}"));
        if column.try_get::<i64>("", "pk").unwrap() > 0 {
            primary.push(name);
        }
    }
    if !primary.is_empty() {
        lines.insert(format!("{table} primary key ({})", primary.join(", ")));
    }
}

async fn indexes(on: &DatabaseConnection, table: &str, lines: &mut Lines) {
    let sql = format!(
        "SELECT l.name, l.\"unique\", l.origin, s.sql FROM pragma_index_list('{table}') l \
         LEFT JOIN sqlite_schema s ON s.name = l.name WHERE l.origin <> 'pk'"
    );
    for index in rows(on, &sql).await {
        let name = text(&index, "name");
        let sql = format!("SELECT name, \"desc\" FROM pragma_index_xinfo('{name}') WHERE key = 1");
        let columns: Vec<String> = rows(on, &sql)
            .await
            .iter()
            .map(|column| {
                let falls = column.try_get::<i64>("", "desc").unwrap() != 0;
                let order = if falls { " desc" } else { "" };
                format!("{}{order}", text(column, "name"))
            })
            .collect();
        let definition = text(&index, "sql");
        let condition = definition
            .split_once(" WHERE ")
            .map_or_else(String::new, |(_, condition)| {
                format!(" where {}", plain(condition))
            });
        let is_unique = index.try_get::<i64>("", "unique").unwrap() != 0;
        let columns = columns.join(", ");
        if is_unique {
            lines.insert(format!("{table} unique ({columns}){condition}"));
        }
        if text(&index, "origin") == "c" {
            lines.insert(format!("index {name} on {table} ({columns}){condition}"));
        }
    }
}

async fn foreign_keys(on: &DatabaseConnection, table: &str, lines: &mut Lines) {
    let sql = format!("SELECT * FROM pragma_foreign_key_list('{table}')");
    for key in rows(on, &sql).await {
        let (from, other, to) = (text(&key, "from"), text(&key, "table"), text(&key, "to"));
        lines.insert(format!("{table} ({from}) references {other} ({to})"));
    }
}
