//! Each family to the byte.

use std::hash::RandomState;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HeaderValue, VARY};
use http::{HeaderMap, HeaderName};
use tollgate::http::{EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE, Family, Fields, Unit};
use tollgate::keyed::{KeyedLimiter, KeyedTable};
use tollgate::{
    Algorithm, Manual, Nanos, Plan, Policy, QuotaStatus, RateLimiter, SlidingLog, Status, TokenBucket,
    WindowCounter,
};

use crate::parsed::{self, Announced, Limit};
use crate::{granted, lines, refused};

const RULE: Policy = Policy::MICROSOFT_365_DEFENDER;

#[test]
fn one_quota() {
    let log = SlidingLog::new("100/1m".parse().unwrap()).unwrap();
    let fields = Fields::of(&log);
    let policy = r#"ratelimit-policy: "100/1m";q=100;w=60"#;
    let limit = |text: &str| [format!(r#"ratelimit: "100/1m";{text}"#), policy.to_owned()];
    // Nothing is used: the quota is its policy.
    assert_eq!(lines(&granted(&fields, &log, Nanos::ZERO)), limit("r=100;t=60"));
    log.try_acquire_at(Nanos::ZERO, 1).unwrap();
    assert_eq!(lines(&granted(&fields, &log, Nanos::ZERO)), limit("r=99;t=60"));
    // Rounded up: 59.9 seconds are 60, and 0.1 seconds are 1.
    assert_eq!(lines(&granted(&fields, &log, Nanos::from_nanos(100_000_000))), limit("r=99;t=60"));
    assert_eq!(lines(&granted(&fields, &log, Nanos::from_secs(1))), limit("r=99;t=59"));
    assert_eq!(lines(&granted(&fields, &log, Nanos::from_nanos(59_900_000_000))), limit("r=99;t=1"));
    assert_eq!(lines(&granted(&fields, &log, Nanos::from_secs(60))), limit("r=100;t=60"));
    log.try_acquire_at(Nanos::from_secs(60), 40).unwrap();
    log.try_acquire_at(Nanos::from_secs(70), 60).unwrap();
    assert_eq!(lines(&granted(&fields, &log, Nanos::from_secs(70))), limit("r=0;t=50"));
}

#[test]
fn many_quotas_and_their_names() {
    let log = SlidingLog::new("burst=50/1m, 1500/1h, day=9000/1d".parse().unwrap()).unwrap();
    let fields = Fields::of(&log);
    log.try_acquire_at(Nanos::from_secs(10), 50).unwrap();
    assert_eq!(
        lines(&granted(&fields, &log, Nanos::from_secs(30))),
        [
            r#"ratelimit: "burst";r=0;t=40, "1500/1h";r=1450;t=3580, "day";r=8950;t=86380"#,
            r#"ratelimit-policy: "burst";q=50;w=60, "1500/1h";q=1500;w=3600, "day";q=9000;w=86400"#,
        ]
    );
}

#[test]
fn a_refusal_of_draft_11() {
    let log = SlidingLog::new(RULE).unwrap();
    let fields = Fields::of(&log);
    log.try_acquire_at(Nanos::ZERO, 50).unwrap();
    let (status, headers, body) = refused(&fields, &log, Nanos::from_nanos(1), 1);
    assert_eq!(status, 429);
    assert_eq!(
        lines(&headers),
        [
            "cache-control: no-store",
            "content-type: application/problem+json",
            r#"ratelimit: "50/1m";r=0;t=60, "1500/1h";r=1450;t=3600"#,
            r#"ratelimit-policy: "50/1m";q=50;w=60, "1500/1h";q=1500;w=3600"#,
            "retry-after: 60",
        ]
    );
    assert_eq!(
        body,
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Quota exceeded","status":429,"detail":"The quota 50/1m is exceeded. Retry after 60 seconds.","violated-policies":["50/1m"],"retry-after":60}"#
    );
}

#[test]
fn a_strict_bucket_has_one_item_of_its_own() {
    let bucket = TokenBucket::strict(RULE).unwrap();
    let fields = Fields::of(&bucket);
    let policy = r#"ratelimit-policy: "50/1m";q=50;w=60, "1500/1h";q=1500;w=3600, "pace";q=26;w=64"#;
    let limit = |text: &str| [format!(r#"ratelimit: "pace";{text}"#), policy.to_owned()];
    assert_eq!(lines(&granted(&fields, &bucket, Nanos::ZERO)), limit("r=26;t=64"));
    bucket.try_acquire_at(Nanos::ZERO, 1).unwrap();
    assert_eq!(lines(&granted(&fields, &bucket, Nanos::ZERO)), limit("r=25;t=62"));
    bucket.try_acquire_at(Nanos::ZERO, 24).unwrap();
    assert_eq!(lines(&granted(&fields, &bucket, Nanos::ZERO)), limit("r=1;t=3"));
    bucket.try_acquire_at(Nanos::ZERO, 1).unwrap();
    assert_eq!(lines(&granted(&fields, &bucket, Nanos::ZERO)), limit("r=0;t=3"));
    // 2.440677967 s until the next: after two seconds, one is left to wait.
    assert_eq!(lines(&granted(&fields, &bucket, Nanos::from_secs(2))), limit("r=0;t=1"));

    let (_, headers, body) = refused(&fields, &bucket, Nanos::from_secs(2), 1);
    assert_eq!(headers["ratelimit"], r#""pace";r=0;t=1"#);
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(
        body,
        r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Quota exceeded","status":429,"detail":"Calls come too fast: 26 are granted at once, and then one every 2.440677967s. Retry after 1 second.","violated-policies":["pace"],"retry-after":1}"#
    );
}

/// A bucket of one quota may have less than its limit at once, and then it has a pace, too.
#[test]
fn a_strict_bucket_of_one_quota() {
    let bucket = TokenBucket::strict("100/1s".parse().unwrap()).unwrap();
    let fields = Fields::of(&bucket);
    let headers = granted(&fields, &bucket, Nanos::ZERO);
    assert_eq!(headers["ratelimit-policy"], r#""100/1s";q=100;w=1, "pace";q=3;w=1"#);
    assert_eq!(headers["ratelimit"], r#""pace";r=3;t=1"#);
}

#[test]
fn draft_7_and_x_tell_the_quota_that_is_closest() {
    let log = SlidingLog::new("10/1m, 25/1h".parse().unwrap()).unwrap();
    let fields = Fields::of(&log).family(Family::Draft7).and(Family::XRateLimit);
    let policy = "ratelimit-policy: 10;w=60, 25;w=3600";
    let at = |now: u64, limit: u32, remaining: u32, reset: u64| {
        assert_eq!(
            lines(&granted(&fields, &log, Nanos::from_secs(now))),
            [
                format!("ratelimit: limit={limit}, remaining={remaining}, reset={reset}"),
                policy.to_owned(),
                format!("x-ratelimit-limit: {limit}"),
                format!("x-ratelimit-remaining: {remaining}"),
                format!("x-ratelimit-reset: {reset}"),
            ]
        );
    };
    at(0, 10, 10, 60);
    log.try_acquire_at(Nanos::from_secs(0), 10).unwrap();
    at(0, 10, 0, 60);
    log.try_acquire_at(Nanos::from_secs(60), 5).unwrap();
    at(60, 10, 5, 60);
    log.try_acquire_at(Nanos::from_secs(120), 5).unwrap();
    at(120, 25, 5, 3600); // Five of each: the longer window.
    log.try_acquire_at(Nanos::from_secs(120), 1).unwrap();
    at(120, 25, 4, 3600);
}

#[test]
fn a_refusal_of_draft_7_tells_the_quota_that_refuses_longest() {
    let log = SlidingLog::new("10/1m, 10/1h".parse().unwrap()).unwrap();
    let fields = Fields::of(&log).family(Family::Draft7).and(Family::XRateLimit);
    log.try_acquire_at(Nanos::ZERO, 10).unwrap();
    let (_, headers, body) = refused(&fields, &log, Nanos::from_secs(1), 1);
    assert_eq!(
        lines(&headers),
        [
            "cache-control: no-store",
            "content-type: application/problem+json",
            "ratelimit: limit=10, remaining=0, reset=3599",
            "ratelimit-policy: 10;w=60, 10;w=3600",
            "retry-after: 3599",
            "x-ratelimit-limit: 10",
            "x-ratelimit-remaining: 0",
            "x-ratelimit-reset: 3599",
        ]
    );
    assert_eq!(parsed::policies_7(&headers["ratelimit-policy"]), [(10, 60), (10, 3600)]);
    assert_eq!(parsed::limit_7(&headers["ratelimit"]), (10, 0, 3599));
    assert!(
        body.contains(r#""detail":"The quotas 10/1m and 10/1h are exceeded. Retry after 3599 seconds.""#)
    );
    assert!(body.contains(r#""violated-policies":["10/1m","10/1h"]"#));
}

#[test]
fn a_strict_bucket_in_the_other_families() {
    let bucket = TokenBucket::strict(RULE).unwrap();
    let fields = Fields::of(&bucket).family(Family::XRateLimit).and(Family::Draft11).and(Family::Draft7);
    bucket.try_acquire_at(Nanos::ZERO, 26).unwrap();
    assert_eq!(
        lines(&granted(&fields, &bucket, Nanos::ZERO)),
        [
            "ratelimit: limit=26, remaining=0, reset=3",
            "ratelimit-policy: 50;w=60, 1500;w=3600, 26;w=64",
            "x-ratelimit-limit: 26",
            "x-ratelimit-remaining: 0",
            "x-ratelimit-reset: 3",
        ]
    );
    // The family that is named last, alone.
    let fields = fields.family(Family::XRateLimit);
    assert_eq!(
        lines(&granted(&fields, &bucket, Nanos::ZERO)),
        ["x-ratelimit-limit: 26", "x-ratelimit-remaining: 0", "x-ratelimit-reset: 3"]
    );
}

#[test]
fn each_way_to_make_fields_of_a_bucket_is_the_same() {
    let plan = Plan::with_burst(RULE, 7).unwrap();
    let bucket = TokenBucket::with_burst(RULE, 7).unwrap();
    let limiter = RateLimiter::new(TokenBucket::with_burst(RULE, 7).unwrap(), Manual::new()).erased();
    let table = KeyedTable::new(plan, 100).unwrap();
    let keyed = KeyedLimiter::new(KeyedTable::new(plan, 100).unwrap(), RandomState::new(), Manual::new());
    let all = [
        Fields::paced(&plan),
        Fields::of(&bucket),
        Fields::of(limiter.algorithm()),
        Fields::of_table(&table),
        Fields::of_table(keyed.table()),
    ];
    for fields in all {
        let headers = granted(&fields, &bucket, Nanos::ZERO);
        assert_eq!(
            headers["ratelimit-policy"],
            r#""50/1m";q=50;w=60, "1500/1h";q=1500;w=3600, "pace";q=7;w=17"#
        );
        assert_eq!(headers["ratelimit"], r#""pace";r=7;t=17"#);
    }
    let mut headers = HeaderMap::new();
    Fields::of_table(&table).write(&mut headers, &table.status_at(Nanos::ZERO, 1));
    assert_eq!(headers["ratelimit"], r#""pace";r=7;t=17"#);
}

#[test]
fn the_other_algorithms_have_an_item_for_each_quota() {
    let counter = WindowCounter::new(RULE).unwrap();
    let nominal = TokenBucket::nominal(RULE).unwrap();
    for limiter in [&counter as &dyn Algorithm, &nominal] {
        let headers = granted(&Fields::of(limiter), limiter, Nanos::ZERO);
        assert_eq!(headers["ratelimit-policy"], r#""50/1m";q=50;w=60, "1500/1h";q=1500;w=3600"#);
    }
    nominal.try_acquire_at(Nanos::ZERO, 50).unwrap();
    // A permit of the minute's bucket comes back in 1.2 s.
    let headers = granted(&Fields::of(&nominal), &nominal, Nanos::ZERO);
    assert_eq!(headers["ratelimit"], r#""50/1m";r=0;t=2, "1500/1h";r=1450;t=120"#);
}

#[test]
fn windows_are_rounded_up_and_announced_without_the_guard() {
    let policy: Policy = "5/100ms, 7/1500ms; guard 250ms".parse().unwrap();
    let log = SlidingLog::new(policy).unwrap();
    let headers = granted(&Fields::of(&log), &log, Nanos::ZERO);
    assert_eq!(headers["ratelimit-policy"], r#""5/100ms";q=5;w=1, "7/1500ms";q=7;w=2"#);
    assert_eq!(headers["ratelimit"], r#""5/100ms";r=5;t=1, "7/1500ms";r=7;t=2"#);
    let log = SlidingLog::new("5/1s; guard 1ms".parse().unwrap()).unwrap();
    let headers = granted(&Fields::of(&log), &log, Nanos::ZERO);
    assert_eq!(headers["ratelimit-policy"], r#""5/1s";q=5;w=1"#);
    assert_eq!(headers["ratelimit"], r#""5/1s";r=5;t=2"#, "the window that is kept");
}

#[test]
fn units() {
    let log = SlidingLog::new(RULE).unwrap();
    let fields = Fields::of(&log).unit(Unit::ContentBytes);
    assert_eq!(
        granted(&fields, &log, Nanos::ZERO)["ratelimit-policy"],
        r#""50/1m";q=50;qu="content-bytes";w=60, "1500/1h";q=1500;qu="content-bytes";w=3600"#
    );
    let fields = fields.unit(Unit::Requests);
    assert_eq!(
        granted(&fields, &log, Nanos::ZERO)["ratelimit-policy"],
        r#""50/1m";q=50;w=60, "1500/1h";q=1500;w=3600"#
    );
    // Draft 7 has no place for it, and draft 11 has it when it comes back.
    let fields = fields.family(Family::Draft7).unit(Unit::ContentBytes);
    assert_eq!(granted(&fields, &log, Nanos::ZERO)["ratelimit-policy"], "50;w=60, 1500;w=3600");
    let fields = fields.family(Family::Draft11);
    assert_eq!(
        granted(&fields, &log, Nanos::ZERO)["ratelimit-policy"],
        r#""50/1m";q=50;qu="content-bytes";w=60, "1500/1h";q=1500;qu="content-bytes";w=3600"#
    );
}

#[test]
fn partitions() {
    let log = SlidingLog::new("50/1m, 1500/1h".parse().unwrap()).unwrap();
    let fields = Fields::of(&log).and(Family::XRateLimit);
    let mut headers = HeaderMap::new();
    fields.write_for(b"\x00\xffkey", &mut headers, &log.status_at(Nanos::ZERO));
    assert_eq!(
        headers["ratelimit"],
        r#""50/1m";r=50;t=60;pk=:AP9rZXk=:, "1500/1h";r=1500;t=3600;pk=:AP9rZXk=:"#
    );
    assert_eq!(headers["x-ratelimit-remaining"], "50");
    log.try_acquire_at(Nanos::ZERO, 50).unwrap();
    let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    fields.refusal(&denied, &log.status_at(Nanos::ZERO), 1).write_for(b"", &mut headers);
    assert_eq!(headers["ratelimit"], r#""50/1m";r=0;t=60;pk=::, "1500/1h";r=1450;t=3600;pk=::"#);
    // The other drafts have no place for it.
    let fields = fields.family(Family::Draft7);
    fields.write_for(b"key", &mut headers, &log.status_at(Nanos::ZERO));
    assert_eq!(headers["ratelimit"], "limit=50, remaining=0, reset=60");
}

#[test]
fn other_fields_stay_and_the_same_are_replaced() {
    let log = SlidingLog::new("2/1m".parse().unwrap()).unwrap();
    let fields = Fields::of(&log);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    headers.append(VARY, HeaderValue::from_static("origin"));
    headers.append(VARY, HeaderValue::from_static("accept"));
    headers.append("ratelimit", HeaderValue::from_static("\"other\";r=9"));
    headers.append("ratelimit", HeaderValue::from_static("\"another\";r=9"));
    headers.append("cache-control", HeaderValue::from_static("max-age=60"));
    headers.append("retry-after", HeaderValue::from_static("0"));
    for _ in 0..2 {
        fields.write(&mut headers, &log.status_at(Nanos::ZERO));
        assert_eq!(
            lines(&headers),
            [
                "cache-control: max-age=60",
                "content-type: text/html",
                r#"ratelimit: "2/1m";r=2;t=60"#,
                r#"ratelimit-policy: "2/1m";q=2;w=60"#,
                "retry-after: 0",
                "vary: accept",
                "vary: origin",
            ]
        );
    }
    // What another layer said of a retry is replaced, and removed where there is none.
    let denied = log.try_acquire_at(Nanos::ZERO, 3).unwrap_err();
    fields.refusal(&denied, &log.status_at(Nanos::ZERO), 3).write(&mut headers);
    assert_eq!(
        lines(&headers),
        [
            "cache-control: no-store",
            "content-type: text/html",
            r#"ratelimit: "2/1m";r=2;t=60"#,
            r#"ratelimit-policy: "2/1m";q=2;w=60"#,
            "vary: accept",
            "vary: origin",
        ]
    );
}

/// Values at the ends of their types are legal integers of structured fields, of 15 digits at the most.
#[test]
fn saturated_values() {
    let policy = Policy::new(&[
        tollgate::Quota::new(u32::MAX, Policy::MAX_WINDOW),
        tollgate::Quota::new(1, Duration::from_nanos(1)),
    ]);
    let policy = policy.unwrap();
    let far = QuotaStatus { remaining: 0, next_at: Nanos::MAX, reset_at: Nanos::MAX };
    let most = QuotaStatus { remaining: u32::MAX, next_at: Nanos::ZERO, reset_at: Nanos::MAX };
    let fields = Fields::new(&policy);
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, &Status::new(Nanos::ZERO, [most, far]));
    assert_eq!(
        parsed::policies(&headers["ratelimit-policy"]),
        [
            Announced {
                name: "4294967295/4611686018427387904ns".into(),
                q: 4_294_967_295,
                w: 4_611_686_019,
                qu: None
            },
            Announced { name: "1/1ns".into(), q: 1, w: 1, qu: None },
        ]
    );
    let limit = |name: &str, r, t| Limit { name: name.into(), r, t, pk: None };
    assert_eq!(
        parsed::limits(&headers["ratelimit"]),
        [
            limit("4294967295/4611686018427387904ns", 4_294_967_295, 18_446_744_074),
            limit("1/1ns", 0, 18_446_744_074)
        ]
    );
    // So many seconds would be taken for an instant.
    fields.and(Family::XRateLimit).write(&mut headers, &Status::new(Nanos::ZERO, [most, far]));
    assert_eq!(headers["x-ratelimit-reset"], "999999999");
    // The slowest bucket that there is.
    let slow: Policy = Policy::new(&[tollgate::Quota::new(1, Policy::MAX_WINDOW)]).unwrap();
    let fields = Fields::paced(&Plan::new(slow).unwrap());
    fields.write(&mut headers, &Status::joint(Nanos::ZERO, most));
    assert_eq!(parsed::policies(&headers["ratelimit-policy"])[1].w, 4_611_686_019);
    assert_eq!(parsed::limits(&headers["ratelimit"]), [limit("pace", 4_294_967_295, 999_999_999_999_999)]);
}

/// A status that no limiter of this policy has told is written all the same, without a panic.
#[test]
fn a_status_of_another_policy() {
    let state = |remaining| QuotaStatus { remaining, next_at: Nanos::ZERO, reset_at: Nanos::from_secs(9) };
    let fields = Fields::new(&"5/1m".parse().unwrap());
    let written = |status| {
        let mut headers = HeaderMap::new();
        fields.write(&mut headers, &status);
        lines(&headers)
    };
    let policy = r#"ratelimit-policy: "5/1m";q=5;w=60"#;
    let two = Status::new(Nanos::ZERO, [state(3), state(2)]);
    assert_eq!(written(two), [r#"ratelimit: "5/1m";r=3;t=9"#, policy]);
    let joint = Status::joint(Nanos::ZERO, state(3));
    assert_eq!(written(joint), [r#"ratelimit: "pace";r=3;t=9"#, policy]);
    assert_eq!(written(Status::new(Nanos::ZERO, [])), [""; 0]);
}

#[test]
fn every_field_is_exposed() {
    let names = EXPOSED_HEADERS.iter().map(HeaderName::as_str).collect::<Vec<_>>();
    assert_eq!(names.join(", "), EXPOSED_HEADERS_VALUE);
    let log = SlidingLog::new("1/1m".parse().unwrap()).unwrap();
    log.try_acquire_at(Nanos::ZERO, 1).unwrap();
    let mut written: Vec<HeaderName> = Vec::new();
    for family in [Family::Draft11, Family::Draft7, Family::XRateLimit] {
        let (_, headers, _) = refused(&Fields::of(&log).family(family), &log, Nanos::ZERO, 1);
        written.extend(headers.keys().cloned());
    }
    // A page reads these two without being told that it may.
    written.retain(|name| name != "cache-control" && name != CONTENT_TYPE);
    written.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    written.dedup();
    assert_eq!(written, EXPOSED_HEADERS);
}
