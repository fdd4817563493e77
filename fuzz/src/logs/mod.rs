//! One function per fuzz target that reads logs. It takes any bytes, and it panics if and only if a promise is broken.

#![allow(unreachable_pub, reason = "included by a test binary too, from which nothing is reachable")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a check fails")]

mod access;
mod alb;
mod clock;
mod csv;
mod json;
mod rows;
mod trace;
mod w3c;

pub use access::log_access;
pub use alb::log_alb;
pub use clock::log_clock;
pub use csv::log_csv;
pub use json::log_json;
use tollgate_lab::log::{Format, LogError, Options, read_bytes};
pub use trace::log_trace;
pub use w3c::log_w3c;

/// Any bytes as a log of this format: they are one, or what is wrong is told in one line.
fn any(data: &[u8], format: Format) {
    // In half of the cases some lines may be wrong.
    let skip = (data.len() % 2 == 0).then_some(1_000_000);
    let options = Options { format: Some(format), skip_per_million: skip, ..Options::default() };
    match read_bytes(data, &options) {
        Err(LogError::Read(_)) => assert!(data.starts_with(&[0x1f, 0x8b]), "memory does not fail"),
        Err(error) if !data.starts_with(&[0x1f, 0x8b]) => one_line(&error, data),
        Err(_) => {}
        Ok(traffic) => assert!(traffic.steps.is_sorted_by_key(|step| step.at)),
    }
}

/// What is wrong is told in one line, and names a line that is there.
fn one_line(error: &LogError, data: &[u8]) {
    let text = error.to_string();
    assert!(!text.is_empty() && !text.contains('\n'), "{text:?} is not one line");
    if let LogError::Line { line, .. } | LogError::Skipped { line, .. } = error {
        let lines = data.split(|&byte| byte == b'\n').count();
        assert!(
            *line >= 1 && usize::try_from(*line).is_ok_and(|line| line <= lines),
            "line {line} of {lines}"
        );
    }
}
