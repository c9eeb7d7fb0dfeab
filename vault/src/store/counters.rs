//! Counts every statement on the database by what it does to which table, so that anybody can see
//! from outside that a warm call costs none. BEGIN and COMMIT are not counted.

use metrics::counter;
use sea_orm::DatabaseConnection;

use crate::failpoints;

/// Counts what runs on a connection from now on, transactions included.
pub(super) fn count(connection: &mut DatabaseConnection) {
    connection.set_metric_callback(|info| {
        let (verb, table) = kind(&info.statement.sql);
        counter!("keyway_vault_statements_total", "kind" => format!("{verb} {table}")).increment(1);
        failpoints::statement();
    });
}

/// What a statement does, and the table that it names first. Values are bound, so its text holds
/// names of this build only.
fn kind(sql: &str) -> (String, &str) {
    let mut words = sql.split_ascii_whitespace();
    let verb = words.next().unwrap_or_default().to_ascii_lowercase();
    let table = if verb == "update" {
        words.next()
    } else {
        words
            .skip_while(|word| !matches!(*word, "FROM" | "INTO" | "from" | "into"))
            .nth(1)
    };
    let table = table.unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (verb, table.trim_matches(|c: char| !is_name(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_known_by_its_verb_and_table() {
        let cases = [
            (
                r#"SELECT "feed"."only" FROM "feed" WHERE 1"#,
                ("select", "feed"),
            ),
            (
                r#"INSERT INTO "keys" ("row_id") VALUES (?)"#,
                ("insert", "keys"),
            ),
            (r#"UPDATE "feed" SET "revision" = ?"#, ("update", "feed")),
            (r#"DELETE FROM "changes" WHERE 1"#, ("delete", "changes")),
            ("PRAGMA user_version", ("pragma", "")),
            ("", ("", "")),
        ];
        for (sql, (verb, table)) in cases {
            assert_eq!(kind(sql), (verb.to_owned(), table), "{sql}");
        }
    }
}
