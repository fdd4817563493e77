//! What a limiter answers: granted, perhaps with a [`Grant`] to hand back, or [`Denied`] with the [`Cause`] and the instant
//! to come back; and its [`Status`].

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use crate::nanos::Nanos;
use crate::quota::Policy;

/// A refusal: why, and when to come back.
///
/// It is one flat value from one snapshot, and making it allocates nothing. A refused call has changed nothing. The
/// retry instant is exact: a call for as many permits at that instant is granted if nothing else is granted in between.
/// The same call one tick of the algorithm's clock earlier is refused.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Algorithm, Cause, Nanos, Policy, SlidingLog};
///
/// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
/// log.try_acquire_at(Nanos::from_secs(10), 50)?;
///
/// let denied = log.try_acquire_at(Nanos::from_secs(12), 1).unwrap_err();
/// assert_eq!(denied.cause(), Cause::Quota(0)); // 50 per minute
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(70)));
/// assert_eq!(denied.retry_after(), Some(Duration::from_secs(58)));
/// assert_eq!(denied.retry_after_secs(), Some(58)); // an HTTP Retry-After
///
/// // More than one call can ever be granted: there is nothing to wait for.
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
    reason: Reason,
}

/// Why a call was refused: see [`Denied::cause`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The quota with this index in [`Policy::quotas`] is exceeded. If several are, it is the last of them to admit a
    /// retry, and of equal ones the first in the policy.
    Quota(usize),
    /// The limiter spaces its calls so that no quota is ever exceeded, and this call came too early. A strict token
    /// bucket does this: it has one state for all quotas, and no single quota is to blame.
    Pace,
    /// The limiter is [paused](crate::RateLimiter::pause_until), or it comes out of a pause and spaces its calls.
    Pause,
}

/// A [`Cause`] and a quota in one byte.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Reason(u8);

impl Reason {
    const QUOTA: u8 = 0x0f;
    const PACE: u8 = 0x40;
    const PAUSE: u8 = 0x80;

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a policy holds at most 8 quotas")]
    pub(crate) const fn quota(quota: usize) -> Reason {
        Reason(quota as u8 & Reason::QUOTA)
    }

    /// The pace of a limiter that has one state for all quotas and follows this one.
    #[inline]
    pub(crate) const fn pace(quota: usize) -> Reason {
        Reason(Reason::quota(quota).0 | Reason::PACE)
    }

    /// Whether the limiter has one state for all quotas.
    #[inline]
    pub(crate) const fn is_pace(self) -> bool {
        self.0 & Reason::PACE != 0
    }

    const fn cause(self) -> Cause {
        if self.0 & Reason::PAUSE != 0 {
            Cause::Pause
        } else if self.is_pace() {
            Cause::Pace
        } else {
            Cause::Quota((self.0 & Reason::QUOTA) as usize)
        }
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(f)
    }
}

/// `n`, or 1 if that is 0.
pub(crate) const fn at_least_one(n: u32) -> NonZeroU32 {
    match NonZeroU32::new(n) {
        Some(n) => n,
        None => NonZeroU32::MIN,
    }
}

impl Denied {
    /// A refusal made at `at` because the quota with index `quota` is exceeded. A retry at `retry_at` is granted (`None`
    /// if it never is), and one call can be granted at most `burst` permits. For implementers of
    /// [`Algorithm`](crate::Algorithm). A `burst` of 0 counts as 1, and a retry at [`Nanos::MAX`] as never.
    #[inline]
    pub const fn new(at: Nanos, quota: usize, retry_at: Option<Nanos>, burst: u32) -> Denied {
        Denied::because(at, Reason::quota(quota), retry_at, at_least_one(burst))
    }

    #[inline]
    pub(crate) const fn because(
        at: Nanos,
        reason: Reason,
        retry_at: Option<Nanos>,
        burst: NonZeroU32,
    ) -> Denied {
        let retry_at = match retry_at {
            Some(instant) => instant,
            None => Nanos::MAX,
        };
        Denied { at, retry_at, burst, reason }
    }

    /// The same refusal by a limiter that has one state for all quotas: its cause is [`Cause::Pace`]. For implementers
    /// of [`Algorithm`](crate::Algorithm).
    #[inline]
    #[must_use = "this returns the changed refusal and leaves the original as it was"]
    pub const fn by_pace(self) -> Denied {
        Denied { reason: Reason(self.reason.0 | Reason::PACE), ..self }
    }

    /// The same refusal, made at `at` because of a pause.
    pub(crate) const fn in_a_pause(self, at: Nanos) -> Denied {
        Denied { at, reason: Reason(self.reason.0 | Reason::PAUSE), ..self }
    }

    /// The same refusal, made at `at`.
    pub(crate) const fn made_at(self, at: Nanos) -> Denied {
        Denied { at, ..self }
    }

    /// Why the call was refused.
    ///
    /// ```
    /// use tollgate::{Algorithm, Cause, Nanos, Policy, SlidingLog, TokenBucket};
    ///
    /// let policy = Policy::MICROSOFT_365_DEFENDER;
    /// let (log, bucket) = (SlidingLog::new(policy)?, TokenBucket::strict(policy)?);
    /// log.try_acquire_at(Nanos::ZERO, 50)?;
    /// bucket.try_acquire_at(Nanos::ZERO, 26)?;
    /// assert_eq!(log.try_acquire_at(Nanos::ZERO, 1).unwrap_err().cause(), Cause::Quota(0));
    /// assert_eq!(bucket.try_acquire_at(Nanos::ZERO, 1).unwrap_err().cause(), Cause::Pace);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub const fn cause(&self) -> Cause {
        self.reason.cause()
    }

    /// The index in [`Policy::quotas`] of the quota that is exceeded, if the [cause](Denied::cause) is a quota.
    ///
    /// For [`Cause::Pace`] it is the quota that the limiter's pace follows, which is not exceeded. For
    /// [`Cause::Pause`] it is the quota that is still exceeded when the pause is over, or 0.
    #[inline]
    pub const fn quota(&self) -> usize {
        (self.reason.0 & Reason::QUOTA) as usize
    }

    /// Whether the cause is [`Cause::Pause`].
    #[inline]
    pub const fn is_paused(&self) -> bool {
        self.reason.0 & Reason::PAUSE != 0
    }

    /// The instant at which the call was decided.
    #[inline]
    pub const fn at(&self) -> Nanos {
        self.at
    }

    /// The first instant at which an undisturbed retry is granted. `None` if there is none: the call asked for more than
    /// [`burst`](Denied::burst) permits, the instant is past the last one that the limiter can represent, or the limiter is
    /// paused until it is resumed.
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

    /// The refusal in words for a person, with the quota as `policy` writes it. `policy` is that of the limiter which
    /// refused.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, SlidingLog, TokenBucket};
    ///
    /// let policy: Policy = "burst=50/1m, 1500/1h".parse()?;
    /// let (log, bucket) = (SlidingLog::new(policy)?, TokenBucket::strict(policy)?);
    /// log.try_acquire_at(Nanos::ZERO, 50)?;
    /// bucket.try_acquire_at(Nanos::ZERO, 26)?;
    ///
    /// let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// assert_eq!(denied.explain(&policy).to_string(), "quota burst=50/1m is exceeded; retry after 60s");
    /// let denied = bucket.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// assert_eq!(
    ///     denied.explain(&policy).to_string(),
    ///     "calls are spaced to keep burst=50/1m, 1500/1h; retry after 2.440677967s"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn explain<'a>(&self, policy: &'a Policy) -> impl fmt::Display + use<'a> {
        Explained { denied: *self, policy: Some(policy) }
    }
}

/// A refusal in words, with or without those of the policy.
struct Explained<'a> {
    denied: Denied,
    policy: Option<&'a Policy>,
}

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explained { denied, policy } = self;
        let delay = match (denied.retry_after(), denied.cause()) {
            (Some(delay), _) => delay,
            (None, Cause::Pause) => return f.write_str("paused until the limiter is resumed"),
            (None, _) => {
                return write!(
                    f,
                    "never granted: one call can be granted at most {} permits, and none after the last instant the \
                     limiter can tell",
                    denied.burst
                );
            }
        };
        match (denied.cause(), policy) {
            (Cause::Pause, _) => f.write_str("paused")?,
            (Cause::Pace, None) => f.write_str("calls are spaced to keep every quota")?,
            (Cause::Pace, Some(policy)) => write!(f, "calls are spaced to keep {policy}")?,
            (Cause::Quota(quota), policy) => match policy.and_then(|policy| policy.quotas().get(quota)) {
                Some(quota) => write!(f, "quota {quota} is exceeded")?,
                None => write!(f, "quota {quota} (counted from 0) is exceeded")?,
            },
        }
        write!(f, "; retry after {delay:?}")
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Explained { denied: *self, policy: None }.fmt(f)
    }
}

impl fmt::Debug for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Denied")
            .field("at", &self.at)
            .field("retry_at", &self.retry_at())
            .field("burst", &self.burst)
            .field("cause", &self.reason)
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
    /// `true`: the limiter's algorithm is as it was before the grant. `false`: the permits stay charged, because the limiter
    /// has granted other permits since, or because it cannot take permits back. A grant of 0 permits has nothing to undo, and
    /// the answer is `false`, too. Permits are never given back in part. The cost is one compare-and-swap.
    ///
    /// After a [pause](crate::RateLimiter::pause_until) the spacing of calls still counts this one: the next permit comes as
    /// late as if the call had been made.
    ///
    /// Why only the latest grant? After a later one, the state of the limiter does not tell whether the permits still
    /// count, because the bucket may have become full again in between. To subtract them could let through more than the
    /// policy allows, and so could any repair that trusts a clock. `tests/undo_later.rs` has the histories.
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
/// #[derive(Debug)]
/// struct Once {
///     policy: Policy,
///     granted: Granted,
/// }
///
/// /// The number of permits granted. It only grows, unless the latest grant is undone.
/// #[derive(Debug)]
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
/// #        Status::new(now, [QuotaStatus { remaining: self.limit() - granted, next_at: now, reset_at: Nanos::MAX }])
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

/// What is left, from one snapshot.
///
/// A sliding log and a nominal token bucket have a state for each quota. A strict token bucket has one state for all
/// quotas, and its status [`is_joint`](Status::is_joint): it has one entry, which no quota can call its own.
///
/// Whatever is shown together should come from one status. In HTTP, say, a `Retry-After` made of
/// [`next_at`](Status::next_at) never contradicts the `remaining` and `next_at` of the entries, which are from the same
/// instant. A later status, or a refusal beside it, may be of another state.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, SlidingLog, TokenBucket};
///
/// let policy = Policy::MICROSOFT_365_DEFENDER;
/// let log = SlidingLog::new(policy)?;
/// log.try_acquire_at(Nanos::from_secs(10), 50)?;
///
/// let status = log.status_at(Nanos::from_secs(30));
/// assert_eq!((status.remaining(), status.next_at()), (0, Nanos::from_secs(70)));
/// let hour = status.quotas()[1];
/// assert_eq!((hour.remaining, hour.next_at), (1450, Nanos::from_secs(30))); // the hour would grant a call now
/// assert_eq!(hour.reset_at, Nanos::from_secs(3610));
/// assert_eq!(log.try_acquire_at(Nanos::from_secs(30), 1).unwrap_err().retry_at(), Some(status.next_at()));
///
/// let bucket = TokenBucket::strict(policy)?;
/// bucket.try_acquire_at(Nanos::ZERO, 26)?;
/// let status = bucket.status_at(Nanos::ZERO);
/// assert!(status.is_joint());
/// assert_eq!(status.quotas().len(), 1);
/// assert_eq!(status.next_at(), Nanos::from_nanos(2_440_677_967)); // one permit
/// assert_eq!(status.quotas()[0].reset_at, Nanos::from_nanos(26 * 2_440_677_967)); // all 26
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status {
    at: Nanos,
    quotas: [QuotaStatus; Policy::MAX_QUOTAS],
    len: u8,
    joint: bool,
}

/// What is left of one quota, or of the one state that a limiter has for all quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QuotaStatus {
    /// The most permits that this quota alone would grant to one call now.
    pub remaining: u32,
    /// The first instant at which this quota alone grants one permit, if nothing is granted before. It is not after
    /// [`Status::at`] if `remaining` is above 0, and [`Nanos::MAX`] if it is past the last instant the limiter can represent.
    pub next_at: Nanos,
    /// The first instant at which the quota is full again, if nothing is granted before. It is not after
    /// [`Status::at`] if the quota is full now, and [`Nanos::MAX`] if it is past the last instant the limiter can represent.
    pub reset_at: Nanos,
}

impl Status {
    /// The state at `at` of each quota, in the order of the policy. For implementers of
    /// [`Algorithm`](crate::Algorithm). States past [`Policy::MAX_QUOTAS`] are ignored.
    pub fn new(at: Nanos, quotas: impl IntoIterator<Item = QuotaStatus>) -> Status {
        let none = QuotaStatus { remaining: 0, next_at: at, reset_at: at };
        let mut status = Status { at, quotas: [none; Policy::MAX_QUOTAS], len: 0, joint: false };
        for (place, quota) in status.quotas.iter_mut().zip(quotas) {
            *place = quota;
            status.len += 1;
        }
        status
    }

    /// The state at `at` of a limiter that has one state for all quotas. For implementers of
    /// [`Algorithm`](crate::Algorithm).
    pub fn joint(at: Nanos, state: QuotaStatus) -> Status {
        let mut quotas = [QuotaStatus { remaining: 0, next_at: at, reset_at: at }; Policy::MAX_QUOTAS];
        quotas[0] = state;
        Status { at, quotas, len: 1, joint: true }
    }

    /// The same, where `limit` holds beside each entry.
    pub(crate) fn limited_by(mut self, limit: QuotaStatus) -> Status {
        for quota in self.quotas.iter_mut().take(usize::from(self.len)) {
            quota.remaining = quota.remaining.min(limit.remaining);
            quota.next_at = quota.next_at.max(limit.next_at);
            quota.reset_at = quota.reset_at.max(limit.reset_at);
        }
        self
    }

    /// The instant at which the state was read.
    #[inline]
    pub const fn at(&self) -> Nanos {
        self.at
    }

    /// Whether there is one entry for all quotas.
    #[inline]
    pub const fn is_joint(&self) -> bool {
        self.joint
    }

    /// The state of each quota, in the order of [`Policy::quotas`]; or one entry for all of them, if the status
    /// [`is_joint`](Status::is_joint).
    #[inline]
    pub fn quotas(&self) -> &[QuotaStatus] {
        self.quotas.get(..usize::from(self.len)).unwrap_or(&self.quotas)
    }

    /// The most permits that one call would be granted now: the least that any entry has left.
    pub fn remaining(&self) -> u32 {
        self.quotas().iter().map(|quota| quota.remaining).min().unwrap_or(0)
    }

    /// The first instant at which one permit is granted, if nothing is granted before: the latest
    /// [`next_at`](QuotaStatus::next_at) of all entries. It is what a refusal of one permit at this instant tells as its
    /// [`retry_at`](Denied::retry_at). If a permit is there now, it is not after [`at`](Status::at).
    pub fn next_at(&self) -> Nanos {
        self.quotas().iter().map(|quota| quota.next_at).max().unwrap_or(Nanos::MAX)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("at", &self.at)
            .field("joint", &self.joint)
            .field("quotas", &self.quotas())
            .finish_non_exhaustive()
    }
}
