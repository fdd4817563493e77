//! Which single token bucket keeps every quota of a policy in every window.

use core::fmt;
use core::time::Duration;

use super::BuildError;
use super::token_bucket::interval::{Scale, YEAR};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// The burst `b` and the emission interval `T` of one token bucket that never exceeds any quota of a policy, with the
/// worst case of each quota.
///
/// # Why no quota is exceeded
///
/// The bucket admits at most `b + ceil(P/T) - 1` permits in any half-open window of length `P`. The proof follows its
/// theoretical arrival time (TAT; Generic Cell Rate Algorithm, ITU-T I.371), for `k` permits in one window:
///
/// - After the first of them is granted, the TAT is at least `T` later than that instant.
/// - Each further permit adds `T`.
/// - The last one conforms only if the TAT is then at most `b * T` later than its own instant.
/// - The first and the last are less than `P` apart. So `k * T < P + b * T`, which is `(k - b) * T < P`.
///
/// Hence all quotas `(L, P)` hold if `T >= P / (L + 1 - b)` for each of them. A larger burst costs rate, and the plan
/// shows how much.
///
/// ```
/// use tollgate::{BuildError, Plan, Policy};
///
/// let plan = Plan::new(Policy::MICROSOFT_365_DEFENDER)?;
/// assert_eq!(plan.burst(), 26);
/// assert_eq!(plan.interval().as_nanos(), 2_440_677_967);
/// assert_eq!((plan.worst_case(0), plan.worst_case(1)), (Some(50), Some(1500)));
/// assert_eq!(plan.to_string(), "\
/// burst 26, then one permit per 2.440677967s: 98.33 % of the rate the policy sustains
///   50/1m: at most 50 in any window
///   1500/1h: at most 1500 in any window");
///
/// let error = Plan::with_burst(Policy::MICROSOFT_365_DEFENDER, 51).unwrap_err();
/// assert_eq!(error, BuildError::BurstOutOfRange { burst: 51, max: 50 });
/// # Ok::<(), BuildError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Plan {
    policy: Policy,
    burst: u32,
    quota: u8,
    pub(super) scale: Scale,
    /// T in units of `scale`.
    pub(super) units: u64,
}

impl Plan {
    /// The plan with the largest burst that keeps 98 % of the sustained rate that the policy allows.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unrepresentable`] if the rate is too high for the state word.
    pub fn new(policy: Policy) -> Result<Plan, BuildError> {
        Plan::with_burst(policy, Plan::default_burst(&policy))
    }

    /// The plan with a burst of `burst`, from 1 (no rate lost) to the smallest limit of the policy.
    ///
    /// # Errors
    ///
    /// [`BuildError::BurstOutOfRange`], or [`BuildError::Unrepresentable`] if the rate is too high for the
    /// state word.
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub fn with_burst(policy: Policy, burst: u32) -> Result<Plan, BuildError> {
        let (_, max) = policy.smallest_limit();
        if burst == 0 || burst > max {
            return Err(BuildError::BurstOutOfRange { burst, max });
        }
        let rules = policy.rules().map(|(limit, window)| (limit - (burst - 1), window));
        let scale =
            Scale::choose(u64::BITS, rules.clone()).map_err(|quota| BuildError::Unrepresentable { quota })?;
        let (mut interval, mut quota) = (0, 0);
        for (i, (permits, window)) in rules.enumerate() {
            let needed = scale.interval(permits, window);
            if needed > interval {
                (interval, quota) = (needed, i);
            }
        }
        // For a year, the word must hold the instant and the burst on top of it.
        let lasts = |span: u64| scale.floor_nanos(u64::MAX - span) >= YEAR;
        let units = u64::try_from(interval)
            .ok()
            .filter(|units| units.checked_mul(u64::from(burst)).is_some_and(lasts))
            .ok_or(BuildError::Unrepresentable { quota })?;
        Ok(Plan { policy, burst, quota: quota as u8, scale, units })
    }

    /// `L + 1 - b >= 0.98 * P * min(L/P)` for each quota.
    fn default_burst(policy: &Policy) -> u32 {
        let slowest = policy.sustained();
        let burst = policy.rules().map(|(limit, window)| {
            let kept = 98 * u128::from(slowest.0) * u128::from(window);
            u128::from(limit) + 1 - kept.div_ceil(100 * u128::from(slowest.1))
        });
        burst.min().and_then(|burst| u32::try_from(burst).ok()).unwrap_or(1).max(1)
    }

    /// The policy that the bucket keeps.
    #[inline]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The most permits that one call, or a run of calls at one instant, is granted.
    #[inline]
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The emission interval: the time in which one permit comes back, rounded up to a nanosecond.
    #[inline]
    pub fn interval(&self) -> Duration {
        Duration::from_nanos(self.scale.ceil_nanos(self.units))
    }

    /// The index of the quota that needs the longest interval, and so decides it.
    #[inline]
    pub const fn binding(&self) -> usize {
        self.quota as usize
    }

    /// The most permits that can be granted in any window of the quota with this index. It is never above the limit of
    /// the quota, and a caller who finds the bucket full and then asks at every nanosecond reaches it. `None` if there
    /// is no such quota.
    ///
    /// ```
    /// # use tollgate::Plan;
    /// let plan = Plan::with_burst("50/1m, 1500/1h".parse()?, 27)?;
    /// assert_eq!((plan.worst_case(0), plan.worst_case(1)), (Some(50), Some(1466)));
    /// assert_eq!(plan.worst_case(2), None);
    /// # Ok::<(), Box<dyn core::error::Error>>(())
    /// ```
    pub fn worst_case(&self, quota: usize) -> Option<u32> {
        let (_, window) = self.policy.rules().nth(quota)?;
        let (window, burst, interval) = (u128::from(window), u128::from(self.burst), u128::from(self.units));
        let nanosecond = self.scale.interval(1, 1);
        // Calls are made at whole nanoseconds, and a full bucket gains nothing. So what counts is whether the bucket is
        // ever full again.
        let most = match nanosecond.checked_sub((burst - 1) * interval) {
            // Never: `burst` at once, and then one permit per interval, each at the next whole nanosecond.
            None | Some(0) => burst + (window - 1) * nanosecond / interval,
            // In each nanosecond `burst - 1` permits are granted, and `gap` more than these comes back. When the gaps add up to
            // an interval, the bucket is full: it grants `burst`, and what exceeds the interval is lost.
            Some(gap) => (burst - 1) * window + window.div_ceil(interval.div_ceil(gap)),
        };
        u32::try_from(most).ok()
    }

    /// The bucket's sustained rate as a share of the one that the policy allows, above 0 and at most 1. With a burst of 1,
    /// calls at whole nanoseconds lose up to a nanosecond more per permit.
    #[expect(clippy::cast_precision_loss, reason = "a figure to show, not to decide by")]
    pub fn efficiency(&self) -> f64 {
        let (limit, window) = self.policy.sustained();
        let allowed = self.scale.interval(1, window) as f64 / f64::from(limit);
        (allowed / self.units as f64).min(1.0)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Cut, not rounded, so that a plan that loses anything never shows 100 %.
        let (limit, window) = self.policy.sustained();
        let hundredths =
            self.scale.interval(1, window) * 10_000 / (u128::from(limit) * u128::from(self.units));
        write!(
            f,
            "burst {}, then one permit per {}: {}.{:02} % of the rate the policy sustains",
            self.burst,
            Nanos::ZERO.saturating_add(self.interval()),
            hundredths / 100,
            hundredths % 100
        )?;
        for (i, quota) in self.policy.quotas().iter().enumerate() {
            let worst = self.worst_case(i).unwrap_or(u32::MAX);
            write!(f, "\n  {quota}: at most {worst} in any window")?;
        }
        Ok(())
    }
}
