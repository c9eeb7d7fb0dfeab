//! What a vault may find at its start, as a server and under the launcher: it opens, or it ends with
//! exit code 78 and says what to do. Nothing is ever made anew beside data.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::harness::pki::Authority;
use crate::harness::{Product, Setup};

const FILE: &str = "KEYWAY_VAULT__MASTER_KEY__FILE";
const DIRECTORY: &str = "KEYWAY_VAULT__MASTER_KEY__DIRECTORY";

/// The files of a server.
struct Server(TempDir);

impl Server {
    /// A database that never stored anything.
    fn empty() -> Self {
        let server = Self(tempfile::tempdir().expect("a folder"));
        let migrated = program("migrate", &["vault", "--database"])
            .arg(server.path("vault.db"))
            .output();
        assert!(migrated.expect("it runs").status.success());
        server
    }

    /// One that was sealed with the key in `first`.
    fn sealed() -> Self {
        let server = Self::empty();
        new_key(&server.path("first"));
        let opened = server.open(FILE, &server.path("first"), &[]);
        assert!(opened.status.success(), "{opened:?}");
        server
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Opens it once, as the server does, to make the first operator's token.
    fn open(&self, source: &str, at: &Path, more: &[(&str, &str)]) -> Output {
        let out = self.path("operator");
        if out.exists() {
            fs::remove_file(&out).expect("it can be removed");
        }
        let mut command = program("vault", &["bootstrap", "--out"]);
        command.arg(out).env(source, at);
        self.run(command, more)
    }

    /// Starts the server itself; for states in which it ends by itself.
    fn refuse(&self, source: &str, at: &Path) -> String {
        let mut command = program("vault", &["--set", "log.level=error"]);
        command.env(source, at);
        refused(&self.run(command, &[]))
    }

    fn run(&self, mut command: Command, more: &[(&str, &str)]) -> Output {
        // Its listeners are open before it knows whether it may start, and others listen here too.
        for listener in ["ADMIN", "DATA", "OPERATIONS"] {
            command.env(format!("KEYWAY_VAULT__{listener}__LISTEN"), "127.0.0.1:0");
        }
        command
            .env("KEYWAY_VAULT__DATABASE__PATH", self.path("vault.db"))
            .envs(more.iter().copied());
        command.output().expect("it runs")
    }
}

fn program(part: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyway-tests"));
    command.args(["--as", part]).args(arguments).env_clear();
    command
}

fn new_key(path: &Path) -> String {
    let made = program("vault", &["new-master-key", "--out"])
        .arg(path)
        .output();
    assert!(made.expect("it runs").status.success());
    let id = program("vault", &["master-key-id", "--file"])
        .arg(path)
        .output();
    let id = String::from_utf8(id.expect("it runs").stdout).expect("text");
    id.trim().to_owned()
}

/// The one line of a refusal for what the operator gave it.
fn refused(output: &Output) -> String {
    let line = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}

#[track_caller]
fn assert_says(line: &str, parts: &[&str]) {
    for part in parts {
        assert!(line.contains(part), "it does not say `{part}`: {line}");
    }
}

#[test]
fn an_empty_database_without_a_key_is_refused_with_the_command_that_makes_one() {
    let server = Server::empty();
    let output = server.run(program("vault", &[]), &[]);
    assert_says(
        &refused(&output),
        &["master_key.file", "keyway-vault new-master-key --out FILE"],
    );
    let missing = server.path("master.key");
    let command = format!("keyway-vault new-master-key --out {}", missing.display());
    assert_says(&server.refuse(FILE, &missing), &[&command]);
    let folder = server.path("keys");
    fs::create_dir(&folder).expect("a folder");
    let command = format!("keyway-vault new-master-key --out {}/1", folder.display());
    assert_says(&server.refuse(DIRECTORY, &folder), &[&command]);
    assert!(!missing.exists() && !folder.join("1").exists());
}

#[test]
fn an_empty_database_takes_the_key_that_it_is_given_and_keeps_to_it() {
    let server = Server::sealed();
    let again = server.open(FILE, &server.path("first"), &[]);
    let line = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_says(&line, &["there is an operator already"]);
}

/// An image has no folder for a file, and no program that could read it.
#[test]
fn the_first_operators_token_goes_to_standard_output_where_asked_but_never_to_a_screen() {
    let server = Server::empty();
    let key = server.path("key");
    new_key(&key);
    let bootstrap = |screen: Option<fs::File>| {
        let mut command = program("vault", &["bootstrap", "--out", "-"]);
        command.env(FILE, &key).current_dir(server.0.path());
        let Some(screen) = screen else {
            return server.run(command, &[]);
        };
        let path = server.path("vault.db");
        command.env("KEYWAY_VAULT__DATABASE__PATH", path);
        command.stdout(screen).stderr(Stdio::piped());
        let child = command.spawn().expect("it starts");
        child.wait_with_output().expect("it ends")
    };
    let screen = fs::File::options().read(true).write(true).open("/dev/ptmx");
    let refused = bootstrap(Some(screen.expect("a terminal")));
    let line = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success(), "{line}");
    assert_says(&line, &["--out -", "a terminal"]);

    let made = bootstrap(None);
    let said = String::from_utf8_lossy(&made.stdout);
    assert!(
        said.starts_with("kwo_") && said.ends_with('\n') && said.lines().count() == 1,
        "{made:?}"
    );
    assert!(made.stderr.is_empty() && !server.path("-").exists());
}

#[test]
fn data_without_its_key_is_refused_by_the_id_and_no_key_is_made() {
    let server = Server::sealed();
    let first = server.path("first");
    let kept = fs::read(&first).expect("the key");
    fs::remove_file(&first).expect("it can be removed");
    let line = server.refuse(FILE, &first);
    fs::write(server.path("copy"), kept).expect("a file");
    fs::set_permissions(server.path("copy"), Permissions::from_mode(0o600)).expect("a mode");
    let id = program("vault", &["master-key-id", "--file"])
        .arg(server.path("copy"))
        .output();
    let id = String::from_utf8(id.expect("it runs").stdout).expect("text");
    assert_says(&line, &["bring the key with that id back", id.trim()]);
    assert!(
        !line.contains("new-master-key") && !first.exists(),
        "{line}"
    );
}

#[test]
fn data_of_another_key_is_refused_by_both_ids() {
    let server = Server::empty();
    let first = new_key(&server.path("first"));
    assert!(
        server
            .open(FILE, &server.path("first"), &[])
            .status
            .success()
    );
    let second = new_key(&server.path("second"));
    assert_says(
        &server.refuse(FILE, &server.path("second")),
        &[&first, &second, "bring the key with that id back"],
    );
}

#[test]
fn a_pair_of_keys_opens_and_the_old_one_can_not_be_taken_away_before_the_rewrap() {
    let server = Server::empty();
    let folder = server.path("keys");
    fs::create_dir(&folder).expect("a folder");
    let old = new_key(&folder.join("1"));
    assert!(server.open(DIRECTORY, &folder, &[]).status.success());
    let new = new_key(&folder.join("2"));
    // The operator is there already: it opened, and remembers the second key from now on.
    assert_eq!(server.open(DIRECTORY, &folder, &[]).status.code(), Some(1));
    fs::rename(folder.join("1"), server.path("aside")).expect("it can be moved");
    assert_says(
        &server.refuse(DIRECTORY, &folder),
        &[
            &format!("{old} (wraps 1 data keys)"),
            &new,
            "SealService.Rewrap",
        ],
    );
    fs::rename(server.path("aside"), folder.join("1")).expect("it can be moved");
    assert_eq!(server.open(DIRECTORY, &folder, &[]).status.code(), Some(1));
}

#[test]
fn a_key_of_another_length_is_refused_with_the_form_and_without_the_key() {
    let server = Server::empty();
    let key = server.path("short");
    fs::write(&key, "keyway-master-v1:cGxhbnRlZA==\n").expect("a file");
    fs::set_permissions(&key, Permissions::from_mode(0o600)).expect("a mode");
    let line = server.refuse(FILE, &key);
    assert_says(&line, &["`keyway-master-v1:` and the base64 of 32 bytes"]);
    assert!(!line.contains("cGxh"), "{line}");
}

#[test]
fn a_key_that_others_can_read_is_refused_with_the_command_unless_its_group_is_meant_to() {
    let server = Server::empty();
    let key = server.path("first");
    new_key(&key);
    for mode in [0o640, 0o644] {
        fs::set_permissions(&key, Permissions::from_mode(mode)).expect("a mode");
        let command = format!("chmod 600 {}", key.display());
        assert_says(&server.refuse(FILE, &key), &[&command]);
    }
    let meant = [("KEYWAY_VAULT__MASTER_KEY__GROUP_READABLE", "true")];
    assert_eq!(server.open(FILE, &key, &meant).status.code(), Some(78));
    fs::set_permissions(&key, Permissions::from_mode(0o440)).expect("a mode");
    assert!(server.open(FILE, &key, &meant).status.success());
}

#[test]
fn two_sources_of_the_key_are_refused() {
    let server = Server::sealed();
    let folder = server.path("keys");
    let more = [(DIRECTORY, folder.to_str().expect("text"))];
    let output = server.open(FILE, &server.path("first"), &more);
    assert_says(
        &refused(&output),
        &["exactly one of", "master_key.environment"],
    );
}

#[test]
fn the_environment_holds_the_current_key_and_the_one_before() {
    const ENVIRONMENT: &str = "KEYWAY_VAULT__MASTER_KEY__ENVIRONMENT";
    let server = Server::sealed();
    let text = |name: &str| fs::read_to_string(server.path(name)).expect("a key");
    let new = new_key(&server.path("second"));
    let both = format!("{},{}", text("second").trim(), text("first").trim());
    assert_eq!(
        server
            .open(ENVIRONMENT, Path::new(&both), &[])
            .status
            .code(),
        Some(1)
    );
    let line = server.refuse(ENVIRONMENT, Path::new(text("second").trim()));
    assert_says(&line, &[&new, "still needs the master key"]);
    assert!(!line.contains("keyway-master-v1:"), "{line}");
}

/// The launcher on a state that it finds; what it says as it refuses.
fn launch(state: &Path) -> String {
    let mut command = Setup::new().command(state).into_std();
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it started: {said}");
    said
}

#[tokio::test]
async fn the_launcher_makes_a_first_key_and_refuses_every_other_state_with_the_same_words() {
    let folder = Product::start().await.stop().await;
    let state = folder.path().join(".keyway");
    let key = state.join("master.key");
    let good = fs::read(&key).expect("a key that it made");
    let id = |path: &Path| {
        let id = program("vault", &["master-key-id", "--file"])
            .arg(path)
            .output();
        String::from_utf8(id.expect("it runs").stdout).expect("text")
    };
    let right = id(&key);

    fs::set_permissions(&key, Permissions::from_mode(0o644)).expect("a mode");
    assert_says(&launch(&state), &["chmod 600"]);
    fs::remove_file(&key).expect("it can be removed");
    assert_says(&launch(&state), &["bring the key back"]);
    assert!(!key.exists());
    let wrong = new_key(&key);
    assert_says(&launch(&state), &[right.trim(), &wrong]);
    fs::write(&key, "keyway-master-v1:cGxhbnRlZA==\n").expect("a file");
    assert_says(&launch(&state), &["base64 of 32 bytes"]);
    fs::write(&key, good).expect("the key");
    let product = Setup::new().start_in(folder).await;
    product.expect("with its key back it starts").stop().await;
}

#[test]
fn a_tls_file_that_can_not_be_used_is_refused_by_the_setting_that_names_it() {
    let server = Server::sealed();
    let authority = Authority::new();
    let leaf = authority.server();
    let other = authority.server();
    let write = |name: &str, text: &str| {
        let path = server.path(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("a mode");
        path.to_str().expect("text").to_owned()
    };
    let certificate = write("server.pem", &leaf.certificate);
    let key = write("server.key", &leaf.key);
    let another = write("other.key", &other.key);
    let nothing = write("empty.pem", "");
    let absent = server.path("absent.pem");
    let absent = absent.to_str().expect("text");
    for (own, section, values, setting) in [
        ("SERVER", "server", [absent, &key, ""], "certificate"),
        ("DATA", "data", [absent, &key, ""], "certificate"),
        ("DATA", "data", [&certificate, absent, ""], "key"),
        ("DATA", "data", [&certificate, &another, ""], "key"),
        ("DATA", "data", [&certificate, &nothing, ""], "key"),
        ("DATA", "data", [&nothing, &key, ""], "certificate"),
        ("DATA", "data", [&certificate, &key, &nothing], "client_ca"),
    ] {
        let mut command = program("vault", &["--set", "log.level=error"]);
        command.env(FILE, server.path("first"));
        let [certificate, key, authorities] = values;
        let variable = |name: &str| format!("KEYWAY_VAULT__{own}__TLS__{name}");
        command
            .env(variable("CERTIFICATE"), certificate)
            .env(variable("KEY"), key);
        if !authorities.is_empty() {
            command
                .env(variable("CLIENT_AUTH"), "required")
                .env(variable("CLIENT_CA"), authorities);
        }
        let line = refused(&server.run(command, &[]));
        assert_says(&line, &[&format!("({section}.tls.{setting})")]);
    }
}
