//! Which algorithm to choose for a policy, by what matters most.

use alloc::boxed::Box;
use core::cmp::Ordering;
use core::fmt;
use core::time::Duration;

use super::{Algorithm, BuildError, CounterPlan, Plan, SlidingLog, TokenBucket, WindowCounter};
use crate::quota::Policy;

/// What can matter most about a limiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// Many permits can be taken at once.
    Burst,
    /// A caller who always asks gets much of the rate that the policy allows.
    Rate,
    /// A limiter needs little memory.
    Memory,
}

/// An algorithm that never exceeds a policy, and what it gives.
///
/// | what matters first | and then | choose | for 50/min and 1500/h |
/// |---|---|---|---|
/// | [`Rate`](Need::Rate) | anything | [`SlidingLog`] | 50 at once, 100 % of the rate, 16 KiB |
/// | [`Burst`](Need::Burst) | `Rate` | [`SlidingLog`] | the same |
/// | [`Burst`](Need::Burst) | `Memory` | [`WindowCounter`] | 50 at once, 96.7 % of the rate, 8 bytes |
/// | [`Memory`](Need::Memory) | `Burst` | [`WindowCounter`] | the same |
/// | [`Memory`](Need::Memory) | `Rate` | the better of the two words, mostly [`TokenBucket::strict`] | 26 at once, 98.3 % of the rate, 8 bytes |
///
/// ```
/// use tollgate::{Algorithm, Choice, Nanos, Need, Policy};
///
/// let choice = Choice::best(Policy::MICROSOFT_365_DEFENDER, Need::Memory, Need::Burst)?;
/// assert_eq!(choice.to_string(), "window counter: 50 at once, 96.73 % of the rate, 8 bytes, a permit again within 80.018735104s");
/// let limiter = choice.build()?;
/// assert!(limiter.try_acquire_at(Nanos::ZERO, 50).is_ok());
/// assert!(limiter.try_acquire_at(Nanos::ZERO, 1).is_err());
/// # Ok::<(), tollgate::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Choice {
    /// A [`SlidingLog`].
    Log(Policy),
    /// A [`WindowCounter`].
    Counter(CounterPlan),
    /// A strict [`TokenBucket`] of the default burst.
    Bucket(Plan),
}

impl Choice {
    /// The algorithm that is best at what matters first. Among equals, the best at what matters next.
    ///
    /// # Errors
    ///
    /// If no algorithm can keep the policy, why the strict bucket cannot. Building a log may still fail, if there is not
    /// enough memory.
    pub fn best(policy: Policy, first: Need, then: Need) -> Result<Choice, BuildError> {
        let bucket = Plan::new(policy).map(Choice::Bucket);
        let counter = CounterPlan::new(policy).map(Choice::Counter);
        let log = SlidingLog::can_keep(&policy).map(|()| Choice::Log(policy));
        // Among equals the first.
        let better = |best: Choice, other: Choice| {
            if other.compare(&best, first, then).is_gt() { other } else { best }
        };
        [counter, bucket, log].into_iter().flatten().reduce(better).map_or(bucket, Ok)
    }

    /// Which gives more of what is needed.
    fn compare(&self, other: &Choice, first: Need, then: Need) -> Ordering {
        let by = |need| match need {
            Need::Burst => self.burst().cmp(&other.burst()),
            Need::Rate => self.efficiency().total_cmp(&other.efficiency()),
            Need::Memory => other.bytes().cmp(&self.bytes()),
        };
        by(first).then_with(|| by(then))
    }

    /// The policy that is kept.
    pub fn policy(&self) -> &Policy {
        match self {
            Choice::Log(policy) => policy,
            Choice::Counter(plan) => plan.policy(),
            Choice::Bucket(plan) => plan.policy(),
        }
    }

    /// The most permits that can be taken at once.
    pub fn burst(&self) -> u32 {
        match self {
            Choice::Log(policy) => policy.smallest_limit().1,
            Choice::Counter(plan) => plan.burst(),
            Choice::Bucket(plan) => plan.burst(),
        }
    }

    /// The sustained rate as a share of the one that the policy allows.
    pub fn efficiency(&self) -> f64 {
        match self {
            Choice::Log(_) => 1.0,
            Choice::Counter(plan) => plan.efficiency(),
            Choice::Bucket(plan) => plan.efficiency(),
        }
    }

    /// The bytes of state of one limiter. Each also holds its policy, unless it shares a [`Rule`](crate::Rule); a log
    /// always does.
    pub fn bytes(&self) -> u64 {
        match self {
            Choice::Log(policy) => SlidingLog::state_bytes(policy),
            Choice::Counter(_) | Choice::Bucket(_) => 8,
        }
    }

    /// The longest time after a burst until a permit comes back, if no longer quota is used up.
    pub fn longest_wait(&self) -> Duration {
        match self {
            Choice::Log(policy) => {
                let least = policy.smallest_limit().1;
                let windows = policy.rules().filter(|&(limit, _)| limit == least).map(|(_, window)| window);
                Duration::from_nanos(windows.max().unwrap_or(0))
            }
            Choice::Counter(plan) => plan.longest_wait(),
            Choice::Bucket(plan) => plan.interval(),
        }
    }

    /// Builds the limiter.
    ///
    /// # Errors
    ///
    /// As [`SlidingLog::new`], if it is one.
    pub fn build(self) -> Result<Box<dyn Algorithm>, BuildError> {
        Ok(match self {
            Choice::Log(policy) => Box::new(SlidingLog::new(policy)?),
            Choice::Counter(plan) => Box::new(WindowCounter::from(plan)),
            Choice::Bucket(plan) => Box::new(TokenBucket::from(plan)),
        })
    }
}

/// One line, to be listed beside the others.
impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Choice::Log(_) => "sliding log",
            Choice::Counter(_) => "window counter",
            Choice::Bucket(_) => "strict token bucket",
        };
        // Cut, not rounded, so that less than the full rate never shows 100 %.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of at most 1")]
        let hundredths = (self.efficiency() * 10_000.0) as u32;
        write!(
            f,
            "{name}: {} at once, {}.{:02} % of the rate, {} bytes, a permit again within {:?}",
            self.burst(),
            hundredths / 100,
            hundredths % 100,
            self.bytes(),
            self.longest_wait()
        )
    }
}
