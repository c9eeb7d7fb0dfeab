//! What the system gives a process is used up: room on the disk, which a limit on the size of files
//! shows as a write that fails, and descriptors. Whatever needs more fails with its reason or waits;
//! nothing dies, nothing turns in circles, and when there is more it goes on by itself.

use std::net::SocketAddr;
use std::time::Duration;

use keyway::Part;
use keyway::ready::get;
use keyway_proto::Reason;
use keyway_proto::billing::v1::Source;
use keyway_proto::vault::v1::GetKeyRequest;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Status;

use crate::harness::{DEMO, Product, Setup, Speaker, ask, reason, wait_for};

const WARM: &str = "openai/gpt-5-mini";
const COLD: &str = "anthropic/claude-haiku-4-5";
/// Whatever takes this long hangs.
const HANGS: Duration = Duration::from_secs(15);
/// Room for a log of warnings, and not for one transaction.
const DISK: u64 = 12 << 10;
const DESCRIPTORS: u64 = 100;
/// What HTTP/2 begins with: the preface and empty settings (RFC 9113, section 3.4).
const BEGIN: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const NO_MORE: &str = "no connection can be taken now";
/// How long a listener rests that can't take a connection.
const REST: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_disk_that_takes_no_more_stops_changes_and_leases_and_nothing_else_until_it_does() {
    let setup = Setup::new()
        .with("KEYWAY_VAULT__AUDIT__CHECK_INTERVAL", "200ms")
        .with("KEYWAY_VAULT__LOG__LEVEL", "warn");
    let mut product = setup.start().await;
    store(&product, "openai").await.expect("stored");
    store(&product, "anthropic").await.expect("stored");
    product.until_served_by(WARM, Source::Own).await;

    limit(&mut product, Part::Vault, Resource::Fsize, Some(DISK));
    let before = version(&product).await;
    // Not the first one alone: what follows a commit that failed must not be taken for done.
    for _ in 0..3 {
        let refused = store(&product, "openai").await.unwrap_err();
        let why = reason(&refused);
        assert_eq!(why, Some(Reason::AuditUnavailable), "{refused:?}");
    }
    readiness(&product, "\"audit\"").await;
    // The router has this key, and may not have that one.
    product.until_served_by(WARM, Source::Own).await;
    let called = timeout(HANGS, product.caller().chat(ask(COLD))).await;
    let refused = called.expect("in time").unwrap_err();
    assert_eq!(reason(&refused), Some(Reason::VaultUnavailable));
    assert_eq!(version(&product).await, before, "nothing was done");
    let log = product.log(Part::Vault);
    assert!(log.contains("the audit trail can't be written"), "{log}");

    limit(&mut product, Part::Vault, Resource::Fsize, None);
    readiness(&product, "").await;
    store(&product, "openai").await.expect("stored");
    product.until_served_by(COLD, Source::Own).await;
    // On disk, and not only in a transaction that is open.
    product.kill(Part::Vault).await;
    product.start_again(Part::Vault).await;
    assert_eq!(version(&product).await, before + 1);
}

#[tokio::test]
async fn connections_that_take_every_descriptor_of_the_vault_hold_new_ones_up_and_no_call() {
    let mut product = Product::start().await;
    let here = product.admin();
    store_by(&here).await.expect("stored");
    let address = product.running.site.addresses.vault;
    let idle = take_all(&mut product, Part::Vault, address).await;
    store_by(&here)
        .await
        .expect("a connection that was there goes on");
    rests(&product, Part::Vault).await;

    let there = product.admin();
    let waiting = tokio::spawn(async move { store_by(&there).await });
    drop(idle);
    let served = timeout(HANGS, waiting).await.expect("in time");
    served
        .expect("no panic")
        .expect("a connection that waited is served");
    readiness(&product, "").await;
    let _still_running = product.id(Part::Vault);
}

#[tokio::test]
async fn connections_that_take_every_descriptor_of_the_router_hold_new_ones_up_and_it_goes_on_after()
 {
    let mut product = Product::start().await;
    let here = product.caller();
    here.chat(ask(WARM)).await.expect("an answer");
    let address = product.running.site.addresses.router;
    let idle = take_all(&mut product, Part::Router, address).await;
    // It may need a connection to the provider that it can't make; it does not wait for one.
    let called = timeout(HANGS, here.chat(ask(WARM))).await;
    if let Err(refused) = called.expect("in time") {
        assert_eq!(reason(&refused), Some(Reason::ProviderUnavailable));
    }
    rests(&product, Part::Router).await;

    let there = product.caller();
    let waiting = tokio::spawn(async move { there.chat(ask(WARM)).await.map(drop) });
    drop(idle);
    let served = timeout(HANGS, waiting).await.expect("in time");
    served
        .expect("no panic")
        .expect("a connection that waited is served");
    let _still_running = product.id(Part::Router);
}

/// Sets what a running process may have; `None` is what this process may.
pub(crate) fn limit(product: &mut Product, part: Part, resource: Resource, most: Option<u64>) {
    let own = getrlimit(resource);
    let limit = Rlimit {
        current: most.or(own.current),
        maximum: own.maximum, // which, once lowered, only root could raise again
    };
    let id = i32::try_from(product.id(part)).expect("an id");
    prlimit(Pid::from_raw(id), resource, limit).expect("a limit");
}

/// Opens connections and leaves them idle, until the process can take no more.
async fn take_all(product: &mut Product, part: Part, address: SocketAddr) -> Vec<TcpStream> {
    limit(product, part, Resource::Nofile, Some(DESCRIPTORS));
    let mut idle = Vec::new();
    for _ in 0..=DESCRIPTORS {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(BEGIN).await.expect("sent");
        idle.push(stream);
    }
    let full = async || product.log(part).contains(NO_MORE).then_some(());
    wait_for("a process without descriptors", full).await;
    idle
}

/// A listener that tried again and again without a rest would have said so ten times as often, and
/// far more.
async fn rests(product: &Product, part: Part) {
    let count = || product.log(part).matches(NO_MORE).count();
    let before = count();
    let more = async || (count() >= before + 5).then_some(());
    let ((), elapsed) = wait_for("more tries", more).await;
    let tries = u128::try_from(count() - before).expect("a count");
    let right = elapsed.as_millis() / REST.as_millis() + 1;
    assert!(tries <= right * 10, "{tries} tries in {elapsed:?}");
}

async fn store(product: &Product, provider: &str) -> Result<(), Status> {
    let admin = product.admin();
    let put = admin.put_key(DEMO, provider, "sk-keyway-test-exhausted-0001");
    timeout(HANGS, put).await.expect("in time").map(drop)
}

async fn store_by(admin: &Speaker) -> Result<(), Status> {
    let put = admin.put_key(DEMO, "openai", "sk-keyway-test-exhausted-0002");
    put.await.map(drop)
}

async fn version(product: &Product) -> u64 {
    let request = GetKeyRequest {
        name: format!("{DEMO}/keys/openai/default"),
    };
    let key = product.admin().vault.keys().get_key(request).await;
    let key = key.expect("reads go on").into_inner().key;
    key.expect("a key").version
}

/// Waits until the vault is ready, or says what it lacks.
async fn readiness(product: &Product, lacks: &str) {
    let address = product.running.site.addresses.vault_operations;
    let seen = async || {
        let (status, body) = get(address, "/readyz").await.ok()?;
        let is_so = (status == 200) == lacks.is_empty() && body.contains(lacks);
        is_so.then_some(())
    };
    wait_for("readiness", seen).await;
}
