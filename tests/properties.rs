//! What holds for every policy and every history, first in words and then as tests.
//!
//! P1, windows:
//! - The sliding log answers every call as the exact rule on its grid does: grant or refusal, quota, retry instant, and
//!   what is left. This also holds for instants between grid points, and on any clock.
//! - If all instants are on its grid, it grants exactly what the exact rule grants to the nanosecond.
//! - The locked log is the exact rule to the nanosecond. The locked bucket is the exact token bucket.
//! - The log and the strict bucket never grant more than `limit` in any window, and the nominal buckets never more than
//!   `2 * limit - 1`. This holds by every `now` given, and by the instants at which the grants took place. A fixed window
//!   never grants more than `2 * limit`.
//! - The window counter answers every call as the counter of its plan does, on any clock. It never grants more than `limit`
//!   in any window, and no window holds more than `CounterPlan::worst_case`, by the instants at which the grants took place.
//!   The exact log grants whatever it grants, at the same instants. A counter that is always asked keeps the rate of its
//!   plan.
//! - No window of a strict bucket holds more than `Plan::worst_case`. A caller reaches it by a burst after a silence and
//!   then each permit as soon as it comes back.
//! - A strict bucket that is always asked keeps the rate of its plan over a long time. The default plan keeps 98 % of the
//!   policy's sustained rate.
//! - The exact log grants whatever a strict bucket grants.
//! - The nominal bucket grants nothing that the exact token bucket with the same history would refuse.
//!
//! P2, all or nothing:
//! - A refused call changes nothing, nor does a call for 0 permits or for more than the burst.
//! - If the state is one word, undoing the latest grant leaves no trace. Any other grant stays charged.
//!
//! P3, time:
//! - All of the above hold for stale, repeated and backward instants, and for the last ones.
//! - The nominal bucket refuses little more than an exact token bucket with the same history. A bucket that is slower by
//!   1e-4, and is asked earlier by 1e-4 of the shortest window, would refuse it, too.
//!
//! P4, refusals:
//! - A retry succeeds at the retry instant and at any later one, if nothing else is granted before. A nanosecond earlier it
//!   is refused. If there is no retry instant, the call is refused even at the last instant.
//! - `remaining` is the largest call granted now. A quota is full at its `reset_at`, has a permit at its `next_at`, and
//!   neither a nanosecond before. A single call is granted at the status' `next_at`, not a nanosecond before, and a
//!   refusal of it says the same instant.
//!
//! Pauses:
//! - During a pause and after it, a limiter of any algorithm grants no more than a bucket of the smallest limit that is
//!   empty when the pause ends. Retry instants, `remaining` and `next_at` are exact there, too.
//!
//! P5, n: 0 and above the burst occur in all of the above.
//!
//! P7, text: a policy is read back as it was written. No text makes the reader panic.

#![allow(clippy::large_types_passed_by_value, reason = "as the crate itself takes a policy, which is `Copy`")]

mod oracle;
#[path = "subjects/random.rs"]
mod random;
mod subjects;

use oracle::{Answer, ExactBucket, ExactCounter, ExactLog, Grid, Left, Rule, busiest, effective};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use random::{Call, Player, any_policy, coarse_pairs, forward, play, policies, wild};
use subjects::{Kind, Subject, all, at, call, rules, shape};
use tollgate::reference::{BucketMachine, Locked, LogMachine};
use tollgate::{
    Algorithm, BuildError, CounterPlan, Manual, Plan, Policy, Quota, RateLimiter, SlidingLog, Status,
    TokenBucket, WindowCounter,
};

/// So many cases, or what `PROPTEST_CASES` says. A seed that failed is kept in `tests/properties.proptest-regressions`.
fn config(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|asked| asked.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(cases),
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..ProptestConfig::default()
    }
}

/// Well within a year: no bucket's words end before it. What happens past their end is for `arithmetic.rs`.
const YEAR: u64 = 1 << 54;

fn widen(value: u32) -> usize {
    usize::try_from(value).unwrap()
}

/// Whether `status` says what the oracle says.
fn assert_left(status: &Status, now: u64, left: &[Left], end: u128) {
    assert_eq!(status.at(), at(now));
    assert_eq!(status.quotas().len(), left.len());
    assert_eq!(status.remaining(), left.iter().map(|left| left.remaining).min().unwrap());
    for (quota, left) in status.quotas().iter().zip(left) {
        assert_eq!(quota.remaining, left.remaining, "at {now}");
        for (told, exact) in [(quota.next_at, left.next_at), (quota.reset_at, left.reset_at)] {
            match exact {
                None => assert!(told <= at(now), "there at {now}, yet told {told:?}"),
                Some(instant) if instant > end => assert_eq!(told, at(u64::MAX), "at {now}"),
                Some(instant) => assert_eq!(u128::from(told.as_nanos()), instant, "at {now}"),
            }
        }
    }
}

fn check_log(subject: &impl Algorithm, mut exact: ExactLog, end: u128, calls: &[Call]) {
    let mut player = Player::new(subject.policy());
    for &each in calls {
        let (now, n) = player.next(each);
        let answer = call(subject, now, n);
        assert_eq!(answer, exact.call(now, n), "at {now} for {n}");
        assert_left(&subject.status_at(at(now)), now, &exact.left(now), end);
        player.heard(answer);
    }
}

/// A limiter that can be told what was used elsewhere.
enum Used {
    Log(SlidingLog),
    Bucket(TokenBucket),
    Counter(WindowCounter),
}

impl Used {
    fn limiter(&self) -> &dyn Algorithm {
        match self {
            Used::Log(log) => log,
            Used::Bucket(bucket) => bucket,
            Used::Counter(counter) => counter,
        }
    }

    fn with_used(self, now: u64, n: u32) -> Used {
        match self {
            Used::Log(log) => Used::Log(log.with_used(at(now), n)),
            Used::Bucket(bucket) => Used::Bucket(bucket.with_used(at(now), n)),
            Used::Counter(counter) => Used::Counter(counter.with_used(at(now), n)),
        }
    }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn the_log_is_the_exact_rule_on_its_grid(policy in any_policy(), calls in wild(120)) {
        let rules = rules(&policy);
        match (SlidingLog::new(policy), Grid::of_log(&rules)) {
            (Ok(log), Some(grid)) => check_log(&log, ExactLog::new(&rules, grid), grid.end, &calls),
            (Err(BuildError::Unrepresentable { .. }), None) => {}
            (log, grid) => panic!("{log:?} though the grid is {grid:?}"),
        }
    }

    #[test]
    fn on_its_grid_the_log_is_exact_to_the_nanosecond(policy in any_policy(), calls in forward(120)) {
        let rules = rules(&policy);
        if let (Ok(log), Some(grid)) = (SlidingLog::new(policy), Grid::of_log(&rules)) {
            let mut exact = ExactLog::new(&rules, Grid::NANOSECONDS);
            let mut player = Player::new(&policy);
            for each in calls {
                let (now, n) = player.next(each);
                let now = u64::try_from(grid.floor(now)).unwrap();
                if u128::from(now) == grid.end {
                    break;
                }
                let answer = call(&log, now, n);
                match (answer, exact.call(now, n)) {
                    (Answer::Denied { retry_at: Some(retry_at), .. }, Answer::Denied { retry_at: Some(exact), .. }) => {
                        prop_assert_eq!(u128::from(retry_at), grid.ceil(exact), "at {}", now);
                    }
                    (answer, exact) => prop_assert_eq!(answer, exact, "at {} for {}", now, n),
                }
                player.heard(answer);
            }
        }
    }

    #[test]
    fn the_locked_log_is_the_exact_rule(policy in any_policy(), calls in wild(120)) {
        let exact = ExactLog::new(&rules(&policy), Grid::NANOSECONDS);
        check_log(&Locked::new(LogMachine::new(policy)), exact, u128::from(u64::MAX), &calls);
    }

    #[test]
    fn the_locked_bucket_is_the_exact_token_bucket(policy in any_policy(), calls in wild(120)) {
        let bucket = Locked::new(BucketMachine::new(policy));
        let mut exact = ExactBucket::new(&rules(&policy));
        let mut player = Player::new(&policy);
        for each in calls {
            let (now, n) = player.next(each);
            let answer = call(&bucket, now, n);
            prop_assert_eq!(answer, exact.call(now, n), "at {} for {}", now, n);
            assert_left(&bucket.status_at(at(now)), now, &exact.left(now), u128::from(u64::MAX));
            player.heard(answer);
        }
    }

    #[test]
    fn no_window_holds_more_than_is_promised(policy in any_policy(), calls in wild(120)) {
        for (kind, subject) in all(policy) {
            let granted = play(&subject, &calls);
            let took_place = effective(&granted);
            for rule in rules(&policy) {
                let Some(most) = kind.most(rule.limit) else { continue };
                let busy = busiest(&took_place, rule.window);
                prop_assert!(busy <= most, "{:?}: {} of {:?} took place", kind, busy, rule);
                if !kind.counts_where_it_took_place() {
                    let busy = busiest(&granted, rule.window);
                    prop_assert!(busy <= most, "{:?}: {} of {:?} by the instants given", kind, busy, rule);
                }
            }
        }
    }
}

/// A plan for any burst that the policy allows.
fn any_plan() -> impl Strategy<Value = Plan> {
    (any_policy(), any::<prop::sample::Index>(), any::<bool>()).prop_filter_map(
        "not representable",
        |(policy, burst, default)| {
            let least = policy.quotas().iter().map(Quota::limit).min().unwrap();
            let burst = u32::try_from(burst.index(widen(least))).unwrap() + 1;
            if default { Plan::new(policy).ok() } else { Plan::with_burst(policy, burst).ok() }
        },
    )
}

/// The whole burst at `start`, then each permit as soon as it comes back, until `end`.
fn greedy(bucket: &TokenBucket, start: u64, end: u64) -> Vec<(u64, u32)> {
    let burst = bucket.plan().unwrap().burst();
    assert_eq!(call(bucket, start, burst), Answer::Granted);
    let mut granted = vec![(start, burst)];
    let mut now = start;
    while now < end {
        match call(bucket, now, 1) {
            Answer::Granted => granted.push((now, 1)),
            Answer::Denied { retry_at: Some(retry_at), .. } => now = retry_at,
            other => panic!("{other:?}"),
        }
    }
    granted
}

fn total(granted: &[(u64, u32)]) -> u128 {
    granted.iter().map(|&(_, n)| u128::from(n)).sum()
}

/// A greedy caller gets exactly what the plan calls the worst case, in each window.
fn assert_reached(plan: &Plan, start: u64) {
    for (quota, rule) in rules(plan.policy()).into_iter().enumerate() {
        let granted = greedy(&TokenBucket::from(*plan), start, start + rule.window);
        let worst = plan.worst_case(quota).unwrap();
        assert_eq!(total(&granted), u128::from(worst), "quota {quota} of {plan}");
    }
}

/// The interval is not whole nanoseconds, and calls are made at whole nanoseconds.
#[test]
fn the_worst_case_is_reached_between_nanoseconds() {
    for (text, burst, interval, worst) in [
        // 250,000,000.025 ns: the second permit comes as the window of 250,000,001 ns ends.
        ("40/10s, 1/1ns, 3/27ns, 2/250ms; guard 1ns", 1, 250_000_001, &[40, 1, 1, 1][..]),
        // 2.5 ns: at 0, 3, 6 and 9 ns.
        ("4/10ns", 1, 3, &[4]),
        // 1.375 ns: every 2 ns, since a full bucket keeps no part of a permit.
        ("8/11ns", 1, 2, &[6]),
        // 0.375 ns: 3, 2, 3, and so on.
        ("10/3ns, 26/9ns", 3, 1, &[8, 23]),
        // 0.75 ns: 8, and then 1, 1, 2, 1, 1.
        ("15/6ns", 8, 1, &[14]),
        ("8/1ns", 8, 1, &[8]),
    ] {
        let plan = Plan::with_burst(text.parse().unwrap(), burst).unwrap();
        assert_eq!(plan.interval().as_nanos(), interval, "{text}");
        let stated: Vec<_> = (0..worst.len()).map(|quota| plan.worst_case(quota).unwrap()).collect();
        assert_eq!(stated, worst, "{text}");
        for start in [0, 1, 1 << 50] {
            assert_reached(&plan, start);
        }
    }
}

/// Whether a clock of whole nanoseconds costs a greedy caller less than 1e-4 of the rate: a nanosecond is less than that
/// of an interval above 10 us, and under a shorter one a second permit in the bucket bridges the gap.
fn whole(plan: &Plan) -> bool {
    let interval = plan.interval().as_nanos();
    interval > 10_000 || (plan.burst() > 1 && interval > 1)
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn no_window_exceeds_the_plan(plan in any_plan(), calls in wild(120)) {
        let granted = play(&TokenBucket::from(plan), &calls);
        for (quota, rule) in rules(plan.policy()).into_iter().enumerate() {
            let worst = plan.worst_case(quota).unwrap();
            prop_assert!(worst <= rule.limit);
            for granted in [&granted, &effective(&granted)] {
                prop_assert!(busiest(granted, rule.window) <= u64::from(worst), "quota {} of {}", quota, plan);
            }
        }
        prop_assert_eq!(plan.worst_case(plan.policy().quotas().len()), None);
    }

    #[test]
    fn the_worst_case_of_a_plan_is_reached(plan in any_plan(), start in 0_u64..1 << 50) {
        assert_reached(&plan, start);
    }

    /// For any plan: a permit for each interval, rounded up to a nanosecond. For the default plan: 98 % of the
    /// policy's rate, less the 1e-4 for rounding.
    #[test]
    fn a_strict_bucket_keeps_the_rate_of_its_plan(plan in any_plan(), start in 0_u64..1 << 50, permits in 500_u64..2000) {
        let interval = u64::try_from(plan.interval().as_nanos()).unwrap();
        let end = start.saturating_add(interval.saturating_mul(permits)).min(YEAR);
        let granted = greedy(&TokenBucket::from(plan), start, end);
        let intervals = u128::from((end - start).div_ceil(interval));
        prop_assert!(total(&granted) + 1 >= u128::from(plan.burst()) + intervals, "{}", plan);

        if whole(&plan) && Plan::new(*plan.policy()) == Ok(plan) {
            let back = total(&granted[1..]);
            let last = u128::from(granted.last().unwrap().0 - start).saturating_sub(1);
            let slowest = |rule: &Rule| (u128::from(rule.limit) << 64) / u128::from(rule.window);
            let rule = rules(plan.policy()).into_iter().min_by_key(slowest).unwrap();
            // back / last >= 0.98 * 0.9999 * limit / window
            let kept = last * u128::from(rule.limit) * 98 * 9_999;
            prop_assert!(back * u128::from(rule.window) * 1_000_000 >= kept, "{}", plan);
        }
    }

    /// To the nanosecond on any clock. The log on its grid takes what is on its grid.
    #[test]
    fn what_a_strict_bucket_grants_the_log_grants(plan in any_plan(), calls in wild(120)) {
        let policy = *plan.policy();
        let bucket = TokenBucket::from(plan);
        let exact = Locked::new(LogMachine::new(policy));
        let log = SlidingLog::new(policy).ok().zip(Grid::of_log(&rules(&policy)));
        let mut player = Player::new(&policy);
        for &each in &calls {
            let (now, n) = player.next(each);
            let answer = call(&bucket, now, n);
            if answer == Answer::Granted {
                prop_assert_eq!(call(&exact, now, n), Answer::Granted, "at {} for {}", now, n);
            }
            player.heard(answer);
        }
        if let Some((log, grid)) = log {
            let bucket = TokenBucket::from(plan);
            let mut player = Player::new(&policy);
            for &each in &calls {
                let (now, n) = player.next(each);
                let now = u64::try_from(grid.floor(now)).unwrap();
                let answer = call(&bucket, now, n);
                if u128::from(now) < grid.end && answer == Answer::Granted {
                    prop_assert_eq!(call(&log, now, n), Answer::Granted, "at {} for {}", now, n);
                }
                player.heard(answer);
            }
        }
    }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn the_window_counter_is_the_exact_one_of_its_plan(policy in any_policy(), calls in wild(120)) {
        let Ok(plan) = CounterPlan::new(policy) else { return Ok(()) };
        let counter = WindowCounter::from(plan);
        let mut exact = ExactCounter::new(&rules(&policy), shape(&plan));
        let end = shape(&plan).end;
        let mut player = Player::new(&policy);
        for each in calls {
            let (now, n) = player.next(each);
            let answer = call(&counter, now, n);
            prop_assert_eq!(answer, exact.call(now, n), "at {} for {} of {}", now, n, plan);
            assert_left(&counter.status_at(at(now)), now, &exact.left(now), end);
            player.heard(answer);
        }
    }

    #[test]
    fn no_window_exceeds_the_plan_of_a_counter(policy in any_policy(), calls in wild(120)) {
        let Ok(plan) = CounterPlan::new(policy) else { return Ok(()) };
        let took_place = effective(&play(&WindowCounter::from(plan), &calls));
        let mut log = ExactLog::new(&rules(&policy), Grid::NANOSECONDS);
        for &(now, n) in &took_place {
            prop_assert!(log.admits(now, n), "at {} for {} of {}", now, n, plan);
            log.record(now, n);
        }
        for (quota, rule) in rules(&policy).into_iter().enumerate() {
            let worst = plan.worst_case(quota).unwrap();
            prop_assert!(worst <= rule.limit, "quota {} of {}", quota, plan);
            prop_assert!(busiest(&took_place, rule.window) <= u64::from(worst), "quota {} of {}", quota, plan);
        }
        prop_assert_eq!(plan.worst_case(policy.quotas().len()), None);
    }

    #[test]
    fn a_window_counter_grants_its_whole_burst_at_once(policy in any_policy(), start in 0_u64..1 << 50) {
        let Ok(plan) = CounterPlan::new(policy) else { return Ok(()) };
        let smallest = policy.quotas().iter().map(Quota::limit).min().unwrap();
        prop_assert_eq!(plan.burst(), smallest);
        let (one, all) = (WindowCounter::from(plan), WindowCounter::from(plan));
        for _ in 0..smallest {
            prop_assert_eq!(call(&one, start, 1), Answer::Granted, "{}", plan);
        }
        prop_assert_eq!(call(&all, start, smallest), Answer::Granted, "{}", plan);
        for counter in [one, all] {
            let Answer::Denied { retry_at: Some(retry_at), .. } = call(&counter, start, 1) else {
                return Err(TestCaseError::fail("a permit beyond the burst"));
            };
            let window = rules(&policy)[plan.counted()].window;
            prop_assert!(retry_at - start >= window, "{}", plan);
            let wait = plan.longest_wait() + plan.tick();
            prop_assert!(u128::from(retry_at - start) <= wait.as_nanos(), "{} after {}", plan, start);
        }
    }

    /// Over many windows, and less one burst, for that may be due just after the end.
    #[test]
    fn a_window_counter_keeps_the_rate_of_its_plan(policy in any_policy(), start in 0_u64..1 << 50, rounds in 5_u64..40) {
        let Ok(plan) = CounterPlan::new(policy) else { return Ok(()) };
        let round = plan.sub_window().saturating_mul(plan.sub_windows() + 1).as_nanos();
        let round = u64::try_from(round).unwrap();
        let end = start.saturating_add(round.saturating_mul(rounds)).min(YEAR);
        let counter = WindowCounter::from(plan);
        let mut granted = 0;
        let mut now = start;
        while now < end {
            let most = counter.status_at(at(now)).remaining();
            if most > 0 {
                prop_assert_eq!(call(&counter, now, most), Answer::Granted);
                granted += u128::from(most);
            }
            match call(&counter, now, 1) {
                Answer::Denied { retry_at: Some(retry_at), .. } => now = retry_at,
                other => prop_assert!(false, "{:?}", other),
            }
        }
        let by_counter = u128::from(plan.burst() + 1 - plan.unit()) * u128::from((end - start) / round);
        let by_bucket = plan.interval().map_or(u128::MAX, |interval| u128::from(end - start) / interval.as_nanos());
        prop_assert!(granted + u128::from(plan.burst()) >= by_counter.min(by_bucket), "{} of {}", granted, plan);
        prop_assert!((0.0..=1.0).contains(&plan.efficiency()), "{}", plan);
    }
}

/// The rules with every rate lower by 1e-4.
fn slower(rules: &[Rule]) -> Vec<Rule> {
    rules.iter().map(|rule| Rule { window: rule.window + rule.window.div_ceil(10_000), ..*rule }).collect()
}

proptest! {
    #![proptest_config(config(4000))]

    /// One, two and more buckets; mostly two, for the grid of a pair is the coarsest.
    #[test]
    fn the_nominal_bucket_is_the_exact_one_within_its_resolution(
        policy in prop_oneof![1 => policies(1..=1), 3 => policies(2..=2), 2 => coarse_pairs(), 1 => policies(3..=8)],
        calls in forward(120),
        start in prop_oneof![Just(0), 0_u64..1 << 50],
    ) {
        let Ok(nominal) = TokenBucket::nominal(policy) else { return Ok(()) };
        let rules = rules(&policy);
        let early = rules.iter().map(|rule| rule.window).min().unwrap().div_ceil(10_000);
        let (mut exact, mut slow) = (ExactBucket::new(&rules), ExactBucket::new(&slower(&rules)));
        let mut player = Player::new(&policy);
        for each in calls {
            let (now, n) = player.next(each);
            let now = now.saturating_add(start + early).min(YEAR);
            let answer = call(&nominal, now, n);
            match answer {
                Answer::Granted if n == 0 => {}
                Answer::Granted => {
                    prop_assert!(exact.admits(now, n), "granted at {} for {}: {:?}", now, n, nominal);
                    exact.record(now, n);
                    slow.record(now, n);
                }
                Answer::Denied { retry_at, .. } => {
                    prop_assert!(!slow.admits(now - early, n), "refused at {} for {}: {:?}", now, n, nominal);
                    let retry_at = retry_at.unwrap();
                    prop_assert!(exact.admits(retry_at, n), "too early a retry at {}", retry_at);
                    let earlier = retry_at - 1 - early;
                    prop_assert!(!slow.admits(earlier, n), "too late a retry at {}: {:?}", retry_at, nominal);
                }
                Answer::Never { burst } => prop_assert!(n > burst),
            }
            player.heard(answer);
        }
    }

    /// A stale call is judged when it took place: at the newest instant of a grant.
    #[test]
    fn the_nominal_bucket_grants_no_more_than_the_exact_one_on_any_clock(policy in any_policy(), calls in wild(120)) {
        let Ok(nominal) = TokenBucket::nominal(policy) else { return Ok(()) };
        let mut exact = ExactBucket::new(&rules(&policy));
        let mut player = Player::new(&policy);
        let mut newest = 0;
        for each in calls {
            let (now, n) = player.next(each);
            let now = now.min(YEAR);
            let answer = call(&nominal, now, n);
            if answer == Answer::Granted && n > 0 {
                newest = newest.max(now);
                prop_assert!(exact.admits(newest, n), "granted at {} for {}: {:?}", now, n, nominal);
                exact.record(newest, n);
            }
            player.heard(answer);
        }
    }
}

/// The same algorithm with the same history.
fn twin(kind: Kind, policy: Policy, granted: &[(u64, u32)]) -> Box<dyn Subject> {
    let subject = kind.build(policy).unwrap();
    for &(now, n) in granted {
        assert_eq!(call(&subject, now, n), Answer::Granted, "a twin differs");
    }
    subject
}

/// Whether the latest grant can be undone: the whole state is one word.
fn takes_back(subject: &dyn Subject) -> bool {
    let text = format!("{subject:?}");
    ["state: Word(", "state: Pair(", "WindowCounter {"].iter().any(|state| text.contains(state))
}

/// What can be seen of a subject: its text, and what is left now and at other instants.
fn looks(subject: &dyn Subject, now: u64, policy: &Policy) -> (String, Vec<Status>) {
    let spans = rules(policy).into_iter().flat_map(|rule| [rule.window / 2, rule.window]);
    let instants = spans.map(|span| now.saturating_add(span)).chain([0, now, now.saturating_sub(1)]);
    (format!("{subject:?}"), instants.map(|instant| subject.status_at(at(instant))).collect())
}

/// The instants at and after a retry instant at which a retry is to be granted.
fn from(retry_at: u64, later: u64) -> [u64; 3] {
    [retry_at, retry_at.saturating_add(1), retry_at.saturating_add(later)]
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn a_retry_is_granted_when_it_is_said_to_be(policy in any_policy(), calls in wild(40), later in 0_u64..1 << 50) {
        for kind in Kind::ALL {
            let Ok(subject) = kind.build(policy) else { continue };
            let mut player = Player::new(&policy);
            let mut granted = Vec::new();
            for &each in &calls {
                let (now, n) = player.next(each);
                let answer = call(&subject, now, n);
                player.heard(answer);
                match answer {
                    Answer::Granted => granted.push((now, n)),
                    Answer::Denied { retry_at: Some(retry_at), .. } => {
                        for instant in from(retry_at, later) {
                            let retried = call(&twin(kind, policy, &granted), instant, n);
                            prop_assert_eq!(retried, Answer::Granted, "{:?} at {} for {}", kind, instant, n);
                        }
                        let retried = call(&twin(kind, policy, &granted), retry_at - 1, n);
                        // The quota too: nothing has changed but the time.
                        prop_assert_eq!(retried, answer, "{:?} at {} for {}", kind, retry_at - 1, n);
                    }
                    Answer::Denied { retry_at: None, .. } => {
                        let retried = call(&subject, u64::MAX - 1, n);
                        prop_assert_ne!(retried, Answer::Granted, "{:?}", kind);
                    }
                    Answer::Never { .. } => {}
                }
            }
        }
    }

    #[test]
    fn a_call_without_a_grant_changes_nothing(policy in any_policy(), calls in wild(60)) {
        for (kind, subject) in all(policy) {
            let mut player = Player::new(&policy);
            for &each in &calls {
                let (now, n) = player.next(each);
                let before = looks(&*subject, now, &policy);
                let answer = call(&subject, now, n);
                player.heard(answer);
                if answer != Answer::Granted || n == 0 {
                    prop_assert_eq!(&before, &looks(&*subject, now, &policy), "{:?} at {} for {}", kind, now, n);
                }
            }
        }
    }

    #[test]
    fn an_undone_grant_leaves_no_trace(policy in any_policy(), calls in wild(40), undone in 0_u64..u64::MAX) {
        for kind in Kind::LOCK_FREE {
            let Ok(subject) = kind.build(policy) else { continue };
            let mut player = Player::new(&policy);
            for (i, &each) in calls.iter().enumerate() {
                let (now, n) = player.next(each);
                let before = looks(&*subject, now, &policy);
                let Ok(grant) = subject.try_grant_at(at(now), n) else { continue };
                player.heard(Answer::Granted);
                let after = looks(&*subject, now, &policy);
                if undone >> (i % 64) & 1 == 0 {
                    let exact = n > 0 && takes_back(&*subject);
                    prop_assert_eq!(grant.undo(), exact, "{:?} at {} for {}", kind, now, n);
                    let expected = if exact { &before } else { &after };
                    prop_assert_eq!(expected, &looks(&*subject, now, &policy), "{:?} at {} for {}", kind, now, n);
                }
            }
        }
    }

    #[test]
    fn a_grant_that_another_follows_is_forfeited(policy in any_policy(), now in 0_u64..YEAR) {
        for kind in Kind::LOCK_FREE {
            let Ok(subject) = kind.build(policy) else { continue };
            let (Ok(first), Ok(second)) = (subject.try_grant_at(at(now), 1), subject.try_grant_at(at(now), 1)) else {
                continue;
            };
            let before = looks(&*subject, now, &policy);
            prop_assert!(!first.undo(), "{:?}", kind);
            prop_assert_eq!(&before, &looks(&*subject, now, &policy), "{:?}", kind);
            prop_assert_eq!(second.undo(), takes_back(&*subject), "{:?}", kind);
        }
    }

    #[test]
    fn what_was_used_before_counts(policy in any_policy(), now in 0_u64..YEAR, n in 1_u32..3_000, calls in forward(60)) {
        let used = |kind| Some(match kind {
            Kind::Log => Box::new(SlidingLog::new(policy).ok()?.with_used(at(now), n)) as Box<dyn Subject>,
            Kind::Strict => Box::new(TokenBucket::strict(policy).ok()?.with_used(at(now), n)),
            Kind::WindowCounter => Box::new(WindowCounter::new(policy).ok()?.with_used(at(now), n)),
            _ => Box::new(TokenBucket::nominal(policy).ok()?.with_used(at(now), n)),
        });
        for kind in Kind::LOCK_FREE {
            let (Some(subject), Ok(twin)) = (used(kind), kind.build(policy)) else { continue };
            if twin.try_acquire_at(at(now), n).is_ok() {
                let looks = |subject: &dyn Subject| looks(subject, now, &policy).1;
                prop_assert_eq!(looks(&*subject), looks(&*twin), "{:?} at {} for {}", kind, now, n);
            }
            let largest = policy.quotas().iter().map(Quota::limit).max().unwrap();
            let mut granted = Vec::new();
            let mut player = Player::new(&policy);
            for &each in &calls {
                let (passed, n) = player.next(each);
                let instant = now.saturating_add(passed);
                let answer = call(&*subject, instant, n);
                if answer == Answer::Granted {
                    player.heard(answer);
                    granted.push((instant, n));
                }
            }
            for (quota, rule) in rules(&policy).iter().enumerate() {
                let Some(most) = kind.most(rule.limit) else { continue };
                // A nominal bucket is empty at the worst.
                let before = n.min(if kind == Kind::Nominal { rule.limit } else { largest });
                let busiest = busiest(&[&[(now, before)], &granted[..]].concat(), rule.window);
                prop_assert!(busiest <= most.max(before.into()), "{:?}, quota {}: {}", kind, quota, busiest);
            }
        }
    }

    #[test]
    fn used_elsewhere_never_gives_back(policy in any_policy(), calls in wild(40), n in 0_u32..100) {
        for (kind, subject) in [
            (Kind::Log, SlidingLog::new(policy).ok().map(Used::Log)),
            (Kind::Strict, TokenBucket::strict(policy).ok().map(Used::Bucket)),
            (Kind::Nominal, TokenBucket::nominal(policy).ok().map(Used::Bucket)),
            (Kind::WindowCounter, WindowCounter::new(policy).ok().map(Used::Counter)),
        ] {
            let Some(subject) = subject else { continue };
            let mut player = Player::new(&policy);
            let mut now = 0;
            for &each in &calls {
                let (instant, n) = player.next(each);
                player.heard(call(subject.limiter(), instant, n));
                now = now.max(instant).min(YEAR);
            }
            let before = subject.limiter().status_at(at(now));
            let subject = subject.with_used(now, n);
            let after = subject.limiter().status_at(at(now));
            let reset_at = |status: &Status| status.quotas().iter().map(|quota| quota.reset_at).max();
            prop_assert!(after.remaining() <= before.remaining().saturating_sub(n), "{:?}", kind);
            prop_assert!(reset_at(&after) >= reset_at(&before), "{:?}", kind);
            // A counter whose word does not hold it all tells of its bucket at a later instant, and of itself that it is empty.
            let each = before.quotas().iter().zip(after.quotas()).filter(|_| kind != Kind::WindowCounter);
            for (before, after) in each {
                prop_assert!(after.remaining <= before.remaining.saturating_sub(n), "{:?}", kind);
                prop_assert!(after.reset_at >= before.reset_at, "{:?}", kind);
            }
            let _ = call(subject.limiter(), now, 1);
        }
    }

    #[test]
    fn a_limiter_that_starts_empty_has_spent_its_burst(policy in any_policy(), now in 0_u64..YEAR) {
        if let Ok(log) = SlidingLog::new(policy) {
            let empty = log.start_empty(at(now));
            prop_assert_eq!(empty.status_at(at(now)).remaining(), 0);
            prop_assert!(empty.peek_at(at(now), 1).is_err());
        }
        if let Ok(counter) = WindowCounter::new(policy) {
            let empty = counter.start_empty(at(now));
            prop_assert_eq!(empty.status_at(at(now)).remaining(), 0);
            prop_assert!(empty.peek_at(at(now), 1).is_err());
        }
        for bucket in [TokenBucket::strict(policy), TokenBucket::nominal(policy)].into_iter().flatten() {
            let empty = bucket.start_empty(at(now));
            prop_assert_eq!(empty.status_at(at(now)).remaining(), 0);
            prop_assert!(empty.peek_at(at(now), 1).is_err());
        }
    }

    #[test]
    fn remaining_is_the_largest_call_granted_now(policy in any_policy(), calls in wild(40)) {
        for kind in Kind::ALL {
            let Ok(subject) = kind.build(policy) else { continue };
            let mut player = Player::new(&policy);
            let mut granted = Vec::new();
            for &each in &calls {
                let (now, n) = player.next(each);
                let answer = call(&subject, now, n);
                player.heard(answer);
                if answer == Answer::Granted {
                    granted.push((now, n));
                }
                for now in [now, player.next(each).0] {
                    let most = subject.status_at(at(now)).remaining();
                    let whole = call(&twin(kind, policy, &granted), now, most);
                    prop_assert_eq!(whole, Answer::Granted, "{:?} at {} of {}", kind, now, most);
                    let more = call(&subject, now, most + 1);
                    prop_assert_ne!(more, Answer::Granted, "{:?} at {} of {} and one", kind, now, most);
                }
            }
        }
    }

    #[test]
    fn a_quota_is_whole_when_it_is_said_to_be(policy in any_policy(), calls in wild(60)) {
        for (kind, subject) in all(policy) {
            let whole: Vec<u32> = subject.status_at(at(0)).quotas().iter().map(|left| left.remaining).collect();
            let mut player = Player::new(&policy);
            for &each in &calls {
                let (now, n) = player.next(each);
                player.heard(call(&subject, now, n));
                for (i, left) in subject.status_at(at(now)).quotas().iter().enumerate() {
                    let remaining = |instant| subject.status_at(at(instant)).quotas()[i].remaining;
                    let reset_at = left.reset_at.as_nanos();
                    if reset_at == u64::MAX {
                        // Never, unless that is now.
                        prop_assert!(now == u64::MAX || left.remaining < whole[i], "{:?} at {}", kind, now);
                        prop_assert!(now == u64::MAX || remaining(u64::MAX - 1) < whole[i], "{:?} at {}", kind, now);
                        continue;
                    }
                    if reset_at <= now {
                        prop_assert_eq!(left.remaining, whole[i], "{:?} at {}", kind, now);
                        continue;
                    }
                    prop_assert!(left.remaining < whole[i], "{:?} at {}", kind, now);
                    prop_assert!(remaining(reset_at - 1) < whole[i], "{:?}: whole before {}", kind, reset_at);
                    prop_assert_eq!(remaining(reset_at), whole[i], "{:?} at {}", kind, reset_at);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn the_next_permit_is_there_when_it_is_said_to_be(policy in any_policy(), calls in wild(60)) {
        for (kind, subject) in all(policy) {
            let mut player = Player::new(&policy);
            for &each in &calls {
                let (now, n) = player.next(each);
                player.heard(call(&subject, now, n));
                let status = subject.status_at(at(now));
                for (i, left) in status.quotas().iter().enumerate() {
                    let remaining = |instant| subject.status_at(at(instant)).quotas()[i].remaining;
                    match left.next_at.as_nanos() {
                        // Never, unless that is now.
                        u64::MAX => prop_assert!(now == u64::MAX || remaining(u64::MAX - 1) == 0, "{:?} at {}", kind, now),
                        next if next <= now => prop_assert!(left.remaining > 0, "{:?} at {}", kind, now),
                        next => {
                            prop_assert_eq!(left.remaining, 0, "{:?} at {}", kind, now);
                            prop_assert_eq!(remaining(next - 1), 0, "{:?} at {}", kind, now);
                            prop_assert!(remaining(next) > 0, "{:?} at {}", kind, next);
                        }
                    }
                }
                let next = status.next_at();
                match subject.peek_at(at(now), 1) {
                    Ok(()) => prop_assert!(next <= at(now), "{:?} at {}", kind, now),
                    Err(denied) => {
                        prop_assert_eq!(denied.retry_at(), Some(next).filter(|&next| next < at(u64::MAX)));
                    }
                }
            }
        }
    }
}

/// The bucket that stands beside an algorithm after a pause: `burst` permits, one per `interval`.
struct Recovery {
    burst: u32,
    interval: u64,
    /// When it is full.
    full: u64,
}

impl Recovery {
    fn of(policy: &Policy) -> Recovery {
        let rule = rules(policy).into_iter().min_by_key(|rule| rule.limit).unwrap();
        Recovery { burst: rule.limit, interval: rule.window.div_ceil(rule.limit.into()), full: 0 }
    }

    fn pause(&mut self, until: u64) {
        self.full = self.full.max(until + u64::from(self.burst - 1) * self.interval);
    }

    fn admits(&self, now: u64, n: u32) -> bool {
        n == 0
            || now >= self.full
            || now + u64::from(self.burst.saturating_sub(n)) * self.interval >= self.full
    }

    fn take(&mut self, now: u64, n: u32) {
        if now < self.full {
            self.full += u64::from(n) * self.interval;
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Quarters of an interval.
    Pause(u64),
    Live(u64),
    Take(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        1 => (0..40_u64).prop_map(Step::Pause),
        3 => (0..12_u64).prop_map(Step::Live),
        4 => (0..5_u32).prop_map(Step::Take),
    ];
    prop::collection::vec(step, 1..60)
}

/// Whether `limiter` says at `now`, in its status and in its refusals, what it does.
fn check_words(limiter: &RateLimiter<Box<dyn Subject>, Manual>, clock: &Manual, now: u64, n: u32) {
    let status = limiter.status();
    let most = status.remaining();
    assert!(limiter.peek_n(most).is_ok(), "{limiter:?} {status:?}");
    assert!(limiter.peek_n(most + 1).is_err(), "{limiter:?} {status:?}");
    for n in [1, n] {
        match limiter.peek_n(n) {
            Ok(()) => assert!(n != 1 || status.next_at() <= at(now), "{limiter:?} {status:?}"),
            Err(denied) => {
                let Some(retry) = denied.retry_at() else { continue };
                assert!(n != 1 || retry == status.next_at(), "{limiter:?} {status:?} {denied:?}");
                assert!(retry > at(now), "{denied:?}");
                clock.set(at(retry.as_nanos() - 1));
                assert!(limiter.peek_n(n).is_err(), "{limiter:?}: too late: {denied:?}");
                clock.set(retry);
                assert_eq!(limiter.peek_n(n), Ok(()), "{limiter:?}: too early: {denied:?}");
                clock.set(at(now));
            }
        }
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_limiter_comes_out_of_a_pause_empty(policy in any_policy(), steps in steps()) {
        for (kind, subject) in all(policy) {
            let mut recovery = Recovery::of(&policy);
            let clock = Manual::new();
            let limiter = RateLimiter::new(subject, clock.clone());
            let mut now = 0;
            for &step in &steps {
                match step {
                    Step::Pause(quarters) => {
                        let until = now + quarters * recovery.interval / 4;
                        limiter.pause_until(at(until));
                        recovery.pause(until);
                    }
                    Step::Live(quarters) => now = (now + quarters * recovery.interval / 4).min(YEAR),
                    Step::Take(n) => {
                        let admits = recovery.admits(now, n);
                        let answer = limiter.try_acquire_n(n);
                        match answer {
                            Ok(()) => {
                                prop_assert!(admits, "{:?} at {}", kind, now);
                                recovery.take(now, n);
                            }
                            Err(denied) => {
                                // Paused exactly if the bucket after the pause forbids it, unless it can never be.
                                let never = n > denied.burst() || denied.retry_at().is_none();
                                prop_assert!(never || denied.is_paused() != admits, "{:?} at {}: {:?}", kind, now, denied);
                            }
                        }
                    }
                }
                clock.set(at(now));
                check_words(&limiter, &clock, now, 3);
            }
        }
    }
}

/// Policies with names, each window in any unit.
fn named_policies() -> impl Strategy<Value = Policy> {
    (any_policy(), prop::collection::vec(prop::option::of("[A-Za-z0-9._-]{1,15}"), 8)).prop_map(
        |(policy, names)| {
            let named = policy.quotas().iter().zip(&names).map(|(&quota, name)| match name {
                Some(name) => quota.named(name),
                None => quota,
            });
            Policy::new(&named.collect::<Vec<_>>()).unwrap().with_guard(policy.guard()).unwrap()
        },
    )
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn a_policy_is_read_back_as_it_was_written(policy in named_policies()) {
        let text = policy.to_string();
        prop_assert_eq!(text.parse::<Policy>(), Ok(policy), "{}", text);
        for quota in policy.quotas() {
            prop_assert_eq!(quota.to_string().parse::<Quota>(), Ok(*quota), "{}", text);
        }
        prop_assert_eq!(format!("{policy:?}"), format!("Policy({text})"));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        let _ = text.parse::<Policy>();
    }

    /// Texts that are nearly right: what is read is written back as the same policy; what is not is quoted.
    #[test]
    fn nearly_right_texts_are_read_or_refused(text in "([a-z]{0,3}=?[0-9]{0,11}/?[0-9]{0,20}(d|h|m|s|ms|us|ns|µs)?[ ,;]{0,2}){0,3}(;? ?guard ?[0-9]{0,3}[ms]{0,2})?") {
        match text.parse::<Policy>() {
            Ok(policy) => prop_assert_eq!(policy.to_string().parse::<Policy>(), Ok(policy)),
            Err(tollgate::ParsePolicyError::Syntax { part, at, .. }) => {
                let quoted = part.strip_suffix('…').unwrap_or(&part);
                prop_assert_eq!(text.get(at..at + quoted.len()), Some(quoted));
                prop_assert!(quoted.chars().count() <= tollgate::ParsePolicyError::MOST_QUOTED);
            }
            Err(_) => {}
        }
    }
}
