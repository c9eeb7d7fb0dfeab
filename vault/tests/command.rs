//! The command line of `keyway-vault`, as an operator meets it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

fn vault(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_keyway-vault"))
        .args(arguments)
        .env("KEYWAY_VAULT__DATABASE__PATH", folder.join("vault.db"))
        .env("KEYWAY_VAULT__MASTER_KEY__FILE", folder.join("master.key"))
        .env("KEYWAY_VAULT__ADMIN__LISTEN", "127.0.0.1:0")
        .env("KEYWAY_VAULT__DATA__LISTEN", "127.0.0.1:0")
        .env("KEYWAY_VAULT__OPERATIONS__LISTEN", "127.0.0.1:0")
        .output()
        .unwrap()
}

fn migrate(folder: &Path) {
    let database = folder.join("vault.db");
    let arguments = [
        "keyway-migrate",
        "vault",
        "--database",
        database.to_str().unwrap(),
    ];
    let code = keyway_migrations::run(arguments.map(Into::into));
    assert_eq!(
        format!("{code:?}"),
        format!("{:?}", std::process::ExitCode::SUCCESS)
    );
}

fn new_key(folder: &Path) {
    let key = folder.join("master.key");
    let made = vault(folder, &["new-master-key", "--out", key.to_str().unwrap()]);
    assert!(made.status.success(), "{made:?}");
}

/// One line on standard error, and the exit code.
fn refused(output: &Output) -> (i32, String) {
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    (output.status.code().unwrap(), line)
}

#[test]
fn a_server_without_a_master_key_prints_the_command_that_makes_one_and_makes_none() {
    let folder = TempDir::new().unwrap();
    migrate(folder.path());
    let (code, line) = refused(&vault(folder.path(), &["--set", "log.level=error"]));
    let key = folder.path().join("master.key");
    assert_eq!(code, 78);
    assert!(
        line.contains(&format!(
            "keyway-vault new-master-key --out {}",
            key.display()
        )),
        "{line}"
    );
    assert!(!key.exists());
}

#[test]
fn the_public_id_of_a_key_file_is_what_the_vault_calls_it() {
    let folder = TempDir::new().unwrap();
    migrate(folder.path());
    new_key(folder.path());
    let key = folder.path().join("master.key");
    let said = vault(
        folder.path(),
        &["master-key-id", "--file", key.to_str().unwrap()],
    );
    let id = String::from_utf8(said.stdout).unwrap();
    assert_eq!(id.trim().len(), 16, "{id}");
    let out = folder.path().join("operator");
    vault(
        folder.path(),
        &["bootstrap", "--out", out.to_str().unwrap()],
    );
    std::fs::remove_file(&key).unwrap();
    let (code, line) = refused(&vault(folder.path(), &["--set", "log.level=error"]));
    assert_eq!(code, 78);
    let remedy = format!(
        "was sealed with the master key {}: bring the key with that id back",
        id.trim()
    );
    assert!(
        line.contains(&remedy) && !line.contains("new-master-key"),
        "{line}"
    );
}

#[test]
fn a_master_key_is_never_written_over() {
    let folder = TempDir::new().unwrap();
    new_key(folder.path());
    let key = folder.path().join("master.key");
    let before = std::fs::read(&key).unwrap();
    let again = vault(
        folder.path(),
        &["new-master-key", "--out", key.to_str().unwrap()],
    );
    assert_eq!(refused(&again).0, 1);
    assert_eq!(std::fs::read(&key).unwrap(), before);
}

#[test]
fn the_first_operator_needs_a_database_and_is_made_once() {
    let folder = TempDir::new().unwrap();
    new_key(folder.path());
    let out = folder.path().join("operator");
    let bootstrap = ["bootstrap", "--out", out.to_str().unwrap()];
    let (code, line) = refused(&vault(folder.path(), &bootstrap));
    assert!(code == 1 && line.contains("keyway-migrate vault"), "{line}");
    migrate(folder.path());
    assert!(vault(folder.path(), &bootstrap).status.success());
    let second = folder.path().join("second");
    let again = vault(
        folder.path(),
        &["bootstrap", "--out", second.to_str().unwrap()],
    );
    let (code, line) = refused(&again);
    assert!(code == 1 && line.contains("TokenService.Create"), "{line}");
    assert!(!second.exists());
}

#[test]
fn a_key_of_another_vault_is_refused_by_both_ids() {
    let folder = TempDir::new().unwrap();
    migrate(folder.path());
    new_key(folder.path());
    let out = folder.path().join("operator");
    assert!(
        vault(
            folder.path(),
            &["bootstrap", "--out", out.to_str().unwrap()]
        )
        .status
        .success()
    );
    std::fs::remove_file(folder.path().join("master.key")).unwrap();
    new_key(folder.path());
    let output = vault(folder.path(), &["--set", "log.level=error"]);
    let (code, line) = refused(&output);
    assert!(
        code == 78 && line.contains("was sealed with the master key"),
        "{code} {line}"
    );
}

#[test]
fn plain_text_beyond_loopback_needs_a_word() {
    let folder = TempDir::new().unwrap();
    migrate(folder.path());
    new_key(folder.path());
    let set = [
        "--set",
        "admin.listen=0.0.0.0:0",
        "--set",
        "log.level=error",
    ];
    let (code, line) = refused(&vault(folder.path(), &set));
    assert!(code != 0 && line.contains("server.insecure"), "{line}");
}
