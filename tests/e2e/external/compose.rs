//! The Compose file for one machine: its commands, mounts, users and order as processes, by the session of `docs/compose.md`.

use std::path::Path;
use std::process::Command;

use serde_json::{Deserializer, Value};

use crate::docs::{read, root};

const BLOCK: &str = "```sh run\n";
const SIMULATOR: &str = "127.0.0.1:7129";
const PLATFORM_KEY: &str = "sk-keyway-compose-platform-0001";

/// The page's session, behind a simulator that stands for the providers.
fn script() -> String {
    let page = read("docs/compose.md");
    let blocks = page.split(BLOCK).skip(1);
    let blocks: String = blocks
        .map(|rest| rest.split("```").next().expect("a block"))
        .collect();
    let (first, last) = blocks.split_once("compose down").expect("an end");
    format!(
        "\"$KEYWAY_PROGRAM\" --as provider-sim --listen {SIMULATOR} >/dev/null &\n\
         until exec 3<>/dev/tcp/{}; do :; done 2>/dev/null\n\
         {first}\ncompose down{last}",
        SIMULATOR.replace(':', "/")
    )
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(copied.expect("cp").success(), "{}", from.display());
}

/// Runs the session in a folder of its own; what it printed, and what the services logged.
fn session(folder: &Path) -> String {
    let deploy = folder.join("deploy");
    std::fs::create_dir(&deploy).expect("a folder");
    for part in ["compose", "consumer"] {
        copy(&root().join("deploy").join(part), &deploy.join(part));
    }
    let base = format!("http://{SIMULATOR}/openai/v1");
    let variables = serde_json::json!({"KEYWAY_ROUTER__PROVIDERS__OPENAI__BASE_URL": base});
    // Whatever is left running ends with the first process of the session.
    let output = Command::new("timeout")
        .args(["300", "unshare"])
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ])
        .arg("python3")
        .arg(root().join("tests/deploy/compose.py"))
        .arg("session")
        .arg(folder)
        .arg(script())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("KEYWAY_PROGRAM", env!("CARGO_BIN_EXE_keyway-tests"))
        .env("KEYWAY_ROUTER_VARIABLES", variables.to_string())
        .env("PLATFORM_KEY", PLATFORM_KEY)
        .output()
        .expect("unshare needs root");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}\n{}", logs(folder));
    said
}

fn logs(folder: &Path) -> String {
    let read = |name: &str| {
        let log = std::fs::read_to_string(folder.join(format!("compose/{name}.log")));
        format!("--- {name}\n{}", log.unwrap_or_default())
    };
    ["postgres", "nats", "vault", "router"].map(read).concat()
}

#[test]
fn the_commands_of_the_compose_file_serve_a_call_over_tls_and_bill_it_on_nats() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = session(folder.path());
    let found: Result<Vec<Value>, _> = Deserializer::from_str(&said).into_iter().collect();
    let found = found.unwrap_or_else(|error| panic!("{error}: {said}"));
    let [who, workspace, key, answer, bill, again] = found.as_slice() else {
        panic!("{said}");
    };
    assert_eq!(who["role"], "ROLE_OPERATOR");
    assert_eq!(workspace["workspace"]["name"], "workspaces/acme");
    assert_eq!(key["key"]["name"], "platform/keys/openai/default");
    let attempt = &answer["receipt"]["attempts"][0];
    assert_eq!(attempt["source"], "SOURCE_HOSTED");
    let charge = attempt["chargeUsd"].as_str().expect("a charge");
    let pico: i64 = charge.replace('.', "").parse().expect("an amount");
    let expected = serde_json::json!({"events": 1, "charge_pico": pico, "list_pico": pico});
    assert!(pico > 0);
    assert_eq!(bill["workspaces/acme"], expected, "{bill}");
    // With the certificates that were renewed meanwhile.
    assert_eq!(
        again["receipt"]["attempts"][0]["outcome"],
        "OUTCOME_COMPLETED"
    );
    let logs = logs(folder.path());
    assert!(logs.contains("Reloaded: tls"), "{logs}");
    let taken = logs.matches("are in force for new connections").count();
    assert!(taken >= 2, "{taken} of both services' listeners: {logs}");
    for secret in ["kwa_", "kwc_", "kwo_", PLATFORM_KEY] {
        assert!(!said.contains(secret) && !logs.contains(secret), "{secret}");
    }
}

/// The file as data.
fn file() -> Value {
    let read = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)";
    let file = std::fs::File::open(root().join("deploy/compose/compose.yaml"));
    let output = Command::new("python3")
        .args(["-c", read])
        .stdin(file.expect("the file"))
        .output();
    let output = output.expect("python3 is missing: .ci/run needs it");
    serde_json::from_slice(&output.stdout).expect("YAML: .ci/run installs PyYAML")
}

fn texts(list: &Value) -> Vec<&str> {
    let list = list.as_array().into_iter().flatten();
    list.map(|text| text.as_str().expect("text")).collect()
}

/// What the page promises of the file and it does not keep.
fn wrong(file: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut require = |holds: bool, what: &str, name: &str| {
        if !holds {
            wrong.push(format!("{name}: {what}"));
        }
    };
    for (name, service) in file["services"].as_object().expect("services") {
        let mounts = texts(&service["volumes"]);
        if name != "postgres" {
            require(service["read_only"] == true, "can write its root", name);
            require(texts(&service["cap_drop"]) == ["ALL"], "has rights", name);
            let options = texts(&service["security_opt"]);
            require(
                options == ["no-new-privileges:true"],
                "can get rights",
                name,
            );
            let user = service["user"].as_str().unwrap_or_default();
            require(user.starts_with("${KEYWAY_USER:?"), "runs as root", name);
        }
        if !["vault", "bootstrap", "new-master-key"].contains(&name.as_str()) {
            let mut own = mounts.iter().filter(|mount| mount.starts_with("./state"));
            let own = own.all(|mount| mount.starts_with(&format!("./state/{name}")));
            require(own, "sees secrets of another one", name);
        }
        let mut ports = texts(&service["ports"]).into_iter();
        require(
            ports.all(|port| port.starts_with("127.0.0.1:")),
            "is open to others",
            name,
        );
        if ["vault", "router", "nats"].contains(&name.as_str()) {
            require(
                service["restart"] == "unless-stopped",
                "does not come back",
                name,
            );
            require(
                service["stop_grace_period"] == "60s",
                "is killed before its drain ends",
                name,
            );
        } else {
            require(service["network_mode"] == "none", "has a network", name);
        }
    }
    require(
        file["networks"]["inside"]["internal"] == true,
        "is not inside",
        "inside",
    );
    wrong
}

#[test]
fn the_compose_file_keeps_its_promises_and_no_removal_of_one_goes_unnoticed() {
    let file = file();
    assert_eq!(wrong(&file), Vec::<String>::new());
    let mut removals = 0;
    for (name, service) in file["services"].as_object().expect("services") {
        let promises = [
            "read_only",
            "cap_drop",
            "security_opt",
            "user",
            "network_mode",
            "stop_grace_period",
            "restart",
        ];
        for promise in promises
            .into_iter()
            .filter(|promise| service.get(promise).is_some())
        {
            if name == "postgres" && promise != "network_mode" {
                continue;
            }
            let mut without = file.clone();
            let changed = without["services"][name]
                .as_object_mut()
                .expect("a service");
            changed.remove(promise);
            assert_eq!(wrong(&without).len(), 1, "{name} without {promise}");
            removals += 1;
        }
    }
    assert!(removals >= 30, "only {removals} were tried");
    let changes: [(&str, Value); 4] = [
        ("/services/router/ports/0", "7103:7103".into()),
        (
            "/services/router/volumes/0",
            "./state:/etc/keyway:ro".into(),
        ),
        (
            "/services/migrate-vault/volumes/0",
            "./state/vault:/etc/keyway:ro".into(),
        ),
        ("/networks/inside/internal", false.into()),
    ];
    for (place, value) in changes {
        let mut changed = file.clone();
        *changed.pointer_mut(place).expect("it is there") = value;
        assert_eq!(wrong(&changed).len(), 1, "{place}");
    }
}
