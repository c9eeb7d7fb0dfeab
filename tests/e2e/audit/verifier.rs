//! Runs `keyway-vault audit verify` as a stranger: empty environment, no key file in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyway_proto::vault::v1::{
    AuditRow, AuditServiceCheckpointRequest, AuditServiceCheckpointResponse,
};
use sea_orm::{ConnectionTrait as _, Database};
use serde_json::{Value, json};

use crate::harness::{Product, Speaker};

/// The verifier beside a running vault.
pub(crate) struct Verifier {
    /// What the verifier is given, and what a stranger connects to.
    database: [String; 2],
    url: String,
    key: PathBuf,
    hidden: PathBuf,
    folder: tempfile::TempDir,
}

/// What it said.
pub(crate) struct Said {
    code: Option<i32>,
    out: String,
    all: String,
}

impl Said {
    /// Fails unless the code is this one and the text is in the output.
    #[track_caller]
    pub(crate) fn says(&self, code: i32, text: &str, case: &str) {
        assert_eq!(self.code, Some(code), "{case}: {}", self.all);
        assert!(
            self.out.contains(text),
            "{case}: no `{text}` in {}",
            self.all
        );
    }
}

impl Verifier {
    pub(crate) fn new(product: &Product) -> Self {
        let state = &product.running.site.state;
        Self {
            database: ["--database".to_owned(), path_text(&state.vault_database())],
            url: format!("sqlite://{}?mode=rw", state.vault_database().display()),
            key: state.master_key(),
            hidden: state.path("hidden.key"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// The same on a PostgreSQL database.
    #[cfg(feature = "external")]
    pub(crate) fn at(mut self, url: &str) -> Self {
        self.database = ["--url-file".to_owned(), self.write("url", url)];
        url.clone_into(&mut self.url);
        self
    }

    /// Runs it on the live database.
    pub(crate) fn database(&self, more: &[&str]) -> Said {
        let [flag, place] = &self.database;
        self.run(&[&[flag.as_str(), place.as_str()], more].concat())
    }

    /// Runs it with any arguments, while the master key is not where it was.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        fs::rename(&self.key, &self.hidden).expect("the key is hidden");
        let output = Command::new(env!("CARGO_BIN_EXE_keyway-tests"))
            .args(["--as", "vault", "audit", "verify"])
            .args(arguments)
            .env_clear()
            .current_dir(self.folder.path())
            .output();
        fs::rename(&self.hidden, &self.key).expect("the key is back");
        let output = output.expect("it runs");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        Said {
            code: output.status.code(),
            all: format!("{out}{errors}"),
            out,
        }
    }

    /// A file for it.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path_text(&path)
    }

    /// Changes the live database as anybody with the file could.
    pub(crate) async fn change(&self, sql: &str) {
        let stranger = Database::connect(&self.url).await.expect("the database");
        let done = stranger.execute_unprepared(sql).await;
        let done = done.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let may_be_none = sql.contains("audit_checkpoints") || sql.starts_with("VACUUM");
        assert!(done.rows_affected() > 0 || may_be_none, "{sql}");
        stranger.close().await.expect("closed");
    }
}

fn path_text(path: &Path) -> String {
    path.to_str().expect("a path").to_owned()
}

/// A checkpoint that somebody kept.
pub(crate) struct Kept {
    pub(crate) sequence: u64,
    response: AuditServiceCheckpointResponse,
}

impl Kept {
    /// As grpcurl prints it.
    pub(crate) fn to_json(&self) -> String {
        let kept = &self.response;
        let value = json!({
            "chain": kept.chain, "sequence": self.sequence.to_string(),
            "hash": STANDARD.encode(&kept.hash), "time": kept.time.map(|time| time.to_string()),
            "signature": STANDARD.encode(&kept.signature),
            "publicKey": STANDARD.encode(&kept.public_key), "epoch": kept.epoch,
        });
        format!("{value:#}\n")
    }

    pub(crate) fn public_key_hex(&self) -> String {
        hex::encode(&self.response.public_key)
    }
}

/// Asks for a checkpoint.
pub(crate) async fn checkpoint(by: &Speaker, workspace: &str) -> Kept {
    let request = AuditServiceCheckpointRequest {
        workspace: workspace.to_owned(),
    };
    let response = by.vault.audit().checkpoint(request).await;
    let response = response.expect("a checkpoint").into_inner();
    Kept {
        sequence: response.sequence,
        response,
    }
}

/// Rows as messages of three, each printed over several lines.
pub(crate) fn as_grpcurl(rows: &[AuditRow]) -> String {
    let messages = rows.chunks(3).map(|rows| {
        let rows: Vec<Value> = rows.iter().map(row_json).collect();
        format!("{:#}\n", json!({ "rows": rows }))
    });
    messages.collect()
}

/// One row, without what is empty.
pub(crate) fn row_json(row: &AuditRow) -> Value {
    let mut value = json!({
        "chain": row.chain, "sequence": row.sequence.to_string(),
        "time": row.time.map(|time| time.to_string()), "accessor": row.accessor,
        "subject": row.subject, "rpc": row.rpc, "resource": row.resource,
        "decision": row.decision, "reason": row.reason, "factsJson": row.facts_json,
        "hash": STANDARD.encode(&row.hash), "form": row.form, "source": row.source,
        "traceId": row.trace_id,
    });
    let fields = value.as_object_mut().expect("an object");
    fields.retain(|_name, value| value != "");
    value
}
