//! Every form in which a server writes a time or a number.

use std::time::{Duration, SystemTime};

use http::StatusCode;
use tollgate::http::Feedback;

use crate::{DATE, NOW, headers, nonsense, read};

/// The reset of a response that was sent at [`NOW`], or why it was ignored.
fn reset(value: &str) -> Result<Duration, String> {
    let feedback = read(200, &[DATE, ("x-ratelimit-reset", value)]);
    match feedback.quotas() {
        [quota] => Ok(quota.reset.unwrap()),
        _ => Err(nonsense(&feedback).concat()),
    }
}

fn retry_after(value: &str) -> Option<Duration> {
    read(429, &[DATE, ("retry-after", value)]).retry_after()
}

#[track_caller]
fn is(value: &str, expected: Duration) {
    assert_eq!(reset(value), Ok(expected), "{value}");
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

const fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

#[test]
fn seconds_from_now() {
    is("0", secs(0));
    is("90", secs(90));
    is(" 90 ", secs(90));
    is("007", secs(7));
    is("1.5", Duration::from_millis(1500));
    is("0.000000001", nanos(1));
    // What is finer is rounded up, and never carried wrongly.
    is("0.0000000001", nanos(1));
    is("0.9999999999", secs(1));
    is("0.5000000000", nanos(500_000_000));
    is("999999999", secs(999_999_999));
}

#[test]
fn instants_since_1970_count_from_the_date_of_the_response() {
    is("1000000000", secs(0));
    is(&NOW.to_string(), secs(0));
    is(&(NOW - 1).to_string(), secs(0));
    is(&(NOW + 90).to_string(), secs(90));
    is("1795622401.25", Duration::from_millis(1250));
    is("999999999999", secs(999_999_999_999 - NOW));
    is("1795622401500", Duration::from_millis(1500));
    is("1000000000000", secs(0));
}

#[test]
fn durations_with_units() {
    is("6m0s", secs(360));
    is("12ms", Duration::from_millis(12));
    is("1h2m3.5s", Duration::from_millis(3_723_500));
    is("1d", secs(86_400));
    is("1d1ns", nanos(86_400_000_000_001));
    is("850us", nanos(850_000));
    is("850\u{b5}s", nanos(850_000));
    is("850\u{3bc}s", nanos(850_000));
    is("2m59.56s", Duration::from_millis(179_560));
    is("0s", secs(0));
    is("1.5h", secs(5400));
    is("0.3ns", nanos(1));
    is("99999999999999999999d", Duration::MAX);
    for value in
        ["1s1m", "1m1m", "1s1", "1x", "s", "1.s", ".5s", "1..5s", "1 s", "-1s", "+1s", "1us1\u{b5}s", "1w"]
    {
        assert!(reset(value).is_err(), "{value}");
    }
}

#[test]
fn dates() {
    for value in [
        "Wed, 25 Nov 2026 16:01:30 GMT",
        "Wednesday, 25-Nov-26 16:01:30 GMT",
        "Wed Nov 25 16:01:30 2026",
        "2026-11-25T16:01:30Z",
        "2026-11-25t16:01:30z",
        "2026-11-25 16:01:30Z",
        "2026-11-25T16:01:30.000Z",
        "2026-11-25T17:31:30+01:30",
        "2026-11-25T08:01:30-08:00",
        "2026-11-26T00:01:30+08:00",
        "Wed Nov 25 2026 16:01:30 GMT+0000 (Coordinated Universal Time)",
        "Wed Nov 25 2026 17:01:30 GMT+0100 (Mitteleurop\u{e4}ische Normalzeit)",
        "Wed Nov 25 2026 08:01:30 GMT-0800",
    ] {
        is(value, secs(90));
        assert_eq!(retry_after(value), Some(secs(90)), "{value}");
    }
    is("2026-11-25T16:00:00.25Z", Duration::from_millis(250));
    is("2026-11-25T15:59:60Z", secs(0)); // a leap second
    is("2028-02-29T00:00:00Z", secs(1_835_395_200 - NOW));
    is("2000-02-29T00:00:00Z", secs(0));
    is("2400-02-29T00:00:00Z", secs(13_574_563_200 - NOW));
    is("9999-12-31T23:59:59Z", secs(253_402_300_799 - NOW));
    is("Wed, 25 Nov 2026 15:59:59 GMT", secs(0));
    for value in [
        "Tue, 25 Nov 2026 16:01:30 GMT", // a Wednesday
        "Wed, 25 Nov 2026 16:01:30 UTC",
        "Wed, 25 Nov 2026 24:00:00 GMT",
        "Wed, 25 Nov 2026 16:60:00 GMT",
        "Wed, 25 Nov 2026 16:00:61 GMT",
        "wed, 25 nov 2026 16:01:30 gmt",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2026-11-25T16:01:30",
        "2026-11-25T16:01:30.Z",
        "2026-11-25T16:01:30+24:00",
        "2026-11-25T16:01:30+0100",
        "2026-11-25T16:01:30Zulu",
        "2026-11-25",
        "Wed Nov 25 2026 16:01:30 GMT+0000 (",
        "Wed Nov 25 2026 16:01:30 GMT+0000 Coordinated",
        "Wed Nov 25 2026 16:01:30",
    ] {
        assert!(reset(value).is_err(), "{value}");
        assert_eq!(retry_after(value), None, "{value}");
    }
}

#[test]
fn a_number_in_retry_after_is_never_an_instant() {
    assert_eq!(retry_after("120"), Some(secs(120)));
    assert_eq!(retry_after("2.0"), Some(secs(2)));
    assert_eq!(retry_after("1795622490"), Some(secs(1_795_622_490)));
    assert_eq!(retry_after("99999999999999999999"), Some(secs(u64::MAX)));
    assert_eq!(retry_after("99999999999999999999.9"), Some(Duration::new(u64::MAX, 900_000_000)));
    assert_eq!(retry_after("99999999999999999999.9999999999"), Some(Duration::MAX));
    assert_eq!(retry_after("1m30s"), Some(secs(90)));
}

#[test]
fn milliseconds() {
    let after = |value| read(429, &[("retry-after-ms", value)]).retry_after();
    assert_eq!(after("1"), Some(Duration::from_millis(1)));
    assert_eq!(after("7500"), Some(Duration::from_millis(7500)));
    assert_eq!(after("0.5"), Some(nanos(500_000)));
    assert_eq!(after("1s"), None);
}

#[test]
fn the_date_of_the_response_counts_and_else_our_clock() {
    let now = SystemTime::UNIX_EPOCH + secs(NOW + 3600);
    let after = |fields: &[(&str, &str)]| {
        Feedback::read_at(StatusCode::TOO_MANY_REQUESTS, &headers(fields), now).retry_after()
    };
    let instant = ("retry-after", "Wed, 25 Nov 2026 17:00:07 GMT");
    assert_eq!(after(&[DATE, instant]), Some(secs(3607))); // our clock is an hour ahead
    assert_eq!(after(&[instant]), Some(secs(7)));
    assert_eq!(after(&[("date", "yesterday"), instant]), Some(secs(7)));
    let feedback = read(200, &[("date", "yesterday")]);
    assert_eq!(nonsense(&feedback), ["\"yesterday\" in the field date is ignored: it is not a date of HTTP"]);

    // A clock that has no idea: before 1970.
    let lost = SystemTime::UNIX_EPOCH - secs(1);
    let feedback = Feedback::read_at(StatusCode::TOO_MANY_REQUESTS, &headers(&[instant]), lost);
    assert_eq!(feedback.retry_after(), Some(secs(NOW + 3607)));

    // Without instants no clock counts. With one and no date, it is that of this machine.
    let feedback =
        Feedback::read(StatusCode::TOO_MANY_REQUESTS, &headers(&[("retry-after", "9999-12-31T23:59:59Z")]));
    let left = SystemTime::UNIX_EPOCH + secs(253_402_300_799) - feedback.retry_after().unwrap();
    assert!(SystemTime::now().duration_since(left).unwrap() < secs(60));
}

#[test]
fn counts() {
    let limit =
        |value| read(200, &[("x-ratelimit-limit", value)]).quotas().first().and_then(|quota| quota.limit);
    assert_eq!(limit("0"), Some(0));
    assert_eq!(limit("5000"), Some(5000));
    assert_eq!(limit("12.7"), Some(12));
    assert_eq!(limit("18446744073709551615"), Some(u64::MAX));
    assert_eq!(limit("18446744073709551616"), Some(u64::MAX));
    for nonsense in ["", "-1", "1e3", "5k", "0x10", "1.", ".5", "unlimited", "1 000"] {
        assert_eq!(limit(nonsense), None, "{nonsense}");
    }
}
