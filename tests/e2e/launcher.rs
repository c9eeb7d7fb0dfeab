//! The launcher as a stranger meets it: one command, private files, nothing left behind.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use keyway::Part;
use keyway_proto::billing::v1::Source;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;
use tokio::time::timeout;

use crate::harness::{BOUND, DEMO, Product, Setup, wait_for};

/// What the demo prints.
async fn demo(product: &Product) -> String {
    let mut said = Vec::new();
    product
        .running
        .show_demo(&mut said)
        .await
        .expect("the demo runs");
    String::from_utf8(said).expect("text")
}

#[tokio::test]
async fn the_demo_shows_the_main_job_and_runs_again_on_the_same_state() {
    let product = Product::start().await;
    let first = demo(&product).await;
    let lines: Vec<_> = first.lines().collect();
    assert!(lines[0].contains("at the simulator"), "{first}");
    assert!(lines[1].contains("HOSTED, charge 0.0000"), "{first}");
    assert!(lines[2].contains("shown as …0001"), "{first}");
    assert!(
        lines[3].contains("OWN, charge 0.000000000000 USD (list price 0.0000"),
        "{first}"
    );
    assert!(
        lines[5].contains("HOSTED") && lines[6].contains("OWN"),
        "{first}"
    );
    let tokens = fs::read_to_string(product.state().join("keyway.env")).expect("keyway.env");
    let folder = product.stop().await;

    // As after `. keyway.env` in the shell that starts it again.
    let mut setup = Setup::new();
    for line in tokens
        .lines()
        .filter_map(|line| line.strip_prefix("export "))
    {
        let (name, value) = line.split_once('=').expect("a variable");
        setup = setup.with(name, value.trim_matches('\''));
    }
    let product = setup.start_in(folder).await.expect("a second start");
    // The demo's own key of the first time was taken away; the new one is the next version.
    let next = first.replace("version 1", "version 2").replace(
        "workspaces/demo/keys/openai/default v1",
        "workspaces/demo/keys/openai/default v2",
    );
    assert_eq!(demo(&product).await, next);
    let again = fs::read_to_string(product.state().join("keyway.env")).expect("keyway.env");
    let token = |text: &str| {
        text.lines()
            .find(|line| line.contains("CALL_TOKEN"))
            .map(str::to_owned)
    };
    assert_eq!(token(&again), token(&tokens));
}

#[tokio::test]
async fn the_figures_of_the_demo_follow_from_the_simulator() {
    let plain = demo(&Product::start().await).await;
    let setup = Setup::new().options(|options| options.token_factor = 3);
    let tripled = demo(&setup.start().await).await;
    let charge = |text: &str| -> u64 {
        let (_, rest) = text.split_once("HOSTED, charge 0.").expect("a charge");
        rest.split(' ')
            .next()
            .and_then(|digits| digits.parse().ok())
            .expect("digits")
    };
    assert_eq!(charge(&tripled), 3 * charge(&plain));
}

#[tokio::test]
async fn a_key_of_somebody_is_left_alone_by_the_demo() {
    let product = Product::start().await;
    let admin = product.admin();
    let key = admin
        .put_key(DEMO, "openai", "sk-keyway-test-somebody")
        .await
        .expect("a key");
    assert!(demo(&product).await.contains("anthropic/"));
    for provider in ["anthropic", "google", "mistral"] {
        admin
            .put_key(DEMO, provider, "sk-keyway-test-somebody")
            .await
            .expect("a key");
    }
    assert!(demo(&product).await.is_empty() || demo(&product).await.contains("Demo skipped"));
    let (attempt, _) = product.caller().chat_once("openai/gpt-5-mini").await;
    assert_eq!(
        (attempt.source(), attempt.key_version),
        (Source::Own, key.version)
    );
}

#[tokio::test]
async fn a_provider_with_a_key_in_the_environment_is_real_and_the_others_are_simulated() {
    let setup = Setup::new();
    let elsewhere = format!("http://{}/openai/v1", setup.simulator());
    let setup = setup
        .with("OPENAI_API_KEY", "sk-keyway-test-real-openai-4711")
        .with("KEYWAY_ROUTER__PROVIDERS__OPENAI__BASE_URL", &elsewhere);
    let mut product = setup.start().await;
    assert!(
        product
            .said
            .contains("openai: real, with the key of OPENAI_API_KEY (…4711)"),
        "{}",
        product.said
    );
    assert!(
        product
            .said
            .contains("anthropic, exa, google, mistral: at the simulator"),
        "{}",
        product.said
    );
    assert!(
        demo(&product).await.contains("anthropic/"),
        "the demo spends no real money"
    );

    product.caller().chat_once("openai/gpt-5-mini").await;
    let journal = product.simulator().journal().await;
    let request = journal
        .iter()
        .find(|entry| entry["provider"] == "openai")
        .expect("a request");
    assert_eq!(request["credential"]["last4"], "4711");
    for part in [Part::Vault, Part::Router, Part::ProviderSim] {
        // The services are not dumpable, so that only root may look.
        let environment = match fs::read(format!("/proc/{}/environ", product.id(part))) {
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => continue,
            read => read.expect("linux"),
        };
        let environment = String::from_utf8_lossy(&environment).into_owned();
        assert!(
            !environment.contains("sk-keyway-test-real"),
            "{} was given the key",
            part.as_str()
        );
    }
}

#[tokio::test]
async fn the_demo_is_skipped_where_it_would_spend_money() {
    let setup = Setup::new().with("OPENAI_API_KEY", "sk-keyway-test-real-openai");
    let product = setup
        .with("ANTHROPIC_API_KEY", "sk-ant-keyway-test-real")
        .with("GEMINI_API_KEY", "keyway-test-google-real")
        .with("MISTRAL_API_KEY", "keyway-test-mistral-real")
        .start()
        .await;
    assert!(demo(&product).await.starts_with("Demo skipped: "));
    assert!(product.simulator().journal().await.is_empty());
    let folder = product.stop().await;

    // Without the keys it is the simulator again, and the real key does not go there.
    let product = Setup::new().start_in(folder).await.expect("a start");
    demo(&product).await;
    let journal = product.simulator().journal().await;
    assert!(
        !journal.is_empty()
            && journal
                .iter()
                .all(|entry| entry["credential"]["last4"] != "real")
    );
}

#[tokio::test]
async fn everything_that_it_keeps_is_private() {
    let product = Product::start().await;
    product.caller().chat_once("openai/gpt-5-mini").await;
    private(product.state());
    for name in [
        "master.key",
        "operator.token",
        "router.token",
        "keyway.env",
        "vault.db",
        "ledger.db",
    ] {
        assert!(product.state().join(name).exists(), "{name}");
    }
}

/// Checks a folder and everything in it.
fn private(folder: &Path) {
    let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(folder), 0o700, "{}", folder.display());
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            private(&path);
        } else {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn a_lost_master_key_is_never_replaced_by_a_new_one() {
    let folder = Product::start().await.stop().await;
    let key = folder.path().join(".keyway/master.key");
    fs::remove_file(&key).expect("the key was there");
    let state = folder.path().join(".keyway");
    let error = Setup::new()
        .start_in(folder)
        .await
        .err()
        .expect("a refusal")
        .to_string();
    assert!(error.contains("bring the key back"), "{error}");
    assert!(!error.contains('\n') && !state.join("master.key").exists());
}

#[tokio::test]
async fn a_simulator_that_can_not_start_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join(".keyway/provider-sim.journal")).expect("a folder");
    let started = timeout(BOUND, Setup::new().start_in(folder)).await;
    let error = started
        .expect("an answer")
        .err()
        .expect("a refusal")
        .to_string();
    assert!(error.starts_with("the provider-sim stopped: "), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_told_with_the_setting_that_moves_it() {
    for (variable, _) in keyway::settings::LISTENERS {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = taken.local_addr().expect("an address").to_string();
        let folder = tempfile::tempdir().expect("a folder");
        let started = Setup::new().with(variable, &address).start_in(folder).await;
        let error = format!("{:#}", started.err().expect("a refusal"));
        assert!(
            error.contains(variable) && error.contains(&address),
            "{error}"
        );
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_setting_of_a_service_is_the_launchers_error_in_one_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = Setup::new().with("KEYWAY_ROUTER__LEASE__STALE_BOUND", "soon");
    let error = format!(
        "{:#}",
        setup.start_in(folder).await.err().expect("a refusal")
    );
    for part in [
        "the router stopped",
        "KEYWAY_ROUTER__LEASE__STALE_BOUND",
        "accepted",
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert!(!error.contains('\n'), "{error}");
}

/// The launcher as a process of its own, when it serves; its folder.
async fn launched() -> (Child, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = Setup::new()
        .command(&folder.path().join(".keyway"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let serving = async {
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.starts_with("Serving: ") {
                return;
            }
        }
        panic!("it ended before it served");
    };
    timeout(BOUND, serving).await.expect("it serves in time");
    // Nobody reads what it says from here on, and it goes on.
    (child, folder)
}

/// Processes whose command line names this folder.
fn processes_of(folder: &Path) -> usize {
    let name = folder.display().to_string();
    let entries = fs::read_dir("/proc").expect("linux").flatten();
    let command_line = |entry: fs::DirEntry| fs::read(entry.path().join("cmdline")).ok();
    let all = entries.filter_map(command_line);
    all.filter(|line| String::from_utf8_lossy(line).contains(&name))
        .count()
}

#[tokio::test]
async fn nothing_outlives_a_launcher_that_is_killed() {
    let (mut child, folder) = launched().await;
    assert_eq!(processes_of(folder.path()), 4);
    child.kill().await.expect("it can be killed");
    let gone = async || (processes_of(folder.path()) == 0).then_some(());
    wait_for("the processes to end with their launcher", gone).await;
}

#[tokio::test]
async fn a_signal_stops_everything_in_order_and_is_a_success() {
    for signal in ["INT", "TERM"] {
        let (mut child, folder) = launched().await;
        let id = child.id().expect("it runs").to_string();
        let kill = format!("kill -{signal} {id}");
        let sent = std::process::Command::new("sh")
            .args(["-c", &kill])
            .status();
        assert!(sent.expect("a shell").success());
        let status = timeout(BOUND, child.wait())
            .await
            .expect("in time")
            .expect("it ends");
        assert_eq!(status.code(), Some(0), "after SIG{signal}");
        assert_eq!(processes_of(folder.path()), 0);
    }
}
