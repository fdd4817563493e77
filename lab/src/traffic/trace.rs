//! What does a trace file say, and where exactly is it wrong?
//!
//! CSV: a header `seconds` or `seconds,client`, then one request a line, in order of time (ties are fine).
//! Seconds are plain decimals and are kept exactly, as whole nanoseconds; a client is a whole number. Blank
//! lines, spaces around a field, CRLF and a byte-order mark are accepted. This module stands alone.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the origin of the trace.
    pub nanos: u64,
    /// `None` if the trace has no such column.
    pub client: Option<u64>,
}

/// Why a trace was refused.
#[derive(Debug)]
pub enum TraceError {
    /// The input failed.
    Read(io::Error),
    /// There is nothing in it, not even a header.
    Empty,
    /// The first line is not a header of this format.
    Header { found: String },
    /// A header and nothing else.
    NoEvents,
    /// A line is wrong. Lines are counted from 1, the header included.
    Line { line: u64, fault: Fault },
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    TooLong,
    Fields { expected: usize, found: usize },
    NotSeconds { text: String },
    TooFine { text: String },
    TooLate { text: String },
    NotClient { text: String },
    Backwards { from: u64, to: u64 },
}

/// Far above any line of the format; a file without line ends must not fill the memory.
const LONGEST_LINE: usize = 4096;

/// Reads a whole trace.
pub fn read(input: impl Read) -> Result<Vec<Event>, TraceError> {
    let mut lines = Lines { input: BufReader::new(input), line: 0, text: Vec::new() };
    let Some(header) = lines.next()? else { return Err(TraceError::Empty) };
    let columns = match header.strip_prefix('\u{feff}').unwrap_or(header) {
        header if fields(header).eq(["seconds"]) => 1,
        header if fields(header).eq(["seconds", "client"]) => 2,
        header => return Err(TraceError::Header { found: shown(header) }),
    };
    let mut events: Vec<Event> = Vec::new();
    while let Some(text) = lines.next()? {
        let event = event(text, columns).and_then(|event| match events.last() {
            Some(last) if event.nanos < last.nanos => {
                Err(Fault::Backwards { from: last.nanos, to: event.nanos })
            }
            _ => Ok(event),
        });
        events.push(event.map_err(|fault| TraceError::Line { line: lines.line, fault })?);
    }
    if events.is_empty() { Err(TraceError::NoEvents) } else { Ok(events) }
}

/// The lines that are not blank, and the number of the last one.
struct Lines<R> {
    input: BufReader<R>,
    line: u64,
    text: Vec<u8>,
}

impl<R: Read> Lines<R> {
    fn next(&mut self) -> Result<Option<&str>, TraceError> {
        loop {
            self.text.clear();
            let read = (&mut self.input).take(LONGEST_LINE as u64 + 1).read_until(b'\n', &mut self.text);
            if read.map_err(TraceError::Read)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if self.text.len() > LONGEST_LINE {
                return Err(TraceError::Line { line: self.line, fault: Fault::TooLong });
            }
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        // What is not UTF-8 is no number either: let it be refused as a field.
        if std::str::from_utf8(&self.text).is_err() {
            self.text = String::from_utf8_lossy(&self.text).into_owned().into_bytes();
        }
        Ok(std::str::from_utf8(&self.text).ok())
    }
}

fn fields(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(str::trim)
}

fn event(line: &str, columns: usize) -> Result<Event, Fault> {
    let found = fields(line).count();
    if found != columns {
        return Err(Fault::Fields { expected: columns, found });
    }
    let mut fields = fields(line);
    let nanos = nanos(fields.next().unwrap_or_default())?;
    let client = match fields.next() {
        None => None,
        Some(text) => match digits(text).and_then(|digits| digits.parse().ok()) {
            Some(client) => Some(client),
            None => return Err(Fault::NotClient { text: shown(text) }),
        },
    };
    Ok(Event { nanos, client })
}

/// Decimal seconds as nanoseconds, exactly or not at all.
fn nanos(text: &str) -> Result<u64, Fault> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let (Some(whole), Some(decimals), true) =
        (digits(whole), digits(decimals), whole.len() + decimals.len() > 0)
    else {
        return Err(Fault::NotSeconds { text: shown(text) });
    };
    let decimals = decimals.trim_end_matches('0');
    if decimals.len() > 9 {
        return Err(Fault::TooFine { text: shown(text) });
    }
    let below = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
    whole
        .bytes()
        .chain(below)
        .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
        .ok_or_else(|| Fault::TooLate { text: shown(text) })
}

/// `text` if it is nothing but digits: `parse` alone would take a sign.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(text)
}

/// A piece of the file, short enough for a message.
fn shown(text: &str) -> String {
    let mut shown: String = text.trim().chars().take(40).collect();
    if shown.len() < text.trim().len() {
        shown.push_str("...");
    }
    shown
}

/// Nanoseconds as the shortest decimal seconds that are exact.
pub fn seconds(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TraceError::Read(error) => error.fmt(f),
            TraceError::Empty => {
                f.write_str("the file is empty; expected a header \"seconds\" or \"seconds,client\"")
            }
            TraceError::Header { found } => {
                write!(f, "the header is {found:?}; expected \"seconds\" or \"seconds,client\"")
            }
            TraceError::NoEvents => f.write_str("no events: there is nothing below the header"),
            TraceError::Line { line, fault } => write!(f, "line {line}: {fault}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::TooLong => write!(f, "longer than {LONGEST_LINE} bytes"),
            Fault::Fields { expected, found } => {
                write!(f, "{found} fields where the header has {expected}")
            }
            Fault::NotSeconds { text } => {
                write!(f, "{text:?} is not a time in plain decimal seconds, such as 12.345")
            }
            Fault::TooFine { text } => write!(f, "{text:?} is finer than a nanosecond, which is 9 decimals"),
            Fault::TooLate { text } => {
                write!(
                    f,
                    "{text:?} is above {} s, the last nanosecond that 64 bits can tell",
                    seconds(u64::MAX)
                )
            }
            Fault::NotClient { text } => {
                write!(f, "{text:?} is not a client, a whole number from 0 to {}", u64::MAX)
            }
            Fault::Backwards { from, to } => {
                write!(f, "time goes backwards, from {} s to {} s", seconds(*from), seconds(*to))
            }
        }
    }
}
