//! The seed corpora of the fuzz targets that read logs, replayed: every input that was ever of interest still passes.
//!
//! `cargo fuzz` looks for new ones; see `fuzz/README.md`.

#[path = "../../fuzz/src/logs/mod.rs"]
mod logs;

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 7] = [
    ("log_access", logs::log_access),
    ("log_alb", logs::log_alb),
    ("log_clock", logs::log_clock),
    ("log_csv", logs::log_csv),
    ("log_json", logs::log_json),
    ("log_trace", logs::log_trace),
    ("log_w3c", logs::log_w3c),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz").join(name)
}

/// The names in a folder of `fuzz/`, in order.
fn names(name: &str) -> Vec<String> {
    let folder = folder(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_target_has_a_corpus_and_is_replayed() {
    let of_logs = |mut names: Vec<String>| {
        names.retain(|name| name.starts_with("log_"));
        names
    };
    let replayed: Vec<String> = TARGETS.map(|(name, _)| name.to_owned()).to_vec();
    assert_eq!(of_logs(names("corpus")), replayed);
    let sources: Vec<String> = replayed.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(of_logs(names("fuzz_targets")), sources);
}

#[test]
fn every_seed_passes() {
    for (target, check) in TARGETS {
        let inputs = names(&format!("corpus/{target}"));
        assert!(!inputs.is_empty(), "no seeds in fuzz/corpus/{target}");
        for input in inputs {
            // Shown if it fails.
            println!("fuzz/corpus/{target}/{input}");
            check(&fs::read(folder("corpus").join(target).join(&input)).unwrap());
        }
    }
}

/// What `cargo fuzz` does for hours, for a moment: the seeds with some bytes changed, and any bytes.
#[test]
fn changed_seeds_pass_too() {
    let mut rng = Rng::with_seed(1);
    for (target, check) in TARGETS {
        let read = |input: String| fs::read(folder("corpus").join(target).join(input)).unwrap();
        let seeds: Vec<Vec<u8>> = names(&format!("corpus/{target}")).into_iter().map(read).collect();
        for _ in 0..500 {
            let mut bytes = rng.choice(&seeds).cloned().unwrap_or_default();
            bytes.extend((0..rng.usize(0..100)).map(|_| rng.u8(..)));
            for _ in 0..rng.usize(1..8) {
                let place = rng.usize(..bytes.len().max(1));
                let byte = *rng.choice(b"\0\n\r\t \",;:.-[]{}#\\09aZ\xff").unwrap_or(&0);
                match bytes.get_mut(place) {
                    Some(it) if rng.bool() => *it = byte,
                    _ => bytes.truncate(place),
                }
            }
            check(&bytes);
        }
    }
}
