//! Figures of one kind, printed as one line.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// Prints least, median, 99th of 100 and most.
pub(crate) fn line(what: &str, mut taken: Vec<Duration>) {
    taken.sort();
    let at = |share: usize| {
        let place = (taken.len() * share / 100).min(taken.len().saturating_sub(1));
        taken
            .get(place)
            .map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
    };
    println!(
        "{what:<58} {:>8.3} / {:>8.3} / {:>8.3} / {:>8.3}  ({})",
        at(0),
        at(50),
        at(99),
        at(100),
        taken.len()
    );
}

/// How long the disk takes to sync a small write: the floor of every group commit.
#[expect(
    clippy::disallowed_methods,
    reason = "a bench measures real time outside of a runtime"
)]
pub(crate) fn disk_sync(folder: &Path) {
    let path = folder.join("bench.sync");
    let mut file = File::create(&path).expect("a file");
    let taken = (0..200)
        .map(|_round| {
            let start = Instant::now();
            file.write_all(&[0; 4096]).expect("a write");
            file.sync_data().expect("a sync");
            start.elapsed()
        })
        .collect();
    std::fs::remove_file(path).expect("the file goes");
    line("the disk: one write of 4 KiB with sync", taken);
}
