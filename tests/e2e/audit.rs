//! The audit trail as an outsider checks it: what SQL does to its rows on the live database is found,
//! with no configuration, no key file and no running vault needed.

mod flood;
pub(crate) mod restore;
mod unavailable;
pub(crate) mod verifier;

use keyway_proto::vault::v1::{AuditRow, AuditServiceExportRequest};

use self::verifier::{Verifier, checkpoint};
use crate::harness::{Logs, Product, Setup, Tenant};

/// Rows that are put behind those of a workspace's creation.
const PUTS: usize = 6;

/// What somebody does to a chain, and what the verifier says of it.
struct Case {
    name: &'static str,
    /// SQL, with `CHAIN` for the chain's name and `LAST` for its last sequence.
    sql: &'static [&'static str],
    /// Exit code, and what is printed, without and with a checkpoint of before.
    alone: (i32, &'static str),
    checked: (i32, &'static str),
}

const CASES: &[Case] = &[
    Case {
        name: "untouched",
        sql: &[],
        alone: (0, "whole, ends at row LAST"),
        checked: (0, "covered by checkpoints up to row LAST"),
    },
    Case {
        name: "edited",
        sql: &[
            "UPDATE audit_rows SET subject = 'service:nobody' WHERE chain = CHAIN AND sequence = 4",
        ],
        alone: (1, "broken at row 4: its hash does not follow"),
        checked: (1, "broken at row 4: its hash does not follow"),
    },
    Case {
        name: "edited-source",
        sql: &["UPDATE audit_rows SET source = '' WHERE chain = CHAIN AND sequence = 5"],
        alone: (1, "broken at row 5"),
        checked: (1, "broken at row 5"),
    },
    Case {
        name: "made-an-older-form",
        sql: &["UPDATE audit_rows SET form = 1, source = '' WHERE chain = CHAIN AND sequence = 5"],
        alone: (1, "broken at row 5"),
        checked: (1, "broken at row 5"),
    },
    Case {
        name: "deleted",
        sql: &["DELETE FROM audit_rows WHERE chain = CHAIN AND sequence = 4"],
        alone: (1, "broken at row 4: missing"),
        checked: (1, "broken at row 4: missing"),
    },
    Case {
        name: "reordered",
        sql: &[
            "UPDATE audit_rows SET sequence = 1000 WHERE chain = CHAIN AND sequence = 4",
            "UPDATE audit_rows SET sequence = 4 WHERE chain = CHAIN AND sequence = 5",
            "UPDATE audit_rows SET sequence = 5 WHERE chain = CHAIN AND sequence = 1000",
        ],
        alone: (1, "broken at row 4: its hash does not follow"),
        checked: (1, "broken at row 4: its hash does not follow"),
    },
    Case {
        name: "first-row-put-before",
        sql: &[
            "INSERT INTO audit_rows SELECT chain, 0, time, accessor, subject, rpc, resource, decision, \
             reason, facts, hash, form, source, trace_id FROM audit_rows WHERE chain = CHAIN AND sequence = 1",
        ],
        alone: (1, "broken at row 1: out of order"),
        checked: (1, "broken at row 1: out of order"),
    },
    Case {
        name: "row-added-behind",
        sql: &[
            "INSERT INTO audit_rows SELECT chain, LAST + 1, time, accessor, subject, rpc, resource, \
             decision, reason, facts, hash, form, source, trace_id FROM audit_rows \
             WHERE chain = CHAIN AND sequence = LAST",
        ],
        alone: (1, "its hash does not follow"),
        checked: (1, "its hash does not follow"),
    },
    Case {
        name: "tail-cut",
        sql: &["DELETE FROM audit_rows WHERE chain = CHAIN AND sequence > 5"],
        alone: (1, "broken at row 6: the chain's head"),
        checked: (2, "short, ends at row 5 and a checkpoint names row LAST"),
    },
    Case {
        name: "tail-cut-and-head-mended",
        sql: &[
            "DELETE FROM audit_rows WHERE chain = CHAIN AND sequence > 5",
            "UPDATE audit_heads SET sequence = 5, hash = (SELECT hash FROM audit_rows \
             WHERE chain = CHAIN AND sequence = 5) WHERE chain = CHAIN",
        ],
        alone: (0, "whole, ends at row 5"),
        checked: (2, "short, ends at row 5 and a checkpoint names row LAST"),
    },
    Case {
        name: "head-moved",
        sql: &["UPDATE audit_heads SET sequence = sequence + 5 WHERE chain = CHAIN"],
        alone: (1, "the chain's head names another end"),
        checked: (1, "the chain's head names another end"),
    },
    Case {
        name: "gone",
        sql: &[
            "DELETE FROM audit_rows WHERE chain = CHAIN",
            "DELETE FROM audit_heads WHERE chain = CHAIN",
        ],
        alone: (0, "whole, ends at row 0"),
        checked: (2, "short, ends at row 0 and a checkpoint names row LAST"),
    },
];

#[tokio::test]
async fn what_sql_does_to_the_rows_of_the_live_database_is_found_without_a_key() {
    let product = slow_signing().start().await;
    let _logs = Logs(&product);
    every_case(&product, &Verifier::new(&product)).await;
}

/// The same on PostgreSQL, in the suite that has it.
#[cfg(feature = "external")]
pub(crate) async fn every_case_on(database: &crate::harness::VaultDatabase) {
    let product = slow_signing().on(database).start().await;
    let _logs = Logs(&product);
    every_case(&product, &Verifier::new(&product).at(&database.url)).await;
}

async fn every_case(product: &Product, verifier: &Verifier) {
    for case in CASES {
        let tenant = chain(product, case.name).await;
        let kept = checkpoint(&tenant.admin, &tenant.name).await;
        let last = kept.sequence.to_string();
        let expected = |text: &str| text.replace("LAST", &last);
        for sql in case.sql {
            let sql = sql.replace("CHAIN", &format!("'{}'", tenant.name));
            verifier.change(&sql.replace("LAST", &last)).await;
        }
        let chain = ["--chain", &tenant.name];
        verifier
            .database(&chain)
            .says(case.alone.0, &expected(case.alone.1), case.name);
        let file = verifier.write(case.name, &kept.to_json());
        let checked = verifier.database(&[&chain[..], &["--checkpoint", &file]].concat());
        checked.says(case.checked.0, &expected(case.checked.1), case.name);
    }
    // All chains at once: the worst counts, and each is named.
    let all = verifier.database(&[]);
    all.says(1, "workspaces/edited: broken at row 4", "all");
    all.says(1, "workspaces/deleted: broken at row 4", "all");
    assert!(
        product
            .operator()
            .vault
            .audit()
            .checkpoint(keyway_proto::vault::v1::AuditServiceCheckpointRequest::default())
            .await
            .is_ok(),
        "the vault runs on"
    );
}

#[tokio::test]
async fn a_chain_written_anew_with_good_hashes_is_found_by_a_checkpoint_only() {
    let product = slow_signing().start().await;
    let _logs = Logs(&product);
    let verifier = Verifier::new(&product);
    let tenant = chain(&product, "anew").await;
    let kept = checkpoint(&tenant.admin, &tenant.name).await;
    for table in ["audit_rows", "audit_heads", "audit_checkpoints"] {
        verifier
            .change(&format!(
                "DELETE FROM {table} WHERE chain = '{}'",
                tenant.name
            ))
            .await;
    }
    // The vault itself writes a history with good hashes in its place.
    for _ in 0..kept.sequence + 3 {
        put(&tenant).await;
    }
    let chain = ["--chain", &tenant.name];
    verifier.database(&chain).says(0, "whole", "no checkpoint");
    let file = verifier.write("kept", &kept.to_json());
    let with =
        |more: &[&str]| verifier.database(&[&chain[..], &["--checkpoint", &file], more].concat());
    let anew = format!(
        "broken at row {}: a checkpoint has another hash",
        kept.sequence
    );
    with(&[]).says(1, &anew, "checkpoint");
    let key = kept.public_key_hex();
    with(&["--public-key", &key]).says(1, &anew, "pinned");
    let log = product.log(keyway::Part::Vault);
    assert!(log.contains(&key), "the key is printed at the start");
}

#[tokio::test]
async fn a_forged_checkpoint_or_a_foreign_key_is_found() {
    let product = slow_signing().start().await;
    let _logs = Logs(&product);
    let verifier = Verifier::new(&product);
    let tenant = chain(&product, "forged").await;
    let mut kept = checkpoint(&tenant.admin, &tenant.name).await;
    let good = verifier.write("good", &kept.to_json());
    let with = |file: &str, more: &[&str]| {
        let given = ["--chain", &tenant.name, "--checkpoint", file];
        verifier.database(&[&given[..], more].concat())
    };
    with(&good, &[]).says(0, "covered by checkpoints", "good");
    let foreign = "ab".repeat(32);
    with(&good, &["--public-key", &foreign]).says(1, "bad signature or a foreign key", "foreign");
    kept.sequence -= 1;
    let forged = verifier.write("forged", &kept.to_json());
    let found = format!("broken at row {}: a checkpoint of this row", kept.sequence);
    with(&forged, &[]).says(1, &found, "forged");
}

#[tokio::test]
async fn an_export_is_verified_as_grpcurl_prints_it_and_line_by_line() {
    let product = slow_signing().start().await;
    let _logs = Logs(&product);
    let verifier = Verifier::new(&product);
    let tenant = chain(&product, "export").await;
    let rows = export(&tenant).await;
    let printed = verifier::as_grpcurl(&rows);
    let file = verifier.write("export", &printed);
    verifier
        .run(&["--export", &file])
        .says(0, "1 whole, 0 broken", "as printed");
    let lines: Vec<String> = rows
        .iter()
        .map(|row| verifier::row_json(row).to_string())
        .collect();
    let file = verifier.write("lines", &lines.join("\n"));
    verifier
        .run(&["--export", &file])
        .says(0, "1 whole, 0 broken", "line by line");
    let mut cut = lines.clone();
    cut.remove(3);
    let file = verifier.write("cut", &cut.join("\n"));
    verifier
        .run(&["--export", &file])
        .says(1, "broken at row 4: missing", "a line is gone");
    // The rest of an export needs a checkpoint of where it begins.
    let file = verifier.write("rest", &lines[4..].join("\n"));
    verifier
        .run(&["--export", &file])
        .says(1, "broken at row 1: missing", "the rest alone");
    let (half, _rest) = printed.split_at(printed.rfind("},").expect("more than one row"));
    let half = verifier.write("half", half);
    verifier
        .run(&["--export", &half])
        .says(66, "", "half a file");
}

#[tokio::test]
async fn wrong_arguments_and_unreadable_input_have_codes_of_their_own() {
    let product = Product::start().await;
    let verifier = Verifier::new(&product);
    verifier.run(&[]).says(64, "", "nothing");
    verifier
        .run(&["--database", "x", "--export", "y"])
        .says(64, "", "two inputs");
    verifier
        .database(&["--public-key", "12"])
        .says(64, "", "no key");
    verifier
        .run(&["--database", "/nowhere/vault.db"])
        .says(66, "", "no file");
    verifier
        .database(&["--checkpoint", "/nowhere/x"])
        .says(66, "", "no checkpoint");
    let empty = verifier.write("empty", "{}");
    verifier
        .database(&["--checkpoint", &empty])
        .says(66, "", "no checkpoint in it");
    verifier
        .database(&[])
        .says(0, "0 broken, 0 short", "and all is well");
}

/// No checkpoint of the vault's own comes in between.
fn slow_signing() -> Setup {
    Setup::new().with("KEYWAY_VAULT__AUDIT__CHECKPOINT_INTERVAL", "1h")
}

/// A workspace with some rows.
async fn chain(product: &Product, name: &str) -> Tenant {
    let tenant = product.tenant(name).await;
    for _ in 0..PUTS {
        put(&tenant).await;
    }
    tenant
}

async fn put(tenant: &Tenant) {
    let stored = tenant
        .admin
        .put_key(&tenant.name, "openai", "sk-keyway-test-audit-0001");
    stored.await.expect("a stored key");
}

async fn export(tenant: &Tenant) -> Vec<AuditRow> {
    let request = AuditServiceExportRequest {
        workspace: tenant.name.clone(),
        from_sequence: 0,
    };
    let stream = tenant.admin.vault.audit().export(request).await;
    let mut stream = stream.expect("an export").into_inner();
    let mut rows = Vec::new();
    while let Some(message) = stream.message().await.expect("a message") {
        rows.extend(message.rows);
    }
    rows
}
