//! How calls are decided: the scripts, what they are asked, and what their replies mean. No I/O.

mod exact;
mod strict;

use std::time::Duration;

use tollgate::{BuildError, Denied, Nanos, Plan, Policy, Status};

use crate::error::StoreError;
use crate::store::Call;

use exact::Exact;
use strict::Strict;

/// How calls are decided: the numbers of a script, worked out once.
///
/// | | [`strict`](Rule::strict) | [`exact`](Rule::exact) |
/// |---|---|---|
/// | the rule | one token bucket for all quotas | the sliding log: a call is granted if and only if every quota still holds |
/// | most in any window of `limit` | `limit` | `limit` |
/// | at once, for 50/min and 1500/h | 26 | 50 |
/// | sustained rate, for 50/min and 1500/h | 98.3 % | 100 % |
/// | a key in the store | one instant: at most 23 bytes as text | 36 bytes, and 8 for each permit of the largest limit |
/// | a decision | 3 commands in one script | 5 commands, and one per quota, in one script |
///
/// A rule contains no state and does no I/O: it makes a [`Call`], and reads the reply. A
/// [`RedisLimiter`](crate::RedisLimiter) does both. One store can serve any number of rules.
///
/// ```
/// use tollgate::{Nanos, Policy};
/// use tollgate_redis::{Rule, Time};
///
/// let rule = Rule::strict(Policy::MICROSOFT_365_DEFENDER)?;
/// let call = rule.take("user:7", 1, Time::Server);
/// assert_eq!(call.key(), b"user:7");
///
/// // The server replies: refused, its clock in microseconds, and when the bucket is full again.
/// let answer = rule.answer(1, &[0, 1_000_000, 64_457_627, 142_000])?;
/// assert_eq!(answer.at(), Nanos::from_secs(1));
/// let denied = answer.result().unwrap_err();
/// assert_eq!(denied.retry_after().unwrap().as_micros(), 2_440_678);
/// assert_eq!(answer.status().unwrap().remaining(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rule(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Strict(Strict),
    Exact(Exact),
}

/// Whose clock decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// That of the server, by its command `TIME`: one clock for all who call.
    Server,
    /// The clock of whoever calls: this instant since the Unix epoch, cut to a microsecond.
    ///
    /// **This is weaker.** If one node's clock is ahead of another's by `x`, the node is granted what comes back in `x` too
    /// early. It is for services that refuse `TIME`, and for tests that move the time themselves. Values are kept for a
    /// minute longer, so that nodes whose clocks are behind by less than that find them.
    Told(Nanos),
}

/// A node may be behind the one that wrote the value by so many milliseconds.
const BEHIND: u64 = 60_000;

impl Time {
    /// The first and the third argument of a script.
    fn args(self) -> [String; 2] {
        match self {
            // The server counts the time to live from a moment before it read its clock.
            Time::Server => [String::new(), String::from("1")],
            Time::Told(now) => [(now.as_nanos() / 1_000).to_string(), BEHIND.to_string()],
        }
    }
}

/// The largest whole number that Lua's numbers hold, with all smaller ones: the last microsecond, in the year 2255.
const LAST: u64 = (1 << 53) - 1;

/// What is added to an instant must leave room for a hundred years.
const LONGEST: u64 = 1 << 52;

impl Rule {
    /// One token bucket that never exceeds any quota in any window, by [`Plan::new`].
    ///
    /// It is the bucket of [`TokenBucket::strict`](tollgate::TokenBucket::strict) in whole microseconds. Its interval is
    /// rounded up to nanoseconds, or to picoseconds where nanoseconds would cost 1e-4 of the rate. A burst of 1 loses
    /// up to a microsecond more per permit, because the clock of the server has no finer steps.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`], and [`BuildError::Unrepresentable`] if the rate is too high for picoseconds or the burst takes
    /// more than 142 years to come back.
    pub fn strict(policy: Policy) -> Result<Rule, BuildError> {
        Rule::planned(Plan::new(policy)?)
    }

    /// The token bucket of `plan`.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unrepresentable`], as [`strict`](Rule::strict).
    pub fn planned(plan: Plan) -> Result<Rule, BuildError> {
        Strict::new(&plan).map(Kind::Strict).map(Rule)
    }

    /// The exact sliding log of all quotas, in whole microseconds.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unrepresentable`] if a window is not whole microseconds and so short that rounding it up costs 1e-4 of
    /// the rate, or if it is longer than 142 years. [`BuildError::TooLarge`] if a limit is above 67,108,859: a string of
    /// Redis holds no more stamps.
    pub fn exact(policy: Policy) -> Result<Rule, BuildError> {
        Exact::new(&policy).map(Kind::Exact).map(Rule)
    }

    /// The policy that is enforced.
    pub fn policy(&self) -> &Policy {
        match &self.0 {
            Kind::Strict(strict) => strict.plan().policy(),
            Kind::Exact(exact) => exact.policy(),
        }
    }

    /// The plan of a strict rule.
    pub fn plan(&self) -> Option<&Plan> {
        match &self.0 {
            Kind::Strict(strict) => Some(strict.plan()),
            Kind::Exact(_) => None,
        }
    }

    /// The most permits that one call can ever be granted.
    pub fn burst(&self) -> u32 {
        match &self.0 {
            Kind::Strict(strict) => strict.plan().burst(),
            Kind::Exact(exact) => exact.burst(),
        }
    }

    /// The call that takes `n` permits of `key`, all or none. If `n` is 0 or above the [`burst`](Rule::burst), it changes
    /// nothing.
    ///
    /// `key` is the whole key. It is sent as a key, and never becomes part of the script.
    pub fn take(&self, key: impl Into<Vec<u8>>, n: u32, time: Time) -> Call {
        self.call(key.into(), n, time, true)
    }

    /// The call that tells what [`take`](Rule::take) would be answered. It changes nothing.
    pub fn peek(&self, key: impl Into<Vec<u8>>, n: u32, time: Time) -> Call {
        self.call(key.into(), n, time, false)
    }

    /// The call that takes as many permits of `key` as there are, at least `least` and at most `most`, or none. Only a strict
    /// rule can do so.
    pub(crate) fn lease(&self, key: Vec<u8>, least: u32, most: u32, time: Time) -> Option<Call> {
        match &self.0 {
            Kind::Strict(strict) => Some(strict.lease(key, least, most, time)),
            Kind::Exact(_) => None,
        }
    }

    /// The time in which a permit comes back, in picoseconds.
    #[cfg(test)]
    pub(crate) fn interval_in_picos(&self) -> Option<u128> {
        match &self.0 {
            Kind::Strict(strict) => Some(strict.interval_in_picos()),
            Kind::Exact(_) => None,
        }
    }

    /// What the reply to [`lease`](Rule::lease) means: how many permits were taken, and how long after that the bucket is full
    /// again.
    pub(crate) fn leased(reply: &[i64]) -> Result<(u32, Duration), StoreError> {
        Strict::leased(reply).ok_or_else(StoreError::unexpected_reply)
    }

    fn call(&self, key: Vec<u8>, n: u32, time: Time, charge: bool) -> Call {
        // A call that is never granted asks for the instant of its refusal.
        let n = if n > self.burst() { 0 } else { n };
        match &self.0 {
            Kind::Strict(strict) => strict.call(key, n, time, charge),
            Kind::Exact(exact) => exact.call(key, n, time, charge),
        }
    }

    /// What the store's reply to [`take`](Rule::take) or [`peek`](Rule::peek) for `n` permits means.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::UnexpectedReply`](crate::StoreErrorKind::UnexpectedReply) if the script of this rule does not reply
    /// so.
    pub fn answer(&self, n: u32, reply: &[i64]) -> Result<Answer, StoreError> {
        let answer = match &self.0 {
            Kind::Strict(strict) => strict.answer(n, reply),
            Kind::Exact(exact) => exact.answer(n, reply),
        };
        answer.ok_or_else(StoreError::unexpected_reply)
    }
}

impl TryFrom<Plan> for Rule {
    type Error = BuildError;

    fn try_from(plan: Plan) -> Result<Rule, BuildError> {
        Rule::planned(plan)
    }
}

/// One decision, and what is left after it, from one snapshot.
///
/// Its instants are those of the clock that decided, in nanoseconds since the Unix epoch. No other clock agrees with it, so
/// wait for [`Denied::retry_after`], which is a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    at: Nanos,
    result: Result<(), Denied>,
    status: Option<Status>,
}

impl Answer {
    /// The instant of the decision, in whole microseconds.
    pub fn at(&self) -> Nanos {
        self.at
    }

    /// Granted, or refused. The retry instant is exact: a retry is granted from that microsecond on, if nothing else is
    /// granted before, and not in the one before it.
    ///
    /// # Errors
    ///
    /// [`Denied`]: its cause is [`Cause::Pace`](tollgate::Cause::Pace) for a strict rule, and
    /// [`Cause::Quota`](tollgate::Cause::Quota) for an exact one.
    pub fn result(&self) -> Result<(), Denied> {
        self.result
    }

    /// Whether the call was granted.
    pub fn is_granted(&self) -> bool {
        self.result.is_ok()
    }

    /// What is left, after a grant without its permits.
    ///
    /// `None` for an exact rule that was asked for permits that can be granted: its script counts the log only if it is
    /// asked for 0 permits.
    pub fn status(&self) -> Option<Status> {
        self.status
    }
}

/// An instant of the server: microseconds.
fn instant(micros: u64) -> Nanos {
    Nanos::from_nanos(micros.saturating_mul(1_000))
}

/// Nothing that is negative or too large comes from a script.
fn micros(number: i64) -> Option<u64> {
    u64::try_from(number).ok().filter(|&micros| micros <= LAST + 1)
}

/// `window / permits` in units of which a nanosecond has so many, rounded up; `None` if that costs 1e-4 of it.
fn rounded(permits: u32, window: u128, units: u128) -> Option<u128> {
    let (permits, exact) = (u128::from(permits), window * units);
    let rounded = exact.div_ceil(permits);
    ((rounded * permits - exact) * 10_000 < exact).then_some(rounded)
}
