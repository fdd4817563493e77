//! What a limiter answers: granted, perhaps with a [`Grant`] to hand back, or [`Denied`] with the instant to come back;
//! and its [`Status`].

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::nanos::Nanos;
use crate::quota::Policy;

/// A refusal: which quota binds, and when to come back.
///
/// One flat value from one snapshot, without allocation. A denied call has changed nothing. The retry
/// instant is exact: a call for as many permits at that instant is granted if nothing else is granted in
/// between, and one tick of the algorithm's clock grid earlier it is not.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
///
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// log.try_acquire_at(Nanos::from_secs(10), 50)?;
///
/// let denied = log.try_acquire_at(Nanos::from_secs(12), 1).unwrap_err();
/// assert_eq!(denied.quota(), 0); // 50 per minute
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(70)));
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(58)));
/// assert_eq!(denied.retry_after_secs(), Some(58)); // an HTTP Retry-After
///
/// // More than can ever be granted at once: there is nothing to wait for.
/// let never = log.try_acquire_at(Nanos::from_secs(12), 51).unwrap_err();
/// assert_eq!((never.retry_at(), never.burst()), (None, 50));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Denied {
    at: Nanos,
    /// `Nanos::MAX` is never: no limiter promises its clock's last instant.
    retry_at: Nanos,
    /// Non-zero, so that `Result<(), Denied>` needs no tag of its own.
    burst: NonZeroU32,
    quota: u8,
    paused: bool,
}

impl Denied {
    /// A refusal made at `at` because of the quota with index `quota`, which a retry at `retry_at` (`None`
    /// for never) would not meet, from a limiter that can grant at most `burst` permits to one call. For
    /// implementers of [`Algorithm`](crate::Algorithm); a `burst` of 0 counts as 1, a retry at
    /// [`Nanos::MAX`] as never.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub const fn new(at: Nanos, quota: usize, retry_at: Option<Nanos>, burst: u32) -> Denied {
        let retry_at = match retry_at {
            Some(instant) => instant,
            None => Nanos::MAX,
        };
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
        };
        Denied { at, retry_at, burst, quota: quota as u8, paused: false }
    }

    pub(crate) const fn in_a_pause(self) -> Denied {
        Denied { paused: true, ..self }
    }

    /// The index, in [`Policy::quotas`], of the quota that binds: the last of them to admit a retry, the first
    /// listed if several do. A strict token bucket has one state for all quotas and names the one that its plan
    /// follows. If the limiter [`is_paused`](Denied::is_paused), the quota that binds when the pause is over, and 0 if
    /// none does.
    #[inline]
    pub const fn quota(&self) -> usize {
        self.quota as usize
    }

    /// Whether the limiter was paused, by [`RateLimiter::pause_until`](crate::RateLimiter::pause_until).
    #[inline]
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// The instant at which the call was judged.
    #[inline]
    pub const fn at(&self) -> Nanos {
        self.at
    }

    /// The first instant at which an undisturbed retry is granted, or `None` if there is no such instant:
    /// the call asked for more than [`burst`](Denied::burst), or the instant lies past the limiter's horizon.
    #[inline]
    pub const fn retry_at(&self) -> Option<Nanos> {
        if self.retry_at.as_nanos() == Nanos::MAX.as_nanos() { None } else { Some(self.retry_at) }
    }

    /// How long after the refused call a retry is granted; `None` for never.
    #[inline]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.retry_at() {
            Some(instant) => Some(instant.saturating_duration_since(self.at)),
            None => None,
        }
    }

    /// [`retry_after`](Denied::retry_after) in whole seconds, rounded up: the delay of an HTTP
    /// `Retry-After` header (RFC 9110, section 10.2.3).
    #[inline]
    pub const fn retry_after_secs(&self) -> Option<u64> {
        match self.retry_after() {
            Some(delay) if delay.subsec_nanos() > 0 => Some(delay.as_secs() + 1),
            Some(delay) => Some(delay.as_secs()),
            None => None,
        }
    }

    /// The most permits that one call to this limiter can ever be granted.
    #[inline]
    pub const fn burst(&self) -> u32 {
        self.burst.get()
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.retry_after() {
            Some(delay) if self.paused => write!(f, "paused; retry after {delay:?}"),
            Some(delay) => {
                write!(f, "rate limit exceeded (quota {}, counted from 0); retry after {delay:?}", self.quota)
            }
            None => write!(
                f,
                "never granted: at most {} permits to one call, and none past the last instant the limiter can tell",
                self.burst
            ),
        }
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied")
            .field("at", &self.at)
            .field("retry_at", &self.retry_at())
            .field("burst", &self.burst)
            .field("quota", &self.quota)
            .field("paused", &self.paused)
            .finish()
    }
}

impl core::error::Error for Denied {}

/// Permits that were granted, as far as they can be handed back.
///
/// It is of use to the limiter that made it, once, and only until that limiter grants again. To drop it is to use
/// the permits.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
///
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
/// let now = Nanos::from_secs(1);
/// let grant = bucket.try_grant_at(now, 26)?;
/// assert!(bucket.try_acquire_at(now, 1).is_err());
/// assert!(bucket.undo(grant)); // as if it had never been granted
///
/// let grant = bucket.try_grant_at(now, 1)?;
/// bucket.try_acquire_at(now, 1)?;
/// assert!(!bucket.undo(grant)); // not the latest any more: forfeited
/// assert_eq!(bucket.status_at(now).remaining(), 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    before: u64,
    after: u64,
    /// The address of the limiter that made it, if it checks that: a grant handed to another would mint permits.
    limiter: usize,
}

impl Grant {
    /// One that cannot be handed back.
    pub const FINAL: Grant = Grant { before: 0, after: 0, limiter: 0 };

    /// A grant that took the limiter's state from `before` to `after`, two words of which a later grant leaves
    /// neither; equal if it cannot be handed back. For implementers of [`Algorithm`](crate::Algorithm).
    #[inline]
    pub const fn new(before: u64, after: u64) -> Grant {
        Grant { before, after, limiter: 0 }
    }

    #[inline]
    pub(crate) fn of<L>(self, limiter: &L) -> Grant {
        Grant { limiter: core::ptr::from_ref(limiter).addr(), ..self }
    }

    /// Whether it was made [`of`](Grant::of) `limiter`, which has not been moved since.
    #[inline]
    pub(crate) fn is_of<L>(&self, limiter: &L) -> bool {
        self.limiter == core::ptr::from_ref(limiter).addr()
    }

    /// The words it was made of; `None` if it cannot be handed back.
    #[inline]
    pub const fn words(&self) -> Option<(u64, u64)> {
        if self.before == self.after { None } else { Some((self.before, self.after)) }
    }
}

/// How much of each quota is left, from one snapshot.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, SlidingLog};
///
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// log.try_acquire_at(Nanos::from_secs(10), 20)?;
///
/// let status = log.status_at(Nanos::from_secs(30));
/// assert_eq!(status.remaining(), 30);
/// assert_eq!(status.quotas()[1].remaining, 1480);
/// assert_eq!(status.quotas()[1].reset_at, Nanos::from_secs(3610));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    at: Nanos,
    quotas: [QuotaStatus; Policy::MAX_QUOTAS],
    len: u8,
}

/// How much of one quota is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaStatus {
    /// The most permits that this quota alone would grant to one call now. A strict token bucket has one state
    /// for all quotas and says the same of each.
    pub remaining: u32,
    /// The instant at which the quota is whole again if nothing more is granted; not after
    /// [`Status::at`] if it is whole now, [`Nanos::MAX`] if that is past the last instant the limiter can tell.
    pub reset_at: Nanos,
}

impl Status {
    /// The state at `at` of each quota, in the order of the policy. For implementers of
    /// [`Algorithm`](crate::Algorithm); states past [`Policy::MAX_QUOTAS`] are ignored.
    pub fn new(at: Nanos, quotas: impl IntoIterator<Item = QuotaStatus>) -> Status {
        let whole = QuotaStatus { remaining: 0, reset_at: at };
        let mut status = Status { at, quotas: [whole; Policy::MAX_QUOTAS], len: 0 };
        for (place, quota) in status.quotas.iter_mut().zip(quotas) {
            *place = quota;
            status.len += 1;
        }
        status
    }

    /// The instant at which the state was judged.
    #[inline]
    pub const fn at(&self) -> Nanos {
        self.at
    }

    /// The state of each quota, in the order of [`Policy::quotas`].
    #[inline]
    pub fn quotas(&self) -> &[QuotaStatus] {
        &self.quotas[..usize::from(self.len)]
    }

    /// The most permits that one call would be granted now: the least that any quota has left.
    pub fn remaining(&self) -> u32 {
        self.quotas().iter().map(|quota| quota.remaining).min().unwrap_or(0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status").field("at", &self.at).field("quotas", &self.quotas()).finish_non_exhaustive()
    }
}
