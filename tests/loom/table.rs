//! The labels at the sites of the shipped source, read from the source itself.

/// The cores: the end of the path, and the text as it was compiled.
const CORES: [(&str, &str); 5] = [
    ("token_bucket/word.rs", include_str!("../../src/algorithm/token_bucket/word.rs")),
    ("token_bucket/pair.rs", include_str!("../../src/algorithm/token_bucket/pair.rs")),
    ("token_bucket/announced.rs", include_str!("../../src/algorithm/token_bucket/announced.rs")),
    ("sliding_log/mod.rs", include_str!("../../src/algorithm/sliding_log/mod.rs")),
    ("sliding_log/refusal.rs", include_str!("../../src/algorithm/sliding_log/refusal.rs")),
];

/// The label at the end of a line that performs an atomic operation: `self.head.load(Acquire) // H`.
fn label(line: &str) -> Option<&str> {
    let (code, label) = line.rsplit_once("// ")?;
    (label.len() == 1 && code.contains("self.")).then_some(label)
}

/// The label of one line of a core.
pub(crate) fn label_at(path: &str, line: u32) -> Option<&'static str> {
    let (_, text) = CORES.iter().find(|(file, _)| path.ends_with(file))?;
    label(text.lines().nth(line as usize - 1)?)
}

/// Each row of a core's table has one site, and each site a row.
#[test]
fn every_site_has_its_row() {
    for (file, text) in CORES {
        let row = |line: &'static str| line.strip_prefix("//! | ")?.split_once(" | ").map(|cells| cells.0);
        let mut rows: Vec<&str> = text.lines().filter_map(row).filter(|row| row.len() == 1).collect();
        let mut sites: Vec<&str> = text.lines().filter_map(label).collect();
        rows.sort_unstable();
        sites.sort_unstable();
        assert!(!rows.is_empty(), "{file}: no table");
        assert_eq!(rows, sites, "{file}");
    }
}
