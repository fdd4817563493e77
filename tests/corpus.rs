//! Replays the seeds of the fuzz targets: every input that was ever of interest still passes.
//!
//! `cargo fuzz` looks for new ones; see `fuzz/README.md`.

extern crate alloc;

#[path = "../fuzz/src/checks/mod.rs"]
mod checks;
mod oracle;
mod subjects;

use std::fs;
use std::path::Path;

type Check = fn(&[u8]);

const TARGETS: [(&str, Check); 10] = [
    ("http_date", checks::http_date),
    ("http_read", checks::http_read),
    ("http_structured", checks::http_structured),
    ("keyed_table", checks::keyed_table),
    ("locked", checks::locked),
    ("policy_text", checks::policy_text),
    ("sliding_log", checks::sliding_log),
    ("token_bucket_nominal", checks::token_bucket_nominal),
    ("token_bucket_strict", checks::token_bucket_strict),
    ("window_counter", checks::window_counter),
];

/// The names in a folder of `fuzz/`, in order.
fn names(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    // Those that read logs are replayed by the lab.
    names.retain(|name| !name.starts_with("log_"));
    names.sort();
    names
}

fn replay(target: &str) {
    let (_, check) = TARGETS.into_iter().find(|&(name, _)| name == target).unwrap();
    let folder = format!("corpus/{target}");
    let inputs = names(&folder);
    assert!(!inputs.is_empty(), "no seeds in fuzz/{folder}");
    for input in inputs {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(&folder).join(&input);
        // Shown if it fails.
        println!("fuzz/{folder}/{input}");
        check(&fs::read(path).unwrap());
    }
}

#[test]
fn every_target_has_a_corpus_and_is_replayed() {
    let replayed: Vec<String> = TARGETS.map(|(name, _)| name.to_owned()).to_vec();
    assert_eq!(names("corpus"), replayed);
    let sources: Vec<String> = replayed.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), sources);
}

#[test]
fn http_date() {
    replay("http_date");
}

#[test]
fn http_read() {
    replay("http_read");
}

#[test]
fn http_structured() {
    replay("http_structured");
}

#[test]
fn keyed_table() {
    replay("keyed_table");
}

#[test]
fn locked() {
    replay("locked");
}

#[test]
fn policy_text() {
    replay("policy_text");
}

#[test]
fn sliding_log() {
    replay("sliding_log");
}

#[test]
fn token_bucket_nominal() {
    replay("token_bucket_nominal");
}

#[test]
fn token_bucket_strict() {
    replay("token_bucket_strict");
}

#[test]
fn window_counter() {
    replay("window_counter");
}
