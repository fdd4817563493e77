//! Policies and quotas as text: `"burst=50/1m, 1500/1h; guard 250ms"`, read and written.
//!
//! The grammar is in the documentation of [`Policy::from_str`].

use alloc::string::String;
use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::{Name, ParsePolicyError, Policy, PolicyError, Quota};

/// A unit of time and how people write it.
struct Unit {
    nanos: u64,
    /// The first is the one that is written.
    names: &'static [&'static str],
}

const fn unit(nanos: u64, names: &'static [&'static str]) -> Unit {
    Unit { nanos, names }
}

/// Largest first, in the order in which a duration has them.
const UNITS: [Unit; 8] = [
    unit(7 * 86_400_000_000_000, &["w", "week", "weeks"]),
    unit(86_400_000_000_000, &["d", "day", "days"]),
    unit(3_600_000_000_000, &["h", "hour", "hours"]),
    unit(60_000_000_000, &["m", "min", "minute", "minutes"]),
    unit(1_000_000_000, &["s", "sec", "second", "seconds"]),
    unit(1_000_000, &["ms"]),
    unit(1_000, &["us"]),
    unit(1, &["ns"]),
];

/// The index of the largest unit that is written: `7d`, not `1w`.
const DAYS: usize = 1;

const EXPECTED_QUOTA: &str = "a quota as LIMIT/WINDOW, such as 50/1m";
const EXPECTED_LIMIT: &str = "a limit from 1 to 4294967295";
const EXPECTED_WINDOW: &str = "a window of at most 146 years, such as 1m, 90s, 1h30m, hour or 15 minutes";
const EXPECTED_DURATION: &str = "a duration of at most 146 years, such as 250ms, 90s or 1m30s";
const EXPECTED_GUARD: &str = "\"guard\" and a duration, such as \"guard 250ms\"";

/// A duration in the largest unit that divides it exactly. No unit is larger than a day.
pub(super) struct Written(pub(super) Duration);

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        for Unit { nanos: size, names } in &UNITS[DAYS..] {
            if nanos != 0 && nanos % u128::from(*size) == 0 {
                return write!(f, "{}{}", nanos / u128::from(*size), names[0]);
            }
        }
        f.write_str("0s") // Every other duration is a multiple of a nanosecond.
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

/// Reads a policy as people write it.
///
/// | part | is written | for example |
/// |---|---|---|
/// | policy | one to eight quotas, with `,` between them; then, if there is a guard, `;` and the guard | `50/1m, 1500/1h; guard 250ms` |
/// | quota | a name and `=`, if it has a name; the limit; `/` or the word `per`; the window | `50/minute`, `burst=5 per second` |
/// | limit | a whole number from 1 to 4294967295; `_` may stand between digits | `1_000` |
/// | window | a duration, or a unit alone for one of it | `15 minutes`, `hour` |
/// | duration | whole numbers, each with its unit, the larger units first | `90s`, `1m30s` |
/// | guard | the word `guard` and a duration | `guard 250ms` |
/// | name | 1 to 15 ASCII letters, digits, `-`, `_` or `.` | `burst` |
///
/// | unit | names |
/// |---|---|
/// | week, of 7 days | `w`, `week`, `weeks` |
/// | day, of 24 hours | `d`, `day`, `days` |
/// | hour | `h`, `hour`, `hours` |
/// | minute | `m`, `min`, `minute`, `minutes` |
/// | second | `s`, `sec`, `second`, `seconds` |
/// | milli-, micro-, nanosecond | `ms`, `us`, `ns` |
///
/// `m` is a minute, never a month. Months and years differ in length, so there is no unit for them. Units and words are in
/// lower case. White space is allowed between all parts, but not inside numbers, names and units. Limits are integers, so a
/// low rate is written by a longer window: `1/90s`, not `0.67/1m`.
///
/// ```
/// use tollgate::Policy;
///
/// let policy: Policy = "burst=50/minute, 1_500 per hour; guard 250ms".parse()?;
/// assert_eq!(policy.to_string(), "burst=50/1m, 1500/1h; guard 250ms");
///
/// let error = "50/1m, 1500/fortnight".parse::<Policy>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "cannot read \"fortnight\" at byte 12: expected a window of at most 146 years, such as 1m, 90s, 1h30m, hour or 15 \
///      minutes"
/// );
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

/// Reads one quota, as in the text of a [`Policy`].
///
/// ```
/// use tollgate::Quota;
///
/// assert_eq!("60/min".parse(), Ok(Quota::per_minute(60)));
/// assert_eq!("hourly=5 per hour".parse(), Ok(Quota::per_hour(5).named("hourly")));
/// assert!("0/min".parse::<Quota>().is_err()); // a limit is at least 1
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
impl FromStr for Quota {
    type Err = ParsePolicyError;

    fn from_str(text: &str) -> Result<Quota, ParsePolicyError> {
        let quota = Part { text, at: 0 }.trim().quota()?;
        Policy::new(&[quota])?;
        Ok(quota)
    }
}

/// A part of the text. It knows its place in the text, for the error message.
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

    /// The error quotes no more than [`ParsePolicyError::MOST_QUOTED`] characters, as they are printed: some are escaped.
    fn refused(self, expected: &'static str) -> ParsePolicyError {
        let mut printed = 0;
        let end = self.text.char_indices().find(|(_, c)| {
            printed += c.escape_debug().count();
            printed > ParsePolicyError::MOST_QUOTED
        });
        let part = match end {
            Some((end, _)) => String::from(&self.text[..end]) + "…",
            None => String::from(self.text),
        };
        ParsePolicyError::Syntax { part, at: self.at, expected }
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
        let Some((limit, window)) = rule.split_once('/').or_else(|| rule.split_at_per()) else {
            return Err(rule.trim().refused(EXPECTED_QUOTA));
        };
        let (limit, window) = (limit.trim(), window.trim());
        let Some(number) = number(limit.text).and_then(|number| u32::try_from(number).ok()) else {
            return Err(limit.refused(EXPECTED_LIMIT));
        };
        let one = unit_named(window.text).map(|unit| unit.nanos);
        let Some(nanos) = one.or_else(|| duration(window.text)) else {
            return Err(window.refused(EXPECTED_WINDOW));
        };
        Ok(Quota { limit: number, window: Duration::from_nanos(nanos), ..named })
    }

    /// The parts before and after the word `per`.
    fn split_at_per(self) -> Option<(Part<'a>, Part<'a>)> {
        let mut words = self.text.match_indices("per");
        let (start, word) = words.find(|&(start, word)| {
            self.text[..start].ends_with(char::is_whitespace)
                && self.text[start + word.len()..].starts_with(char::is_whitespace)
        })?;
        let (left, right) = (&self.text[..start], &self.text[start + word.len()..]);
        Some((Part { text: left, at: self.at }, Part { text: right, at: self.at + start + word.len() }))
    }

    fn guard(self) -> Result<Duration, ParsePolicyError> {
        let Some(rest) = self.text.strip_prefix("guard").filter(|rest| rest.starts_with(char::is_whitespace))
        else {
            return Err(self.refused(EXPECTED_GUARD));
        };
        let part = Part { text: rest, at: self.at + "guard".len() }.trim();
        duration(part.text).map(Duration::from_nanos).ok_or(part.refused(EXPECTED_DURATION))
    }
}

fn unit_named(name: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.names.contains(&name))
}

/// `"1m 30s"` in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    let (mut rest, mut sum, mut before) = (text, 0_u64, u64::MAX);
    while !rest.is_empty() || before == u64::MAX {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '_')?;
        let (count, tail) = rest.split_at(end);
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (name, tail) = tail.split_at(end);
        let unit = unit_named(name).filter(|unit| unit.nanos < before)?;
        sum = sum.checked_add(number(count)?.checked_mul(unit.nanos)?)?;
        (rest, before) = (tail.trim_start(), unit.nanos);
    }
    Some(sum)
}

/// Digits, with single `_` between them. `parse` alone would accept a sign.
fn number(text: &str) -> Option<u64> {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !text.split('_').all(digits) {
        return None;
    }
    text.bytes()
        .filter(u8::is_ascii_digit)
        .try_fold(0_u64, |number, digit| number.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}

const _: () = assert!(Name::MAX == 15, "the error message above says 15");
