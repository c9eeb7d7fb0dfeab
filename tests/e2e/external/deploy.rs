//! What is shipped for a cluster: manifests that keep their promises, configurations that the
//! services take, images that run.

use std::path::Path;
use std::process::Command;

use crate::config::check;
use crate::docs::root;

/// Runs a program in the repository; what it said.
fn run(program: &str, args: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(root())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .map_err(|error| format!("{program}: {error}; .ci/run installs what these tests need"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

#[test]
fn every_overlay_keeps_its_promises_and_no_removal_of_one_goes_unnoticed() {
    let overlays = "deploy/kubernetes/overlays";
    let said = run("python3", &["tests/deploy/kubernetes.py", overlays]);
    said.unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn the_images_run_read_only_without_rights_and_work_together() {
    let said = run("tests/deploy/images.sh", &[]);
    said.unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn the_services_take_the_configurations_of_the_manifests() {
    for service in ["vault", "router"] {
        let file = format!("deploy/kubernetes/base/{service}/{service}.toml");
        let variable = match service {
            "vault" => "KEYWAY_VAULT__DATABASE__URL",
            _ => "KEYWAY_ROUTER__LEDGER__URL",
        };
        let url = "postgres://keyway@db.example/keyway?sslmode=verify-full&sslrootcert=/etc/keyway/database/ca.crt";
        let path = root().join(Path::new(&file));
        let checked = check(service, Some(&path), Some((variable, url)));
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{file}: {said}");
    }
}
