//! The answer to a call that was refused.

use alloc::string::{String, ToString};

use ::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use ::http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::fields::{Declared, Fields};
use super::items::{Items, Refused, seconds_until};
use super::names::PROBLEM_JSON;
use super::problem::Problem;
use super::text::value;
use crate::decision::{Cause, Denied, Status};
use crate::nanos::Nanos;

/// The answer to a call that was refused, as [`Fields::refusal`] makes it.
///
/// | why | status | `Retry-After` | type of the problem |
/// |---|---|---|---|
/// | a quota is exceeded, or calls come faster than the pace | 429 | yes | `quota-exceeded` |
/// | the limiter is paused, or it comes out of a pause | 503 | yes | `temporary-reduced-capacity` |
/// | the limiter is paused until it is resumed | 503 | none | `temporary-reduced-capacity` |
/// | the call asks for more permits than are ever granted at once | 400 | none | `about:blank` |
/// | nothing is ever granted again | 429 | none | `quota-exceeded` |
///
/// - **A pause is a 503.** The caller has not exceeded a quota. Usually the service that stands behind has asked for a pause,
///   and nobody else is served either.
/// - **A call that is too large is a 400.** A 429 invites to send the same call again, and it is refused for ever. A client must
///   change the call. (413 is about the size of the content, and 403 about rights.)
///
/// Every refusal has `Cache-Control: no-store`, because a 429 must not be stored (RFC 6585, section 4).
///
/// ```
/// use http::{HeaderMap, StatusCode};
/// use tollgate::http::Fields;
/// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
///
/// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
/// let fields = Fields::of(&bucket);
/// bucket.try_acquire_at(Nanos::ZERO, 26)?;
///
/// let denied = bucket.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
/// let refusal = fields.refusal(&denied, &bucket.status_at(Nanos::ZERO), 1);
/// assert_eq!(refusal.status_code(), StatusCode::TOO_MANY_REQUESTS);
/// assert_eq!(refusal.retry_after_secs(), Some(3));
/// assert!(refusal.violated().eq(["pace"]));
/// let mut headers = HeaderMap::new();
/// refusal.write(&mut headers);
/// assert_eq!(headers["ratelimit"], r#""pace";r=0;t=3"#);
/// assert_eq!(headers["retry-after"], "3");
/// assert_eq!(headers["cache-control"], "no-store");
///
/// let denied = bucket.try_acquire_at(Nanos::ZERO, 27).unwrap_err();
/// let refusal = fields.refusal(&denied, &bucket.status_at(Nanos::ZERO), 27);
/// assert_eq!((refusal.status_code(), refusal.retry_after_secs()), (StatusCode::BAD_REQUEST, None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    pub(super) fields: &'a Fields,
    status: Status,
    at: Nanos,
    cause: Cause,
    pub(super) cost: u32,
    pub(super) burst: u32,
    /// `Nanos::MAX` for never.
    retry_at: Nanos,
}

/// What kind of answer a refusal is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Exceeded,
    Paused,
    TooLarge,
}

impl<'a> Refusal<'a> {
    pub(super) fn new(fields: &'a Fields, denied: &Denied, status: &Status, cost: u32) -> Refusal<'a> {
        let retry_at = denied.retry_at().map_or(Nanos::MAX, |instant| instant.max(status.next_at()));
        Refusal {
            fields,
            status: *status,
            at: denied.at(),
            cause: denied.cause(),
            cost: cost.max(1), // A call for nothing is never refused.
            burst: denied.burst(),
            retry_at,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self.cause {
            // A pause may have an end, and still no call of this size is granted after it.
            _ if self.cost > self.burst => Kind::TooLarge,
            Cause::Pause => Kind::Paused,
            Cause::Quota(_) | Cause::Pace => Kind::Exceeded,
        }
    }

    /// The status of the response: see the table above.
    pub fn status_code(&self) -> StatusCode {
        match self.kind() {
            Kind::Exceeded => StatusCode::TOO_MANY_REQUESTS,
            Kind::Paused => StatusCode::SERVICE_UNAVAILABLE,
            Kind::TooLarge => StatusCode::BAD_REQUEST,
        }
    }

    /// After how many seconds a retry is granted, if nothing else is granted before: rounded up, and at least 1. `None` if
    /// that is never, or if nobody knows.
    pub fn retry_after_secs(&self) -> Option<u64> {
        let told = self.retry_at < Nanos::MAX && self.kind() != Kind::TooLarge;
        told.then(|| seconds_until(self.retry_at, self.at).max(1))
    }

    /// The names of the policies that refuse this call, as `RateLimit-Policy` and the body have them. There are none in a
    /// pause.
    ///
    /// ```
    /// use tollgate::http::Fields;
    /// use tollgate::{Algorithm, Nanos, SlidingLog};
    ///
    /// let log = SlidingLog::new("burst=2/1s, 2/1m, 9/1h".parse()?)?;
    /// log.try_acquire_at(Nanos::ZERO, 2)?;
    /// let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// let fields = Fields::of(&log);
    /// assert!(fields.refusal(&denied, &log.status_at(Nanos::ZERO), 1).violated().eq(["burst", "2/1m"]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn violated(&self) -> impl Iterator<Item = &'a str> {
        self.violated_policies().map(|(_, declared)| declared.name())
    }

    /// The same, each with its index.
    pub(super) fn violated_policies(&self) -> impl Iterator<Item = (usize, &'a Declared)> + use<'a> {
        let refusal = *self;
        let (kind, pace) = (self.kind(), self.fields.declared.len() - 1);
        self.fields.declared.iter().enumerate().filter(move |&(i, declared)| match kind {
            Kind::Paused => false,
            _ if refusal.is_joint() => i == pace,
            Kind::TooLarge => i < pace && declared.limit < refusal.cost,
            Kind::Exceeded => {
                let left = refusal.status.quotas().get(i).map(|state| state.remaining);
                refusal.cause == Cause::Quota(i) || (i < pace && left.is_some_and(|left| left < refusal.cost))
            }
        })
    }

    pub(super) fn is_joint(&self) -> bool {
        self.status.is_joint()
    }

    /// Writes the fields: those of the families, `Retry-After` and `Cache-Control`.
    ///
    /// Fields of the same names are replaced, and all others stay as they are.
    pub fn write(&self, headers: &mut HeaderMap) {
        self.write_all(None, headers);
    }

    /// As [`write`](Refusal::write), with the key of the caller's partition. Read the warning at
    /// [`Fields::write_for`].
    pub fn write_for(&self, partition: &[u8], headers: &mut HeaderMap) {
        self.write_all(Some(partition), headers);
    }

    fn write_all(&self, partition: Option<&[u8]>, headers: &mut HeaderMap) {
        let retry_after = self.retry_after_secs();
        let refused = Refused {
            at: self.at,
            cost: self.cost,
            by_all: self.cause == Cause::Pause,
            quota: match self.cause {
                Cause::Quota(quota) => Some(quota),
                Cause::Pace => Some(0),
                Cause::Pause => None,
            },
            retry_after,
        };
        let items = match self.kind() {
            Kind::TooLarge => Items::granted(self.fields, &self.status),
            Kind::Exceeded | Kind::Paused => Items::refused(self.fields, &self.status, refused),
        };
        self.fields.write_items(headers, partition, &items);
        match retry_after {
            Some(seconds) => headers.insert(RETRY_AFTER, value(|text| text.number(seconds))),
            None => headers.remove(RETRY_AFTER),
        };
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }

    /// The body in the form of RFC 9457. Its content type is [`PROBLEM_JSON`].
    pub fn problem(&self) -> Problem<'a> {
        Problem(*self)
    }

    /// The whole response: the status, the fields, and the problem as its body.
    ///
    /// ```
    /// use http::StatusCode;
    /// use tollgate::http::Fields;
    /// use tollgate::{Algorithm, Nanos, SlidingLog};
    ///
    /// let log = SlidingLog::new("burst=50/1m, 1500/1h".parse()?)?;
    /// let fields = Fields::of(&log);
    /// log.try_acquire_at(Nanos::ZERO, 50)?;
    ///
    /// let denied = log.try_acquire_at(Nanos::from_secs(2), 1).unwrap_err();
    /// let response = fields.refusal(&denied, &log.status_at(Nanos::from_secs(2)), 1).response();
    /// assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    /// assert_eq!(response.headers()["content-type"], "application/problem+json");
    /// assert_eq!(
    ///     response.body(),
    ///     "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\"title\":\"Quota exceeded\",\
    ///      \"status\":429,\"detail\":\"The quota burst=50/1m is exceeded. Retry after 58 seconds.\",\
    ///      \"violated-policies\":[\"burst\"],\"retry-after\":58}"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn response(&self) -> Response<String> {
        let mut response = Response::new(self.problem().to_string());
        *response.status_mut() = self.status_code();
        self.write(response.headers_mut());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        response
    }
}
