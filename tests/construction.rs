//! P7: a policy that makes no sense is refused by a typed error, which says what is wrong and where. Nothing panics or
//! aborts, and nothing is ever taken for "unlimited".

#![allow(clippy::unchecked_time_subtraction, reason = "an underflow fails the test")]

mod oracle;
mod subjects;

use std::error::Error as _;
use std::process::Command;
use std::time::Duration;

use subjects::{Kind, at, policy};
use tollgate::keyed::{KeyedError, MapFull, Refused};
use tollgate::wait::FairLimiter;
use tollgate::{
    Algorithm, BuildError, Denied, Error, Manual, Nanos, ParsePolicyError, Plan, Policy, PolicyError, Quota,
    RateLimiter, SlidingLog, TokenBucket, try_acquire_all,
};

const SECOND: Duration = Duration::from_secs(1);

/// All in a `const`: a wrong policy can be an error of the build.
const CONST: Policy = {
    let quotas = [Quota::per_second(5).named("burst"), Quota::new(100, Duration::from_millis(60_001))];
    match Policy::new(&quotas) {
        Ok(policy) => match policy.with_guard(Duration::from_millis(250)) {
            Ok(policy) => policy,
            Err(_) => panic!("the guard is small"),
        },
        Err(_) => panic!("the quotas are valid"),
    }
};

const CONST_ERROR: Result<Policy, PolicyError> = Policy::new(&[Quota::new(0, SECOND)]);

#[test]
fn a_policy_is_built_in_a_const() {
    assert_eq!(CONST.to_string(), "burst=5/1s, 100/60001ms; guard 250ms");
    assert_eq!(CONST.quotas().len(), 2);
    assert_eq!(CONST.quotas()[0].name(), Some("burst"));
    assert_eq!(CONST.quotas()[1].name(), None);
    assert_eq!(CONST.guard(), Duration::from_millis(250));
    assert_eq!(CONST_ERROR, Err(PolicyError::ZeroLimit { quota: 0 }));
}

/// As long as can be, and one nanosecond longer.
const LONGEST: Duration = Policy::MAX_WINDOW;
const LONGER: Duration = Duration::from_nanos((1 << 62) + 1);

#[test]
fn every_policy_error() {
    let fine = Quota::per_second(1);
    let nine: Vec<Quota> = (1..=9).map(|secs| Quota::new(1, Duration::from_secs(secs))).collect();
    let name = PolicyError::InvalidName { quota: 1 };
    let name_text = "quota 1 (counted from 0) has a name that is longer than 15 bytes or has a character other than \
                     ASCII letters, digits, '-', '_' and '.'";
    let table: &[(&[Quota], PolicyError, &str)] = &[
        (&[], PolicyError::Empty, "a policy has 1 to 8 quotas; none was given"),
        (&nine, PolicyError::TooManyQuotas { count: 9 }, "a policy has 1 to 8 quotas; 9 were given"),
        (
            &[fine, Quota::per_minute(0)],
            PolicyError::ZeroLimit { quota: 1 },
            "quota 1 (counted from 0) has limit 0; a limit is at least 1",
        ),
        (
            &[Quota::new(1, Duration::ZERO)],
            PolicyError::ZeroWindow { quota: 0 },
            "quota 0 (counted from 0) has a window of 0; a window is at least 1ns",
        ),
        (
            &[fine, Quota::new(1, LONGER)],
            PolicyError::WindowTooLong { quota: 1, window: LONGER, guard: Duration::ZERO },
            "quota 1 (counted from 0) has a window of 4611686018.427387905s and a guard of 0ns; together they are \
             at most 4611686018427387904ns (146 years)",
        ),
        (
            &[Quota::new(1, Duration::MAX)],
            PolicyError::WindowTooLong { quota: 0, window: Duration::MAX, guard: Duration::ZERO },
            "quota 0 (counted from 0) has a window of 18446744073709551615.999999999s and a guard of 0ns; together \
             they are at most 4611686018427387904ns (146 years)",
        ),
        (
            &[Quota::per_hour(9), fine, Quota::new(2, Duration::from_secs(3600))],
            PolicyError::DuplicateWindow { quota: 2, earlier: 0, window: Duration::from_secs(3600) },
            "quotas 0 and 2 (counted from 0) both have the window 1h; windows must differ, because the larger \
             limit would have no effect",
        ),
        (&[fine, Quota::per_minute(1).named("sixteen.letters_")], name, name_text),
        (&[fine, Quota::per_minute(1).named("two words")], name, name_text),
        (&[fine, Quota::per_minute(1).named("naïve")], name, name_text),
        (&[fine, Quota::per_minute(1).named("a,b")], name, name_text),
    ];
    for (quotas, error, text) in table {
        assert_eq!(Policy::new(quotas), Err(*error), "{quotas:?}");
        assert_eq!(error.to_string(), *text);
        assert!(error.source().is_none());
    }
}

#[test]
fn a_guard_is_checked_with_every_window() {
    let policy = Policy::new(&[Quota::per_second(1), Quota::new(1, LONGEST - SECOND)]).unwrap();
    assert_eq!(policy.with_guard(SECOND).unwrap().guard(), SECOND);
    for guard in [SECOND + Duration::from_nanos(1), LONGEST, Duration::MAX] {
        let error = policy.with_guard(guard).unwrap_err();
        // The first quota that does not fit: the first of all, where the guard alone is too long.
        let quota = usize::from(guard <= LONGEST - SECOND);
        let window = policy.quotas()[quota].window();
        assert_eq!(error, PolicyError::WindowTooLong { quota, window, guard });
    }
    let seconds: Vec<Quota> = (1..=8).map(|secs| Quota::new(1, secs * SECOND)).collect();
    assert_eq!(Policy::new(&seconds).unwrap().with_guard(SECOND).unwrap().guard(), SECOND);
    // Not added up: the last guard counts.
    let again = policy.with_guard(SECOND).unwrap().with_guard(Duration::from_millis(1)).unwrap();
    assert_eq!(again.guard(), Duration::from_millis(1));
}

#[test]
fn the_largest_of_everything_is_accepted() {
    let windows = (0..8).map(|less| LONGEST - Duration::from_nanos(less));
    let quotas: Vec<Quota> =
        windows.map(|window| Quota::new(u32::MAX, window).named("fifteen.letters")).collect();
    let policy = Policy::new(&quotas).unwrap();
    assert_eq!(policy.quotas(), quotas);
    assert_eq!(policy.to_string().parse(), Ok(policy));
}

const QUOTA: &str = "a quota as LIMIT/WINDOW, such as 50/1m";
const LIMIT: &str = "a limit from 1 to 4294967295";
const WINDOW: &str = "a window of at most 146 years, such as 1m, 90s, 1h30m, hour or 15 minutes";
const DURATION: &str = "a duration of at most 146 years, such as 250ms, 90s or 1m30s";
const GUARD: &str = "\"guard\" and a duration, such as \"guard 250ms\"";
const NAME: &str = "a name of 1 to 15 ASCII letters, digits, '-', '_' or '.'";

#[test]
fn every_syntax_error() {
    let table = [
        (" 50 ", "50", 1, QUOTA),
        ("50/1m,", "", 6, QUOTA),
        ("50/1m,,1/1h", "", 6, QUOTA),
        (",50/1m", "", 0, QUOTA),
        ("unlimited", "unlimited", 0, QUOTA),
        ("burst=", "", 6, QUOTA),
        ("/1m", "", 0, LIMIT),
        ("+5/1m", "+5", 0, LIMIT),
        ("-5/1m", "-5", 0, LIMIT),
        ("5.5/1m", "5.5", 0, LIMIT),
        ("inf/1m", "inf", 0, LIMIT),
        ("4294967296/1m", "4294967296", 0, LIMIT),
        ("99999999999999999999999/1m", "99999999999999999999999", 0, LIMIT),
        ("_5/1m", "_5", 0, LIMIT),
        ("5_/1m", "5_", 0, LIMIT),
        ("5__0/1m", "5__0", 0, LIMIT),
        ("5 0/1m", "5 0", 0, LIMIT),
        ("5 00 per m", "5 00", 0, LIMIT),
        (" per m", "per m", 1, QUOTA),
        ("5per m", "5per m", 0, QUOTA),
        ("5 perm", "5 perm", 0, QUOTA),
        ("5 Per m", "5 Per m", 0, QUOTA),
        ("5 per", "5 per", 0, QUOTA),
        ("5 per per m", "per m", 6, WINDOW),
        ("5 a minute", "5 a minute", 0, QUOTA),
        ("5/per m", "per m", 2, WINDOW),
        ("5/", "", 2, WINDOW),
        ("5/60", "60", 2, WINDOW),
        ("5/1.5s", "1.5s", 2, WINDOW),
        ("5/ -1s", "-1s", 3, WINDOW),
        ("5/1M", "1M", 2, WINDOW),
        ("5/Minute", "Minute", 2, WINDOW),
        ("5/month", "month", 2, WINDOW),
        ("5/1y", "1y", 2, WINDOW),
        ("5/hrs", "hrs", 2, WINDOW),
        ("5/1 0s", "1 0s", 2, WINDOW),
        ("5/_1s", "_1s", 2, WINDOW),
        ("5/1s1m", "1s1m", 2, WINDOW),
        ("5/1m1m", "1m1m", 2, WINDOW),
        ("5/1m1minute", "1m1minute", 2, WINDOW),
        ("5/1m30", "1m30", 2, WINDOW),
        ("5/1m, s", "s", 6, QUOTA),
        ("5/1m and 1s", "1m and 1s", 2, WINDOW),
        ("5/1µs", "1µs", 2, WINDOW),
        ("5/18446744073709551616ns", "18446744073709551616ns", 2, WINDOW),
        ("5/999999999999d", "999999999999d", 2, WINDOW),
        ("5/30501w", "30501w", 2, WINDOW),
        ("5/1s/2s", "1s/2s", 2, WINDOW),
        ("=5/1m", "", 0, NAME),
        ("sixteen.letters_=5/1m", "sixteen.letters_", 0, NAME),
        ("1/1s, two words=5/1m", "two words", 6, NAME),
        ("a=b=5/1m", "b=5", 2, LIMIT),
        ("5/1m;", "", 5, GUARD),
        ("5/1m; 250ms", "250ms", 6, GUARD),
        ("5/1m; guard250ms", "guard250ms", 6, GUARD),
        ("5/1m; guard", "guard", 6, GUARD),
        ("5/1m; guard  soon", "soon", 13, DURATION),
        ("5/1m; guard 1s; guard 2s", "1s; guard 2s", 12, DURATION),
        ("5/1m; guard second", "second", 12, DURATION),
        ("5/1m; Guard 1s", "Guard 1s", 6, GUARD),
    ];
    for (text, part, at, expected) in table {
        let error = text.parse::<Policy>().unwrap_err();
        let want = ParsePolicyError::Syntax { part: part.into(), at, expected };
        assert_eq!(error, want, "{text:?}");
        assert_eq!(error.to_string(), format!("cannot read {part:?} at byte {at}: expected {expected}"));
        assert!(error.source().is_none());
    }
}

/// An error repeats 40 characters of the text and no more, whole ones.
#[test]
fn no_error_repeats_a_long_text() {
    for (letter, times) in [("x", 40), ("x", 41), ("x", 1_000_000), ("ö", 40), ("ö", 41), ("ö", 5000)] {
        let text = letter.repeat(times);
        let quoted = if times > 40 { letter.repeat(40) + "…" } else { text.clone() };
        for text in [text.clone(), format!("{text}/1m"), format!("5/{text}"), format!("5/1m; {text}")] {
            let error = text.parse::<Policy>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("cannot read {quoted:?} at byte ")), "{error}");
        }
        let error = format!("{text}=5/1m").parse::<Quota>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot read {quoted:?} at byte 0")), "{error}");
    }
    // A character that is escaped counts as it is printed: here as ten.
    let error = "\u{10ffff}".repeat(41).parse::<Policy>().unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot read \"{}…\" at byte 0", r"\u{10ffff}".repeat(4))), "{error}");
}

#[test]
fn a_quota_is_read_alone() {
    for (text, quota) in [
        ("60/min", Quota::per_minute(60)),
        (" burst = 60 per minute ", Quota::per_minute(60).named("burst")),
        ("1/1w", Quota::new(1, Duration::from_secs(604_800))),
    ] {
        assert_eq!(text.parse(), Ok(quota), "{text}");
        assert_eq!(quota.to_string().parse(), Ok(quota), "{text}");
    }
    let refused = |text: &str| text.parse::<Quota>().unwrap_err();
    assert_eq!(refused("0/min"), ParsePolicyError::Policy(PolicyError::ZeroLimit { quota: 0 }));
    assert_eq!(refused("1/0s"), ParsePolicyError::Policy(PolicyError::ZeroWindow { quota: 0 }));
    assert!(matches!(refused("1/1s, 2/2s"), ParsePolicyError::Syntax { at: 2, .. }));
    assert!(matches!(refused("1/1s; guard 1s"), ParsePolicyError::Syntax { at: 2, .. }));
    assert!(matches!(refused(""), ParsePolicyError::Syntax { at: 0, .. }));
}

/// In JSON, as text, where a policy stands alone or in a list; and what is wrong is said in the reader's own words.
#[test]
fn policies_and_quotas_in_a_format_of_serde() {
    let policy = policy("burst=50/minute, 1_500/h; guard 250ms");
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(json, r#""burst=50/1m, 1500/1h; guard 250ms""#);
    assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
    // A text with an escape is not borrowed from the input.
    assert_eq!(serde_json::from_str::<Policy>(r#""50\u002f1m""#).unwrap().to_string(), "50/1m");
    let quotas = [Quota::per_second(5), Quota::per_day(9).named("daily")];
    let json = serde_json::to_string(&quotas).unwrap();
    assert_eq!(json, r#"["5/1s","daily=9/1d"]"#);
    assert_eq!(serde_json::from_str::<[Quota; 2]>(&json).unwrap(), quotas);

    let refused = |json: &str| serde_json::from_str::<Policy>(json).unwrap_err().to_string();
    let syntax = format!("cannot read \"5\" at byte 0: expected {QUOTA}");
    assert!(refused(r#""5""#).starts_with(&syntax), "{}", refused(r#""5""#));
    assert!(refused(r#""0/s""#).starts_with("quota 0 (counted from 0) has limit 0"));
    assert!(refused("5").contains("expected a text such as \"50/1m\""), "{}", refused("5"));
}

/// Whatever goes wrong between a text and a granted call, `?` turns it into one type that says the same.
#[test]
fn one_error_for_all() {
    fn call(text: &str, permits: u32) -> Result<(), Error> {
        let read: Policy = text.parse()?;
        let policy = Policy::new(read.quotas())?.with_guard(Duration::from_secs(1))?;
        let limiter = RateLimiter::new(TokenBucket::strict(policy)?, Manual::new());
        limiter.try_acquire_n(permits)?;
        FairLimiter::blocking(limiter).acquire_blocking_n(permits)?;
        Ok(())
    }

    assert_eq!(call("50/1m, 1500/1h", 13), Ok(()));
    let parse = "x".parse::<Policy>().unwrap_err();
    assert_eq!(call("x", 1), Err(Error::Parse(parse.clone())));
    assert_eq!(Error::from(parse.clone()).to_string(), parse.to_string());
    assert!(Error::from(parse).source().is_none());
    let inner = ParsePolicyError::Policy(PolicyError::ZeroLimit { quota: 0 });
    assert_eq!(
        Error::from(inner).source().unwrap().to_string(),
        PolicyError::ZeroLimit { quota: 0 }.to_string()
    );
    assert!(matches!(
        call(&format!("1/{}ns", 1_u64 << 62), 1),
        Err(Error::Policy(PolicyError::WindowTooLong { .. }))
    ));
    assert_eq!(call("4294967295/1us", 1), Err(Error::Build(BuildError::Unrepresentable { quota: 0 })));
    assert!(matches!(call("50/1m", 51), Err(Error::Denied(denied)) if denied.retry_at().is_none()));
    // Half of the burst is taken, and the other half is not enough for as much again.
    assert!(matches!(call("2/1h, 2/2h", 2), Err(Error::Denied(_))));

    let full = MapFull { capacity: 3 };
    assert_eq!((Error::from(full), Error::from(full).to_string()), (Error::MapFull(full), full.to_string()));
    assert_eq!(Error::from(Refused::Full(full)), Error::MapFull(full));
    let denied = Denied::new(Nanos::ZERO, 1, Some(Nanos::from_secs(5)), 50);
    assert_eq!(Error::from(Refused::Denied(denied)), Error::Denied(denied));
    assert_eq!((denied.burst(), Denied::new(Nanos::ZERO, 0, None, 0).burst()), (50, 1));
    assert_eq!(Error::from(KeyedError::Empty), Error::Keyed(KeyedError::Empty));
    let limiter = RateLimiter::new(TokenBucket::strict("1/1h".parse().unwrap()).unwrap(), Manual::new());
    let refused = try_acquire_all(&[(&limiter, 1), (&limiter, 2)]).map(drop).unwrap_err();
    assert_eq!(Error::from(refused), Error::DeniedBy(refused));
}

#[test]
fn what_can_be_read_and_is_no_policy() {
    let many = (1..=9).map(|secs| format!("1/{secs}s")).collect::<Vec<_>>().join(",");
    let long = |guard| PolicyError::WindowTooLong { quota: 0, window: SECOND, guard };
    let table = [
        ("", PolicyError::Empty),
        ("  ", PolicyError::Empty),
        ("; guard 1s", PolicyError::Empty),
        (&many, PolicyError::TooManyQuotas { count: 9 }),
        ("0/1m", PolicyError::ZeroLimit { quota: 0 }),
        ("5/1m, 5/0h", PolicyError::ZeroWindow { quota: 1 }),
        (
            "5/60s, 6/1m",
            PolicyError::DuplicateWindow { quota: 1, earlier: 0, window: Duration::from_secs(60) },
        ),
        ("5/1s; guard 60000d", long(Duration::from_secs(60_000 * 86_400))),
    ];
    for (text, error) in table {
        let read = text.parse::<Policy>().unwrap_err();
        assert_eq!(read, ParsePolicyError::Policy(error), "{text:?}");
        assert_eq!(read, ParsePolicyError::from(error));
        assert_eq!(read.to_string(), error.to_string());
        assert_eq!(read.source().unwrap().to_string(), error.to_string());
    }
}

#[test]
fn texts_are_read_and_written() {
    let table = [
        ("50/1m,1500/1h", "50/1m, 1500/1h"),
        (" 50 / 60s ,1500/ 60m ", "50/1m, 1500/1h"),
        ("burst = 50/1m", "burst=50/1m"),
        ("5/60000ms", "5/1m"),
        ("5/90s", "5/90s"),
        ("5/24h", "5/1d"),
        ("5/36h", "5/36h"),
        ("5/1000us; guard 1500us", "5/1ms; guard 1500us"),
        ("5/1s; guard 0s", "5/1s"),
        ("007/08s", "7/8s"),
        ("4294967295/4611686018427387904ns", "4294967295/4611686018427387904ns"),
        ("a.b-c_d=1/1ns ;guard 1ns", "a.b-c_d=1/1ns; guard 1ns"),
        ("1/1s\t;\tguard\t1s", "1/1s; guard 1s"),
        ("100/hour", "100/1h"),
        ("10/m", "10/1m"),
        ("60/min", "60/1m"),
        ("5/s", "5/1s"),
        ("5 per minute", "5/1m"),
        ("5\tper\n15  minutes", "5/15m"),
        ("1_000/1h", "1000/1h"),
        ("4_294_967_295/1_000s", "4294967295/1000s"),
        ("1/1w", "1/7d"),
        ("1/week, 2/2 weeks", "1/7d, 2/14d"),
        ("1/day, 2/2days", "1/1d, 2/2d"),
        ("1/hour, 2/2 hours", "1/1h, 2/2h"),
        ("1/m, 2/2min, 3/1 minute 1 s, 4/4 minutes", "1/1m, 2/2m, 3/61s, 4/4m"),
        ("1/sec, 2/2 second, 3/3seconds", "1/1s, 2/2s, 3/3s"),
        ("1/ms, 2/us, 3/ns", "1/1ms, 2/1us, 3/1ns"),
        ("1/1m30s", "1/90s"),
        ("1/1h 30m 1ns", "1/5400000000001ns"),
        ("1/1w1d1h1m1s1ms1us1ns", "1/694861001001001ns"),
        ("1/1h90m", "1/150m"),
        ("per=5 per s", "per=5/1s"),
        ("5/1s; guard 1s 500ms", "5/1s; guard 1500ms"),
    ];
    for (text, written) in table {
        let read = policy(text);
        assert_eq!(read.to_string(), written);
        assert_eq!(policy(written), read);
    }
    assert_eq!(policy("50/1m, 1500/1h"), Policy::MICROSOFT_365_DEFENDER);
    // The order is part of a policy: it numbers the quotas.
    assert_ne!(policy("1500/1h, 50/1m"), Policy::MICROSOFT_365_DEFENDER);
}

#[test]
fn quotas_by_name_are_so_many_per_so_long() {
    let per = |secs, limit| Quota::new(limit, Duration::from_secs(secs));
    assert_eq!(Quota::per_second(7), per(1, 7));
    assert_eq!(Quota::per_minute(7), per(60, 7));
    assert_eq!(Quota::per_hour(7), per(3600, 7));
    assert_eq!(Quota::per_day(7), per(86_400, 7));
    assert_eq!(format!("{:?}", Quota::per_second(7).named("x")), "Quota(x=7/1s)");
    assert_eq!(format!("{:?}", policy("5/1s, 9/2s")), "Policy(5/1s, 9/2s)");
}

/// What a log says when it is printed for who debugs it: the end, not the head, which lags behind.
#[test]
fn what_is_printed_to_debug() {
    let log = SlidingLog::new(policy("3/1s")).unwrap();
    assert!(log.try_acquire_at(at(5), 2).is_ok());
    assert!(log.try_acquire_at(at(6), 1).is_ok());
    assert_eq!(format!("{log:?}"), "SlidingLog { policy: Policy(3/1s), granted: 3, .. }");
    let denied = log.try_acquire_at(at(8), 1).unwrap_err();
    assert_eq!(
        format!("{denied:?}"),
        "Denied { at: Nanos(8), retry_at: Some(Nanos(1000000005)), burst: 3, cause: Quota(0) }"
    );
    assert_eq!(
        format!("{:?}", log.status_at(at(8))),
        "Status { at: Nanos(8), joint: false, quotas: [QuotaStatus { remaining: 0, next_at: Nanos(1000000005), reset_at: \
         Nanos(1000000006) }], .. }"
    );
}

#[test]
fn every_build_error() {
    let defender = Policy::MICROSOFT_365_DEFENDER;
    for burst in [0, 51, u32::MAX] {
        let error = BuildError::BurstOutOfRange { burst, max: 50 };
        assert_eq!(Plan::with_burst(defender, burst), Err(error));
        assert_eq!(TokenBucket::with_burst(defender, burst).unwrap_err(), error);
        let text = format!("a burst of {burst} is outside 1 to 50, the smallest limit of the policy");
        assert_eq!(error.to_string(), text);
    }
    // Four a nanosecond and more: 1/512 ns is the finest unit.
    let fast = policy("1/1h, 4294967295/1s");
    let error = BuildError::Unrepresentable { quota: 1 };
    assert_eq!(TokenBucket::nominal(fast).unwrap_err(), error);
    let text = "quota 1 (counted from 0) needs a finer clock than the state words can keep for a year; lower its \
                limit, lengthen its window for the same limit, or choose another algorithm";
    assert_eq!(error.to_string(), text);
    for policy in [policy("4294967295/1s"), policy("1000000000/1us, 2000000000/1s")] {
        assert!(matches!(TokenBucket::strict(policy), Err(BuildError::Unrepresentable { .. })));
        assert!(matches!(TokenBucket::nominal(policy), Err(BuildError::Unrepresentable { .. })));
        assert!(matches!(SlidingLog::new(policy), Err(BuildError::Unrepresentable { .. })));
    }
    let text = "a sliding log for a limit of 7 keeps 8 bytes for each permit, and that much memory cannot be had; choose \
                a token bucket, which needs none";
    assert_eq!(BuildError::TooLarge { limit: 7 }.to_string(), text);
}

/// Whatever is built refuses at last: a call for more than the limit, and the call after the whole limit.
#[test]
fn nothing_is_unlimited() {
    let texts = [
        "1/1ns",
        "1/146d",
        "4294967295/4611686018427387904ns",
        "3/1s, 1000000/1d",
        "1000000/1s",
        "60/1m, 60/61s, 60/62s",
    ];
    for text in texts {
        for kind in Kind::ALL {
            // The log of the largest limit is 32 GiB: see below.
            if kind == Kind::Log && text.starts_with("4294967295") {
                continue;
            }
            let Ok(subject) = kind.build(policy(text)) else { continue };
            let most = subject.status_at(at(0)).remaining();
            assert!((1..=subject.policy().quotas()[0].limit()).contains(&most), "{kind:?} of {text}");
            if let Some(more) = most.checked_add(1) {
                let denied = subject.try_acquire_at(at(0), more).unwrap_err();
                assert_eq!((denied.retry_at(), denied.burst()), (None, most), "{kind:?} of {text}");
            }
            // The locked log keeps each permit: four thousand million are too many for a test.
            if kind == Kind::LockedLog && most > 10_000_000 {
                continue;
            }
            assert!(subject.try_acquire_at(at(0), most).is_ok(), "{kind:?} of {text}");
            assert!(subject.try_acquire_at(at(0), 1).is_err(), "{kind:?} of {text}");
            assert_eq!(subject.status_at(at(0)).remaining(), 0, "{kind:?} of {text}");
        }
    }
}

#[test]
fn a_plan_is_what_the_strict_bucket_is_built_from() {
    let plan = Plan::with_burst(Policy::MICROSOFT_365_DEFENDER, 10).unwrap();
    let bucket = TokenBucket::from(plan);
    assert_eq!(bucket.plan(), Some(plan));
    assert_eq!(TokenBucket::with_burst(Policy::MICROSOFT_365_DEFENDER, 10).unwrap().plan(), Some(plan));
    assert_eq!(TokenBucket::nominal(Policy::MICROSOFT_365_DEFENDER).unwrap().plan(), None);
    assert_eq!(plan.policy(), bucket.policy());
}

/// Interval, binding quota and worst cases, worked out by hand: `T = max ceil(P / (L + 1 - b))`, then
/// `b + ceil(P / T) - 1` in each window.
#[test]
fn plans() {
    let table: &[(&str, u32, u64, usize, &[u32])] = &[
        ("50/1m, 1500/1h", 1, 2_400_000_000, 1, &[25, 1500]),
        ("50/1m, 1500/1h", 26, 2_440_677_967, 1, &[50, 1500]),
        ("50/1m, 1500/1h", 27, 2_500_000_000, 0, &[50, 1466]),
        ("50/1m, 1500/1h", 50, 60_000_000_000, 0, &[50, 109]),
        ("5/10s", 1, 2_000_000_000, 0, &[5]),
        ("5/10s", 5, 10_000_000_000, 0, &[5]),
        ("3/10s", 1, 3_333_333_334, 0, &[3]),
        ("1/1d", 1, 86_400_000_000_000, 0, &[1]),
        ("4/1s; guard 200ms", 1, 300_000_000, 0, &[4]),
        ("4/1s, 5/10s", 1, 2_000_000_000, 1, &[1, 5]),
    ];
    for &(text, burst, interval, binding, worst) in table {
        let plan = Plan::with_burst(policy(text), burst).unwrap();
        assert_eq!(plan.burst(), burst);
        assert_eq!(plan.interval(), Duration::from_nanos(interval), "{text}, {burst}");
        assert_eq!(plan.binding(), binding, "{text}, {burst}");
        for (quota, &most) in worst.iter().enumerate() {
            assert_eq!(plan.worst_case(quota), Some(most), "{text}, {burst}, quota {quota}");
        }
        assert_eq!(plan.worst_case(worst.len()), None);
    }
    assert_eq!(Plan::with_burst(Policy::MICROSOFT_365_DEFENDER, 1).unwrap().efficiency().to_string(), "1");
}

/// The largest burst that keeps 98 %: one more would not.
#[test]
fn default_bursts() {
    for (text, burst) in [
        ("50/1m, 1500/1h", 26),
        ("1500/1h, 50/1m", 26),
        ("5/10s", 1),
        ("49/1s", 1),
        ("50/1s", 2),
        ("100/1s", 3),
        ("1000/1s", 21),
        ("1/1d", 1),
        ("4294967295/1d", 85_899_346),
    ] {
        let plan = Plan::new(policy(text)).unwrap();
        assert_eq!(plan.burst(), burst, "{text}");
        assert!(plan.efficiency() >= 0.98 * 0.9999, "{text}");
        if let Ok(bolder) = Plan::with_burst(policy(text), burst + 1) {
            assert!(bolder.efficiency() < 0.98, "{text}");
        }
    }
}

#[test]
fn a_plan_prints_its_proof() {
    let table = [
        (
            "50/1m, 1500/1h",
            1,
            "burst 1, then one permit per 2.4s: 100.00 % of the rate the policy sustains\n  50/1m: at most 25 in any \
             window\n  1500/1h: at most 1500 in any window",
        ),
        (
            "burst=3/10s",
            1,
            "burst 1, then one permit per 3.333333334s: 99.99 % of the rate the policy sustains\n  burst=3/10s: at \
             most 3 in any window",
        ),
    ];
    for (text, burst, printed) in table {
        assert_eq!(Plan::with_burst(policy(text), burst).unwrap().to_string(), printed);
    }
}

/// The child of the test below: builds a log whose memory it is not allowed to have.
const CHILD: &str = "TOLLGATE_TEST_SMALL_MEMORY";

#[test]
fn a_log_that_cannot_be_allocated_is_an_error() {
    if std::env::var_os(CHILD).is_some() {
        for limit in [u32::MAX, 1 << 31, 200_000_000] {
            let policy = Policy::new(&[Quota::per_minute(50), Quota::per_day(limit)]).unwrap();
            assert_eq!(SlidingLog::new(policy).unwrap_err(), BuildError::TooLarge { limit });
        }
        // And the process is none the worse for it.
        assert!(SlidingLog::new(Policy::MICROSOFT_365_DEFENDER).is_ok());
        return;
    }
    if !cfg!(target_os = "linux") {
        println!("SKIPPED: limits the memory of a process as Linux does");
        return;
    }
    // 1 GiB of addresses; the logs above want 32, 16 and 2 GiB.
    let program = std::env::current_exe().unwrap();
    let name = "a_log_that_cannot_be_allocated_is_an_error";
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 1048576 && exec \"$0\" --exact \"$1\" --test-threads 1"])
        .arg(program)
        .arg(name)
        .env(CHILD, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
}
