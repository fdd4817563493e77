//! What a server said, as one value.

use alloc::vec::Vec;
use core::time::Duration;
use std::time::SystemTime;

use http::{HeaderMap, StatusCode};

use super::ignored::Ignored;
use super::quota::ServerQuota;
use super::reader;

/// What a server said about its limits in one response.
///
/// It is read from the status and the fields of any server in the table of the
/// [module](crate::http#what-is-read). Reading never fails and never panics. At most 64 KiB of values are read. What makes no
/// sense is [ignored](Feedback::ignored), with a reason.
///
/// [`heed`](Feedback::heed) applies it to a limiter.
///
/// ```
/// use std::time::Duration;
/// use http::{HeaderMap, HeaderValue, StatusCode};
/// use tollgate::http::Feedback;
///
/// let mut headers = HeaderMap::new();
/// headers.insert("date", HeaderValue::from_static("Wed, 25 Nov 2026 16:00:00 GMT"));
/// headers.insert("x-ratelimit-limit", HeaderValue::from_static("5000"));
/// headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
/// headers.insert("x-ratelimit-reset", HeaderValue::from_static("1795622490")); // 90 s after the date
///
/// // GitHub answers 403 where others answer 429.
/// let feedback = Feedback::read(StatusCode::FORBIDDEN, &headers);
/// assert!(feedback.is_refusal());
/// assert_eq!(feedback.retry_after(), Some(Duration::from_secs(90)));
/// assert_eq!(feedback.quotas()[0].limit, Some(5000));
/// assert!(feedback.ignored().is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    pub(super) status: StatusCode,
    pub(super) is_refusal: bool,
    pub(super) blames_others: bool,
    pub(super) retry_after: Option<Duration>,
    pub(super) remaining: Option<u64>,
    pub(super) used_percent: Option<u32>,
    pub(super) quotas: Vec<ServerQuota>,
    pub(super) ignored: Vec<Ignored>,
}

impl Feedback {
    /// The most quotas of one response that are read.
    pub const MAX_QUOTAS: usize = 16;

    /// The most pieces of nonsense that are kept.
    pub const MAX_IGNORED: usize = 8;

    /// Reads a response that has just arrived.
    ///
    /// If the server tells instants, they count from the response's own `Date`, because only the server's clock knows what
    /// they mean. Without a readable `Date` they count from the time of this machine.
    pub fn read(status: StatusCode, headers: &HeaderMap) -> Feedback {
        reader::read(status, headers, SystemTime::now)
    }

    /// Reads a response that arrived at `now`, which counts only if the response has no readable `Date`.
    pub fn read_at(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Feedback {
        reader::read(status, headers, || now)
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the server refused the call because of a limit, or asks to come back later:
    ///
    /// - a status of 429;
    /// - any other status from 400 to 599, such as 503, with a `Retry-After` or a field of the same meaning;
    /// - a status of 403, if a quota has nothing left. GitHub does this.
    ///
    /// A `Retry-After` beside another status, such as 202 or 301, has another meaning and is not heeded.
    pub const fn is_refusal(&self) -> bool {
        self.is_refusal
    }

    /// Whether the server counted the call against us. `false` if it refused the call and says that the limit was one of all
    /// its users (Discord's scope `shared`, Riot's type `service`), or one of calls in progress (Stripe's `*-concurrency`).
    /// Then it says nothing about our rate: a permit for this call may be [undone](crate::Grant::undo). Otherwise it stays
    /// charged.
    pub const fn counts_against_us(&self) -> bool {
        !self.blames_others
    }

    /// How long after the response the next call has a chance. `None` if the server does not tell.
    ///
    /// After a refusal it is the first of these that the response has:
    ///
    /// 1. `retry-after-ms`, `x-ms-retry-after-ms`, `Retry-After`, `x-ratelimit-after`;
    /// 2. `X-RateLimit-Reset-After`;
    /// 3. the latest reset of a quota that has nothing left;
    /// 4. the latest reset of a quota of which nothing is told but the reset;
    /// 5. a minute, if the server is GitHub.
    ///
    /// After a granted call it is the third, if there is one. The duration is as the server says, however long; and
    /// [`heed`](Feedback::heed) caps it.
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// What the server says of its quotas, at most [`MAX_QUOTAS`](Feedback::MAX_QUOTAS) of them.
    pub fn quotas(&self) -> &[ServerQuota] {
        &self.quotas
    }

    /// How many calls the server will grant at once: the least that is left of any quota of calls. `None` if it does not tell.
    pub const fn remaining(&self) -> Option<u64> {
        self.remaining
    }

    /// How much of its limit is used, in percent, rounded up, if the server tells only that (Microsoft Graph). It may be above
    /// 100.
    pub const fn used_percent(&self) -> Option<u32> {
        self.used_percent
    }

    /// What was not understood, and why, for a log. At most [`MAX_IGNORED`](Feedback::MAX_IGNORED) pieces are kept.
    pub fn ignored(&self) -> &[Ignored] {
        &self.ignored
    }
}
