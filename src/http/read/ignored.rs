//! What was not understood, and why.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::feedback::Feedback;

/// A field, or a part of one, that was ignored.
///
/// ```
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tollgate::http::{Feedback, Nonsense};
///
/// let mut headers = HeaderMap::new();
/// headers.insert("retry-after", HeaderValue::from_static("soon"));
/// let feedback = Feedback::read(StatusCode::TOO_MANY_REQUESTS, &headers);
/// assert_eq!(feedback.retry_after(), None);
///
/// let ignored = &feedback.ignored()[0];
/// assert_eq!(ignored.reason(), Nonsense::NotATime);
/// assert_eq!(
///     ignored.to_string(),
///     "\"soon\" in the field retry-after is ignored: it is neither a duration nor an instant"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    field: String,
    value: String,
    reason: Nonsense,
}

/// Why something that a server sent was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Nonsense {
    /// There is no value.
    Empty,
    /// The value or the name has more bytes than any that makes sense.
    TooLong,
    /// The number is negative.
    Negative,
    /// A number was expected.
    NotANumber,
    /// A duration or an instant was expected.
    NotATime,
    /// A date of HTTP was expected.
    NotADate,
    /// Visible ASCII characters were expected.
    NotText,
    /// The field is not a structured field of RFC 9651.
    NotStructured,
    /// The item has no name, or not the number that it must have: `q` for a policy, `r` for a limit.
    NotAQuota,
    /// A limit and its window were expected, such as `20:1`; or a count and its limit, such as `32/40`.
    NotAPair,
    /// The response has more than is read: the rest is ignored, too.
    TooMany,
}

impl Nonsense {
    /// Why a number could not be read, or `otherwise`.
    pub(super) fn of(text: &[u8], otherwise: Nonsense) -> Nonsense {
        match text.split_first() {
            None => Nonsense::Empty,
            Some((b'-', rest)) if super::number::seconds(rest).is_some() => Nonsense::Negative,
            Some(_) => otherwise,
        }
    }
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Nonsense::Empty => "it is empty",
            Nonsense::TooLong => "it is too long",
            Nonsense::Negative => "it is negative",
            Nonsense::NotANumber => "it is not a number",
            Nonsense::NotATime => "it is neither a duration nor an instant",
            Nonsense::NotADate => "it is not a date of HTTP",
            Nonsense::NotText => "it is not visible ASCII text",
            Nonsense::NotStructured => "it is not a structured field of RFC 9651",
            Nonsense::NotAQuota => "the name or the number of a quota is missing",
            Nonsense::NotAPair => "it is not a pair of numbers such as 20:1 or 32/40",
            Nonsense::TooMany => "the response says more than is read",
        })
    }
}

impl Ignored {
    /// The most characters of a name or a value that are kept.
    const KEPT: usize = 64;

    /// Adds to a list, unless it is full.
    pub(super) fn note(list: &mut Vec<Ignored>, field: &str, value: &[u8], reason: Nonsense) {
        if list.len() < Feedback::MAX_IGNORED {
            list.push(Ignored { field: shown(field.as_bytes()), value: shown(value), reason });
        }
    }

    /// The name of the field, at most 64 characters of it.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What was ignored, at most 64 characters of it. It is ASCII and can be logged: other bytes are escaped.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Why it was ignored.
    pub const fn reason(&self) -> Nonsense {
        self.reason
    }
}

fn shown(bytes: &[u8]) -> String {
    match bytes.get(..Ignored::KEPT) {
        Some(kept) if kept.len() < bytes.len() => {
            let escaped: String = kept.escape_ascii().take(Ignored::KEPT - 3).map(char::from).collect();
            format!("{escaped}...")
        }
        _ => bytes.escape_ascii().take(Ignored::KEPT).map(char::from).collect(),
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ignored { field, value, reason } = self;
        write!(f, "\"{value}\" in the field {field} is ignored: {reason}")
    }
}
