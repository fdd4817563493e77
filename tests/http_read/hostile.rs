//! Servers that are wrong, or hostile: nothing panics, work and memory are bounded, and the log says what was ignored.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use tollgate::http::{Feedback, Heed, Nonsense};
use tollgate::{Clock, Manual, Nanos, Policy, RateLimiter, SlidingLog};

use crate::{headers, nonsense, read};

fn why(fields: &[(&str, &str)]) -> Vec<Nonsense> {
    read(429, fields).ignored().iter().map(tollgate::http::Ignored::reason).collect()
}

#[test]
fn every_kind_of_nonsense_is_named() {
    assert_eq!(why(&[("retry-after", "")]), [Nonsense::Empty]);
    assert_eq!(why(&[("retry-after", "-5")]), [Nonsense::Negative]);
    assert_eq!(why(&[("x-ratelimit-reset", "-0.5")]), [Nonsense::Negative]);
    assert_eq!(why(&[("retry-after", "--5")]), [Nonsense::NotATime]);
    assert_eq!(why(&[("retry-after-ms", "5s")]), [Nonsense::NotANumber]);
    assert_eq!(why(&[("x-ratelimit-remaining", "-1")]), [Nonsense::Negative]); // Spring, if its Redis is away
    assert_eq!(why(&[("x-ratelimit-remaining", "many")]), [Nonsense::NotANumber]);
    assert_eq!(why(&[("date", "now")]), [Nonsense::NotADate]);
    assert_eq!(why(&[("x-ratelimit-bucket", "\u{e9}")]), [Nonsense::NotText]);
    assert_eq!(why(&[("x-ratelimit-scope", "\u{e9}")]), [Nonsense::NotText]);
    assert_eq!(why(&[("ratelimit", "\"a\";r=")]), [Nonsense::NotStructured]);
    assert_eq!(why(&[("ratelimit-policy", "\u{e9}")]), [Nonsense::NotStructured]);
    assert_eq!(why(&[("ratelimit", "\"a\";t=5, \"b\";r=-1, \"c\";r=1, (1)")]), [Nonsense::NotAQuota; 3]);
    assert_eq!(why(&[("ratelimit", "limits=5")]), [Nonsense::NotAQuota]);
    assert_eq!(why(&[("ratelimit-policy", "\"a\";w=5, ?1, -5;w=1")]), [Nonsense::NotAQuota; 3]);
    assert_eq!(why(&[("x-app-rate-limit", "20:1,100")]), [Nonsense::NotAPair]);
    assert_eq!(why(&[("x-shopify-shop-api-call-limit", "32")]), [Nonsense::NotAPair]);
    assert_eq!(why(&[("x-ratelimit-limit", "a, b")]), [Nonsense::NotANumber]);
    assert_eq!(why(&[("x-ratelimit-limit", "1;;2")]), [Nonsense::NotStructured]);
    assert_eq!(why(&[("retry-after", &"9".repeat(4097))]), [Nonsense::TooLong]);
    assert_eq!(why(&[("x-ratelimit-bucket", &"b".repeat(65))]), [Nonsense::TooLong]);
    assert_eq!(why(&[(&format!("x-ratelimit-limit-{}", "b".repeat(65)), "1")]), [Nonsense::TooLong]);
    assert_eq!(why(&[("ratelimit", &format!("\"{}\";r=1", "b".repeat(65)))]), [Nonsense::TooLong]);
    assert_eq!(why(&[("retry-after", &"9".repeat(4096))]), []);
}

#[test]
fn what_is_ignored_is_told_in_a_sentence_of_bounded_length() {
    let long = "\u{1f600}".repeat(100);
    let name = format!("x-ratelimit-limit-{}", "n".repeat(1000));
    let feedback = read(429, &[("retry-after", &long), (&name, "1"), ("x-ratelimit-limit", "\"\\")]);
    let escaped = r"\xf0\x9f\x98\x80".repeat(10);
    let cut = format!("x-ratelimit-limit-{}...", "n".repeat(61 - 18));
    assert_eq!(
        nonsense(&feedback),
        [
            format!(
                "\"{}...\" in the field retry-after is ignored: it is neither a duration nor an instant",
                &escaped[..61]
            ),
            format!("\"1\" in the field {cut} is ignored: it is too long"),
            "\"\\\"\\\\\" in the field x-ratelimit-limit is ignored: it is not a number".to_owned(),
        ]
    );
    assert_eq!(feedback.ignored()[0].field(), "retry-after");
    assert_eq!(feedback.ignored()[0].value().len(), 64);
}

#[test]
fn what_is_kept_is_bounded() {
    let names: Vec<String> = (0..100).map(|i| format!("x-ratelimit-limit-{i}-requests")).collect();
    let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "7")).collect();
    let feedback = read(200, &fields);
    assert_eq!(feedback.quotas().len(), Feedback::MAX_QUOTAS);
    assert_eq!(feedback.ignored().len(), Feedback::MAX_IGNORED);
    assert!(feedback.ignored().iter().all(|ignored| ignored.reason() == Nonsense::TooMany));

    let list = (1..=100).map(|i| format!("{i};w=1")).collect::<Vec<_>>().join(", ");
    assert_eq!(read(200, &[("ratelimit-policy", &list)]).quotas().len(), Feedback::MAX_QUOTAS);
    assert_eq!(read(200, &[("x-ratelimit-limit", &list)]).quotas().len(), Feedback::MAX_QUOTAS);
    let items: Vec<String> = (0..100).map(|i| format!("\"{i}\";r=1")).collect();
    assert_eq!(read(200, &[("ratelimit", &items.join(","))]).quotas().len(), Feedback::MAX_QUOTAS);
    let pairs: Vec<String> = (0..100).map(|i| format!("1:{i}")).collect();
    assert_eq!(read(200, &[("x-app-rate-limit", &pairs.join(","))]).quotas().len(), Feedback::MAX_QUOTAS);
}

/// Ten megabytes of fields that the reader knows, each of the worst kind, and a name of a megabyte.
#[test]
fn megabytes_of_fields_are_not_read() {
    let worst = ["a,".repeat(2000), "1:1,".repeat(1000), "\"a\";r=1,".repeat(400), "9".repeat(4000)];
    for (name, value) in [("ratelimit", 0), ("x-app-rate-limit", 1), ("ratelimit", 2), ("retry-after", 3)] {
        let mut headers = HeaderMap::new();
        for _ in 0..2500 {
            headers.append(name, HeaderValue::from_str(&worst[value]).unwrap());
        }
        let start = Instant::now();
        let feedback = Feedback::read(StatusCode::TOO_MANY_REQUESTS, &headers);
        assert!(start.elapsed() < Duration::from_secs(2), "{name}: {:?}", start.elapsed());
        assert!(feedback.ignored().len() <= Feedback::MAX_IGNORED);
    }
    // What would be read, the most that is, and what comes after it.
    let seen = |lines: usize| {
        let value = "9".repeat(4096);
        let mut fields = vec![("retry-after", value.as_str()); lines];
        fields.push(("retry-after-ms", "1"));
        let feedback = read(429, &fields);
        (
            feedback.retry_after(),
            feedback.ignored().iter().map(tollgate::http::Ignored::reason).collect::<Vec<_>>(),
        )
    };
    assert_eq!(seen(15), (Some(Duration::from_millis(1)), vec![]));
    assert_eq!(seen(16), (Some(Duration::from_secs(u64::MAX)), vec![Nonsense::TooMany]));
    let mut headers = headers(&[(&"x-ratelimit-".repeat(1000), "1")]);
    headers.insert("retry-after", HeaderValue::from_bytes(&vec![b'9'; 1 << 20]).unwrap());
    assert_eq!(Feedback::read(StatusCode::OK, &headers).ignored()[0].reason(), Nonsense::TooLong);
}

const NAMES: [&str; 26] = [
    "date",
    "retry-after",
    "retry-after-ms",
    "x-ms-retry-after-ms",
    "x-ratelimit-after",
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-used",
    "x-ratelimit-replenish-rate",
    "x-ratelimit-burst-capacity",
    "x-ratelimit-requested-tokens",
    "x-ratelimit-scope",
    "x-ratelimit-limit-tokens",
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-requests-remaining",
    "x-app-rate-limit",
    "x-app-rate-limit-count",
    "x-shopify-shop-api-call-limit",
    "x-ms-throttle-limit-percentage",
];

fn value() -> impl Strategy<Value = Vec<u8>> {
    let plain = prop::sample::select(vec![
        "0",
        "1",
        "5",
        "60",
        "-1",
        "0.5",
        "1795622400",
        "1795622400000",
        "99999999999999999999",
        "6m0s",
        "shared",
        "20:1,100:120",
        "18446744073709551615/1",
        "\"a\";r=0;t=5",
        "\"a\";q=5;w=60",
        "limit=5, remaining=0, reset=9",
        "100;w=60",
        "5, 5;w=1",
        "Wed, 25 Nov 2026 16:00:00 GMT",
        "2026-11-25T16:00:00Z",
        "9999-12-31T23:59:59Z",
        "",
    ]);
    prop_oneof![
        3 => plain.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(prop_oneof![b' '..=b'~', 128_u8..], 0..20),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Whatever a server says, the limiter grants nothing that it would not have granted, and every wait is capped.
    #[test]
    fn no_response_raises_a_limit_or_silences_a_client(
        status in prop::sample::select(vec![200_u16, 202, 403, 429, 503]),
        fields in prop::collection::vec((prop::sample::select(&NAMES[..]), value()), 0..8),
        steps in prop::collection::vec((0..40_u64, 1..4_u32, any::<bool>()), 1..60),
    ) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name, HeaderValue::from_bytes(&value).unwrap());
        }
        let feedback = Feedback::read(StatusCode::from_u16(status).unwrap(), &headers);
        prop_assert!(feedback.quotas().len() <= Feedback::MAX_QUOTAS);
        prop_assert!(feedback.ignored().iter().all(|ignored| !ignored.to_string().is_empty()));

        let clock = Manual::new();
        let policy: Policy = "5/10s, 12/60s".parse().unwrap();
        let limiter = RateLimiter::new(SlidingLog::new(policy).unwrap(), clock.clone());
        let heed = Heed::new().with_longest_pause(Duration::from_secs(20));
        // What was granted to the limiter that heeds, played to one that does not.
        let free = RateLimiter::new(SlidingLog::new(policy).unwrap(), clock.clone());
        for (seconds, n, heeds) in steps {
            clock.advance(Duration::from_secs(seconds));
            if limiter.try_acquire_n(n).is_ok() {
                prop_assert!(free.try_acquire_n(n).is_ok());
            }
            if heeds {
                let done = feedback.heed(&limiter, &heed);
                prop_assert!(done.pause.is_none_or(|pause| pause <= Duration::from_secs(20)));
                // The policy alone may say later. One second more than the cap is the longest that a server can cause.
                let at = |limiter: &RateLimiter<SlidingLog, Manual>| {
                    limiter.peek().err().and_then(|denied| denied.retry_at()).unwrap_or(clock.now())
                };
                let latest: Nanos = at(&free).max(clock.now().saturating_add(Duration::from_secs(20)));
                prop_assert!(at(&limiter) <= latest, "{:?} {:?}", at(&limiter), latest);
            }
        }
    }
}
