//! Requests made of any bytes, written as a log and read again: what was written is what is read.

use std::fmt::Write;
use std::time::Duration;

use tollgate_lab::log::{Filter, Format, Options, read_bytes};

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Seconds since 1970.
    pub(super) time: u32,
    pub(super) client: String,
    pub(super) path: String,
    pub(super) status: u16,
    pub(super) cost: u32,
}

/// What the fields of a format may hold.
pub(super) enum Text {
    /// Anything.
    Any,
    /// Letters and a few signs.
    Plain,
    /// The same, and quotes in paths: some logs do not escape them.
    Quotes,
}

/// A row for every 24 bytes.
fn rows(data: &[u8], text: &Text) -> Vec<Row> {
    let word = |bytes: &[u8]| bytes.iter().fold(0_u32, |word, &byte| word << 8 | u32::from(byte));
    let kept = |bytes: &[u8], more: &[char]| match text {
        Text::Any => String::from_utf8_lossy(bytes).trim().to_owned(),
        Text::Plain | Text::Quotes => {
            let plain =
                |byte: &u8| char::from(*byte).is_ascii_alphanumeric() || more.contains(&char::from(*byte));
            bytes.iter().filter(|byte| plain(byte)).map(|&byte| char::from(byte)).collect()
        }
    };
    let row = |bytes: &[u8]| Row {
        // Within ten years.
        time: 1_500_000_000 + word(&bytes[..4]) % 300_000_000,
        client: format!("c{}", kept(&bytes[4..12], &['.', '-', '_'])),
        path: format!(
            "/{}",
            kept(&bytes[12..20], if matches!(text, Text::Quotes) { &['/', '?', '"'] } else { &['/', '?'] })
        ),
        status: 100 + u16::from(bytes[20]) % 500,
        cost: word(&bytes[21..24]),
    };
    data.chunks_exact(24).map(row).collect()
}

/// Writes rows made of `data` by `line`, below `header`, and reads them back.
pub(super) fn round(
    data: &[u8],
    format: Format,
    text: &Text,
    header: &str,
    cost: &str,
    line: impl Fn(&Row) -> String,
) {
    let mut rows = rows(data, text);
    let Some(first) = rows.first().cloned() else { return };
    let mut log = String::from(header);
    for row in &rows {
        writeln!(log, "{}", line(row)).unwrap();
    }
    let options = Options {
        format: Some(format),
        cost: Some(cost.into()),
        out_of_order: Duration::MAX,
        skip_per_million: Some(0),
        ..Options::default()
    };
    let read = read_bytes(log.as_bytes(), &options).unwrap_or_else(|error| panic!("{error} in {log:?}"));
    rows.sort_by_key(|row| row.time);
    assert_eq!(read.steps.len(), rows.len(), "{log:?}");
    for (step, row) in read.steps.iter().zip(&rows) {
        assert_eq!(read.origin + step.at, u64::from(row.time) * 1_000_000_000, "{log:?}");
        assert_eq!(
            (read.clients.name(step.client), step.cost),
            (Some(row.client.trim()), row.cost),
            "{log:?}"
        );
    }
    // And the fields that only filters look at.
    let status = format!("status={}", first.status).parse().unwrap();
    let only = vec![Filter::prefix("path", first.path.trim()), status];
    let picked = read_bytes(log.as_bytes(), &Options { only, ..options }).expect("the first at least");
    let alike = |row: &&Row| row.status == first.status && row.path.trim().starts_with(first.path.trim());
    assert_eq!(picked.steps.len(), rows.iter().filter(alike).count(), "{log:?}");
}
