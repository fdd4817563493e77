//! Checks what the text says about the source: the labels at the sites, the tables above them, and the tests they name.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// The cores: the end of the path, and the text as it was compiled.
const CORES: [(&str, &str); 7] = [
    ("algorithm/one_word.rs", include_str!("../../src/algorithm/one_word.rs")),
    ("token_bucket/announced.rs", include_str!("../../src/algorithm/token_bucket/announced.rs")),
    ("sliding_log/mod.rs", include_str!("../../src/algorithm/sliding_log/mod.rs")),
    ("sliding_log/refusal.rs", include_str!("../../src/algorithm/sliding_log/refusal.rs")),
    ("keyed/table.rs", include_str!("../../src/keyed/table.rs")),
    ("clock/anchored.rs", include_str!("../../src/clock/anchored.rs")),
    ("src/pause.rs", include_str!("../../src/pause.rs")),
];

/// The label at the end of a line that performs an atomic operation: `self.head.load(Acquire) // H`.
fn label(line: &str) -> Option<&str> {
    let (code, label) = line.rsplit_once("// ")?;
    (label.len() == 1
        && [".load(", ".store(", ".compare_exchange", ".fetch_max("].iter().any(|call| code.contains(call)))
    .then_some(label)
}

/// The label of one line of a core.
pub(crate) fn label_at(path: &str, line: u32) -> Option<&'static str> {
    let (_, text) = CORES.iter().find(|(file, _)| path.ends_with(file))?;
    label(text.lines().nth(line as usize - 1)?)
}

/// A row of a core's Orderings: the label, and what holds it.
fn row(line: &str) -> Option<(&str, &str)> {
    let (label, rest) = line.strip_prefix("//! | ")?.split_once(" | ")?;
    (label.len() == 1).then_some((label, rest.rsplit_once(" | ")?.1))
}

/// The second column of a promise in `tests/README.md`.
fn promise(line: &str) -> Option<&str> {
    line.strip_prefix("| **")?.split_once(" | ").map(|cells| cells.1)
}

/// Each row of a core's table has one site, and each site a row.
#[test]
fn every_site_has_its_row() {
    for (file, text) in CORES {
        let mut labels: Vec<&str> = text.lines().filter_map(row).map(|(label, _)| label).collect();
        let mut sites: Vec<&str> = text.lines().filter_map(label).collect();
        labels.sort_unstable();
        sites.sort_unstable();
        assert!(!labels.is_empty(), "{file}: no table");
        assert_eq!(labels, sites, "{file}");
    }
}

/// The third column of the row with this label: `Acquire`, or `Release, Relaxed`.
fn ordering<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let row = text.lines().find(|line| row(line).is_some_and(|(of, _)| of == label))?;
    row.split(" | ").nth(3)
}

/// Nothing is atomic but at the labelled sites, and each has the ordering that its row says.
#[test]
fn every_ordering_is_the_one_of_its_row() {
    for (file, text) in CORES {
        let code =
            text.lines().filter(|line| !line.trim_start().starts_with("//") && !line.starts_with("use "));
        for line in code {
            let orders = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];
            if orders.iter().any(|order| line.contains(order)) {
                let label = label(line).unwrap_or_else(|| panic!("{file}: no label: {line}"));
                let ordering = ordering(text, label).expect("a row for each site");
                assert!(line.contains(&format!("{ordering})")), "{file}: {label} is not {ordering}: {line}");
            }
        }
    }
}

/// The functions marked as tests in the files under `path`, and the files' own names and folders.
fn collect(path: &Path, tests: &mut HashSet<String>) {
    tests.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(&entry.unwrap().path(), tests);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let text = fs::read_to_string(path).unwrap();
        for test in text.split("#[test]\n").skip(1) {
            let name = test.split_once("fn ").and_then(|(_, rest)| rest.split_once('(')).unwrap().0;
            tests.insert(String::from(name));
        }
    }
}

/// Every test that a table names exists.
#[test]
fn every_test_that_is_named_exists() {
    let mut tests = HashSet::new();
    for folder in ["tests", "redis/tests", "redis/examples"] {
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut tests);
    }

    let held_by = CORES.iter().flat_map(|(_, text)| text.lines().filter_map(row)).map(|(_, tests)| tests);
    let promised = include_str!("../README.md").lines().filter_map(promise);
    let quoted = held_by.chain(promised).flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let name =
        |quoted: &&str| quoted.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    let names: Vec<&str> = quoted.filter(name).collect();
    for name in &names {
        assert!(tests.contains(*name), "{name} is no test");
    }
    assert!(names.len() > 50, "only {} names were found", names.len());
}
