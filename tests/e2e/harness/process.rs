//! What the system says of a process.

use std::path::PathBuf;

/// Sockets that a process has open.
pub(crate) fn sockets(process: u32) -> usize {
    let entries = std::fs::read_dir(PathBuf::from(format!("/proc/{process}/fd")));
    let targets = entries
        .expect("a process")
        .flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok());
    targets
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

/// Whether each of its threads is stopped, which a signal does in its own time.
pub(crate) fn is_stopped(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).expect("a process");
    let mut states = threads.flatten().map(|thread| {
        let told = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        // Behind its name, which stands in brackets and may hold some.
        told.rsplit_once(") ")
            .and_then(|(_, rest)| rest.chars().next())
    });
    states.all(|state| state == Some('T'))
}

/// Bytes of its memory that are there.
pub(crate) fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.expect("a size") << 10
}
