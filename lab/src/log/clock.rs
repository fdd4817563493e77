//! What time does a field tell?
//!
//! A number is seconds, milliseconds, microseconds or nanoseconds: which, its size tells, once for a file. Anything else
//! is a date of ISO 8601 (RFC 3339 included), or one of the Common Log Format. A date without an offset is UTC. All is
//! kept exactly, as whole nanoseconds since 1970 (or since whatever the numbers count from).

use std::fmt;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::fault::shown;

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl Unit {
    /// All of them, with the names that the command line and the ends of column names use.
    pub const ALL: [(&'static str, Unit); 4] =
        [("s", Unit::Seconds), ("ms", Unit::Millis), ("us", Unit::Micros), ("ns", Unit::Nanos)];

    /// How many decimals make a nanosecond.
    const fn decimals(self) -> usize {
        match self {
            Unit::Seconds => 9,
            Unit::Millis => 6,
            Unit::Micros => 3,
            Unit::Nanos => 0,
        }
    }

    /// The unit of a number with so many digits before the point, if it counts from 1970: below 11 digits seconds
    /// until the year 5138, and so on.
    const fn of_size(digits: usize) -> Unit {
        match digits {
            0..=11 => Unit::Seconds,
            12..=14 => Unit::Millis,
            15..=17 => Unit::Micros,
            _ => Unit::Nanos,
        }
    }

    /// As the name of a column tells it, such as `elapsed_ms`.
    pub(super) fn of_name(name: &str) -> Option<Unit> {
        let name = name.to_ascii_lowercase();
        if name == "seconds" {
            return Some(Unit::Seconds);
        }
        let suffix = |unit: &str| name.ends_with(&format!("_{unit}")) || name.ends_with(&format!("({unit})"));
        Unit::ALL.into_iter().find(|(unit, _)| suffix(unit)).map(|(_, unit)| unit)
    }
}

/// Why a field is no time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoTime {
    /// A time is expected in decimal seconds, and this is none.
    NotSeconds(String),
    /// Neither a number nor a date.
    Unknown(String),
    /// More decimals than nanoseconds have.
    TooFine(String),
    /// Past what 64 bits of nanoseconds tell.
    TooLate(String),
    /// Before 1970.
    TooEarly(String),
}

impl fmt::Display for NoTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoTime::NotSeconds(text) => {
                write!(f, "{text:?} is not a time in plain decimal seconds, such as 12.345")
            }
            NoTime::Unknown(text) => write!(
                f,
                "{text:?} is not a time: expected a number, or a date such as 2024-05-01T12:00:00Z or \
                 01/May/2024:12:00:00 +0000"
            ),
            NoTime::TooFine(text) => write!(f, "{text:?} is finer than a nanosecond"),
            NoTime::TooLate(text) => {
                write!(
                    f,
                    "{text:?} is above {} s, the last nanosecond that 64 bits can tell",
                    crate::traffic::seconds(u64::MAX)
                )
            }
            NoTime::TooEarly(text) => write!(f, "{text:?} is before 1970"),
        }
    }
}

/// Reads the times of one file.
#[derive(Debug)]
pub struct Clock {
    unit: Option<Unit>,
    /// Nothing but numbers.
    numbers: bool,
    /// The last text and its time: lines of one second often follow each other.
    last: (String, u64),
}

impl Clock {
    /// Numbers of this unit, or of the unit that the size of the first one tells; and dates.
    pub fn new(unit: Option<Unit>) -> Clock {
        Clock { unit, numbers: false, last: (String::new(), 0) }
    }

    /// Plain decimal seconds, and nothing else.
    pub fn seconds() -> Clock {
        Clock { numbers: true, ..Clock::new(Some(Unit::Seconds)) }
    }

    /// The time in nanoseconds.
    ///
    /// # Errors
    ///
    /// If `text` is no time, or one that 64 bits of nanoseconds cannot tell.
    pub fn nanos(&mut self, text: &str) -> Result<u64, NoTime> {
        let text = text.trim();
        if !text.is_empty() && self.last.0 == text {
            return Ok(self.last.1);
        }
        let nanos = match self.number(text) {
            Some(nanos) => nanos?,
            None if self.numbers => return Err(NoTime::NotSeconds(shown(text))),
            None => date(text)?,
        };
        self.last.0.clear();
        self.last.0.push_str(text);
        self.last.1 = nanos;
        Ok(nanos)
    }

    /// `None` if it is no number.
    fn number(&mut self, text: &str) -> Option<Result<u64, NoTime>> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(decimals) || whole.len() + decimals.len() == 0 {
            return None;
        }
        let size = whole.trim_start_matches('0').len();
        let unit = *self.unit.get_or_insert_with(|| Unit::of_size(size));
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > unit.decimals() {
            return Some(Err(NoTime::TooFine(shown(text))));
        }
        let below = decimals.bytes().chain(std::iter::repeat(b'0')).take(unit.decimals());
        let nanos = whole
            .bytes()
            .chain(below)
            .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        Some(nanos.ok_or_else(|| NoTime::TooLate(shown(text))))
    }
}

/// Nanoseconds since 1970.
fn date(text: &str) -> Result<u64, NoTime> {
    const ISO: DateTimeParser = DateTimeParser::new();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let timestamp = if bare.as_bytes().get(2) == Some(&b'/') {
        common(bare)
    } else {
        // Without an offset it is no timestamp: then it is UTC.
        ISO.parse_timestamp(bare).ok().or_else(|| {
            let civil = ISO.parse_datetime(bare).ok()?;
            civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
        })
    };
    let since = timestamp.ok_or_else(|| NoTime::Unknown(shown(text)))?.as_duration();
    if since < SignedDuration::ZERO {
        return Err(NoTime::TooEarly(shown(text)));
    }
    u64::try_from(since.as_nanos()).map_err(|_| NoTime::TooLate(shown(text)))
}

/// A date such as `01/May/2024:12:00:00 +0000`.
fn common(text: &str) -> Option<Timestamp> {
    let offset = BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S %z", text).ok();
    let broken = offset.or_else(|| {
        let mut broken = BrokenDownTime::parse("%d/%b/%Y:%H:%M:%S", text).ok()?;
        broken.set_offset(Some(jiff::tz::Offset::UTC));
        Some(broken)
    });
    broken?.to_timestamp().ok()
}
