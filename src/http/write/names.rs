//! How everything on the wire is called. The drafts still rename things, so each name stands here and nowhere else.

use ::http::HeaderName;

pub(super) static RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) static RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

pub(super) static X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(super) static X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) static X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// The parameters of draft 11, each as it follows the name of a policy.
pub(super) mod parameter {
    pub(in super::super) const QUOTA: &str = ";q=";
    pub(in super::super) const UNIT: &str = ";qu=";
    pub(in super::super) const WINDOW: &str = ";w=";
    pub(in super::super) const AVAILABLE: &str = ";r=";
    pub(in super::super) const EFFECTIVE_WINDOW: &str = ";t=";
    pub(in super::super) const PARTITION: &str = ";pk=";
}

/// The members of draft 7's `RateLimit`, in their order.
pub(super) mod member {
    pub(in super::super) const LIMIT: &str = "limit=";
    pub(in super::super) const REMAINING: &str = ", remaining=";
    pub(in super::super) const RESET: &str = ", reset=";
}

/// The policy of a limiter that has one state for all quotas.
pub(super) const PACE: &str = "pace";

/// The types of RFC 9457 problems that the draft registers.
pub(super) mod problem {
    pub(in super::super) const QUOTA_EXCEEDED: &str =
        "https://iana.org/assignments/http-problem-types#quota-exceeded";
    pub(in super::super) const REDUCED_CAPACITY: &str =
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
    /// RFC 9457, section 4.2.1: the problem is no more than its status says.
    pub(in super::super) const ANY: &str = "about:blank";
    pub(in super::super) const VIOLATED_POLICIES: &str = "violated-policies";
    pub(in super::super) const RETRY_AFTER: &str = "retry-after";
}

/// The content type of a [`Problem`](super::Problem).
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Every field that this module can write and that a page of another origin may want to read.
///
/// A browser hides the fields of a response from such a page, unless `Access-Control-Expose-Headers` names them:
/// `CorsLayer::new().expose_headers(EXPOSED_HEADERS.clone())` in `tower-http`. The CORS layer must stand outside of the one
/// that refuses calls, or a page cannot read the refusals.
///
/// ```
/// use tollgate::http::{EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE};
///
/// let names: Vec<&str> = EXPOSED_HEADERS.iter().map(|name| name.as_str()).collect();
/// assert_eq!(names.join(", "), EXPOSED_HEADERS_VALUE);
/// ```
pub static EXPOSED_HEADERS: [HeaderName; 6] = [
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("retry-after"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// [`EXPOSED_HEADERS`] as the value of one `Access-Control-Expose-Headers`.
pub const EXPOSED_HEADERS_VALUE: &str =
    "ratelimit, ratelimit-policy, retry-after, x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset";
