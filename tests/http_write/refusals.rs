//! What a refused call is answered, of every kind.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use tollgate::http::{Fields, PROBLEM_JSON};
use tollgate::{
    Algorithm, Denied, Manual, Nanos, Policy, QuotaStatus, RateLimiter, SlidingLog, Status, TokenBucket,
};

use crate::{lines, parsed, refused};

const RULE: Policy = Policy::MICROSOFT_365_DEFENDER;
const EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED: &str = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// A limiter of any algorithm on a clock that stands still, and its fields.
fn limiter(algorithm: impl Algorithm + 'static) -> (RateLimiter<dyn Algorithm, Manual>, Manual, Fields) {
    let clock = Manual::new();
    let limiter = RateLimiter::new(algorithm, clock.clone()).erased();
    let fields = Fields::of(limiter.algorithm());
    (limiter, clock, fields)
}

/// The status, `Retry-After` and the body of a call for `n`, which is refused.
fn answer<A: Algorithm + ?Sized>(
    limiter: &RateLimiter<A, Manual>,
    fields: &Fields,
    n: u32,
) -> (StatusCode, Option<String>, Value) {
    let denied = limiter.try_acquire_n(n).unwrap_err();
    let refusal = fields.refusal(&denied, &limiter.status(), n);
    let response = refusal.response();
    assert_eq!(response.headers()["content-type"], PROBLEM_JSON);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(refusal.problem().to_string(), *response.body());
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(refusal.retry_after_secs().map(|seconds| seconds.to_string()), retry_after);
    let body: Value = serde_json::from_str(response.body()).unwrap();
    let named: Vec<&str> = refusal.violated().collect();
    assert_eq!(body.get("violated-policies"), (!named.is_empty()).then_some(&json!(named)));
    (response.status(), retry_after, body)
}

#[test]
fn every_quota_that_refuses_is_named() {
    let (limiter, clock, fields) =
        limiter(SlidingLog::new("3/1s, ten=10/1m, 10/1h".parse().unwrap()).unwrap());
    for _ in 0..3 {
        limiter.try_acquire_n(3).unwrap();
        clock.advance(Duration::from_secs(1));
    }
    limiter.try_acquire().unwrap();
    // Two are left of the shortest, none of the others.
    assert_eq!(
        answer(&limiter, &fields, 1),
        (
            StatusCode::TOO_MANY_REQUESTS,
            Some("3597".into()),
            json!({
                "type": EXCEEDED,
                "title": "Quota exceeded",
                "status": 429,
                "detail": "The quotas ten=10/1m and 10/1h are exceeded. Retry after 3597 seconds.",
                "violated-policies": ["ten", "10/1h"],
                "retry-after": 3597,
            })
        )
    );
    let (_, _, body) = answer(&limiter, &fields, 3);
    assert_eq!(body["violated-policies"], json!(["3/1s", "ten", "10/1h"]));
    assert_eq!(
        body["detail"],
        "The quotas 3/1s, ten=10/1m and 10/1h are exceeded. Retry after 3597 seconds."
    );
}

/// `r` stays true for calls that cost less, and `t` is when this call is granted.
#[test]
fn a_call_that_costs_more_than_is_left() {
    let log = SlidingLog::new(RULE).unwrap();
    let fields = Fields::of(&log);
    log.try_acquire_at(Nanos::ZERO, 30).unwrap();
    log.try_acquire_at(Nanos::from_secs(10), 10).unwrap();
    let (status, headers, _) = refused(&fields, &log, Nanos::from_secs(20), 11);
    assert_eq!((status, &headers["retry-after"]), (StatusCode::TOO_MANY_REQUESTS, &"40".parse().unwrap()));
    assert_eq!(headers["ratelimit"], r#""50/1m";r=10;t=40, "1500/1h";r=1460;t=3590"#);
    let (_, headers, _) = refused(&fields, &log, Nanos::from_secs(20), 50);
    assert_eq!(headers["retry-after"], "50");
    assert_eq!(headers["ratelimit"], r#""50/1m";r=10;t=50, "1500/1h";r=1460;t=3590"#);
    let bucket = TokenBucket::strict(RULE).unwrap();
    bucket.try_acquire_at(Nanos::ZERO, 20).unwrap();
    let (_, headers, _) = refused(&Fields::of(&bucket), &bucket, Nanos::ZERO, 10);
    assert_eq!(headers["retry-after"], "10"); // Four permits come back in 9.76 s.
    assert_eq!(headers["ratelimit"], r#""pace";r=6;t=10"#);
}

#[test]
fn a_call_that_is_never_granted() {
    for strict in [false, true] {
        let (limiter, _, fields) = if strict {
            limiter(TokenBucket::strict(RULE).unwrap())
        } else {
            limiter(SlidingLog::new(RULE).unwrap())
        };
        let burst: u32 = if strict { 26 } else { 50 };
        let detail = format!("The call takes 2000 permits, and at most {burst} are ever granted at once.");
        let violated = if strict { json!(["pace"]) } else { json!(["50/1m", "1500/1h"]) };
        let expected = json!({
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "detail": detail,
            "violated-policies": violated,
        });
        assert_eq!(answer(&limiter, &fields, 2000), (StatusCode::BAD_REQUEST, None, expected.clone()));
        // Only the quotas that are too small for it are violated.
        let violated = if strict { json!(["pace"]) } else { json!(["50/1m"]) };
        assert_eq!(answer(&limiter, &fields, 51).2["violated-policies"], violated);
        // In a pause it is no less hopeless.
        limiter.pause_until(Nanos::from_secs(30));
        assert_eq!(answer(&limiter, &fields, 2000), (StatusCode::BAD_REQUEST, None, expected.clone()));
        limiter.pause_until(Nanos::MAX);
        assert_eq!(answer(&limiter, &fields, 2000), (StatusCode::BAD_REQUEST, None, expected));
    }
}

#[test]
fn in_a_pause_and_out_of_it() {
    for strict in [false, true] {
        let (limiter, clock, fields) = if strict {
            limiter(TokenBucket::strict(RULE).unwrap())
        } else {
            limiter(SlidingLog::new(RULE).unwrap())
        };
        let seconds = |seconds: u64, n: u32| {
            let (status, retry_after, body) = answer(&limiter, &fields, n);
            assert_eq!((status, retry_after), (StatusCode::SERVICE_UNAVAILABLE, Some(seconds.to_string())));
            let plural = if seconds == 1 { "second" } else { "seconds" };
            assert_eq!(
                body,
                json!({
                    "type": REDUCED,
                    "title": "Capacity is reduced for a time",
                    "status": 503,
                    "detail": format!("No calls are taken for a time. Retry after {seconds} {plural}."),
                    "retry-after": seconds,
                })
            );
            let denied = limiter.try_acquire_n(n).unwrap_err();
            let mut headers = http::HeaderMap::new();
            fields.refusal(&denied, &limiter.status(), n).write(&mut headers);
            let items = parsed::limits(&headers["ratelimit"]);
            assert!(items.iter().all(|item| item.r < n.into() && item.t == seconds), "{items:?}");
        };
        limiter.pause_until(Nanos::from_secs(30));
        seconds(30, 1);
        clock.advance(Duration::from_secs(29));
        seconds(1, 1);
        clock.advance(Duration::from_secs(1));
        limiter.try_acquire().unwrap();
        seconds(2, 1); // One per 1.2 s.
        seconds(12, 10);
        clock.advance(Duration::from_secs(6));
        seconds(6, 10);
        // The permits that it has are offered.
        let mut headers = http::HeaderMap::new();
        fields.write(&mut headers, &limiter.status());
        assert!(parsed::limits(&headers["ratelimit"]).iter().all(|item| item.r == 5));
    }
}

#[test]
fn a_pause_without_an_end() {
    let (limiter, _, fields) = limiter(SlidingLog::new(RULE).unwrap());
    limiter.pause_until(Nanos::MAX);
    assert_eq!(
        answer(&limiter, &fields, 1),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            None,
            json!({
                "type": REDUCED,
                "title": "Capacity is reduced for a time",
                "status": 503,
                "detail": "No calls are taken for a time. Nobody knows for how long.",
            })
        )
    );
    let denied = limiter.try_acquire().unwrap_err();
    let response = fields.refusal(&denied, &limiter.status(), 1).response();
    let items = parsed::limits(&response.headers()["ratelimit"]);
    assert!(items.iter().all(|item| item.r == 0 && item.t == 18_446_744_074), "{items:?}");
}

/// A quota that is never restored: a foreign algorithm, or a clock past the last instant that a limiter can tell.
#[test]
fn nothing_is_ever_granted_again() {
    let fields = Fields::new(&"3/1d".parse().unwrap());
    let denied = Denied::new(Nanos::ZERO, 0, None, 3);
    let spent = QuotaStatus { remaining: 0, next_at: Nanos::MAX, reset_at: Nanos::MAX };
    let response = fields.refusal(&denied, &Status::new(Nanos::ZERO, [spent]), 1).response();
    assert_eq!(response.status(), 429);
    assert_eq!(
        lines(response.headers()),
        [
            "cache-control: no-store",
            "content-type: application/problem+json",
            r#"ratelimit: "3/1d";r=0;t=18446744074"#,
            r#"ratelimit-policy: "3/1d";q=3;w=86400"#,
        ]
    );
    assert_eq!(
        serde_json::from_str::<Value>(response.body()).unwrap(),
        json!({
            "type": EXCEEDED,
            "title": "Quota exceeded",
            "status": 429,
            "detail": "The quota 3/1d is exceeded. No call is granted again.",
            "violated-policies": ["3/1d"],
        })
    );
}

/// A retry in less than a second is not a retry at once, even if it is due by the time at which the answer is written.
#[test]
fn a_retry_after_is_at_least_one() {
    let log = SlidingLog::new("1/100ms".parse().unwrap()).unwrap();
    let fields = Fields::of(&log);
    log.try_acquire_at(Nanos::ZERO, 1).unwrap();
    let (_, headers, _) = refused(&fields, &log, Nanos::from_nanos(99_999_999), 1);
    assert_eq!(
        (&headers["retry-after"], &headers["ratelimit"]),
        (&"1".parse().unwrap(), &r#""1/100ms";r=0;t=1"#.parse().unwrap())
    );
}

/// The status is read after the refusal. If the quota is full again by then, the refusal stays a refusal.
#[test]
fn a_status_that_is_read_late() {
    let log = SlidingLog::new("2/1s, 9/1h".parse().unwrap()).unwrap();
    let fields = Fields::of(&log);
    log.try_acquire_at(Nanos::ZERO, 2).unwrap();
    let denied = log.try_acquire_at(Nanos::from_nanos(500_000_000), 1).unwrap_err();
    let refusal = fields.refusal(&denied, &log.status_at(Nanos::from_secs(1)), 1);
    assert!(refusal.violated().eq(["2/1s"]));
    let headers = refusal.response().into_parts().0.headers;
    assert_eq!(headers["ratelimit"], r#""2/1s";r=0;t=1, "9/1h";r=7;t=3600"#);
    assert_eq!(headers["retry-after"], "1");
    // If others were granted, the retry is later.
    log.try_acquire_at(Nanos::from_secs(1), 2).unwrap();
    let refusal = fields.refusal(&denied, &log.status_at(Nanos::from_secs(1)), 1);
    let headers = refusal.response().into_parts().0.headers;
    assert_eq!(headers["ratelimit"], r#""2/1s";r=0;t=2, "9/1h";r=5;t=3601"#);
    assert_eq!(headers["retry-after"], "2");
}

#[test]
fn a_status_that_is_read_after_a_pause() {
    let (limiter, _, fields) = limiter(SlidingLog::new(RULE).unwrap());
    limiter.pause_until(Nanos::from_secs(30));
    let denied = limiter.try_acquire().unwrap_err();
    limiter.resume();
    let response = fields.refusal(&denied, &limiter.status(), 1).response();
    assert_eq!(
        (response.status(), &response.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"30".parse().unwrap())
    );
    assert_eq!(response.headers()["ratelimit"], r#""50/1m";r=0;t=30, "1500/1h";r=0;t=30"#);
}

/// A foreign algorithm that tells an instant that has passed: nobody is told to retry at once.
#[test]
fn an_instant_that_has_passed() {
    let fields = Fields::new(&"3/1d".parse().unwrap());
    let now = Nanos::from_secs(5);
    let denied = Denied::new(now, 0, Some(now), 3);
    let spent = QuotaStatus { remaining: 0, next_at: now, reset_at: now };
    let response = fields.refusal(&denied, &Status::new(now, [spent]), 1).response();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["ratelimit"], r#""3/1d";r=0;t=1"#);
    let mut headers = http::HeaderMap::new();
    fields.write(&mut headers, &Status::new(now, [spent]));
    assert_eq!(headers["ratelimit"], r#""3/1d";r=0;t=1"#);
}

/// Two threads write from one value, and the answer borrows nothing but it.
#[test]
fn fields_are_shared() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let log = SlidingLog::new(RULE).unwrap();
    log.try_acquire_at(Nanos::ZERO, 50).unwrap();
    let fields = Arc::new(Fields::of(&log));
    shared(&fields);
    shared(&*fields);
    let refusal = {
        let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
        fields.refusal(&denied, &log.status_at(Nanos::ZERO), 1)
    };
    shared(&refusal);
    assert_eq!(refusal.violated().collect::<Vec<_>>(), ["50/1m"]);
}
