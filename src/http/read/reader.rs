//! Reads the fields of one response, in whatever order they come.
//!
//! If a field occurs more than once, the strictest value counts: the smallest limit, the fewest permits, the longest wait. A
//! field that makes no sense is ignored with all that it says.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::DATE;
use http::{HeaderMap, StatusCode};

use super::feedback::Feedback;
use super::ignored::{Ignored, Nonsense};
use super::moment::Moment;
use super::names::{self, Field, Retry, Tells};
use super::quota::ServerUnit;
use super::slots::{RIOT, SHOPIFY, Slot, Slots, keep_least, keep_most, short};
use super::verdict::Verdict;
use super::{date, drafts, duration, number};

/// The most bytes of one value, and of a structured field with all its lines.
const LONGEST_VALUE: usize = 4096;
/// The most bytes of all values of one response.
const MOST_BYTES: usize = 1 << 16;

#[derive(Default)]
struct Reader {
    /// When the response was sent, since 1970.
    sent: Duration,
    /// How many bytes have been read.
    bytes: usize,
    slots: Slots,
    /// The lines of `RateLimit-Policy`.
    policies: Vec<u8>,
    /// The lines of `RateLimit`.
    limits: Vec<u8>,
    /// The name of the quota to which the fields without a name belong.
    name: String,
    used_percent: Option<u32>,
    verdict: Verdict,
    ignored: Vec<Ignored>,
}

/// Reads a response. `now` is asked only if the response has no date.
pub(super) fn read(status: StatusCode, headers: &HeaderMap, now: impl FnOnce() -> SystemTime) -> Feedback {
    let mut reader = Reader::default();
    let date = headers.get(DATE).and_then(|date| reader.date(date.as_bytes().trim_ascii()));
    reader.sent = date.unwrap_or_else(|| now().duration_since(UNIX_EPOCH).unwrap_or_default());
    for (name, value) in headers {
        let (name, value) = (name.as_str(), value.as_bytes().trim_ascii());
        let Some(field) = names::field(name) else { continue };
        reader.bytes += value.len().min(LONGEST_VALUE);
        if reader.bytes > MOST_BYTES {
            reader.ignore(name, value, Nonsense::TooMany);
            break;
        }
        if let Err(nonsense) = reader.take(field, value) {
            reader.ignore(name, value, nonsense);
        }
    }
    reader.take_drafts();
    reader.finish(status)
}

impl Reader {
    fn ignore(&mut self, field: &str, value: &[u8], reason: Nonsense) {
        Ignored::note(&mut self.ignored, field, value, reason);
    }

    fn date(&mut self, value: &[u8]) -> Option<Duration> {
        let date = date::http_date(value);
        if date.is_none() {
            self.ignore("date", value, Nonsense::of(value, Nonsense::NotADate));
        }
        date
    }

    fn take(&mut self, field: Field<'_>, value: &[u8]) -> Result<(), Nonsense> {
        if value.len() > LONGEST_VALUE {
            return Err(Nonsense::TooLong);
        }
        match field {
            Field::Retry(retry) => {
                let after = match retry {
                    Retry::Millis | Retry::MicrosoftMillis => parsed(value, number::millis)?,
                    Retry::SecondsOrDate => Moment::of_retry_after(value)?.after(self.sent),
                    Retry::RoundedDown => parsed(value, number::seconds)?,
                };
                self.verdict.say(retry, after);
            }
            Field::Quota(family, tells, name) => self.take_quota(family, tells, name, value)?,
            Field::Policy => append(&mut self.policies, value)?,
            Field::Limits => append(&mut self.limits, value)?,
            Field::Name => short(text(value)?)?.clone_into(&mut self.name),
            Field::Pairs(name) => {
                self.take_pairs(name, value, |slot, limit| keep_least(&mut slot.quota.limit, limit))?;
            }
            Field::PairsUsed(name) => {
                self.take_pairs(name, value, |slot, used| keep_most(&mut slot.used, used))?;
            }
            Field::Fraction => {
                let (used, limit) = pair(value, b'/')?;
                let slot = self.slots.named(SHOPIFY, "")?;
                keep_least(&mut slot.quota.limit, limit);
                keep_most(&mut slot.used, used);
            }
            Field::Share => {
                let percent = parsed(value, number::seconds)?.as_nanos().div_ceil(10_000_000);
                keep_most(&mut self.used_percent, u32::try_from(percent).unwrap_or(u32::MAX));
            }
            Field::Cause(words) => {
                let value = text(value)?;
                self.verdict.blames_others |= words.iter().any(|word| word.matches(value));
            }
            Field::GitHub => self.verdict.is_github = true,
        }
        Ok(())
    }

    fn take_quota(
        &mut self,
        family: &'static str,
        tells: Tells,
        name: &str,
        value: &[u8],
    ) -> Result<(), Nonsense> {
        let slots = &mut self.slots;
        // The value comes first: nonsense makes no quota.
        match tells {
            Tells::Limit if value.iter().any(|byte| b",;".contains(byte)) => {
                drafts::limit_and_policies(value, family, name, slots)?;
            }
            Tells::Limit => {
                let limit = parsed(value, number::count)?;
                keep_least(&mut slots.named(family, name)?.quota.limit, limit);
            }
            Tells::Remaining => {
                // Docker Hub adds the window, as in a limit: `76;w=21600`.
                let end = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
                let remaining = parsed(value.split_at(end).0.trim_ascii(), number::count)?;
                keep_least(&mut slots.named(family, name)?.quota.remaining, remaining);
            }
            Tells::Used => {
                let used = parsed(value, number::count)?;
                keep_most(&mut slots.named(family, name)?.used, used);
            }
            Tells::Reset => {
                let reset = Moment::of_reset(value)?.after(self.sent);
                keep_most(&mut slots.named(family, name)?.quota.reset, reset);
            }
            Tells::ResetAfter => {
                let reset = parsed(value, number::seconds)?;
                keep_most(&mut slots.named(family, name)?.reset_after, reset);
            }
            Tells::Window => {
                let window = number::seconds(value).or_else(|| duration::duration(value));
                let window = window.ok_or(Nonsense::of(value, Nonsense::NotATime))?;
                keep_most(&mut slots.named(family, name)?.quota.window, window);
            }
            Tells::Rate => {
                let rate = parsed(value, number::count)?;
                keep_least(&mut slots.named(family, name)?.rate, rate);
            }
            Tells::Cost => {
                let cost = parsed(value, number::count)?;
                keep_most(&mut slots.named(family, name)?.cost, cost);
            }
        }
        Ok(())
    }

    /// `20:1,100:120`: a count for each window in seconds.
    fn take_pairs(
        &mut self,
        name: &'static str,
        value: &[u8],
        tell: impl Fn(&mut Slot, u64),
    ) -> Result<(), Nonsense> {
        let pairs = || value.split(|&byte| byte == b',').map(|part| pair(part.trim_ascii(), b':'));
        pairs().try_for_each(|pair| pair.map(drop))?;
        for pair in pairs() {
            let (count, seconds) = pair?;
            let window = Some(Duration::from_secs(seconds));
            let slot = self
                .slots
                .fitting(RIOT, name, |slot| slot.quota.window.is_none_or(|its| Some(its) == window))?;
            slot.quota.window = window;
            tell(slot, count);
        }
        Ok(())
    }

    /// The two structured fields, of which all lines are there now. The policies come first: they have the names.
    fn take_drafts(&mut self) {
        let Reader { slots, policies, limits, ignored, .. } = self;
        let mut ignore = |field: &str, value: &[u8], nonsense| Ignored::note(ignored, field, value, nonsense);
        drafts::policies(policies, slots, |nonsense| ignore("ratelimit-policy", policies, nonsense));
        drafts::limits(limits, slots, |nonsense| ignore("ratelimit", limits, nonsense));
        if let Err(nonsense) = slots.give_windows() {
            ignore("ratelimit-policy", policies, nonsense);
        }
    }

    fn finish(mut self, status: StatusCode) -> Feedback {
        for slot in &mut self.slots.all {
            slot.complete();
            let quota = &mut slot.quota;
            match slot.family {
                "anthropic-priority" => quota.name.insert_str(0, "priority-"),
                "x-ratelimit" if quota.name.is_empty() => {
                    quota.name.clone_from(&self.name);
                    if quota.name == "graphql" {
                        quota.unit = ServerUnit::Other; // GitHub: a call costs many points.
                    }
                }
                _ => {}
            }
        }
        let is_refusal = self.verdict.is_refusal(status, &self.slots.all);
        Feedback {
            status,
            is_refusal,
            blames_others: is_refusal && self.verdict.blames_others,
            retry_after: self.verdict.retry_after(is_refusal, &self.slots.all),
            remaining: self.slots.all.iter().filter_map(Slot::calls).min(),
            used_percent: self.used_percent,
            quotas: self.slots.all.into_iter().map(|slot| slot.quota).collect(),
            ignored: self.ignored,
        }
    }
}

/// A number as `number` reads it.
fn parsed<T>(value: &[u8], number: impl Fn(&[u8]) -> Option<T>) -> Result<T, Nonsense> {
    number(value).ok_or(Nonsense::of(value, Nonsense::NotANumber))
}

/// Two numbers with `separator` between them.
fn pair(text: &[u8], separator: u8) -> Result<(u64, u64), Nonsense> {
    let numbers = || {
        let middle = text.iter().position(|&byte| byte == separator)?;
        Some((number::count(text.get(..middle)?)?, number::count(text.get(middle + 1..)?)?))
    };
    numbers().ok_or(Nonsense::of(text, Nonsense::NotAPair))
}

fn text(value: &[u8]) -> Result<&str, Nonsense> {
    let text =
        core::str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
    text.ok_or(Nonsense::NotText)
}

/// Adds a line to a structured field, as RFC 9651, section 4.2 says.
fn append(field: &mut Vec<u8>, line: &[u8]) -> Result<(), Nonsense> {
    if field.len() + line.len() > LONGEST_VALUE {
        return Err(Nonsense::TooLong);
    }
    if !field.is_empty() && !line.is_empty() {
        field.extend_from_slice(b", ");
    }
    field.extend_from_slice(line);
    Ok(())
}
