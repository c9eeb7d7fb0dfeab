//! The vault as its callers see it: real listeners on loopback, a real SQLite file, the real layers.

mod access;
mod audit;
mod damage;
mod ending;
mod feed;
mod harness;
mod health;
mod idp;
mod idp_trouble;
pub(crate) mod issuer;
mod keys;
mod lease;
mod lists;
mod load;
mod people;
mod plans;
mod service_accounts;
mod sign_in;
mod start;
mod unknown;
mod workspaces;

/// The suite in a process of its own, which takes its databases from a private PostgreSQL. To run one
/// test there by hand, set the same variable.
#[cfg(feature = "external")]
#[test]
fn the_whole_suite_passes_on_postgres_too() {
    use std::process::Command;

    if harness::on_postgres() {
        return; // this is that process
    }
    let this = std::env::current_exe().unwrap();
    let run = Command::new(this)
        .arg("tests::")
        .env("KEYWAY_TEST_DATABASE", "postgres")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("test result: ok."), "{said}");
}
