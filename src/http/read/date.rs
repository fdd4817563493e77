//! Instants as text: the three dates of HTTP, RFC 3339, and what JavaScript prints.

use core::time::Duration;

use super::number;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const LONG_WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// An instant as the time since 1970. Dates before that are none.
pub(super) fn instant(text: &[u8]) -> Option<Duration> {
    http_date(text).or_else(|| rfc3339(Rest(text))).or_else(|| javascript(Rest(text)))
}

/// RFC 9110, section 5.6.7.
pub(super) fn http_date(text: &[u8]) -> Option<Duration> {
    imf_fixdate(Rest(text)).or_else(|| rfc850(Rest(text))).or_else(|| asctime(Rest(text)))
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(mut rest: Rest<'_>) -> Option<Duration> {
    let weekday = rest.one_of(&WEEKDAYS)?;
    rest.skip(", ")?;
    let day = rest.digits(2)?;
    rest.skip(" ")?;
    let month = rest.one_of(&MONTHS)?;
    rest.skip(" ")?;
    let year = rest.digits(4)?;
    rest.skip(" ")?;
    let time = rest.time()?;
    rest.skip(" GMT")?;
    rest.end()?;
    since_1970(year, month, day, Some(weekday))?.checked_add(time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`. Years from 70 on are of the 20th century: a server that writes this form is old.
fn rfc850(mut rest: Rest<'_>) -> Option<Duration> {
    let weekday = rest.one_of(&LONG_WEEKDAYS)?;
    rest.skip(", ")?;
    let day = rest.digits(2)?;
    rest.skip("-")?;
    let month = rest.one_of(&MONTHS)?;
    rest.skip("-")?;
    let year = rest.digits(2)?;
    rest.skip(" ")?;
    let time = rest.time()?;
    rest.skip(" GMT")?;
    rest.end()?;
    let century = if year < 70 { 2000 } else { 1900 };
    since_1970(century + year, month, day, Some(weekday))?.checked_add(time)
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(mut rest: Rest<'_>) -> Option<Duration> {
    let weekday = rest.one_of(&WEEKDAYS)?;
    rest.skip(" ")?;
    let month = rest.one_of(&MONTHS)?;
    rest.skip(" ")?;
    let day = if rest.skip(" ").is_some() { rest.digits(1)? } else { rest.digits(2)? };
    rest.skip(" ")?;
    let time = rest.time()?;
    rest.skip(" ")?;
    let year = rest.digits(4)?;
    rest.end()?;
    since_1970(year, month, day, Some(weekday))?.checked_add(time)
}

/// `2026-11-25T16:00:00Z`, perhaps with decimals or an offset such as `+01:00`.
fn rfc3339(mut rest: Rest<'_>) -> Option<Duration> {
    let year = rest.digits(4)?;
    rest.skip("-")?;
    let month = usize::try_from(rest.digits(2)?.checked_sub(1)?).ok()?;
    rest.skip("-")?;
    let day = rest.digits(2)?;
    rest.one_of(&["T", "t", " "])?;
    let mut time = rest.time()?;
    if rest.skip(".").is_some() {
        time += number::nanos(rest.all_digits())?;
    }
    let local = since_1970(year, month, day, None)?.checked_add(time)?;
    let instant = match rest.one_of(&["Z", "z"]) {
        Some(_) => local,
        None => rest.offset(":")?.applied_to(local),
    };
    rest.end()?;
    Some(instant)
}

/// `Wed Nov 25 2026 16:00:00 GMT+0000 (Coordinated Universal Time)`, with or without the name of the zone.
fn javascript(mut rest: Rest<'_>) -> Option<Duration> {
    let weekday = rest.one_of(&WEEKDAYS)?;
    rest.skip(" ")?;
    let month = rest.one_of(&MONTHS)?;
    rest.skip(" ")?;
    let day = rest.digits(2)?;
    rest.skip(" ")?;
    let year = rest.digits(4)?;
    rest.skip(" ")?;
    let time = rest.time()?;
    rest.skip(" GMT")?;
    let offset = rest.offset("")?;
    if !rest.0.is_empty() {
        rest.skip(" (")?;
        rest.0.strip_suffix(b")")?;
    }
    let local = since_1970(year, month, day, Some(weekday))?.checked_add(time)?;
    Some(offset.applied_to(local))
}

/// Midnight of a day as the time since 1970. Months and weekdays count from 0. `None` if there is no such day.
fn since_1970(year: u64, month: usize, day: u64, weekday: Option<usize>) -> Option<Duration> {
    const DAYS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    const THURSDAY: u64 = 3;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = |month: usize| DAYS.get(month).map(|&days| days + u64::from(month == 1 && is_leap));
    if year < 1970 || !(1..=length(month)?).contains(&day) {
        return None;
    }
    let leap_days = |year: u64| year / 4 - year / 100 + year / 400;
    let days = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969)
        + (0..month).filter_map(length).sum::<u64>()
        + (day - 1);
    let right = weekday.is_none_or(|weekday| u64::try_from(weekday) == Ok((days + THURSDAY) % 7));
    right.then_some(Duration::from_secs(days * 86_400))
}

/// How far a zone's clocks are from those of UTC.
enum Offset {
    Ahead(Duration),
    Behind(Duration),
}

impl Offset {
    fn applied_to(self, local: Duration) -> Duration {
        match self {
            Offset::Ahead(by) => local.saturating_sub(by),
            Offset::Behind(by) => local.saturating_add(by),
        }
    }
}

/// What is left of a text that is read from the left.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn skip(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected.as_bytes())?;
        Some(())
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// The index of the word that comes next.
    fn one_of(&mut self, words: &[&str]) -> Option<usize> {
        let found = words.iter().position(|word| self.0.starts_with(word.as_bytes()))?;
        self.skip(words.get(found)?)?;
        Some(found)
    }

    fn digits(&mut self, count: usize) -> Option<u64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
    }

    fn all_digits(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }

    /// `08:49:37`. The 60th second is a leap second.
    fn time(&mut self) -> Option<Duration> {
        let hour = self.digits(2)?;
        self.skip(":")?;
        let minute = self.digits(2)?;
        self.skip(":")?;
        let second = self.digits(2)?;
        let is_time = hour < 24 && minute < 60 && second <= 60;
        is_time.then(|| Duration::from_secs((hour * 60 + minute) * 60 + second))
    }

    /// `+01:00`, with this separator.
    fn offset(&mut self, separator: &str) -> Option<Offset> {
        let sign = self.one_of(&["+", "-"])?;
        let hours = self.digits(2)?;
        self.skip(separator)?;
        let minutes = self.digits(2)?;
        if hours > 23 || minutes > 59 {
            return None;
        }
        let by = Duration::from_secs((hours * 60 + minutes) * 60);
        Some(if sign == 0 { Offset::Ahead(by) } else { Offset::Behind(by) })
    }
}
