//! One function per fuzz target that reads logs. It takes any bytes, and it panics if and only if a promise is broken.

#![allow(unreachable_pub, reason = "included by a test binary too, from which nothing is reachable")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a check fails")]

mod trace;

use tollgate_lab::log::LogError;
pub use trace::log_trace;

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
