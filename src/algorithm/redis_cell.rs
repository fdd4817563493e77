//! Which command of the module redis-cell gives the bucket of a plan.

use core::fmt;

use super::Plan;

/// The numbers of a `CL.THROTTLE` command: the bucket of a [`Plan`] on a Redis server with the module [redis-cell].
///
/// The module offers one bucket: `CL.THROTTLE key max_burst count period`. It grants `max_burst + 1` calls at once and
/// regains `count` per `period` seconds. One planned bucket keeps all quotas of a policy, so one command keeps them, too.
///
/// The module forgets a key when its bucket is full, by a time that it cuts to milliseconds. So a bucket that was idle may
/// be full up to a millisecond too early.
///
/// ```
/// use tollgate::{ClThrottle, Plan, Policy};
///
/// let command = ClThrottle::new(&Plan::new(Policy::MICROSOFT_365_DEFENDER)?).unwrap();
/// assert_eq!(command.to_string(), "CL.THROTTLE key 25 1474 3600");
/// assert_eq!(command.interval(), 2_442_333_785);
///
/// // With one call more per hour, the interval that the module makes of it lets 1501 calls through.
/// let faster = ClThrottle { count: 1475, ..command };
/// assert_eq!(faster.interval(), 2_440_677_966);
/// # Ok::<(), tollgate::BuildError>(())
/// ```
///
/// [redis-cell]: https://github.com/brandur/redis-cell
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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

/// The module counts in signed 64-bit nanoseconds since 1970. Instants until 2116 leave room for this.
const ROOM: u128 = 1 << 62;

impl ClThrottle {
    /// The fastest command that is no faster than `plan`. `None` if the module cannot count so far: the whole burst takes
    /// more than 146 years to come back.
    ///
    /// redis-cell divides the period by the count in floating point and cuts the result to whole nanoseconds. An interval
    /// that is cut may be too short for the plan; then the count is one lower.
    pub fn new(plan: &Plan) -> Option<ClThrottle> {
        let interval = plan.interval().as_nanos().max(1);
        let quota = plan.policy().quotas()[plan.binding()];
        let window = quota.window().saturating_add(plan.policy().guard());
        // In whole seconds, as the command has it, and long enough for one call.
        let shortest = window.as_nanos().max(interval).div_ceil(SECOND);
        let periods =
            || (1..=MOST).map(|times| times * shortest).take_while(|period| period * SECOND <= ROOM);
        let exact = periods().find(|period| period * SECOND % interval == 0);
        // Otherwise rounding costs at most one call of so many.
        let fine = || periods().find(|period| period * SECOND / interval >= MOST);
        let period = exact.or_else(fine).or_else(|| periods().last())?;
        let mut command = ClThrottle {
            max_burst: u64::from(plan.burst()) - 1,
            count: u64::try_from(period * SECOND / interval).ok()?,
            period: u64::try_from(period).ok()?,
        };
        while u128::from(command.interval()) < interval {
            command.count = command.count.checked_sub(1).filter(|&count| count > 0)?;
        }
        let span = u128::from(command.interval()) * u128::from(plan.burst());
        (span <= ROOM).then_some(command)
    }

    /// The interval that redis-cell makes of it, in nanoseconds.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is what the module does"
    )]
    pub fn interval(&self) -> u64 {
        (self.period.saturating_mul(1_000_000_000) as f64 / self.count as f64) as u64
    }
}

/// The command, with `key` where the key belongs.
impl fmt::Display for ClThrottle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CL.THROTTLE key {} {} {}", self.max_burst, self.count, self.period)
    }
}
