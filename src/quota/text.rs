//! A policy as text: `"burst=50/1m, 1500/1h; guard 250ms"`, read and written.
//!
//! ```text
//! policy   = quota *("," quota) [";" "guard" duration]
//! quota    = [name "="] limit "/" duration
//! duration = digits ("d" | "h" | "m" | "s" | "ms" | "us" | "ns")
//! ```

use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::{Name, ParsePolicyError, Policy, PolicyError, Quota};

/// Largest first: a duration is written in the largest unit that divides it.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const EXPECTED_QUOTA: &str = "a quota as LIMIT/WINDOW, such as 50/1m";
const EXPECTED_LIMIT: &str = "a limit from 1 to 4294967295";
const EXPECTED_DURATION: &str =
    "a whole number and a unit (d, h, m, s, ms, us or ns) of at most 146 years, such as 60s";
const EXPECTED_GUARD: &str = "\"guard\" and a duration, such as \"guard 250ms\"";

/// A duration in the largest unit that divides it exactly.
pub(super) struct Written(pub(super) Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, size) = UNITS
            .into_iter()
            .find(|&(_, size)| nanos != 0 && nanos % u128::from(size) == 0)
            .unwrap_or(("s", 1_000_000_000));
        write!(f, "{}{unit}", nanos / u128::from(size))
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.name() {
            write!(f, "{name}=")?;
        }
        write!(f, "{}/{}", self.limit(), Written(self.window()))
    }
}

/// The text that [`Policy::from_str`] reads back as the same policy.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, quota) in self.quotas().iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            quota.fmt(f)?;
        }
        if !self.guard().is_zero() {
            write!(f, "; guard {}", Written(self.guard()))?;
        }
        Ok(())
    }
}

/// Reads `"50/1m, 1500/1h"`, with optional names (`burst=50/1m`) and an optional guard
/// (`; guard 250ms`). Units are `d`, `h`, `m`, `s`, `ms`, `us`, `ns`.
///
/// ```
/// use tollgate::Policy;
///
/// let policy: Policy = "burst=50/1m,1500/3600s ; guard 250ms".parse()?;
/// assert_eq!(policy.to_string(), "burst=50/1m, 1500/1h; guard 250ms");
///
/// let error = "50/1m, 1500/fortnight".parse::<Policy>().unwrap_err();
/// assert!(error.to_string().starts_with(r#"cannot read "fortnight" at byte 12: expected a whole number"#));
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
impl FromStr for Policy {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Policy, ParsePolicyError> {
        let text = Part { text, at: 0 };
        let (quotas, guard) = match text.split_once(';') {
            Some((quotas, guard)) => (quotas, Some(guard)),
            None => (text, None),
        };
        let mut list = [Quota::new(0, Duration::ZERO); Policy::MAX_QUOTAS];
        let mut count = 0;
        let mut rest = if quotas.trim().text.is_empty() { None } else { Some(quotas) };
        while let Some(part) = rest {
            let (head, tail) = match part.split_once(',') {
                Some((head, tail)) => (head, Some(tail)),
                None => (part, None),
            };
            let quota = head.trim().quota()?;
            if let Some(place) = list.get_mut(count) {
                *place = quota;
            }
            count += 1;
            rest = tail;
        }
        let quotas = list.get(..count).ok_or(PolicyError::TooManyQuotas { count })?;
        let policy = Policy::new(quotas)?;
        match guard {
            Some(guard) => Ok(policy.with_guard(guard.trim().guard()?)?),
            None => Ok(policy),
        }
    }
}

/// A piece of the text that remembers where it stood, for the error message.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    fn split_once(self, separator: char) -> Option<(Part<'a>, Part<'a>)> {
        let (left, right) = self.text.split_once(separator)?;
        let at = self.at + left.len() + separator.len_utf8();
        Some((Part { text: left, at: self.at }, Part { text: right, at }))
    }

    fn trim(self) -> Part<'a> {
        let text = self.text.trim_start();
        Part { at: self.at + self.text.len() - text.len(), text: text.trim_end() }
    }

    fn refused(self, expected: &'static str) -> ParsePolicyError {
        ParsePolicyError::Syntax { part: String::from(self.text), at: self.at, expected }
    }

    fn quota(self) -> Result<Quota, ParsePolicyError> {
        let (name, rule) = match self.split_once('=') {
            Some((name, rule)) => (name.trim(), rule),
            None => (Part { text: "", at: self.at }, self),
        };
        let named = Quota::new(1, Duration::from_secs(1)).named(name.text);
        if named.name().is_none() && rule.at != self.at {
            return Err(name.refused("a name of 1 to 15 ASCII letters, digits, '-', '_' or '.'"));
        }
        let (limit, window) = rule.split_once('/').ok_or(rule.trim().refused(EXPECTED_QUOTA))?;
        let limit = limit.trim();
        let Some(limit) = digits(limit.text).and_then(|digits| digits.parse().ok()) else {
            return Err(limit.refused(EXPECTED_LIMIT));
        };
        Ok(Quota { limit, window: window.trim().duration()?, ..named })
    }

    fn guard(self) -> Result<Duration, ParsePolicyError> {
        match self.text.strip_prefix("guard") {
            Some(rest) if rest.starts_with(char::is_whitespace) => {
                Part { text: rest, at: self.at + "guard".len() }.trim().duration()
            }
            _ => Err(self.refused(EXPECTED_GUARD)),
        }
    }

    fn duration(self) -> Result<Duration, ParsePolicyError> {
        let end = self.text.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.text.len());
        let (count, unit) = self.text.split_at(end);
        UNITS
            .into_iter()
            .find(|&(name, _)| name == unit)
            .and_then(|(_, size)| count.parse::<u64>().ok()?.checked_mul(size))
            .map(Duration::from_nanos)
            .ok_or(self.refused(EXPECTED_DURATION))
    }
}

/// `text` if it is nothing but digits: `parse` alone would take a sign.
fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(text)
}

const _: () = assert!(Name::MAX == 15, "the error message above says 15");
