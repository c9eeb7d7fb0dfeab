//! What PostgreSQL says of its schema.

use sea_orm::DatabaseConnection;

use super::{Lines, plain, rows, text};

pub(super) async fn lines(on: &DatabaseConnection) -> Lines {
    let mut lines = Lines::new();
    columns(on, &mut lines).await;
    indexes(on, &mut lines).await;
    foreign_keys(on, &mut lines).await;
    lines
}

/// Numbers are 64 bits wide or booleans, as SQLite's integers are; texts sort by their bytes.
async fn columns(on: &DatabaseConnection, lines: &mut Lines) {
    let sql = "SELECT c.relname AS \"table\", a.attname AS name, \
               format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null, \
               o.collname AS collation, pg_get_expr(d.adbin, d.adrelid) AS initial \
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
               LEFT JOIN pg_collation o ON o.oid = a.attcollation \
               LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
               AND c.relname <> 'seaql_migrations' AND a.attnum > 0 AND NOT a.attisdropped";
    for column in rows(on, sql).await {
        let kind = match (
            text(&column, "type").as_str(),
            text(&column, "collation").as_str(),
        ) {
            ("bigint" | "boolean", _) => "number".to_owned(),
            ("text", "C") => "text".to_owned(),
            ("bytea", _) => "bytes".to_owned(),
            (other, collation) => format!("{other} {collation}"),
        };
        let not_null = column.try_get::<bool>("", "not_null").unwrap();
        let null = if not_null { " not null" } else { "" };
        let default = match text(&column, "initial") {
            none if none.is_empty() => String::new(),
            default => format!(" default {}", plain(&default)),
        };
        let (table, name) = (text(&column, "table"), text(&column, "name"));
        lines.insert(format!("{table}.{name} {kind}{null}{default}"));
    }
}

async fn indexes(on: &DatabaseConnection, lines: &mut Lines) {
    let sql = "SELECT t.relname AS \"table\", c.relname AS name, i.indisunique AS is_unique, \
               i.indisprimary AS is_primary, pg_get_expr(i.indpred, i.indrelid) AS condition, \
               NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid \
                           AND k.contype IN ('p', 'u')) AS by_itself, \
               (SELECT string_agg(a.attname || CASE WHEN i.indoption[n.n] & 1 = 1 THEN ' desc' ELSE '' END, \
                                  ', ' ORDER BY n.n) \
                FROM generate_series(0, i.indnkeyatts - 1) AS n(n) \
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.n]) AS columns \
               FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
               JOIN pg_class t ON t.oid = i.indrelid \
               WHERE t.relnamespace = 'public'::regnamespace AND t.relname <> 'seaql_migrations'";
    for index in rows(on, sql).await {
        let is = |column: &str| index.try_get::<bool>("", column).unwrap();
        let (table, name, columns) = (
            text(&index, "table"),
            text(&index, "name"),
            text(&index, "columns"),
        );
        let condition = match text(&index, "condition") {
            none if none.is_empty() => String::new(),
            condition => format!(" where {}", plain(&condition)),
        };
        if is("is_primary") {
            lines.insert(format!("{table} primary key ({columns})"));
            continue;
        }
        if is("is_unique") {
            lines.insert(format!("{table} unique ({columns}){condition}"));
        }
        if is("by_itself") {
            lines.insert(format!("index {name} on {table} ({columns}){condition}"));
        }
    }
}

async fn foreign_keys(on: &DatabaseConnection, lines: &mut Lines) {
    let sql = "SELECT t.relname AS \"table\", o.relname AS other, a.attname AS \"from\", b.attname AS \"to\" \
               FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid \
               JOIN pg_class o ON o.oid = k.confrelid \
               CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS pair(mine, its) \
               JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.mine \
               JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.its \
               WHERE k.contype = 'f' AND t.relnamespace = 'public'::regnamespace";
    for key in rows(on, sql).await {
        let (table, from) = (text(&key, "table"), text(&key, "from"));
        let (other, to) = (text(&key, "other"), text(&key, "to"));
        lines.insert(format!("{table} ({from}) references {other} ({to})"));
    }
}
