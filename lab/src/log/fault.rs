//! What is wrong with a log, and where exactly?

use std::fmt;
use std::io;
use std::time::Duration;

use super::LONGEST_LINE;
use super::clock::NoTime;
use crate::traffic::{instant, seconds};

/// Why a log was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// The input failed.
    Read(io::Error),
    /// There is nothing in it.
    Empty,
    /// No format fits.
    Unknown {
        /// The first line, cut.
        found: String,
        /// What would help.
        advice: String,
    },
    /// A field that was asked for is not there.
    NoField {
        /// The option that asked for it.
        option: &'static str,
        /// The field.
        name: String,
        /// The fields that are there.
        fields: String,
    },
    /// No request is in it, or none that passes the filters.
    NoEvents {
        /// Requests that the filters left out.
        filtered: u64,
    },
    /// A line is wrong. Lines are counted from 1.
    Line {
        /// Which.
        line: u64,
        /// What is wrong with it.
        fault: Fault,
    },
    /// More lines than allowed are no requests.
    Skipped {
        /// How many.
        skipped: u64,
        /// Of so many.
        lines: u64,
        /// The first of them.
        line: u64,
        /// What is wrong with the first of them.
        fault: Fault,
    },
    /// The requests lie further apart than limiters last.
    Span {
        /// The earliest time, and its line.
        from: (u64, u64),
        /// The latest time, and its line.
        to: (u64, u64),
    },
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Longer than [`LONGEST_LINE`].
    TooLong,
    /// Another number of fields than the header has.
    Fields {
        /// In the header.
        expected: usize,
        /// In the line.
        found: usize,
    },
    /// It is not in the format.
    Form {
        /// The format.
        format: &'static str,
        /// The line, cut.
        found: String,
    },
    /// A quoted field does not end.
    Quote,
    /// A field is missing.
    Missing(String),
    /// A field is no time.
    Time(NoTime),
    /// A field is no cost.
    Cost(String),
    /// Earlier than a line before it, by more than is sorted.
    Backwards {
        /// The latest time so far.
        from: u64,
        /// Its line.
        line: u64,
        /// The time of this line.
        to: u64,
        /// What is sorted.
        horizon: Duration,
    },
}

/// A piece of the file, short enough for a message.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.trim().chars().take(60).collect();
    if shown.len() < text.trim().len() {
        shown.push_str("...");
    }
    shown
}

impl std::error::Error for LogError {}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LogError::Read(error) => error.fmt(f),
            LogError::Empty => f.write_str("the file is empty"),
            LogError::Unknown { found, advice } => {
                write!(f, "the first line is {found:?}, which is none of the known formats ({})", known())?;
                write!(f, "; {advice}")
            }
            LogError::NoField { option, name, fields } => {
                write!(f, "{option} {name:?} is no field of this log; its fields are {fields}")
            }
            LogError::NoEvents { filtered: 0 } => f.write_str("there is no request in it"),
            LogError::NoEvents { filtered } => {
                write!(f, "none of its {filtered} requests passes --only and --path")
            }
            LogError::Line { line, fault } => write!(f, "line {line}: {fault}"),
            LogError::Skipped { skipped, lines, line, fault } => write!(
                f,
                "{skipped} of {lines} lines are no requests, the first is line {line}: {fault}; \
                 --skip-bad PERCENT accepts more of them"
            ),
            LogError::Span { from, to } => write!(
                f,
                "the requests span {} years, from {} (line {}) to {} (line {}), and limiters last {}: is one of these \
                 times wrong?",
                (to.0 - from.0) / YEAR,
                instant(from.0),
                from.1,
                instant(to.0),
                to.1,
                super::LONGEST_SPAN / YEAR
            ),
        }
    }
}

pub(super) const YEAR: u64 = 31_557_600 * 1_000_000_000;

fn known() -> String {
    super::Format::ALL.map(super::Format::name).join(", ")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong => write!(f, "longer than {LONGEST_LINE} bytes"),
            Fault::Fields { expected, found } => {
                write!(f, "{found} fields where the header has {expected}")
            }
            Fault::Form { format, found } => write!(f, "{found:?} is not a line of the format {format}"),
            Fault::Quote => f.write_str("a quoted field that begins here does not end"),
            Fault::Missing(name) => write!(f, "the field {name:?} is missing"),
            Fault::Time(error) => error.fmt(f),
            Fault::Cost(text) => {
                write!(f, "{text:?} is not a cost, a whole number from 0 to {}", u32::MAX)
            }
            Fault::Backwards { from, line, to, horizon } => write!(
                f,
                "time goes backwards by {} s, from {} (line {line}) to {}; lines are sorted up to {} s \
                 (--out-of-order DURATION)",
                seconds(from - to),
                instant(*from),
                instant(*to),
                horizon.as_secs_f64()
            ),
        }
    }
}
