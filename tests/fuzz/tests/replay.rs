//! The corpus of every target, replayed: what once was interesting to a fuzzer still holds.

use std::fs;
use std::path::Path;

use keyway_fuzz::TARGETS;

#[test]
fn every_input_of_every_corpus_holds() {
    for (name, holds) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let inputs = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut replayed = 0;
        for input in inputs {
            let path = input.expect("an entry").path();
            holds(&fs::read(&path).expect("an input"));
            replayed += 1;
        }
        assert!(replayed >= 5, "{name} has a corpus of {replayed} only");
    }
}

#[test]
fn every_short_input_holds() {
    for (_, holds) in TARGETS {
        holds(&[]);
        for first in 0..=u8::MAX {
            holds(&[first]);
            holds(&[first, 0xff]);
        }
    }
}
