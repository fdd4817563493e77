//! Which command gives the same bucket in Redis?
//!
//! The module redis-cell offers one bucket: `CL.THROTTLE key max_burst count period`. It allows `max_burst + 1` calls
//! at once and regains `count` per `period` seconds. One planned bucket keeps all quotas of a policy, so one command
//! keeps them too.

use std::fmt;

use tollgate::Plan;

/// The numbers of a `CL.THROTTLE` command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClThrottle {
    /// One less than the burst.
    pub max_burst: u64,
    /// The calls regained in a period.
    pub count: u64,
    /// In seconds.
    pub period: u64,
}

const SECOND: u128 = 1_000_000_000;

/// Periods of up to so many times the shortest are tried.
const MOST: u128 = 1_000;

impl ClThrottle {
    /// The fastest command that is no faster than `plan`.
    ///
    /// redis-cell divides the period by the count and cuts the result to whole nanoseconds. An interval that is cut
    /// may be too short for the plan; then the count is one lower.
    pub fn new(plan: &Plan) -> ClThrottle {
        let interval = plan.interval().as_nanos().max(1);
        let quota = plan.policy().quotas()[plan.binding()];
        let window = quota.window().saturating_add(plan.policy().guard());
        // In whole seconds, as the command has it, and long enough for one call.
        let shortest = window.as_nanos().max(interval).div_ceil(SECOND);
        let periods = || (1..=MOST).map(|times| times * shortest);
        let exact = periods().find(|period| period * SECOND % interval == 0);
        // Otherwise rounding costs at most one call of so many.
        let fine = || periods().find(|period| period * SECOND / interval >= MOST);
        let period = exact.or_else(fine).unwrap_or(shortest * MOST);
        let count = period * SECOND / interval;
        let fits = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        ClThrottle { max_burst: u64::from(plan.burst()) - 1, count: fits(count), period: fits(period) }
    }

    /// The interval that redis-cell makes of it, in nanoseconds.
    pub fn interval(&self) -> u128 {
        u128::from(self.period) * SECOND / u128::from(self.count)
    }
}

/// The command, with `key` where the key belongs.
impl fmt::Display for ClThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CL.THROTTLE key {} {} {}", self.max_burst, self.count, self.period)
    }
}
