//! Rows of keys around those that are measured, put in by SQL.

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbBackend};

/// How many, unless the variable `KEYWAY_BENCH_ROWS` says another number.
const ROWS: usize = 1_000_000;

/// How many rows are filled in.
#[expect(
    clippy::disallowed_methods,
    reason = "the length of this bench is no setting of the product"
)]
pub(crate) fn rows() -> usize {
    let asked = std::env::var("KEYWAY_BENCH_ROWS").ok();
    asked.map_or(ROWS, |rows| rows.parse().expect("a number of rows"))
}

/// Fills in rows of workspaces with 40 keys each in one statement; of ten rows three are deleted.
pub(crate) async fn fill(url: &str, rows: usize) {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    let connection = Database::connect(options).await.expect("a database");
    let (empty, envelope, after) = match connection.get_database_backend() {
        // Its server would count the rows by itself, but later.
        DbBackend::Postgres => (
            "''::bytea",
            "decode(repeat(md5(i::text), 10), 'hex')",
            "ANALYZE keys",
        ),
        _ => ("x''", "randomblob(160)", ""),
    };
    let fill = FILL
        .replace("ROWS", &rows.to_string())
        .replace("EMPTY", empty)
        .replace("ENVELOPE", envelope);
    for statement in [fill.as_str(), after] {
        let done = connection.execute_unprepared(statement).await;
        done.expect("filled");
    }
    connection.close().await.expect("closed");
}

const FILL: &str = "
INSERT INTO keys (row_id, owner, provider, name, version, data_key_id, envelope, mask, fingerprint,
    place, disabled, expires_at, allowed_models, label, health, health_reason, health_until,
    change_number, created_at, updated_at, deleted_at)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ROWS)
SELECT 'fill-' || substr(CAST(10000000 + i AS TEXT), 2),
    'workspaces/fill-' || substr(CAST(100000 + i / 40 AS TEXT), 2),
    CASE i % 5 WHEN 0 THEN 'anthropic' WHEN 1 THEN 'exa' WHEN 2 THEN 'google' WHEN 3 THEN 'mistral'
        ELSE 'openai' END,
    'k' || CAST(i % 40 AS TEXT), 1, 'data-key-' || substr(CAST(100000 + i / 40 AS TEXT), 2),
    CASE WHEN i % 10 < 3 THEN EMPTY ELSE ENVELOPE END, '…abcd', '0123456789abcdef',
    i % 8, i % 7 = 0, NULL, '[]', '', 'ACTIVE', '', NULL, 1, 0, 0,
    CASE WHEN i % 10 < 3 THEN 1 END
FROM n";
