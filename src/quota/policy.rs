//! The quotas that must all hold.

use core::fmt;
use core::time::Duration;

use super::{PolicyError, Quota};

/// One to eight quotas that must all hold, and a guard that widens every window.
///
/// A policy is always valid, because every constructor checks it. It is `Copy`, holds its quotas inline, and can be built in
/// a `const`. Windows are half-open: a permit granted at `s` counts at `t` while `t - s < window + guard`.
///
/// ```
/// use tollgate::{Policy, PolicyError, Quota};
///
/// let policy = Policy::new(&[Quota::per_minute(50), Quota::per_hour(1500)])?;
/// assert_eq!(policy, Policy::MICROSOFT_365_DEFENDER);
/// assert_eq!(policy, "50/1m, 1500/1h".parse()?);
///
/// // A policy that makes no sense is refused. The error says which quota is wrong, and why.
/// let error = Policy::new(&[Quota::per_minute(50), Quota::per_hour(0)]).unwrap_err();
/// assert_eq!(error, PolicyError::ZeroLimit { quota: 1 });
/// assert_eq!(error.to_string(), "quota 1 (counted from 0) has limit 0; a limit is at least 1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Pacing
///
/// A policy does not spread its permits. A caller who always has one more call to make spends the permits of the long
/// window as fast as the short window allows, and then waits for the long one. To pace this caller, add a quota of the same
/// rate as the long one, over a window that divides the long one. Then the caller never waits longer than that window.
/// The sustained rate stays the same, but fewer permits are granted at once.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Algorithm, Nanos, SlidingLog};
///
/// /// The longest time that a greedy caller waits for the next of 3000 calls.
/// fn longest_silence(policy: &str) -> Result<Duration, Box<dyn std::error::Error>> {
///     let log = SlidingLog::new(policy.parse()?)?;
///     let (mut now, mut longest) = (Nanos::ZERO, Duration::ZERO);
///     for _ in 0..3000 {
///         while let Err(denied) = log.try_acquire_at(now, 1) {
///             longest = longest.max(denied.retry_after().ok_or("never")?);
///             now = denied.retry_at().ok_or("never")?;
///         }
///     }
///     Ok(longest)
/// }
///
/// assert_eq!(longest_silence("50/1m, 1500/1h")?, Duration::from_secs(31 * 60)); // after 29 busy minutes
/// assert_eq!(longest_silence("50/2m, 50/1m, 1500/1h")?, Duration::from_secs(120)); // 50 at once, as before
/// assert_eq!(longest_silence("5/12s, 50/1m, 1500/1h")?, Duration::from_secs(12)); // 5 at once
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A [`TokenBucket::strict`](crate::TokenBucket::strict) always paces. Under the rule above, it grants 26 calls at once and
/// then one per 2.44 s. This costs 1.7 % of the rate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    quotas: [Quota; Policy::MAX_QUOTAS],
    len: u8,
    guard: Duration,
}

impl Policy {
    /// The most quotas that a policy can hold.
    pub const MAX_QUOTAS: usize = 8;

    /// The longest window, guard included: 2^62 nanoseconds, a little over 146 years.
    pub const MAX_WINDOW: Duration = Duration::from_nanos(1 << 62);

    /// The limits of the Microsoft 365 Defender APIs: 50 calls per minute and 1500 calls per hour,
    /// beyond which the service answers HTTP 429.
    pub const MICROSOFT_365_DEFENDER: Policy =
        match Policy::new(&[Quota::per_minute(50), Quota::per_hour(1500)]) {
            Ok(policy) => policy,
            Err(_) => panic!("the reference policy is valid"),
        };

    /// Checks the quotas and makes a policy of them.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] says which quota is wrong: no quota or more than eight, a limit of 0, a window of
    /// 0 or above [`MAX_WINDOW`](Policy::MAX_WINDOW), two equal windows, a name that cannot be printed.
    pub const fn new(quotas: &[Quota]) -> Result<Policy, PolicyError> {
        if quotas.is_empty() {
            return Err(PolicyError::Empty);
        }
        if quotas.len() > Policy::MAX_QUOTAS {
            return Err(PolicyError::TooManyQuotas { count: quotas.len() });
        }
        let mut policy = Policy {
            quotas: [Quota::new(0, Duration::ZERO); Policy::MAX_QUOTAS],
            len: 0,
            guard: Duration::ZERO,
        };
        let mut i = 0;
        while i < quotas.len() {
            let quota = quotas[i];
            if quota.limit == 0 {
                return Err(PolicyError::ZeroLimit { quota: i });
            }
            if quota.window.is_zero() {
                return Err(PolicyError::ZeroWindow { quota: i });
            }
            if quota.window.as_nanos() > Policy::MAX_WINDOW.as_nanos() {
                return Err(PolicyError::WindowTooLong {
                    quota: i,
                    window: quota.window,
                    guard: Duration::ZERO,
                });
            }
            if !quota.name.is_valid() {
                return Err(PolicyError::InvalidName { quota: i });
            }
            let mut j = 0;
            while j < i {
                if quotas[j].window.as_nanos() == quota.window.as_nanos() {
                    return Err(PolicyError::DuplicateWindow { quota: i, earlier: j, window: quota.window });
                }
                j += 1;
            }
            policy.quotas[i] = quota;
            policy.len += 1;
            i += 1;
        }
        Ok(policy)
    }

    /// The same policy with `guard` added to every window.
    ///
    /// A client that must never draw a 429 needs a guard, because the server counts calls at other instants than the client:
    ///
    /// - Because of network jitter, two calls can arrive closer together than they were sent.
    /// - A permit may be held for a while before it is used.
    /// - Some servers count a call at both ends of a window.
    ///
    /// The guard must be longer than the longest time from a permit to the arrival of its call, less the shortest. The
    /// slowest answer takes longer than that. A guard costs `guard / (window + guard)` of the rate.
    ///
    /// The server also counts by a clock of its own. Two clocks that are not corrected by NTP differ by up to 200 millionths
    /// or so. Add that part of the longest window to the guard: 12 ms for a minute, 0.72 s for an hour. While NTP corrects
    /// one of the clocks, its rate is wrong by up to 500 millionths more.
    ///
    /// # Errors
    ///
    /// [`PolicyError::WindowTooLong`] if a window and the guard together exceed
    /// [`MAX_WINDOW`](Policy::MAX_WINDOW).
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Algorithm, Nanos, Policy, Quota, SlidingLog};
    ///
    /// let policy = Policy::new(&[Quota::per_second(1)])?.with_guard(Duration::from_millis(250))?;
    /// let log = SlidingLog::new(policy)?;
    /// assert!(log.try_acquire_at(Nanos::ZERO, 1).is_ok());
    /// let denied = log.try_acquire_at(Nanos::from_secs(1), 1).unwrap_err();
    /// assert_eq!(denied.retry_after(), Some(Duration::from_millis(250)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn with_guard(self, guard: Duration) -> Result<Policy, PolicyError> {
        let mut i = 0;
        while i < self.len as usize {
            let window = self.quotas[i].window;
            match window.checked_add(guard) {
                Some(sum) if sum.as_nanos() <= Policy::MAX_WINDOW.as_nanos() => {}
                _ => return Err(PolicyError::WindowTooLong { quota: i, window, guard }),
            }
            i += 1;
        }
        Ok(Policy { guard, ..self })
    }

    /// The quotas, in the order given. Never empty.
    #[inline]
    pub const fn quotas(&self) -> &[Quota] {
        self.quotas.split_at(self.len as usize).0
    }

    /// The time that is added to every window.
    #[inline]
    pub const fn guard(&self) -> Duration {
        self.guard
    }

    /// `(limit, window + guard in nanoseconds)` of each quota; limit and window are never 0.
    pub(crate) fn rules(&self) -> impl Iterator<Item = (u32, u64)> + Clone + '_ {
        let guard = nanos(self.guard);
        self.quotas().iter().map(move |quota| (quota.limit, nanos(quota.window) + guard))
    }

    /// The `(limit, window)` with the lowest rate, which is the sustained rate of the policy.
    pub(crate) fn sustained(&self) -> (u32, u64) {
        let rate_below = |a: (u32, u64), b: (u32, u64)| {
            u128::from(a.0) * u128::from(b.1) < u128::from(b.0) * u128::from(a.1)
        };
        self.rules().fold((u32::MAX, 1), |least, rule| if rate_below(rule, least) { rule } else { least })
    }

    /// The largest limit of all quotas. A log must remember so many permits.
    pub(crate) fn largest_limit(&self) -> u32 {
        self.quotas().iter().map(|quota| quota.limit).max().unwrap_or(0)
    }

    /// The quota with the smallest limit, and that limit: no call can ever be granted more permits.
    pub(crate) fn smallest_limit(&self) -> (usize, u32) {
        let mut least = (0, self.quotas[0].limit);
        for (i, quota) in self.quotas().iter().enumerate() {
            if quota.limit < least.1 {
                least = (i, quota.limit);
            }
        }
        least
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a policy holds nothing above MAX_WINDOW")]
fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({self})")
    }
}
