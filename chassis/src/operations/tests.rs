use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};

use tokio::runtime::Handle;

use super::*;

const FEED: Condition = Condition::needed("vault_feed");
const LEDGER: Condition = Condition::needed("ledger");
const RELAY: Condition = Condition::useful("relay");

/// Without the runtime's help: it may be blocked.
fn read(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn until(address: SocketAddr, path: &str, part: &str) -> String {
    for _ in 0..3_000 {
        let text = read(address, path);
        if text.contains(part) {
            return text;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("{path} never said {part}: {}", read(address, path));
}

/// One for all tests of this process.
fn metrics() -> Metrics {
    static INSTALLED: std::sync::OnceLock<Metrics> = std::sync::OnceLock::new();
    INSTALLED
        .get_or_init(|| Metrics::install().unwrap())
        .clone()
}

struct Running {
    readiness: Readiness,
    tasks: Tasks,
    shutdown: Shutdown,
    address: SocketAddr,
}

async fn start(blocked_after: Duration) -> Running {
    let readiness = Readiness::new(&[FEED, LEDGER, RELAY]);
    let (tasks, shutdown) = (Tasks::new(), Shutdown::new());
    let shown = Shown {
        readiness: readiness.clone(),
        metrics: metrics(),
        blocked_after,
    };
    let any = ([127, 0, 0, 1], 0).into();
    let address = serve(any, shown, &tasks, &shutdown).await.unwrap();
    Running {
        readiness,
        tasks,
        shutdown,
        address,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_tells_what_is_missing_and_recovers_by_itself() {
    let running = start(Duration::from_mins(1)).await;
    let (address, readiness) = (running.address, &running.readiness);
    let text = read(address, "/readyz");
    assert!(
        text.starts_with("HTTP/1.1 503") && text.contains("started"),
        "{text}"
    );
    readiness.set(STARTED, true);
    readiness.set(FEED, false);
    readiness.set(LEDGER, true);
    let text = read(address, "/readyz");
    assert!(
        text.ends_with(r#"{"ready":false,"missing":["vault_feed"]}"#),
        "{text}"
    );
    let text = read(address, "/metrics");
    assert!(
        text.contains("keyway_ready{condition=\"vault_feed\"} 0"),
        "{text}"
    );
    readiness.set(FEED, true);
    until(address, "/readyz", "HTTP/1.1 200");
    readiness.set(RELAY, false);
    let text = read(address, "/readyz");
    assert!(
        text.starts_with("HTTP/1.1 200")
            && text.ends_with(r#"{"ready":true,"missing":[],"degraded":["relay"]}"#),
        "{text}"
    );
    readiness.set(RELAY, true);
    let text = read(address, "/readyz");
    assert!(!text.contains("degraded"), "{text}");
    assert!(read(address, "/livez").starts_with("HTTP/1.1 200"));
    ::metrics::counter!("keyway_sample_total").increment(2);
    assert!(read(address, "/metrics").contains("keyway_sample_total 2"));
    running.shutdown.begin();
    assert!(running.tasks.wait(Duration::from_secs(5)).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_runtime_is_not_ready_then_not_alive_and_both_again_when_it_goes_on() {
    let running = start(Duration::from_secs(2)).await;
    let (address, readiness) = (running.address, &running.readiness);
    for condition in [STARTED, FEED, LEDGER] {
        readiness.set(condition, true);
    }
    until(address, "/readyz", "HTTP/1.1 200");
    let gate = Arc::new((Mutex::new(true), Condvar::new()));
    for _ in 0..Handle::current().metrics().num_workers() {
        let gate = Arc::clone(&gate);
        tokio::spawn(async move {
            let (shut, opens) = &*gate;
            drop(opens.wait_while(shut.lock().unwrap(), |shut| *shut));
        });
    }
    let text = until(address, "/readyz", r#""missing":["runtime"]"#);
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    let text = until(address, "/livez", "HTTP/1.1 503");
    assert!(text.contains("no task of it ran for"), "{text}");
    let text = read(address, "/metrics");
    assert!(
        text.contains("keyway_ready{condition=\"runtime\"} 0"),
        "{text}"
    );
    *gate.0.lock().unwrap() = false;
    gate.1.notify_all();
    until(address, "/livez", "HTTP/1.1 200");
    until(address, "/readyz", "HTTP/1.1 200");
    running.shutdown.begin();
    assert!(running.tasks.wait(Duration::from_secs(5)).await.is_empty());
}
