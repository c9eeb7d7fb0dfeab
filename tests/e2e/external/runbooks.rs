//! The runbooks as they stand, by a shell with the real grpcurl, against running processes under a
//! light load. Only what a service manager does is done by the test.

mod more;
mod replicas;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keyway::Part;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::docs::{read, root};
use crate::harness::{BOUND, Product, Replica, Speaker, ask, reason};

const MODEL: &str = "openai/gpt-5-mini";
/// Time between two calls of the load.
const PACE: Duration = Duration::from_millis(20);

#[test]
fn every_block_of_a_runbook_is_run_or_said_not_to_be() {
    let mut pages = 0;
    for page in fs::read_dir(root().join("docs/runbooks")).expect("the runbooks") {
        let path = page.expect("an entry").path();
        let (name, page) = (path.display(), fs::read_to_string(&path).expect("text"));
        let fences: Vec<&str> = page
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("```"))
            .collect();
        assert!(
            fences.len() >= 4 && fences.len().is_multiple_of(2),
            "{name}"
        );
        for opening in fences.iter().step_by(2) {
            assert!(
                ["sh run", "sh cluster"].contains(opening),
                "{name}: {opening}"
            );
        }
        assert!(page.contains("are not executed by any test"), "{name}");
        pages += 1;
    }
    assert!(pages >= 14, "{pages}");
}

#[test]
fn every_runbook_is_run_by_a_test() {
    let tests = [
        read("tests/e2e/external/runbooks.rs"),
        read("tests/e2e/external/runbooks/more.rs"),
        read("tests/e2e/external/runbooks/replicas.rs"),
    ]
    .concat();
    for page in fs::read_dir(root().join("docs/runbooks")).expect("the runbooks") {
        let path = page.expect("an entry").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        assert!(
            tests.contains(&format!("\"{name}\",")),
            "{name} is run by no test"
        );
    }
}

/// Blocks for a cluster are shell, and what they name of the product is there.
#[test]
fn blocks_for_a_cluster_are_shell_and_name_what_the_manifests_have() {
    let mut manifests = String::new();
    for service in ["vault", "router", "migrate"] {
        for file in
            fs::read_dir(root().join("deploy/kubernetes/base").join(service)).expect("manifests")
        {
            manifests += &fs::read_to_string(file.expect("an entry").path()).expect("text");
        }
    }
    for page in fs::read_dir(root().join("docs/runbooks")).expect("the runbooks") {
        let name = page.expect("an entry").path();
        let name = name
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name")
            .to_owned();
        let blocks = blocks(&name, "cluster");
        let parsed = std::process::Command::new("bash")
            .args(["-n", "-c", &blocks])
            .output();
        assert!(parsed.expect("bash").status.success(), "{name}: {blocks}");
        for kind in ["deployment/", "job/"] {
            for rest in blocks.split(kind).skip(1) {
                let object = rest
                    .split(|c: char| !c.is_alphanumeric() && c != '-')
                    .next();
                let object = object.unwrap_or_default();
                assert!(
                    manifests.contains(&format!("name: {object}\n")),
                    "{name}: {object}"
                );
            }
        }
    }
}

fn path((name, path): (&'static str, &Path)) -> (&'static str, String) {
    (name, path.to_str().expect("text").to_owned())
}

/// The blocks of a page with a tag, in order.
fn blocks(name: &str, tag: &str) -> String {
    let page = read(&format!("docs/runbooks/{name}.md"));
    let (mut script, mut inside) = (String::new(), None);
    for line in page.lines() {
        let indent = line.len() - line.trim_start().len();
        match (inside, line.trim()) {
            (None, opening) if opening == format!("```sh {tag}") => {
                inside = Some(indent);
                script += "echo '== a block'\n";
            }
            (Some(_), "```") => inside = None,
            (Some(indent), _) => {
                script += line.get(indent..).unwrap_or_default();
                script += "\n";
            }
            (None, _) => {}
        }
    }
    script
}

/// Runs a page; what it said.
async fn run(name: &str, product: &mut Product, variables: &[(&str, String)]) -> String {
    run_with(name, product, None, variables).await
}

/// The same where there may be a second vault.
async fn run_with(
    name: &str,
    product: &mut Product,
    vault: Option<&mut Replica>,
    variables: &[(&str, String)],
) -> String {
    let manager = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let folder = tools(product, &manager);
    let script = format!(". \"$STATE/keyway.env\"\n{}", blocks(name, "run"));
    let mut bash = shell(&folder, &script);
    bash.env("STATE", product.state())
        .envs(variables.iter().map(|(name, value)| (name, value)));
    let ended = tokio::select! {
        ended = timeout(BOUND * 3, bash.output()) => ended,
        () = manage(product, vault, &manager) => unreachable!("it serves for ever"),
    };
    let ended = ended.expect("in time").expect("bash");
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{name}:\n{said}");
    said
}

/// A session in a folder with the product's programs.
fn shell(folder: &TempDir, script: &str) -> Command {
    let bin = folder.path().join("bin");
    let own = std::env::var_os("PATH").expect("a path"); // where grpcurl is
    let mut bash = Command::new("bash");
    bash.args(["-c", &format!("exec 2>&1\nset -euo pipefail\n{script}")])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", format!("{}:{}", bin.display(), own.display()))
        .kill_on_drop(true);
    bash
}

/// The product's programs under the names that they have for operators, with the settings of a product's
/// services, and a `systemctl` that asks the test.
fn tools(product: &Product, manager: &TcpListener) -> TempDir {
    let site = &product.running.site;
    let settings = |part| {
        let environment = site.environment_of(part);
        let settings = environment
            .iter()
            .map(|(name, value)| format!("{}='{}'", name.display(), value.display()));
        settings.collect::<Vec<_>>().join(" ")
    };
    let folder = programs(&settings(Part::Vault), &settings(Part::Router));
    let port = manager.local_addr().expect("an address").port();
    let body = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}\necho \"$*\" >&3\nread -r answer <&3\n[ \"$answer\" = done ]"
    );
    put(&folder, "systemctl", &body);
    folder
}

/// A folder with the programs alone, each with these settings in its environment.
fn programs(vault: &str, router: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("bin")).expect("a folder");
    let program = env!("CARGO_BIN_EXE_keyway-tests");
    for (name, settings, part) in [
        ("keyway-vault", vault, "vault"),
        ("keyway-router", router, "router"),
        ("keyway-migrate", "", "migrate"),
    ] {
        let body = format!("exec env {settings} '{program}' --as {part} \"$@\"");
        put(&folder, name, &body);
    }
    folder
}

fn put(folder: &TempDir, name: &str, body: &str) {
    let file = folder.path().join("bin").join(name);
    fs::write(&file, format!("#!/bin/bash\n{body}\n")).expect("a script");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
}

/// Does what a service manager does, when asked: to one instance of a service after the other.
async fn manage(product: &mut Product, mut second: Option<&mut Replica>, manager: &TcpListener) {
    loop {
        let (stream, _) = manager.accept().await.expect("a connection");
        let mut stream = BufReader::new(stream);
        let mut asked = String::new();
        stream.read_line(&mut asked).await.expect("a line");
        let (verb, service) = asked.trim().split_once(' ').expect("a verb and a service");
        let part = match service {
            "keyway-vault" => Part::Vault,
            "keyway-router" => Part::Router,
            _ => panic!("no such service: {asked}"),
        };
        let (stops, starts) = (verb != "start", verb != "stop");
        if stops {
            product.terminate(part);
            assert_eq!(product.exit_code(part).await, Some(0));
        }
        if starts {
            product.start_again(part).await;
        }
        if let (Part::Vault, Some(vault)) = (part, &mut second) {
            assert!(!stops || vault.stop().await);
            if starts {
                vault.start_again().await;
            }
        }
        stream.write_all(b"done\n").await.expect("told");
    }
}

/// One client that calls a model, again and again.
struct Load {
    stop: Arc<AtomicBool>,
    calling: JoinHandle<(Vec<Source>, Vec<Reason>)>,
}

impl Load {
    fn start(product: &Product) -> Self {
        Self::by(product.caller())
    }

    fn by(caller: Speaker) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let calling = tokio::spawn(async move {
            let (mut served, mut failed) = (Vec::new(), Vec::new());
            let mut pace = interval(PACE);
            while !until.load(Ordering::Relaxed) {
                pace.tick().await;
                match caller.chat(ask(MODEL)).await {
                    Ok(answer) => {
                        let attempts = answer.receipt.map(|receipt| receipt.attempts);
                        let last = attempts.and_then(|mut attempts| attempts.pop());
                        served.push(last.expect("an attempt").source());
                    }
                    Err(status) => {
                        failed.push(reason(&status).unwrap_or_else(|| panic!("{status:?}")));
                    }
                }
            }
            (served, failed)
        });
        Self { stop, calling }
    }

    /// The sources that served, and why calls failed.
    async fn stop(self) -> (Vec<Source>, Vec<Reason>) {
        self.stop.store(true, Ordering::Relaxed);
        self.calling.await.expect("no panic")
    }
}
