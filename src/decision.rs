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

/// Granted permits that can perhaps be given back.
///
/// A grant borrows the limiter that made it. If the call is not sent after all, [`undo`](Grant::undo) gives the permits
/// back to that limiter. Dropping a grant uses the permits: there is nothing to release.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
///
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
/// let now = Nanos::from_secs(1);
/// let grant = bucket.try_grant_at(now, 26)?;
/// assert!(bucket.try_acquire_at(now, 1).is_err());
/// assert!(grant.undo()); // as if it had never been granted
///
/// let grant = bucket.try_grant_at(now, 1)?;
/// bucket.try_acquire_at(now, 1)?;
/// assert!(!grant.undo()); // it is no longer the latest grant: its permit stays charged
/// assert_eq!(bucket.status_at(now).remaining(), 24);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// While the grant exists, its limiter cannot be dropped, moved, replaced or swapped with another, so permits never
/// return to the wrong limiter. The compiler checks this:
///
/// ```compile_fail,E0505
/// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
///
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// drop(bucket);
/// grant.undo();
/// ```
pub struct Grant<'a> {
    receipt: Receipt,
    /// `None` if it cannot be undone.
    limiter: Option<&'a dyn Reclaim>,
}

impl<'a> Grant<'a> {
    /// A grant that cannot be undone.
    pub const FINAL: Grant<'static> = Grant { receipt: Receipt { before: 0, after: 0 }, limiter: None };

    /// A grant that changed the state of `limiter` from `before` to `after`. If the two are equal, the grant cannot be
    /// undone. For implementers of [`Algorithm`](crate::Algorithm); see [`Reclaim`].
    #[inline]
    pub fn new(limiter: &'a dyn Reclaim, before: u64, after: u64) -> Grant<'a> {
        Grant { receipt: Receipt { before, after }, limiter: Some(limiter) }
    }

    /// Gives the permits back, for a call that was never sent.
    ///
    /// `true`: the limiter is as it was before the grant. `false`: the permits stay charged, because the limiter has
    /// granted other permits since, or because it cannot take permits back. Permits are never given back in part. The
    /// cost is one compare-and-swap.
    #[inline]
    pub fn undo(self) -> bool {
        self.limiter.is_some_and(|limiter| self.receipt.undo_in(limiter))
    }

    /// What is left of the grant without the borrow, for a permit that owns its limiter. Only the same limiter may be
    /// given it, by [`Algorithm::undo_receipt`](crate::Algorithm::undo_receipt).
    #[allow(dead_code, reason = "only a permit that owns its limiter needs it")]
    #[inline]
    pub(crate) fn into_receipt(self) -> Receipt {
        self.receipt
    }
}

impl fmt::Debug for Grant<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant")
            .field("receipt", &self.receipt)
            .field("is_final", &self.limiter.is_none())
            .finish()
    }
}

/// The state of a limiter before and after one grant; equal if the grant cannot be undone.
///
/// It says nothing about which limiter that is. So no other crate can name this type, make a value of it or get one.
#[derive(Debug)]
pub struct Receipt {
    pub(crate) before: u64,
    pub(crate) after: u64,
}

impl Receipt {
    #[inline]
    pub(crate) fn undo_in(self, limiter: &dyn Reclaim) -> bool {
        self.before != self.after && limiter.reclaim(self.before, self.after)
    }
}

/// A limiter that can take back its latest grant. For implementers of [`Algorithm`](crate::Algorithm) whose grants can
/// be undone.
///
/// The trait need not be implemented by the algorithm itself. If a private part implements it, nobody can call it with
/// words of their own.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use tollgate::{Algorithm, Denied, Grant, Nanos, Policy, QuotaStatus, Reclaim, Status};
///
/// /// Grants the first quota's limit once, and never again.
/// struct Once {
///     policy: Policy,
///     granted: Granted,
/// }
///
/// /// The number of permits granted. It only grows, unless the latest grant is undone.
/// struct Granted(AtomicU64);
///
/// impl Reclaim for Granted {
///     fn reclaim(&self, before: u64, after: u64) -> bool {
///         self.0.compare_exchange(after, before, Relaxed, Relaxed).is_ok()
///     }
/// }
///
/// impl Once {
///     fn limit(&self) -> u32 {
///         self.policy.quotas()[0].limit()
///     }
///
///     fn after(&self, granted: u64, n: u32) -> Option<u64> {
///         Some(granted + u64::from(n)).filter(|&after| after <= u64::from(self.limit()))
///     }
/// }
///
/// impl Algorithm for Once {
///     fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
///         match self.granted.0.fetch_update(Relaxed, Relaxed, |granted| self.after(granted, n)) {
///             Ok(before) => Ok(Grant::new(&self.granted, before, before + u64::from(n))),
///             Err(_) => Err(Denied::new(now, 0, None, self.limit())),
///         }
///     }
///
///     fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
///         self.try_grant_at(now, n).map(drop)
///     }
///     // ...
/// #    fn policy(&self) -> &Policy {
/// #        &self.policy
/// #    }
/// #    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
/// #        let after = self.after(self.granted.0.load(Relaxed), n);
/// #        after.map(drop).ok_or(Denied::new(now, 0, None, self.limit()))
/// #    }
/// #    fn status_at(&self, now: Nanos) -> Status {
/// #        let granted = u32::try_from(self.granted.0.load(Relaxed)).unwrap_or(u32::MAX);
/// #        Status::new(now, [QuotaStatus { remaining: self.limit() - granted, reset_at: Nanos::MAX }])
/// #    }
/// }
///
/// let once = Once { policy: "3/1s".parse()?, granted: Granted(AtomicU64::new(0)) };
/// let grant = once.try_grant_at(Nanos::ZERO, 2)?;
/// assert!(once.try_acquire_at(Nanos::ZERO, 2).is_err());
/// assert!(grant.undo());
/// assert!(once.try_acquire_at(Nanos::ZERO, 2).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Reclaim: Send + Sync {
    /// Changes the state from `after` back to `before` if it is still `after`, in one atomic step, and says whether it
    /// did. Called at most once for each [`Grant`] made with these two words.
    ///
    /// While the state is `after`, no later grant may be in force: every grant must produce a state that no earlier
    /// grant still in force has produced. A state that only grows, except by undoing, has this property.
    fn reclaim(&self, before: u64, after: u64) -> bool;
}

/// What must not compile: a grant that is undone when its limiter is gone, elsewhere or another.
///
/// ```compile_fail,E0505
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let bucket: Box<dyn Algorithm> = Box::new(TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap());
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// drop(bucket);
/// grant.undo();
/// ```
///
/// ```compile_fail,E0505
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// let elsewhere = Box::new(bucket);
/// grant.undo();
/// ```
///
/// ```compile_fail,E0505
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// let used = bucket.with_used(Nanos::ZERO, 1);
/// grant.undo();
/// ```
///
/// ```compile_fail,E0506
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let mut bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// grant.undo();
/// ```
///
/// ```compile_fail,E0502
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let mut one = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let mut other = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = one.try_grant_at(Nanos::ZERO, 1).unwrap();
/// std::mem::swap(&mut one, &mut other);
/// grant.undo();
/// ```
///
/// ```compile_fail,E0599
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let one = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let other = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = one.try_grant_at(Nanos::ZERO, 1).unwrap();
/// other.undo(grant);
/// ```
///
/// Nor can anybody reach the word of a bucket, undo a grant twice, or make a receipt:
///
/// ```compile_fail,E0277
/// # use tollgate::{Grant, Policy, TokenBucket};
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// Grant::new(&bucket, 0, 1);
/// ```
///
/// ```compile_fail,E0382
/// # use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let grant = bucket.try_grant_at(Nanos::ZERO, 1).unwrap();
/// grant.undo();
/// grant.undo();
/// ```
///
/// ```compile_fail,E0422
/// let receipt = tollgate::Receipt { before: 0, after: 1 };
/// ```
///
/// A limiter of one's own cannot forward receipts to another:
///
/// ```compile_fail,E0603
/// use tollgate::decision::Receipt;
/// ```
///
/// The same holds for a limiter with a clock:
///
/// ```compile_fail,E0505
/// # use tollgate::{Manual, Policy, RateLimiter, TokenBucket};
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
/// let limiter = RateLimiter::new(bucket, Manual::new());
/// let grant = limiter.try_grant().unwrap();
/// drop(limiter);
/// grant.undo();
/// ```
#[cfg(doctest)]
struct UndoneElsewhere;

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
