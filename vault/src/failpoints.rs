//! Dies right after the n-th statement of an operation, COMMIT included, so that a test can show what
//! a crash at each of them leaves behind; or blocks the runtime, so that a test can show what notices.
//!
//! Only in builds with both the feature `failpoints` and debug assertions: no release build has it.
//! `VAULT_FAILPOINT=rewrap:7` arms it for one process; with `block:FILE` every worker is blocked while
//! the file is there.

#[cfg(all(feature = "failpoints", debug_assertions))]
mod armed {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tokio::runtime::Handle;

    tokio::task_local! {
        static OPERATION: &'static str;
    }

    /// Runs a part of an operation: its statements count.
    pub(crate) async fn during<T>(name: &'static str, part: impl Future<Output = T>) -> T {
        OPERATION.scope(name, part).await
    }

    /// A statement was done.
    pub(crate) fn statement() {
        static ARMED: OnceLock<Option<(String, u64)>> = OnceLock::new();
        static DONE: AtomicU64 = AtomicU64::new(0);
        let Some((name, last)) = ARMED.get_or_init(read) else {
            return;
        };
        let counts = OPERATION.try_with(|operation| operation == name);
        if counts == Ok(true) && DONE.fetch_add(1, Ordering::SeqCst).saturating_add(1) == *last {
            std::process::abort();
        }
    }

    /// Blocks every worker of this runtime while the file is there, if it is armed so.
    pub(crate) fn block_while_told() {
        let armed = std::env::var_os("VAULT_FAILPOINT");
        let Some(file) = (armed.as_deref())
            .and_then(|text| text.to_str())
            .and_then(|text| text.strip_prefix("block:"))
            .map(PathBuf::from)
        else {
            return;
        };
        let runtime = Handle::current();
        std::thread::spawn(move || {
            loop {
                if file.exists() {
                    let blocked = (0..runtime.metrics().num_workers()).map(|_| {
                        let file = file.clone();
                        runtime.spawn(async move { wait_while(|| file.exists()) })
                    });
                    drop(blocked.collect::<Vec<_>>());
                    wait_while(|| file.exists());
                }
                std::thread::park_timeout(LOOK);
            }
        });
    }

    fn wait_while(is_so: impl Fn() -> bool) {
        while is_so() {
            std::thread::park_timeout(LOOK);
        }
    }

    const LOOK: Duration = Duration::from_millis(20);

    fn read() -> Option<(String, u64)> {
        let text = std::env::var_os("VAULT_FAILPOINT")?;
        let (name, last) = text.to_str()?.split_once(':')?;
        Some((name.to_owned(), last.parse().ok()?))
    }
}

#[cfg(not(all(feature = "failpoints", debug_assertions)))]
mod armed {
    /// The part alone.
    pub(crate) fn during<T>(
        _name: &'static str,
        part: impl Future<Output = T>,
    ) -> impl Future<Output = T> {
        part
    }

    /// Nothing.
    pub(crate) const fn statement() {}

    /// Nothing.
    pub(crate) const fn block_while_told() {}
}

pub(crate) use self::armed::{block_while_told, during, statement};
