//! The seed corpora of the fuzz targets that read logs, replayed: every input that was ever of interest still passes.
//!
//! `cargo fuzz` looks for new ones; see `fuzz/README.md`.

#[path = "../../fuzz/src/logs/mod.rs"]
mod logs;

use std::fs;
use std::path::{Path, PathBuf};

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
