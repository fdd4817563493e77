//! Edge cases of the numbers, as tables: the smallest and largest limits and windows, `n` around the burst, the first and
//! the last instant, and instants after the timestamps have overflowed.
//!
//! Nothing wraps and nothing panics, with overflow checks (as here) and without. After the overflow a limiter fails
//! closed. And no decision of a lock-free algorithm allocates.

mod oracle;
mod subjects;

use oracle::{Answer, Grid, busiest};
use subjects::{Kind, Subject, all, at, call, policy, rules};
use tollgate::{Algorithm, Cause, Denied, Nanos, Policy, QuotaStatus, Status, TokenBucket, WindowCounter};

const S: u64 = 1_000_000_000;
/// 100 years of 365.25 days.
const CENTURY: u64 = 3_155_760_000 * S;

const NEVER: Option<u64> = None;

fn no(quota: usize, retry_at: impl Into<Option<u64>>) -> Answer {
    Answer::Denied { quota, retry_at: retry_at.into() }
}

#[track_caller]
fn check(kind: Kind, text: &str, calls: &[(u64, u32, Answer)]) {
    let subject = kind.build(policy(text)).unwrap();
    for &(now, n, want) in calls {
        assert_eq!(call(&subject, now, n), want, "{kind:?} of {text} at {now} for {n}");
        // Whatever the answer, what is left can be told at any instant.
        for instant in [0, now, u64::MAX] {
            assert_eq!(subject.status_at(at(instant)).at(), at(instant));
        }
    }
}

const YES: Answer = Answer::Granted;

/// The time of a log and of a bucket stands still at the end of its words: one burst, and nothing after it.
#[test]
fn at_the_end_of_time_one_burst_is_granted_and_no_more() {
    for text in ["5/10s", "5/10s, 1000/11s", "5/10s, 1000/11s, 1000/13s"] {
        for (kind, burst) in [
            (Kind::Log, 5),
            (Kind::LockedLog, 5),
            (Kind::Nominal, 5),
            (Kind::WindowCounter, 5),
            (Kind::LockedBucket, 5),
            (Kind::Strict, 1),
            (Kind::FixedWindow, 5),
            (Kind::Counter, 5),
        ] {
            for last in [u64::MAX, u64::MAX - 1] {
                check(
                    kind,
                    text,
                    &[
                        (last, burst, YES),
                        (last, 1, no(0, NEVER)),
                        (u64::MAX, burst, no(0, NEVER)),
                        (u64::MAX, 0, YES),
                        (u64::MAX, burst + 1, Answer::Never { burst }),
                    ],
                );
            }
        }
    }
}

/// "5/10s" keeps 60 bits of nanoseconds, 36 years; the rule of 50 and 1500 keeps 57 bits of 8 ns. Past that the log is
/// full for good once it is full.
#[test]
fn past_its_last_tick_a_log_fails_closed() {
    for (text, end, limit) in [("5/10s", (1_u64 << 60) - 1, 5), ("50/1m, 1500/1h", (1 << 60) - 8, 50)] {
        let grid = Grid::of_log(&rules(&policy(text))).unwrap();
        assert_eq!(grid.end, u128::from(end));
        check(
            Kind::Log,
            text,
            &[
                // A window before the end all is as ever.
                (end - 3600 * S, limit, YES),
                (end - 3600 * S, 1, no(0, end - 3600 * S + if limit == 5 { 10 } else { 60 } * S)),
                (end, limit, YES),
                (end, 1, no(0, NEVER)),
                (end + 7200 * S, 1, no(0, NEVER)),
                (u64::MAX, limit, no(0, NEVER)),
            ],
        );
    }
}

/// The rule of 50 and 1500 counts in 2^23 sub-windows of 2^14 ticks of 1,220,989 ns: five years. Past that a window counter
/// is full for good once it is full.
#[test]
fn past_its_last_tick_a_window_counter_fails_closed() {
    const TICK: u64 = 1_220_989;
    const SUB_WINDOW: u64 = TICK << 14;
    const END: u64 = (SUB_WINDOW << 23) - TICK;
    const LAST: u64 = (SUB_WINDOW << 23) - SUB_WINDOW;
    for (start, retry) in [
        // The burst leaves with the beginning of the last sub-window.
        (LAST - 4 * SUB_WINDOW, LAST.into()),
        (LAST - 3 * SUB_WINDOW - 1, LAST.into()),
        (LAST - 3 * SUB_WINDOW, NEVER),
        (END, NEVER),
        (END + 1, NEVER),
        (u64::MAX - 1, NEVER),
        (u64::MAX, NEVER),
    ] {
        check(
            Kind::WindowCounter,
            "50/1m, 1500/1h",
            &[
                (start, 51, Answer::Never { burst: 50 }),
                (start, 50, YES),
                (start, 1, no(0, retry)),
                (start, 0, YES),
                (start, 50, no(1, NEVER)),
            ],
        );
        let counter = Kind::WindowCounter.build(policy("50/1m, 1500/1h")).unwrap();
        assert_eq!(call(&counter, start, 50), YES);
        assert_eq!(call(&counter, u64::MAX, 1) == YES, retry != NEVER);
        // Older than everything.
        assert!(matches!(call(&counter, 0, 50), Answer::Denied { retry_at: None, .. }));
    }
}

#[test]
fn the_first_nanoseconds() {
    for kind in Kind::ALL {
        let most = if kind == Kind::Strict { 1 } else { 2 };
        for first in [0, 1, 2] {
            let subject = kind.build(policy("2/100s")).unwrap();
            assert_eq!(call(&subject, first, most), YES, "{kind:?} at {first}");
            assert!(matches!(call(&subject, first, 1), Answer::Denied { retry_at: Some(_), .. }), "{kind:?}");
            // Older than everything, by almost the whole range.
            assert!(matches!(call(&subject, 0, 1), Answer::Denied { retry_at: Some(_), .. }), "{kind:?}");
        }
    }
}

#[test]
fn one_permit_per_nanosecond() {
    for kind in Kind::ALL {
        let mut calls = Vec::new();
        for now in 0..5 {
            // The counters weigh the permit of the last nanosecond in full.
            let counts = matches!(kind, Kind::Counter | Kind::WindowCounter);
            if counts && now % 2 == 1 {
                calls.push((now, 1, no(0, now + 1)));
                continue;
            }
            calls.push((now, 1, YES));
            calls.push((now, 1, no(0, now + 1 + u64::from(counts))));
            calls.push((now, 2, Answer::Never { burst: 1 }));
        }
        check(kind, "1/1ns", &calls);
    }
}

#[test]
fn one_permit_per_century() {
    let text = format!("1/{CENTURY}ns");
    for kind in
        [Kind::Log, Kind::LockedLog, Kind::Strict, Kind::Nominal, Kind::LockedBucket, Kind::FixedWindow]
    {
        let mut calls = vec![(0, 1, YES), (0, 1, no(0, CENTURY))];
        for century in 1..=4 {
            calls.push((century * CENTURY - 1, 1, no(0, century * CENTURY)));
            calls.push((century * CENTURY, 1, YES));
        }
        check(kind, &text, &calls);
        // The sixth would end after the clock does.
        let subject = kind.build(policy(&text)).unwrap();
        assert_eq!(call(&subject, 5 * CENTURY, 1), YES);
        assert_eq!(call(&subject, u64::MAX, 1), no(0, NEVER), "{kind:?}");
    }
}

/// In a window of decades the sub-windows of a counter take most of its word.
#[test]
fn a_counter_of_decades() {
    for window in [1_u64 << 60, 1 << 61, 1 << 62] {
        for limit in [1, 2, 3, 50, 65_535, u32::MAX] {
            let text = format!("{limit}/{window}ns");
            let counter = WindowCounter::new(policy(&text)).unwrap();
            assert!(counter.try_acquire_at(Nanos::ZERO, limit).is_ok(), "{text}");
            let (plan, nanos) = (counter.plan(), |duration: std::time::Duration| duration.as_nanos());
            let leaves = nanos(plan.sub_window()) * (u128::from(plan.sub_windows()) + 1);
            let retry = u64::try_from(leaves).ok().filter(|_| leaves < nanos(plan.lasts()));
            let denied = counter.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
            assert_eq!(denied.retry_at(), retry.map(Nanos::from_nanos), "{text}");
            assert_eq!(counter.status_at(Nanos::ZERO).remaining(), 0, "{text}");
        }
    }
}

/// 2^32 - 1 permits in 2^62 ns: 2^30 ns and a quarter for each.
#[test]
fn the_largest_limit_in_the_longest_window() {
    const LIMIT: u32 = u32::MAX;
    const WINDOW: u64 = 1 << 62;
    const INTERVAL: u64 = (1 << 30) + 1;
    let text = format!("{LIMIT}/{WINDOW}ns");
    let table = [
        (Kind::Nominal, INTERVAL),
        (Kind::LockedBucket, INTERVAL),
        (Kind::FixedWindow, WINDOW),
        (Kind::Counter, WINDOW + INTERVAL),
    ];
    for (kind, retry_at) in table {
        let calls = [
            (0, LIMIT, YES),
            (0, 1, no(0, retry_at)),
            (0, 0, YES),
            (retry_at - 1, 1, no(0, retry_at)),
            (retry_at, 1, YES),
        ];
        check(kind, &text, &calls);
    }
    // The default burst keeps 98 % of it.
    let burst = 85_899_346;
    check(Kind::Strict, &text, &[(0, burst + 1, Answer::Never { burst }), (0, burst, YES)]);
}

#[test]
fn guards_up_to_the_longest_window() {
    let guard = (1_u64 << 62) - 1;
    let text = format!("2/1ns; guard {guard}ns");
    for kind in [Kind::Log, Kind::LockedLog, Kind::FixedWindow] {
        check(
            kind,
            &text,
            &[(0, 2, YES), (0, 1, no(0, 1 << 62)), ((1 << 62) - 1, 1, no(0, 1 << 62)), (1 << 62, 2, YES)],
        );
    }
    for kind in [Kind::Nominal, Kind::LockedBucket] {
        check(
            kind,
            &text,
            &[(0, 2, YES), (0, 1, no(0, 1 << 61)), ((1 << 61) - 1, 1, no(0, 1 << 61)), (1 << 61, 1, YES)],
        );
    }
}

/// All pairs of edges, one after the other and back: nothing panics, no window exceeds its promise, and every
/// refusal is kept to.
#[test]
fn every_edge_after_every_other() {
    let texts = [
        "1/1ns",
        "5/10s",
        "3/7ns, 20/1us",
        "50/1m, 1500/1h",
        "4/1s, 5/10s, 400/4611686018427387904ns",
        "2/1ns, 3/4611686018427387904ns",
        "7/4611686018427387903ns, 8/4611686018427387904ns",
        "1/1s, 2/2s, 3/3s, 4/4s, 5/5s, 6/6s, 7/7s, 8/8s",
        "1000000/1s, 4000000000/1d",
        "60/1m; guard 4611685000000000000ns",
    ];
    let instants = [
        0,
        1,
        7,
        S,
        60 * S,
        1 << 54,
        (1 << 55) - 1,
        1 << 55,
        (1 << 60) - 8,
        1 << 60,
        CENTURY,
        1 << 62,
        1 << 63,
        u64::MAX - S,
        u64::MAX - 1,
        u64::MAX,
    ];
    for text in texts {
        for kind in Kind::ALL {
            // The log of four thousand million is too large to build for a test.
            if kind == Kind::Log && text.contains("4000000000") {
                continue;
            }
            let Ok(burst) = kind.build(policy(text)).map(|subject| subject.status_at(at(0)).remaining())
            else {
                continue;
            };
            let sizes = if burst < 100 { [1, 1, burst.div_ceil(2), burst] } else { [1, 1, 2, 3] };
            for first in instants {
                for second in instants {
                    let subject = kind.build(policy(text)).unwrap();
                    let mut granted = Vec::new();
                    for (i, now) in [first, second, first, second, second].into_iter().enumerate() {
                        for n in [0, sizes[i % 4], burst, burst.saturating_add(1), u32::MAX, 1] {
                            edge(kind, &*subject, now, n, burst, &mut granted);
                        }
                    }
                    for rule in rules(&policy(text)) {
                        let Some(most) = kind.most(rule.limit) else { continue };
                        let took_place = oracle::effective(&granted);
                        assert!(busiest(&took_place, rule.window) <= most, "{kind:?} of {text}: {granted:?}");
                    }
                }
            }
        }
    }
}

fn edge(kind: Kind, subject: &dyn Subject, now: u64, n: u32, burst: u32, granted: &mut Vec<(u64, u32)>) {
    // Hundreds of millions of permits: enough for one-word limiters, too much for a locked log.
    if kind == Kind::LockedLog && n > 100_000 && n <= burst {
        return;
    }
    let before = subject.status_at(at(now));
    let answer = call(subject, now, n);
    let text = || format!("{subject:?} at {now} for {n}");
    assert_eq!(answer == YES, n <= before.remaining(), "{before:?}, yet {answer:?}: {}", text());
    match answer {
        Answer::Granted if n > 0 => granted.push((now, n)),
        Answer::Granted => {}
        Answer::Never { burst: said } => assert!(said == burst && n > burst, "{}", text()),
        Answer::Denied { retry_at, .. } => {
            let remaining = |instant| subject.status_at(at(instant)).remaining();
            match retry_at {
                Some(retry_at) => {
                    assert!(remaining(retry_at) >= n && remaining(retry_at - 1) < n, "{}", text());
                }
                None => assert!(remaining(u64::MAX - 1) < n, "{}", text()),
            }
        }
    }
}

/// On a grid of 5 us, the interval of 200 ms / 10,001 would be 20 us: longer by 1e-4 of itself, and not by less.
#[test]
fn no_interval_is_longer_by_a_ten_thousandth() {
    let bucket = Kind::Nominal.build(policy("10001/200ms, 1/1s")).unwrap();
    assert_eq!(call(&bucket, 0, 1), YES);
    assert_eq!(bucket.status_at(Nanos::ZERO).quotas()[0].reset_at, at(19_999));
}

/// Beside three buckets a word has room for the permits of a call and for stamps of the rest: where calls are of up to
/// four, of 2 ns, where of up to five, of 4 ns. A charge is stamped no earlier than it is made.
#[test]
fn a_charge_is_stamped_as_finely_as_its_word_allows() {
    for (limit, stamp) in [(4_u64, 2), (5, 4)] {
        let bucket = Kind::Nominal.build(policy(&format!("{limit}/1s, 8/4s, 9/9s"))).unwrap();
        assert_eq!(call(&bucket, 1, 1), YES);
        let interval = S / limit;
        assert_eq!(bucket.status_at(Nanos::ZERO).quotas()[0].reset_at, at(stamp + interval), "{limit}");
    }
}

/// Two buckets in one word count in the finest of 1, 2, 2.5 and 5 times a power of ten that lasts eight years. A call is
/// charged no earlier than it is made: a tick after 0, and each interval is whole.
#[test]
fn two_buckets_count_in_round_ticks() {
    for (text, tick, interval) in [
        ("1/1s, 2/2s", 10_000, S),
        ("1/1s, 2/5s", 20_000, S),
        ("1/1s, 2/20s", 25_000, S),
        ("1/2s, 2/30s", 50_000, 2 * S),
        ("1/5s, 2/2m", 100_000, 5 * S),
        ("1/7s, 2/10m", 200_000, 7 * S),
        ("50/1m, 1500/1h", 250_000, 12 * S / 10),
    ] {
        let bucket = Kind::Nominal.build(policy(text)).unwrap();
        assert_eq!(call(&bucket, 1, 1), YES);
        assert_eq!(bucket.status_at(Nanos::ZERO).quotas()[0].reset_at, at(tick + interval), "{text}");
    }
}

/// A delay is rounded up to whole seconds, and never to none.
#[test]
fn delays_are_rounded_up() {
    let table = [
        (0, 1, 1),
        (0, S - 1, 1),
        (0, S, 1),
        (0, S + 1, 2),
        (7, S + 7, 1),
        (7, S + 8, 2),
        (1, u64::MAX - 1, 18_446_744_074),
        (u64::MAX - 2, u64::MAX - 1, 1),
    ];
    for (now, retry_at, secs) in table {
        let denied = Denied::new(at(now), 3, Some(at(retry_at)), 9);
        assert_eq!(denied.retry_after_secs(), Some(secs), "{now} to {retry_at}");
        assert_eq!(denied.retry_after().unwrap().as_nanos(), u128::from(retry_at - now));
        assert_eq!((denied.quota(), denied.burst(), denied.at()), (3, 9, at(now)));
    }
    let never = Denied::new(at(5), 0, None, 50);
    assert_eq!((never.retry_at(), never.retry_after(), never.retry_after_secs()), (None, None, None));
    assert_eq!(
        never.to_string(),
        "never granted: one call can be granted at most 50 permits, and none after the last instant the limiter can tell"
    );
    let denied = Denied::new(at(0), 1, Some(at(1_500_000_000)), 50);
    assert_eq!(denied.to_string(), "quota 1 (counted from 0) is exceeded; retry after 1.5s");
    assert_eq!(denied.by_pace().to_string(), "calls are spaced to keep every quota; retry after 1.5s");
    assert_eq!((denied.by_pace().cause(), denied.by_pace().quota()), (Cause::Pace, 1));
    assert!((0..8).all(|quota| Denied::new(at(0), quota, None, 1).cause() == Cause::Quota(quota)));
    // A refusal costs no more than it must where it is returned by value.
    assert_eq!(size_of::<Result<(), Denied>>(), size_of::<Denied>());
}

#[test]
fn a_status_holds_at_most_eight_quotas() {
    let quota = |remaining| QuotaStatus { remaining, next_at: Nanos::ZERO, reset_at: Nanos::ZERO };
    let status = Status::new(at(1), (0..20).map(|i| quota(100 - i)));
    assert_eq!(status.quotas().len(), Policy::MAX_QUOTAS);
    assert_eq!(status.remaining(), 93);
    assert_eq!(Status::new(at(1), []).remaining(), 0);
    assert_eq!(Status::new(at(1), []).next_at(), Nanos::MAX);
    let joint = Status::joint(at(1), quota(7));
    assert_eq!((joint.is_joint(), joint.quotas(), status.is_joint()), (true, &[quota(7)][..], false));
}

#[test]
fn instants_saturate() {
    use std::time::Duration;
    assert_eq!(Nanos::from_secs(u64::MAX), Nanos::MAX);
    assert_eq!(Nanos::MAX.saturating_add(Duration::from_nanos(1)), Nanos::MAX);
    for too_long in [Duration::from_nanos(u64::MAX) + Duration::from_nanos(1), Duration::MAX] {
        assert_eq!(Nanos::ZERO.saturating_add(too_long), Nanos::MAX);
    }
    assert_eq!(at(5).saturating_duration_since(at(6)), Duration::ZERO);
    for (nanos, text) in
        [(0, "0s"), (1, "0.000000001s"), (1_500_000_000, "1.5s"), (u64::MAX, "18446744073.709551615s")]
    {
        assert_eq!(at(nanos).to_string(), text);
    }
}

/// Permits used between two points of a bucket's grid count as if used at the later point. At the earlier one they would
/// come back too early.
#[test]
fn used_permits_count_from_the_next_point_of_the_grid() {
    const US: u64 = 1_000;
    const S: u64 = 1_000_000 * US;
    // Two quotas share a word on a grid of 250 us. Each of three has a word of its own, and the stamp a grid of 32 ns.
    let two = ("50/1m, 1500/1h", 250 * US, vec![1_200_000 * US, 2_400_000 * US]);
    let three = ("50/1m, 1500/1h, 8640/1d", 32, vec![1_200_000 * US, 2_400_000 * US, 10 * S]);
    for (text, grid, intervals) in [two, three] {
        for (now, counted) in
            [(0, 0), (1, grid), (grid, grid), (grid + 1, 2 * grid), (7 * grid - 1, 7 * grid)]
        {
            let bucket = TokenBucket::nominal(policy(text)).unwrap().with_used(at(now), 3);
            let status = bucket.status_at(at(now));
            let resets: Vec<u64> = status.quotas().iter().map(|quota| quota.reset_at.as_nanos()).collect();
            let expected: Vec<u64> = intervals.iter().map(|interval| counted + 3 * interval).collect();
            assert_eq!(resets, expected, "{text} at {now}");
        }
    }
}

/// Grants, refusals of every sort and statuses of the lock-free algorithms.
#[test]
fn no_decision_allocates() {
    let boxed = allocation_counter::measure(|| drop(std::hint::black_box(Box::new(1))));
    assert_eq!(boxed.count_total, 1, "the counter counts");
    for text in ["50/1m", "50/1m, 1500/1h", "50/1m, 1500/1h, 9000/1d"] {
        for (kind, subject) in all(policy(text)).filter(|(kind, _)| Kind::LOCK_FREE.contains(kind)) {
            let (mut granted, mut denied) = (0, 0);
            let counted = allocation_counter::measure(|| {
                for step in 0..5_000_u64 {
                    for n in [1, 0, 7, 50, 51, u32::MAX] {
                        match subject.try_acquire_at(at(step * 300_000_000), n) {
                            Ok(()) => granted += 1,
                            Err(refusal) => denied += usize::from(refusal.retry_after_secs() != Some(0)),
                        }
                    }
                    granted += usize::from(subject.status_at(at(step * 300_000_000)).remaining() > 50);
                }
            });
            assert_eq!(counted.count_total, 0, "{kind:?} of {text}");
            assert!(
                granted > 5_000 && denied > 5_000,
                "{kind:?} of {text}: {granted} granted, {denied} refused"
            );
        }
    }
}
