//! The handle that users hold: an algorithm, a clock and a [pause](crate::pause).

use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::algorithm::Algorithm;
#[cfg(feature = "std")]
use crate::algorithm::{BuildError, SlidingLog, TokenBucket, WindowCounter};
use crate::clock::Clock;
#[cfg(feature = "std")]
use crate::clock::DefaultClock;
use crate::decision::{Denied, Grant, Status};
use crate::nanos::{Nanos, saturating_nanos};
use crate::pause::{Pace, Pause};
use crate::quota::Policy;
use crate::sync::{AtomicU64, Ordering};
use crate::together::TryGrant;

/// The clock of a limiter that names none.
#[cfg(feature = "std")]
type Unnamed = DefaultClock;

/// Without `std` there is no default clock: name one. A type of its own, so that to turn on `std` changes no code that
/// compiles without it.
#[cfg(not(feature = "std"))]
type Unnamed = NoClock;

#[cfg(not(feature = "std"))]
#[doc(hidden)]
#[derive(Debug)]
pub enum NoClock {}

/// A rate limiter that knows the time.
///
/// A handle is one pointer, or two if the algorithm is erased. Clone it freely: every clone spends the same quota. A
/// decision costs one reading of the clock and one decision of the algorithm. Nothing blocks and nothing is allocated.
///
/// ```
/// use tollgate::{Policy, RateLimiter};
///
/// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
/// for _ in 0..50 {
///     limiter.try_acquire()?; // 50 a minute
/// }
/// let denied = limiter.try_acquire().unwrap_err();
/// println!("HTTP 429, Retry-After: {:?}", denied.retry_after_secs()); // Some(60), or 61 within 1 us
/// assert_eq!(denied.quota(), 0); // the first: 50 a minute
/// # Ok::<(), tollgate::Error>(())
/// ```
///
/// # In a type of your own
///
/// `RateLimiter` alone is a limiter of any algorithm on the default clock, `RateLimiter<SlidingLog>` is one of this
/// algorithm. A limiter turns into one of any algorithm by [`erased`](RateLimiter::erased) or `into`. Both spend the same
/// quota: they are handles to one state. A decision then costs one indirect call more.
///
/// ```
/// use tollgate::{Policy, RateLimiter, SlidingLog};
///
/// struct Client {
///     limiter: RateLimiter,
/// }
///
/// let policy = Policy::MICROSOFT_365_DEFENDER;
/// let exact: RateLimiter<SlidingLog> = RateLimiter::exact(policy)?;
/// let client = Client { limiter: exact.erased() };
/// exact.try_acquire_n(50)?;
/// assert!(client.limiter.try_acquire().is_err()); // the same 50
/// let limiters: Vec<RateLimiter> = vec![exact.into(), RateLimiter::strict(policy)?.into()];
/// # assert_eq!(limiters.len(), 2);
/// # Ok::<(), tollgate::Error>(())
/// ```
pub struct RateLimiter<A: ?Sized = dyn Algorithm, C = Unnamed> {
    shared: Arc<Shared<A, C>>,
}

struct Shared<A: ?Sized, C> {
    pause: Pause,
    /// The longest pause that can begin, in nanoseconds.
    longest_pause: AtomicU64,
    clock: C,
    /// The last field, so that a pointer to the whole can forget its type.
    algorithm: A,
}

#[cfg(feature = "std")]
impl RateLimiter<SlidingLog, DefaultClock> {
    /// Grants whenever the rule allows it: a [`SlidingLog`] on the [default clock](DefaultClock).
    ///
    /// **Windows are longer by the error of that clock**, so that the limit holds in true time: by 1 us with the feature
    /// `quanta`, by nothing without it. It is a part of `policy().guard()`. So a refusal within the first microsecond
    /// of a window of a minute says 61 in [`retry_after_secs`](crate::Denied::retry_after_secs), and a later one 60.
    ///
    /// # Errors
    ///
    /// As [`SlidingLog::new`], and [`BuildError::Policy`] if a window cannot be longer.
    pub fn exact(policy: Policy) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        Ok(RateLimiter::new(SlidingLog::new(clock.widen(policy)?)?, clock))
    }
}

#[cfg(feature = "std")]
impl RateLimiter<TokenBucket, DefaultClock> {
    /// Never exceeds the rule, in one word: a [`TokenBucket::strict`] on the [default clock](DefaultClock).
    ///
    /// **Windows are longer by the error of that clock**, so that the limit holds in true time: by 1 us with the feature
    /// `quanta`, by nothing without it. It is a part of `policy().guard()`. So a refusal within the first microsecond
    /// of a window of a minute says 61 in [`retry_after_secs`](crate::Denied::retry_after_secs), and a later one 60.
    ///
    /// # Errors
    ///
    /// As [`TokenBucket::strict`], and [`BuildError::Policy`] if a window cannot be longer.
    pub fn strict(policy: Policy) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        Ok(RateLimiter::new(TokenBucket::strict(clock.widen(policy)?)?, clock))
    }
}

#[cfg(feature = "std")]
impl RateLimiter<WindowCounter, DefaultClock> {
    /// Grants the whole smallest limit at once and never exceeds the rule, in one word: a [`WindowCounter`] on the
    /// [default clock](DefaultClock).
    ///
    /// Every window is longer by the error of that clock, 1 us at most: the limit holds in true time.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::counted(Policy::MICROSOFT_365_DEFENDER)?;
    /// assert!(limiter.try_acquire_n(50).is_ok());
    /// assert!(limiter.try_acquire().is_err());
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`WindowCounter::new`], and [`BuildError::Policy`] if a window cannot be longer.
    pub fn counted(policy: Policy) -> Result<Self, BuildError> {
        let clock = DefaultClock::new();
        Ok(RateLimiter::new(WindowCounter::new(clock.widen(policy)?)?, clock))
    }
}

impl<A: Algorithm, C: Clock> RateLimiter<A, C> {
    /// Joins an algorithm and a clock.
    ///
    /// The algorithm keeps its policy by the clock's time. If the clock can be wrong ([`Clock::max_error`]), build the
    /// algorithm for [`clock.widen(policy)?`](Clock::widen), so that the policy holds in true time too.
    /// `exact`, `strict` and `counted` do so.
    ///
    /// ```
    /// use tollgate::{Clock, DefaultClock, RateLimiter, TokenBucket};
    ///
    /// let clock = DefaultClock::new();
    /// let bucket = TokenBucket::nominal(clock.widen("100/1s".parse()?)?)?;
    /// let limiter = RateLimiter::new(bucket, clock);
    /// assert!(limiter.try_acquire_n(100).is_ok());
    /// assert!(limiter.try_acquire_n(100).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(algorithm: A, clock: C) -> Self {
        let longest_pause = AtomicU64::new(u64::MAX);
        RateLimiter { shared: Arc::new(Shared { pause: Pause::none(), longest_pause, clock, algorithm }) }
    }
}

impl<A: Algorithm + 'static, C> RateLimiter<A, C> {
    /// A handle to the same limiter that does not name the algorithm.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// fn limiter(spread: bool) -> Result<RateLimiter, tollgate::Error> {
    ///     let policy = Policy::MICROSOFT_365_DEFENDER;
    ///     Ok(if spread { RateLimiter::strict(policy)?.erased() } else { RateLimiter::exact(policy)?.erased() })
    /// }
    ///
    /// assert!(limiter(false)?.try_acquire_n(50).is_ok());
    /// assert!(limiter(true)?.try_acquire_n(50).is_err()); // 26 at once
    /// # Ok::<(), tollgate::Error>(())
    /// ```
    pub fn erased(&self) -> RateLimiter<dyn Algorithm, C> {
        RateLimiter { shared: Arc::clone(&self.shared) as Arc<Shared<dyn Algorithm, C>> }
    }
}

impl<A: Algorithm + ?Sized, C: Clock> RateLimiter<A, C> {
    /// Takes one permit now.
    ///
    /// # Errors
    ///
    /// [`Denied`] says why, and from which instant a retry is granted.
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Denied> {
        self.try_acquire_n(1)
    }

    /// Takes `n` permits now, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says why, and from which instant a retry is granted, or that none ever is.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<(), Denied> {
        self.unless_paused(n, true, A::try_acquire_at)
    }

    /// What [`try_acquire`](RateLimiter::try_acquire) would answer now. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire`.
    #[inline]
    pub fn peek(&self) -> Result<(), Denied> {
        self.peek_n(1)
    }

    /// What [`try_acquire_n`](RateLimiter::try_acquire_n) would answer now. Changes nothing.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
    /// limiter.try_acquire_n(30)?;
    /// assert!(limiter.peek_n(20).is_ok());
    /// let denied = limiter.peek_n(21).unwrap_err();
    /// assert_eq!(denied.quota(), 0); // the first: 50 a minute
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As `try_acquire_n`.
    #[inline]
    pub fn peek_n(&self, n: u32) -> Result<(), Denied> {
        self.unless_paused(n, false, A::peek_at)
    }

    /// As [`try_acquire`](RateLimiter::try_acquire), for a call that may turn out not to be sent: the grant can be
    /// [undone](Grant::undo).
    ///
    /// # Errors
    ///
    /// As `try_acquire`.
    #[inline]
    pub fn try_grant(&self) -> Result<Grant<'_>, Denied> {
        self.try_grant_n(1)
    }

    /// As [`try_acquire_n`](RateLimiter::try_acquire_n), for a call that may turn out not to be sent: the grant can be
    /// [undone](Grant::undo), as long as the limiter grants nothing else. Only a [`TokenBucket`](crate::TokenBucket)
    /// takes permits back: a strict one, or a nominal one with one or two quotas.
    ///
    /// ```
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::strict(Policy::MICROSOFT_365_DEFENDER)?;
    /// let grant = limiter.try_grant_n(26)?;
    /// assert!(limiter.try_acquire().is_err());
    /// assert!(grant.undo());
    /// assert!(limiter.try_acquire_n(26).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As `try_acquire_n`.
    #[inline]
    pub fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        self.unless_paused(n, true, A::try_grant_at)
    }

    /// What `decide` says now to a call for `n` permits, or the pause. If `charges`, a grant is charged.
    #[inline]
    fn unless_paused<'a, R>(
        &'a self,
        n: u32,
        charges: bool,
        decide: impl Fn(&'a A, Nanos, u32) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        self.unless_paused_at(self.clock().now(), n, charges, decide)
    }

    #[inline]
    fn unless_paused_at<'a, R>(
        &'a self,
        now: Nanos,
        n: u32,
        charges: bool,
        decide: impl Fn(&'a A, Nanos, u32) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        if self.shared.pause.affects(now) {
            return self.while_paused(now, n, charges, decide);
        }
        decide(self.algorithm(), now, n)
    }

    #[cold]
    #[inline(never)]
    fn while_paused<'a, R>(
        &'a self,
        now: Nanos,
        n: u32,
        charges: bool,
        decide: impl Fn(&'a A, Nanos, u32) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        self.shared.pause.decide(self.algorithm(), now, n, charges, decide)
    }

    /// Grants nothing before `instant`, by this handle or any clone. This is what a client does that was told to come
    /// back later, by an HTTP `Retry-After`.
    ///
    /// A server that refuses a call counts more than we do. So the limiter comes out of the pause empty: it grants one
    /// permit at `instant` and then spaces its calls, at the pace of the quota with the smallest limit (one per 1.2 s
    /// under 50 a minute), as a token bucket that starts empty. What is not used adds up again, and when the bucket is
    /// full, the policy alone decides as before. Calls that were spaced in this way are never faster than the policy
    /// allows.
    ///
    /// Of several pauses the one that ends last holds. With [`Nanos::MAX`] the limiter is paused until it is
    /// [resumed](RateLimiter::resume). Lock-free. A call that is being decided meanwhile may still be granted. Permits
    /// stay charged, those of the refused call too, because the server may have counted it.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Manual, Nanos, Policy, RateLimiter, TokenBucket};
    ///
    /// let clock = Manual::new();
    /// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
    /// let limiter = RateLimiter::new(bucket, clock.clone());
    /// limiter.pause_until(Nanos::from_secs(30));
    ///
    /// let denied = limiter.try_acquire().unwrap_err();
    /// assert!(denied.is_paused());
    /// assert_eq!(denied.retry_after(), Some(Duration::from_secs(30)));
    ///
    /// clock.advance(Duration::from_secs(30));
    /// assert!(limiter.try_acquire().is_ok());
    /// let denied = limiter.try_acquire().unwrap_err();
    /// assert!(denied.is_paused());
    /// assert_eq!(denied.retry_after(), Some(Duration::from_millis(1200))); // 50 a minute, one by one
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    pub fn pause_until(&self, instant: Nanos) {
        let longest = self.shared.longest_pause.load(Ordering::Relaxed);
        let until = match longest {
            u64::MAX => instant,
            _ => instant.min(self.clock().now().saturating_add(Duration::from_nanos(longest))),
        };
        self.shared.pause.begin(until, self.pace());
    }

    /// As [`pause_until`](RateLimiter::pause_until), counted from now.
    pub fn pause_for(&self, duration: Duration) {
        self.pause_until(self.clock().now().saturating_add(duration));
    }

    /// As [`pause_for`](RateLimiter::pause_for) of `duration` and a random part of `jitter`, so that many processes that
    /// were refused at one instant do not come back at one instant.
    ///
    /// The part is between nothing and all of `jitter`, and every duration in between is equally likely. It is good enough
    /// for this purpose and is no secret.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
    /// limiter.pause_for_with_jitter(Duration::from_secs(30), Duration::from_secs(5));
    /// let after = limiter.try_acquire().unwrap_err().retry_after_secs();
    /// assert!(after >= Some(30) && after <= Some(35));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[cfg(feature = "std")]
    #[cfg_attr(docsrs, doc(cfg(feature = "std")))]
    pub fn pause_for_with_jitter(&self, duration: Duration, jitter: Duration) {
        use core::hash::{BuildHasher, Hasher};

        // Each `RandomState` has keys of its own.
        let random = std::hash::RandomState::new().build_hasher().finish();
        let part = (u128::from(saturating_nanos(jitter)) * u128::from(random)) >> u64::BITS;
        let part = Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX));
        self.pause_for(duration.saturating_add(part));
    }

    /// Ends a pause early, and the spacing after it, as if there had been no pause.
    ///
    /// It ends every pause that began before it. A pause that begins at the same time, in another thread, comes before it
    /// and is ended, or comes after it and holds. The answer tells which: it is the instant before which the pause would have
    /// granted no permit, or `None` if that is not ahead. If it is later than you expected, you have ended somebody else's
    /// pause, and can begin it anew.
    ///
    /// ```
    /// use tollgate::{Manual, Nanos, Policy, RateLimiter, SlidingLog};
    ///
    /// let log = SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?;
    /// let limiter = RateLimiter::new(log, Manual::new());
    /// limiter.pause_until(Nanos::from_secs(3600));
    /// assert!(limiter.try_acquire().is_err());
    /// assert_eq!(limiter.resume(), Some(Nanos::from_secs(3600)));
    /// assert!(limiter.try_acquire_n(50).is_ok());
    /// assert_eq!(limiter.resume(), None);
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    pub fn resume(&self) -> Option<Nanos> {
        self.shared.pause.end(self.clock().now(), self.pace())
    }

    /// Sets the longest pause: one that would end later ends so long after the moment at which it begins. Not limited
    /// unless this is called. It holds for every clone, and for the pauses that begin from now on.
    ///
    /// A server that is wrong, or hostile, can otherwise silence its clients for years by one `Retry-After`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Policy, RateLimiter};
    ///
    /// let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
    /// limiter.set_longest_pause(Duration::from_secs(3600));
    /// limiter.pause_for(Duration::from_secs(1_792_152_901)); // an instant, where seconds were meant
    /// assert_eq!(limiter.try_acquire().unwrap_err().retry_after_secs(), Some(3600));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    pub fn set_longest_pause(&self, longest: Duration) {
        self.shared.longest_pause.store(saturating_nanos(longest), Ordering::Relaxed);
    }

    /// Grants at most `n` permits at once from now on, and then spaces its calls, as on the way out of a pause. Does nothing,
    /// and says so, if no more would be granted anyway, or if a call for one permit could have to wait longer than `longest` or
    /// than the longest pause.
    #[cfg(feature = "http")]
    pub(crate) fn lower_to(&self, n: u32, longest: Duration) -> bool {
        let pace = self.pace();
        let longest_pause = Duration::from_nanos(self.shared.longest_pause.load(Ordering::Relaxed));
        let lowers = self.status().remaining() > n && pace.interval() <= longest.min(longest_pause);
        if lowers {
            self.shared.pause.lower(self.clock().now(), n, pace);
        }
        lowers
    }

    fn pace(&self) -> Pace {
        Pace::of(self.policy())
    }

    /// What is left of each quota now, from one snapshot of the algorithm. In a pause and on the way out of it nothing is
    /// left but what the pause leaves. Changes nothing.
    #[inline]
    pub fn status(&self) -> Status {
        self.status_at(self.clock().now())
    }

    #[inline]
    pub(crate) fn status_at(&self, now: Nanos) -> Status {
        let status = self.algorithm().status_at(now);
        match self.shared.pause.left(now, self.pace()) {
            Some(left) => status.limited_by(left),
            None => status,
        }
    }

    /// Takes `n` permits, all or none, and tells what is left after that: both by one reading of the clock. A grant has a
    /// status only if `always`.
    #[cfg(feature = "tower")]
    pub(crate) fn decide_n(&self, n: u32, always: bool) -> (Result<(), Denied>, Option<Status>) {
        let now = self.clock().now();
        let result = self.unless_paused_at(now, n, true, A::try_acquire_at);
        (result, (always || result.is_err()).then(|| self.status_at(now)))
    }

    /// Whether this is the only handle, nothing is charged and no pause is in force: a new limiter would answer the same.
    #[cfg(feature = "std")]
    pub(crate) fn is_unused(&mut self) -> bool {
        // `get_mut` also sees to it that what the last holder did is seen here.
        let Some(Shared { pause, clock, algorithm, .. }) = Arc::get_mut(&mut self.shared) else {
            return false;
        };
        let now = clock.now();
        let whole = |status: Status| status.quotas().iter().all(|quota| quota.reset_at <= now);
        !pause.affects(now) && whole(algorithm.status_at(now))
    }

    /// The policy that is enforced.
    #[inline]
    pub fn policy(&self) -> &Policy {
        self.shared.algorithm.policy()
    }

    /// The algorithm that decides.
    #[inline]
    pub fn algorithm(&self) -> &A {
        &self.shared.algorithm
    }

    /// The clock that is read.
    #[inline]
    pub fn clock(&self) -> &C {
        &self.shared.clock
    }
}

impl<A: Algorithm + ?Sized, C: Clock> TryGrant for RateLimiter<A, C> {
    fn peek_n(&self, n: u32) -> Result<(), Denied> {
        RateLimiter::peek_n(self, n)
    }

    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        RateLimiter::try_grant_n(self, n)
    }
}

impl<A: ?Sized, C> Clone for RateLimiter<A, C> {
    #[inline]
    fn clone(&self) -> Self {
        RateLimiter { shared: Arc::clone(&self.shared) }
    }
}

impl<A: Algorithm + 'static, C> From<RateLimiter<A, C>> for RateLimiter<dyn Algorithm, C> {
    fn from(limiter: RateLimiter<A, C>) -> Self {
        limiter.erased()
    }
}

impl<A: Algorithm + ?Sized, C: Clock + fmt::Debug> fmt::Debug for RateLimiter<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("algorithm", &&self.shared.algorithm)
            .field("clock", &self.shared.clock)
            .field("paused_until", &self.shared.pause.until(self.clock().now(), self.pace()))
            .finish()
    }
}
