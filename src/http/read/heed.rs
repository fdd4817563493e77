//! How a limiter obeys a server.

use core::time::Duration;

use super::feedback::Feedback;
use crate::algorithm::Algorithm;
use crate::clock::Clock;
use crate::limiter::RateLimiter;

/// How far a server is obeyed.
///
/// ```
/// use std::time::Duration;
/// use tollgate::http::Heed;
///
/// let heed = Heed::new().with_longest_pause(Duration::from_secs(3600)).with_jitter(Duration::from_secs(2));
/// assert_ne!(heed, Heed::default());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heed {
    longest_pause: Duration,
    jitter: Duration,
    default_pause: Duration,
    refusals_only: bool,
}

/// What [`Feedback::heed`] did to the limiter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Heeded {
    /// The limiter is paused for so long, and for a part of the jitter. The limiter's own
    /// [longest pause](RateLimiter::set_longest_pause) may end it earlier; a pause that is in force already may end later.
    pub pause: Option<Duration>,
    /// The limiter grants at most so many permits at once from now on, because the server has no more.
    pub lowered_to: Option<u32>,
}

impl Default for Heed {
    fn default() -> Heed {
        Heed::new()
    }
}

impl Heed {
    /// Pauses of at most five minutes, without jitter. A refusal that does not tell how long it holds counts as one second.
    pub const fn new() -> Heed {
        Heed {
            longest_pause: Duration::from_secs(300),
            jitter: Duration::ZERO,
            default_pause: Duration::from_secs(1),
            refusals_only: false,
        }
    }

    /// The longest pause that one response can cause, without its jitter. A server that is wrong, or hostile, could otherwise
    /// silence its clients for years.
    #[must_use]
    pub const fn with_longest_pause(self, longest: Duration) -> Heed {
        Heed { longest_pause: longest, ..self }
    }

    /// A random part of `jitter` is added to each pause, so that many clients that were refused at one instant do not come
    /// back at one instant: see [`RateLimiter::pause_for_with_jitter`].
    #[must_use]
    pub const fn with_jitter(self, jitter: Duration) -> Heed {
        Heed { jitter, ..self }
    }

    /// The pause after a refusal that does not tell how long it holds, or says that it is over already.
    #[must_use]
    pub const fn with_default_pause(self, pause: Duration) -> Heed {
        Heed { default_pause: pause, ..self }
    }

    /// Only refusals are obeyed, and responses to granted calls change nothing. This is for a limiter that serves calls which
    /// the server counts apart from each other: what is left for one of them says nothing about the others. It is also for a
    /// limiter whose permits are no calls, but tokens, say: the calls that are left are no limit for them.
    #[must_use]
    pub const fn refusals_only(self) -> Heed {
        Heed { refusals_only: true, ..self }
    }
}

impl Feedback {
    /// Makes a limiter obey. It never raises what the limiter grants: whatever a server says, the limiter grants a call only
    /// if it would have granted it otherwise, too.
    ///
    /// | the server says | the limiter |
    /// |---|---|
    /// | come back later, or: nothing is left until then | is [paused](RateLimiter::pause_for), at most for the longest pause |
    /// | a refusal, without more | is paused for the default pause |
    /// | `r` calls are left, where the limiter would grant more at once | grants at most `r` at once, and then spaces its calls as after a [pause](RateLimiter::pause_until) |
    /// | nothing is left, but not until when | the same, where the first call is spaced, too |
    ///
    /// Why does it not charge what the server has counted and we have not? The server may count for other reasons, such as a
    /// smaller limit. Then each response would charge the difference again, until nothing is left of the long windows. To
    /// space the calls charges nothing. It costs a call at most one interval of the quota with the smallest limit, and a call
    /// for several permits at most one for each of them. If that interval is above the longest pause, nothing is lowered.
    ///
    /// After a pause the calls are spaced in any case, and the longest pause does not count for this: under 2 calls a day, the
    /// second call after a pause may have to wait half a day. [`RateLimiter::resume`] ends a pause, and the spacing of calls for
    /// whatever reason.
    ///
    /// A limiter that is behind a queue obeys as well: `feedback.heed(queue.limiter(), &heed)`. Lock-free. The cost is that of
    /// [`RateLimiter::status`] and of one read-modify-write.
    ///
    /// ```
    /// use std::time::Duration;
    /// use http::{HeaderMap, HeaderValue, StatusCode};
    /// use tollgate::http::{Feedback, Heed};
    /// use tollgate::{Manual, Policy, RateLimiter, SlidingLog};
    ///
    /// let clock = Manual::new();
    /// let limiter = RateLimiter::new(SlidingLog::new(Policy::MICROSOFT_365_DEFENDER)?, clock.clone());
    /// let mut headers = HeaderMap::new();
    ///
    /// // We could send 50 calls, but the server knows of others.
    /// headers.insert("ratelimit", HeaderValue::from_static("\"minute\";r=3;t=60"));
    /// let done = Feedback::read(StatusCode::OK, &headers).heed(&limiter, &Heed::new());
    /// assert_eq!(done.lowered_to, Some(3));
    /// assert!(limiter.try_acquire_n(3).is_ok());
    /// let denied = limiter.try_acquire().unwrap_err();
    /// assert_eq!(denied.retry_after(), Some(Duration::from_millis(1200))); // a minute's 50th part
    ///
    /// // The server refuses a call all the same, and says nonsense.
    /// headers.insert("retry-after", HeaderValue::from_static("99999999999999999999"));
    /// let done = Feedback::read(StatusCode::TOO_MANY_REQUESTS, &headers).heed(&limiter, &Heed::new());
    /// assert_eq!(done.pause, Some(Duration::from_secs(300)));
    /// assert_eq!(limiter.try_acquire().unwrap_err().retry_after(), Some(Duration::from_secs(300)));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    pub fn heed<A, C>(&self, limiter: &RateLimiter<A, C>, how: &Heed) -> Heeded
    where
        A: Algorithm + ?Sized,
        C: Clock,
    {
        if how.refusals_only && !self.is_refusal() {
            return Heeded::default();
        }
        let told = self.retry_after().filter(|pause| !pause.is_zero());
        let pause = told.or(self.is_refusal().then_some(how.default_pause));
        if let Some(pause) = pause {
            let pause = pause.min(how.longest_pause);
            if how.jitter.is_zero() {
                limiter.pause_for(pause);
            } else {
                limiter.pause_for_with_jitter(pause, how.jitter);
            }
            return Heeded { pause: Some(pause), lowered_to: None };
        }
        let remaining = self.remaining().and_then(|remaining| u32::try_from(remaining).ok());
        let lowered_to = remaining.filter(|&remaining| limiter.lower_to(remaining, how.longest_pause));
        Heeded { pause: None, lowered_to }
    }
}
