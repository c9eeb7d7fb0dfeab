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

/// Bytes of its memory that are there.
pub(crate) fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("a process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.expect("a size") << 10
}
