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

impl Denied {
    /// A refusal made at `at` because the quota with index `quota` is exceeded. A retry at `retry_at` is granted (`None`
    /// if it never is), and one call can be granted at most `burst` permits. For implementers of
    /// [`Algorithm`](crate::Algorithm). A `burst` of 0 counts as 1, and a retry at [`Nanos::MAX`] as never.
    #[inline]
    pub const fn new(at: Nanos, quota: usize, retry_at: Option<Nanos>, burst: u32) -> Denied {
        Denied::because(at, Reason::quota(quota), retry_at, burst)
    }

    #[inline]
    pub(crate) const fn because(at: Nanos, reason: Reason, retry_at: Option<Nanos>, burst: u32) -> Denied {
        let retry_at = match retry_at {
            Some(instant) => instant,
            None => Nanos::MAX,
        };
        let burst = match NonZeroU32::new(burst) {
            Some(burst) => burst,
            None => NonZeroU32::MIN,
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
    /// [`burst`](Denied::burst) permits, the instant is past the last one that the limiter can tell, or the limiter is
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
    /// [`Status::at`] if `remaining` is above 0, and [`Nanos::MAX`] if it is past the last instant the limiter can tell.
    pub next_at: Nanos,
    /// The first instant at which the quota is full again, if nothing is granted before. It is not after
    /// [`Status::at`] if the quota is full now, and [`Nanos::MAX`] if it is past the last instant the limiter can tell.
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
        Status { joint: true, ..Status::new(at, [state]) }
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
