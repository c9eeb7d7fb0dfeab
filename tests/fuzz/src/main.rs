//! The fuzzing program: libFuzzer around the target that the environment names.

#![no_main]

use std::sync::LazyLock;

use keyway_fuzz::TARGETS;

const VARIABLE: &str = "KEYWAY_FUZZ_TARGET";

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var_os(VARIABLE).unwrap_or_default();
    let found = TARGETS.iter().find(|(name, _)| wanted == *name);
    let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    assert!(found.is_some(), "{VARIABLE} must be one of {names:?}");
    found.map_or(|_| (), |(_, holds)| *holds)
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| TARGET(data));
