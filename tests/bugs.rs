//! Bugs found in published limiters, each as a test for every algorithm that could have it.
//!
//! The numbers are those of a list of such bugs. Not here: 11 (no algorithm tries a lock), 14 (nothing in the core
//! waits), 15 (nothing is evicted), 16 (a limiter's policy is fixed when it is built).

#![allow(clippy::large_types_passed_by_value, reason = "as the crate itself takes a policy, which is `Copy`")]

mod oracle;
mod subjects;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use oracle::{Answer, ExactBucket, busiest};
use subjects::{Kind, Subject, all, at, call, policy, rules};
use tollgate::{
    Algorithm, Clock, DefaultClock, Manual, Monotonic, Plan, Policy, Quota, RateLimiter, SlidingLog,
    TokenBucket,
};

const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
const YES: Answer = Answer::Granted;

fn no(quota: usize, retry_at: u64) -> Answer {
    Answer::Denied { quota, retry_at: Some(retry_at) }
}

/// Permits granted one by one at `now`, until one is refused.
fn drain(subject: &dyn Subject, now: u64) -> u32 {
    (0..1_000_000).take_while(|_| call(subject, now, 1) == YES).count().try_into().unwrap()
}

/// The most that `kind` grants at once when it is whole.
fn whole(kind: Kind, policy: Policy) -> u32 {
    kind.build(policy).unwrap().status_at(at(0)).remaining()
}

/// A cost of `n` intervals that wraps is cheap: 213,505 permits came out of a burst of 1,000.
#[test]
fn bug_01_interval_times_n() {
    // 1000 a century: 584,555 such intervals are more than 64 bits of nanoseconds, and n may be any u32.
    for text in [
        "1000/3155760000000000000ns",
        "1000/1ms",
        "1000/3155760000000000000ns, 2000/4000000000000000000ns, 3000/1s",
    ] {
        for kind in Kind::ALL {
            let subject = kind.build(policy(text)).unwrap();
            let burst = whole(kind, policy(text));
            let mut granted = 0;
            for n in (0..32).map(|bit| 1 << bit).chain([
                584_554,
                584_555,
                584_556,
                213_505,
                u32::MAX - 1,
                u32::MAX,
            ]) {
                if call(&subject, 0, n) == YES {
                    granted += n;
                }
            }
            granted += drain(&*subject, 0);
            assert_eq!(granted, burst, "{kind:?} of {text}");
        }
    }
}

/// An interval cut to whole nanoseconds (or ms, or s) lets more through than the rate, or everything.
#[test]
fn bug_02_truncated_interval() {
    // Intervals of 3.3, 142857142.9, 0.75, 1.0002 and 999999.5 ns, and of less than a ms.
    for text in ["3/10ns", "7/1s", "4/3ns", "4999/5us", "2/1999999ns", "3/1001us"] {
        for (kind, subject) in all(policy(text)) {
            let rule = rules(&policy(text))[0];
            let mut grants = Vec::new();
            let mut now = 0;
            while grants.len() < 3_000 {
                match call(&subject, now, 1) {
                    Answer::Granted => grants.push((now, 1)),
                    Answer::Denied { retry_at, .. } => now = retry_at.unwrap(),
                    other @ Answer::Never { .. } => panic!("{other:?}"),
                }
            }
            // Never more than a burst and the exact rate, whatever the counters make of single windows.
            let allowed = u128::from(now) * u128::from(rule.limit) / u128::from(rule.window);
            assert!(3_000 <= u128::from(rule.limit) + allowed + 1, "{kind:?} of {text}: 3000 in {now} ns");
            if let Some(most) = kind.most(rule.limit) {
                assert!(busiest(&grants, rule.window) <= most, "{kind:?} of {text}");
            }
        }
    }
}

/// A caller that polls at an unlucky period gets the rate and not half of it.
#[test]
fn bug_03_refill_remainder() {
    // 10 a second, asked every 70 ms or 199,999,999 ns for two each.
    for (period, n) in [(70 * MS, 1), (30 * MS, 1), (199_999_999, 2), (MS + 1, 1)] {
        let mut exact = ExactBucket::new(&rules(&policy("10/1s")));
        let polls = || (0..1_000 * S / period).map(|i| i * period);
        let want: usize = polls().filter(|&now| exact.call(now, n) == YES).count();
        for text in ["10/1s", "10/1s, 100000/1d; guard 0s", "10/1s, 1000000/1d, 10000000/2d"] {
            for kind in [Kind::Nominal, Kind::LockedBucket] {
                let subject = kind.build(policy(text)).unwrap();
                let got = polls().filter(|&now| call(&subject, now, n) == YES).count();
                // 100,000 a day bind at last.
                if text.contains("100000/1d;") {
                    assert!(
                        got > 9_900 / usize::try_from(n).unwrap(),
                        "{kind:?} of {text} at {period}: {got}"
                    );
                } else {
                    assert_eq!(got, want, "{kind:?} of {text} at {period}");
                }
            }
        }
        // A strict bucket of two keeps the rate of its plan: one permit per ninth of a second.
        if n == 1 {
            let strict = TokenBucket::with_burst(policy("10/1s"), 2).unwrap();
            let got = polls().filter(|&now| call(&strict, now, 1) == YES).count();
            assert!((8_999..=9_002).contains(&got), "at {period}: {got}");
        }
        // The log gives every window its ten.
        let log = SlidingLog::new(policy("10/1s")).unwrap();
        let got = polls().filter(|&now| call(&log, now, 1) == YES).count();
        assert!(n != 1 || got * 12 >= 10_000 * 10, "at {period}: {got}");
    }
    // Exactly the rate, where b = 1 asks for T = P / L and whoever asks in time loses nothing.
    let strict = TokenBucket::with_burst(Policy::MICROSOFT_365_DEFENDER, 1).unwrap();
    let granted = (0..36_000).filter(|tenth| call(&strict, tenth * 100 * MS, 1) == YES).count();
    assert_eq!(granted, 1_500);
}

/// A burst of one that asks for `T = P / L` loses no rate: 1500 an hour and, alone, 50 a minute.
#[test]
fn bug_03_a_burst_of_one_loses_nothing() {
    for (text, window, limit) in
        [("50/1m, 1500/1h", 3600 * S, 1500), ("50/1m", 60 * S, 50), ("1500/1h", 3600 * S, 1500)]
    {
        let strict = TokenBucket::with_burst(policy(text), 1).unwrap();
        let (mut granted, mut now) = (Vec::new(), 17);
        while now < 17 + 5 * window {
            match call(&strict, now, 1) {
                Answer::Granted => granted.push((now, 1)),
                Answer::Denied { retry_at, .. } => now = retry_at.unwrap(),
                other @ Answer::Never { .. } => panic!("{other:?}"),
            }
        }
        assert_eq!(granted.len(), 5 * limit, "{text}");
        assert_eq!(busiest(&granted, window), limit as u64, "{text}");
    }
    assert_eq!(Plan::with_burst(Policy::MICROSOFT_365_DEFENDER, 1).unwrap().worst_case(0), Some(25));
}

/// The burst is the burst, from the first call on, at any first instant, singly and at once.
#[test]
fn bug_04_burst_off_by_one() {
    for text in ["1/1s", "2/1s", "50/1m", "50/1m, 1500/1h", "7/1s, 20/1m, 300/1h", "1000/1s"] {
        for first in [0, S, 3600 * S, 18_014_398 * S] {
            for kind in Kind::ALL {
                let burst = whole(kind, policy(text));
                let strict =
                    |least: u32| Plan::new(policy(text)).map(|plan| plan.burst().min(least)).unwrap();
                let least = policy(text).quotas().iter().map(Quota::limit).min().unwrap();
                assert_eq!(
                    burst,
                    if kind == Kind::Strict { strict(least) } else { least },
                    "{kind:?} of {text}"
                );

                let singly = kind.build(policy(text)).unwrap();
                assert_eq!(drain(&*singly, first), burst, "{kind:?} of {text} at {first}");
                let at_once = kind.build(policy(text)).unwrap();
                assert_eq!(call(&at_once, first, burst), YES, "{kind:?} of {text} at {first}");
                assert_eq!(drain(&*at_once, first), 0, "{kind:?} of {text} at {first}");
            }
        }
    }
}

/// Off its grid a nominal bucket gives the last permit of a burst of single calls at its next tick: it stamps
/// late and judges early. That is 250 us for the pair, 32 ns for announced charges, nothing for one bucket. A call
/// for the whole burst is granted at any instant.
#[test]
fn bug_04_off_the_grid() {
    const PAIR: &str = "50/1m, 1500/1h";
    const ANNOUNCED: &str = "50/1m, 1500/1h, 9000/1d";
    for (kind, text, singly, last) in [
        (Kind::Log, PAIR, 50, None),
        (Kind::LockedLog, PAIR, 50, None),
        (Kind::LockedBucket, PAIR, 50, None),
        (Kind::Nominal, "50/1m", 50, None),
        (Kind::Nominal, PAIR, 49, Some(250_000)),
        (Kind::Nominal, ANNOUNCED, 49, Some(32)),
        (Kind::Strict, PAIR, 26, None),
    ] {
        let subject = kind.build(policy(text)).unwrap();
        assert_eq!(drain(&*subject, 1), singly, "{kind:?} of {text}");
        if let Some(tick) = last {
            assert_eq!(call(&subject, 1, 1), no(0, tick), "{kind:?} of {text}");
            assert_eq!(drain(&*subject, tick), 1, "{kind:?} of {text}");
        }
        let at_once = kind.build(policy(text)).unwrap();
        assert_eq!(call(&at_once, 1, whole(kind, policy(text))), YES, "{kind:?} of {text}");
    }
}

/// After a long silence the burst is granted once, not twice.
#[test]
fn bug_05_double_burst_after_idling() {
    for text in ["5/10s", "50/1m, 1500/1h", "7/1s, 20/1m, 300/1h"] {
        for kind in Kind::ALL {
            // On the boundary of no window: the counts of fixed windows would start again.
            for idle in [86_407 * S, 1_000_007 * S, 31_536_007 * S] {
                let subject = kind.build(policy(text)).unwrap();
                let burst = whole(kind, policy(text));
                assert_eq!(drain(&*subject, 7 * S), burst, "{kind:?} of {text}");
                assert_eq!(drain(&*subject, idle), burst, "{kind:?} of {text} after {idle}");
                assert_eq!(drain(&*subject, idle + 1), 0, "{kind:?} of {text} after {idle}");
                assert_eq!(drain(&*subject, idle), 0, "{kind:?} of {text} after {idle}");
            }
        }
    }
}

/// Runs `each` on four threads at once.
fn four_threads(each: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(&each);
        }
    });
}

/// Threads whose `now` is out of date by the time it is judged grant no more than the rule, in any window.
#[test]
fn bug_06_older_now_under_contention() {
    for text in ["5/10us", "50/100us, 300/1ms", "7/10us, 20/50us, 60/200us"] {
        for kind in Kind::ALL {
            let subject = kind.build(policy(text)).unwrap();
            let clock = AtomicU64::new(0);
            let granted = std::sync::Mutex::new(Vec::new());
            four_threads(|| {
                let mut mine = Vec::new();
                for _ in 0..4_000 {
                    let now = clock.fetch_add(100, Ordering::Relaxed);
                    // Stale on purpose: by up to 15 us.
                    let now = now.saturating_sub(now % 16 * 1_000);
                    if subject.try_acquire_at(at(now), 1).is_ok() {
                        mine.push((now, 1));
                    }
                }
                granted.lock().unwrap().extend(mine);
            });
            let mut granted = granted.into_inner().unwrap();
            granted.sort_unstable();
            assert!(granted.len() > 100, "{kind:?} of {text}");
            for rule in rules(&policy(text)) {
                // By the instants given: some count a stale call where it took place.
                if !kind.counts_where_it_took_place()
                    && let Some(most) = kind.most(rule.limit)
                {
                    assert!(busiest(&granted, rule.window) <= most, "{kind:?} of {text}, {rule:?}");
                }
            }
        }
    }
}

/// Threads that check and then add, or reset a counter over one another, grant too much at one instant; or
/// too little. One instant after another, each exactly.
#[test]
fn bug_07_check_then_add() {
    for text in ["50/1m", "50/1m, 1500/1h", "50/1m, 1500/1h, 9000/1d"] {
        for kind in Kind::ALL {
            let subject = kind.build(policy(text)).unwrap();
            let burst = u64::from(whole(kind, policy(text)));
            for round in 1..=20 {
                let granted = AtomicU64::new(0);
                // An hour apart or more, and on every grid: all is whole again, and all windows are new.
                let now = round * 7_200 * S;
                four_threads(|| {
                    for _ in 0..40 {
                        if subject.try_acquire_at(at(now), 1).is_ok() {
                            granted.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
                assert_eq!(granted.into_inner(), burst, "{kind:?} of {text}, round {round}");
            }
        }
    }
}

/// Calls of different sizes at one instant: all of the limit is given out, and nothing of a refused call.
#[test]
fn bug_07_batches_at_one_instant() {
    for kind in Kind::ALL {
        let subject = kind.build(policy("50/1m, 1500/1h")).unwrap();
        let burst = u64::from(whole(kind, policy("50/1m, 1500/1h")));
        for round in 1..=20 {
            let granted = AtomicU64::new(0);
            let now = round * 7_200 * S;
            four_threads(|| {
                for n in [7, 3, 1, 11, 2, 5, 1, 1].into_iter().cycle().take(80) {
                    if subject.try_acquire_at(at(now), n).is_ok() {
                        granted.fetch_add(u64::from(n), Ordering::Relaxed);
                    }
                }
            });
            assert_eq!(granted.into_inner(), burst, "{kind:?}, round {round}");
        }
    }
}

/// A call that one quota refuses is charged to no other, however often it is tried.
#[test]
fn bug_08_charged_though_refused() {
    for text in ["4/1s, 5/100s", "5/100s, 4/1s", "4/1s, 5/100s, 6/1000s", "6/1000s, 4/1s, 5/100s"] {
        for (kind, subject) in all(policy(text)).filter(|&(kind, _)| kind != Kind::Strict) {
            assert_eq!(call(&subject, 0, 4), YES);
            let before = (subject.status_at(at(0)), format!("{subject:?}"));
            for n in 1..=4 {
                for _ in 0..100 {
                    assert_ne!(call(&subject, 0, n), YES, "{kind:?} of {text}");
                }
            }
            assert_eq!((subject.status_at(at(0)), format!("{subject:?}")), before, "{kind:?} of {text}");
            // The quota that refused nothing still has its one. The bucket of a window counter has no more than its burst.
            if kind == Kind::WindowCounter {
                continue;
            }
            let place = subject.policy().quotas().iter().position(|quota| quota.limit() == 5).unwrap();
            assert_eq!(subject.status_at(at(0)).quotas()[place].remaining, 1, "{kind:?} of {text}");
        }
    }
}

/// More than can ever be granted is never granted: no state, no retry; and n is not ignored.
#[test]
fn bug_09_above_the_limit() {
    for text in ["50/1m", "50/1m, 1500/1h", "1500/1h, 50/1m", "50/1m, 1500/1h, 9000/1d"] {
        for (kind, subject) in all(policy(text)) {
            let burst = whole(kind, policy(text));
            for used in [0, 1, burst / 2] {
                assert_eq!(call(&subject, S, used), YES);
                let before = format!("{subject:?}");
                for n in [burst + 1, 51, 1500, 1501, 9001, u32::MAX] {
                    assert_eq!(call(&subject, S, n), Answer::Never { burst }, "{kind:?} of {text}");
                    // Not a year later either.
                    assert_eq!(
                        call(&subject, 31_536_000 * S, n),
                        Answer::Never { burst },
                        "{kind:?} of {text}"
                    );
                }
                assert_eq!(format!("{subject:?}"), before, "{kind:?} of {text}");
            }
            let left = burst - 1 - burst / 2;
            assert_ne!(call(&subject, S, left + 1), YES, "{kind:?} of {text}: n is ignored");
            assert_eq!(call(&subject, S, left), YES, "{kind:?} of {text}: n is ignored");
            assert_ne!(call(&subject, S, 1), YES, "{kind:?} of {text}: n is ignored");
        }
    }
}

/// A refusal tells the instant of the quota that binds, afresh each time, rounded so that the retry is granted.
#[test]
fn bug_10_retry_after() {
    // Thirds of a second, the second quota binding after the first.
    for text in ["3/1s, 4/7s", "4/7s, 3/1s", "3/1s, 4/7s, 5/11s"] {
        for (kind, subject) in all(policy(text)) {
            let mut now = 1_234_567_891;
            for _ in 0..200 {
                while call(&subject, now, 1) == YES {}
                let denied = subject.try_acquire_at(at(now), 1).unwrap_err();
                let delay = denied.retry_after().unwrap();
                assert!(delay > Duration::ZERO, "{kind:?} of {text}");
                assert!(denied.retry_after_secs().unwrap() >= 1);
                assert!(Duration::from_secs(denied.retry_after_secs().unwrap()) >= delay);
                // Later it is nearer by as much, for the same instant.
                let later = subject.try_acquire_at(denied.retry_at().unwrap().min(at(now + 1)), 1);
                if let Err(later) = later {
                    assert_eq!(later.retry_at(), denied.retry_at(), "{kind:?} of {text}");
                    assert_eq!(later.retry_after(), delay.checked_sub(Duration::from_nanos(1)));
                    now = denied.retry_at().unwrap().as_nanos();
                    assert_ne!(call(&subject, now - 1, 1), YES, "{kind:?} of {text}");
                    assert_eq!(call(&subject, now, 1), YES, "{kind:?} of {text}: a floored retry");
                } else {
                    now += 1;
                }
            }
        }
    }
}

/// `remaining` never runs below zero, nor round to four thousand million: however stale the instant.
#[test]
fn bug_10_remaining_underflows() {
    for text in ["3/1s", "3/1s, 4/7s", "3/1s, 4/7s, 5/11s", "1/1ns, 2/1d"] {
        for (kind, subject) in all(policy(text)) {
            for step in 0..50 {
                let _ = call(&subject, 1_000 * S + step * 400 * MS, 1);
                for now in [0, S, 999 * S, 1_000 * S, 1_000 * S + step * 400 * MS, u64::MAX / 2] {
                    let status = subject.status_at(at(now));
                    for (quota, left) in subject.policy().quotas().iter().zip(status.quotas()) {
                        assert!(left.remaining <= quota.limit(), "{kind:?} of {text}: {status:?}");
                    }
                }
            }
        }
    }
}

/// A machine that has been up for less than a window, and a clock that steps back.
#[test]
fn bug_12_uptime_shorter_than_the_window() {
    for text in ["3/1d", "3/1d, 5/146d", "3/4611686018427387904ns, 7/1d, 9/2d"] {
        for kind in Kind::ALL {
            let clock = Manual::new();
            let limiter = RateLimiter::new(kind.build(policy(text)).unwrap(), clock.clone());
            let burst = whole(kind, policy(text));
            clock.set(at(5));
            assert_eq!(limiter.status().remaining(), burst, "{kind:?} of {text}");
            limiter.try_acquire_n(burst).unwrap();
            for now in [5, 4, 0, 6] {
                clock.set(at(now));
                assert!(limiter.try_acquire().is_err(), "{kind:?} of {text} at {now}");
                assert_eq!(limiter.status().remaining(), 0, "{kind:?} of {text} at {now}");
            }
        }
    }
}

#[test]
fn bug_12_a_clock_that_steps_back_mints_nothing() {
    for text in ["5/10s", "5/10s, 100/20s", "5/10s, 100/20s, 1000/30s"] {
        for kind in Kind::ALL {
            let clock = Manual::new();
            let limiter = RateLimiter::new(kind.build(policy(text)).unwrap(), clock.clone());
            let burst = whole(kind, policy(text));
            clock.advance(Duration::from_secs(1_001));
            limiter.try_acquire_n(burst).unwrap();
            // To and fro over the last hour, without ever passing the end of the window.
            for back in (0..3_600).chain((0..3_600).rev()) {
                clock.set(at(1_001 * S - back.min(1_001) * S));
                assert!(limiter.try_acquire().is_err(), "{kind:?} of {text}, {back} s back");
            }
        }
    }
}

/// On a real clock: a full window is refused for exactly as long as it lasts, by that very clock.
fn real_time<C: Clock>(clock: C) {
    const WINDOW: Duration = Duration::from_millis(30);
    let policy = Policy::new(&[Quota::new(3, WINDOW), Quota::per_minute(1_000)]).unwrap();
    let limiter = RateLimiter::new(SlidingLog::new(policy).unwrap(), clock);
    // Two readings may lie in the wrong order by as much.
    let error = limiter.clock().max_error();
    let before = limiter.clock().now();
    for _ in 0..3 {
        limiter.try_acquire().unwrap();
    }
    let between = limiter.clock().now();
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        match limiter.try_acquire() {
            Ok(()) => break,
            Err(denied) => {
                assert_eq!(denied.quota(), 0);
                assert!(
                    denied.retry_at().unwrap()
                        <= between.saturating_add(WINDOW + error + Duration::from_nanos(8))
                );
            }
        }
        assert!(Instant::now() < give_up, "the clock stands still");
    }
    let waited = limiter.clock().now().saturating_duration_since(before);
    assert!(waited + error >= WINDOW, "a fourth permit after {waited:?}");
}

/// A mock clock can hide a real bug.
#[test]
fn bug_13_real_time() {
    real_time(DefaultClock::new());
    real_time(Monotonic::new());
    // And the constructors that users call.
    let exact = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER).unwrap();
    let strict = RateLimiter::strict(Policy::MICROSOFT_365_DEFENDER).unwrap();
    let started = Instant::now();
    let granted = (0..100).filter(|_| exact.try_acquire().is_ok()).count();
    let spaced = (0..100).filter(|_| strict.try_acquire().is_ok()).count();
    // A second 50 and a 27th would need a minute and 2.4 s.
    if started.elapsed() < Duration::from_secs(2) {
        assert_eq!((granted, spaced), (50, 26));
    }
}

/// `per_second(n)` is n a second, not one in n seconds; and a new limiter is full, not empty.
#[test]
fn bug_17_names_and_defaults() {
    for (quota, window) in [
        (Quota::per_second(60), S),
        (Quota::per_minute(60), 60 * S),
        (Quota::per_hour(60), 3_600 * S),
        (Quota::per_day(60), 86_400 * S),
    ] {
        let policy = Policy::new(&[quota]).unwrap();
        for kind in [Kind::Log, Kind::LockedLog, Kind::FixedWindow] {
            let subject = kind.build(policy).unwrap();
            assert_eq!(drain(&*subject, 0), 60, "{kind:?} of {policy}");
            assert_eq!(call(&subject, 0, 1), no(0, window), "{kind:?} of {policy}");
        }
        for kind in [Kind::Nominal, Kind::LockedBucket] {
            let subject = kind.build(policy).unwrap();
            assert_eq!(drain(&*subject, 0), 60, "{kind:?} of {policy}");
            assert_eq!(call(&subject, 0, 1), no(0, window.div_ceil(60)), "{kind:?} of {policy}");
        }
    }
}
