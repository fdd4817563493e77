//! One rule for many limiters, and which algorithm to choose.

use std::collections::HashMap;
use std::time::Duration;

use tollgate::keyed::KeyedLimiter;
use tollgate::{
    Algorithm, BuildError, Choice, CounterPlan, Nanos, Need, Policy, Quota, RateLimiter, Rule, State,
    TokenBucket, WindowCounter,
};

const RULE: Policy = Policy::MICROSOFT_365_DEFENDER;

fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

/// Every reply of a state with its rule is that of a limiter of its own.
#[test]
fn a_state_with_its_rule_is_a_limiter() {
    let mut rng = fastrand::Rng::with_seed(7);
    for text in ["50/1m, 1500/1h", "5/1s", "300/1s, 900/1m"] {
        let own: [Box<dyn Algorithm>; 2] = [
            Box::new(TokenBucket::strict(policy(text)).unwrap()),
            Box::new(WindowCounter::new(policy(text)).unwrap()),
        ];
        let rules = [Rule::strict(policy(text)).unwrap(), Rule::counted(policy(text)).unwrap()];
        for (own, rule) in own.iter().zip(&rules) {
            let (state, other) = (State::default(), State::default());
            let bound = rule.bind(&state);
            assert_eq!(bound.policy(), own.policy());
            let (mut now, mut granted) = (0, 0);
            for _ in 0..20_000 {
                now += rng.u64(..200_000_000);
                let at = Nanos::from_nanos(now - rng.u64(..=now.min(1_000_000_000)));
                let n = rng.u32(..4) * rng.u32(..4);
                assert_eq!(bound.peek_at(at, n), own.peek_at(at, n));
                assert_eq!(bound.status_at(at), own.status_at(at));
                if rng.u8(..8) == 0 {
                    let grants = [bound.try_grant_at(at, n), own.try_grant_at(at, n)];
                    let undone = grants.map(|grant| grant.map(tollgate::Grant::undo));
                    assert_eq!(undone[0], undone[1]);
                }
                assert_eq!(bound.try_acquire_at(at, n), own.try_acquire_at(at, n));
                granted += u32::from(own.peek_at(at, 1).is_ok());
            }
            assert!(granted > 100 && granted < 19_900, "one-sided: {granted}");
            assert_eq!(
                rule.bind(&other).status_at(Nanos::ZERO),
                rule.bind(&State::default()).status_at(Nanos::ZERO)
            );
        }
    }
}

#[test]
fn a_state_starts_with_what_was_used() {
    let now = Nanos::from_secs(9);
    for n in [0, 1, 20, 50, 1000, u32::MAX] {
        let strict = TokenBucket::strict(RULE).unwrap().with_used(now, n).status_at(now);
        let rule = Rule::strict(RULE).unwrap();
        assert_eq!(rule.bind(&rule.state_with_used(now, n)).status_at(now), strict);
        let counter = WindowCounter::new(RULE).unwrap().with_used(now, n).status_at(now);
        let rule = Rule::counted(RULE).unwrap();
        assert_eq!(rule.bind(&rule.state_with_used(now, n)).status_at(now), counter);
    }
}

/// A state of another rule limits wrongly, and that is all.
#[test]
fn a_state_of_another_rule_makes_nothing_panic() {
    let rules: Vec<Rule> = ["50/1m, 1500/1h", "5/1s", "1000/1s, 9000/1m", "1/1ns", "4000000000/1d", "1/30d"]
        .iter()
        .flat_map(|text| [Rule::strict(policy(text)).ok(), Rule::counted(policy(text)).ok()])
        .flatten()
        .collect();
    let state = State::default();
    let mut rng = fastrand::Rng::with_seed(3);
    for _ in 0..200_000 {
        let rule = rng.choice(&rules).unwrap();
        let now = Nanos::from_nanos(rng.u64(..) >> rng.u32(..64));
        let _ = rule.bind(&state).try_acquire_at(now, rng.u32(..) >> rng.u32(..32));
        let _ = rule.bind(&state).status_at(now);
    }
}

/// Many threads on one state, in a slice of states under one rule.
#[test]
fn threads_share_states() {
    let rule = Rule::counted(RULE).unwrap();
    let states: Vec<State> = (0..4).map(|_| State::default()).collect();
    let take = || {
        let granted = |state| {
            let limiter = rule.bind(state);
            (0..40).filter(|_| limiter.try_acquire_at(Nanos::ZERO, 1).is_ok()).count()
        };
        states.iter().map(granted).sum::<usize>()
    };
    let granted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(granted, 4 * 50);
}

/// With two windows kept strictly, and the whole of 50 at once: key and state of a caller, measured.
#[test]
fn a_million_callers_in_a_plain_map() {
    const CALLERS: u64 = 1_000_000;
    assert_eq!(size_of::<State>(), 8);
    let rule = Rule::counted(RULE).unwrap();
    let mut callers = HashMap::new();
    let measured = allocation_counter::measure(|| {
        for caller in 0..CALLERS {
            let state: &State = callers.entry(caller).or_default();
            assert!(rule.bind(state).try_acquire_at(Nanos::from_nanos(caller), 50).is_ok());
        }
    });
    let bytes = u64::try_from(measured.bytes_current).unwrap();
    println!("{bytes} bytes for {CALLERS} callers, of which 8 each are the key");
    assert!(bytes <= 36 * CALLERS, "{bytes}");
    assert!(callers.values().all(|state| rule.bind(state).peek_at(Nanos::from_nanos(CALLERS), 1).is_err()));
}

#[test]
fn the_best_for_what_matters() {
    use Need::{Burst, Memory, Rate};
    let name = |policy, first, then| {
        Choice::best(policy, first, then)
            .map(|choice| choice.to_string().split(':').next().unwrap().to_owned())
    };
    for (first, then, expected) in [
        (Rate, Burst, "sliding log"),
        (Rate, Memory, "sliding log"),
        (Burst, Rate, "sliding log"),
        (Burst, Memory, "window counter"),
        (Memory, Burst, "window counter"),
        (Memory, Rate, "strict token bucket"),
    ] {
        assert_eq!(name(RULE, first, then).as_deref(), Ok(expected), "{first:?}, {then:?}");
    }
    // All give the same here, and the bucket stands before the log.
    assert_eq!(name(policy("1/1s"), Memory, Rate).as_deref(), Ok("strict token bucket"));
    // The burst costs the counter nearly all of the rate, for the bucket grants two at once.
    let counter = CounterPlan::new(policy("50/1m, 60/1h")).unwrap();
    assert!(counter.efficiency() < 0.2);
    assert_eq!(name(policy("50/1m, 60/1h"), Memory, Rate).as_deref(), Ok("strict token bucket"));
    // A log has three words beside its slots: its head, and what it remembers of its newest refusal.
    for (text, bytes) in [("1/1s", 8 * (1 + 3)), ("5/1s", 8 * (8 + 3)), ("50/1m, 1500/1h", 8 * (2_048 + 3))] {
        assert_eq!(Choice::Log(policy(text)).bytes(), bytes, "{text}");
    }
    for (first, then) in [(Rate, Burst), (Burst, Memory), (Memory, Rate)] {
        let choice = Choice::best(RULE, first, then).unwrap();
        let limiter = choice.build().unwrap();
        assert_eq!(limiter.status_at(Nanos::ZERO).remaining(), choice.burst());
        assert_eq!((limiter.policy(), choice.policy()), (&RULE, &RULE));
        assert!(limiter.try_acquire_at(Nanos::ZERO, choice.burst()).is_ok());
        let wait = limiter.try_acquire_at(Nanos::ZERO, 1).unwrap_err().retry_after().unwrap();
        assert_eq!(wait, choice.longest_wait(), "{choice}");
    }
    // The words of a log can be finer than those of a bucket, and the other way round.
    assert_eq!(name(policy("49/5s, 22/5ns"), Memory, Rate).as_deref(), Ok("sliding log"));
    assert_eq!(name(policy("5752/276ns"), Rate, Burst).as_deref(), Ok("window counter"));
    // No word is fine enough.
    let fast = policy("4000000000/1us");
    assert_eq!(Choice::best(fast, Memory, Rate), Err(BuildError::Unrepresentable { quota: 0 }));
}

/// Permits that were used before, and do not fit into one window, count as if they had filled one window after the other; but
/// no longer than until the longest quota has forgotten them.
#[test]
fn what_was_used_before_fills_windows() {
    for (text, used, seconds) in [
        ("50/1m, 1000000/1d", 50, 70),
        ("50/1m, 1000000/1d", 51, 190),
        ("50/1m, 1000000/1d", 900_000, 86_410),
        ("50/1m, 72000/1d", 5_050, 101 * 60 + 70),
        ("50/1m, 72000/1d", 72_000, 86_410),
        ("50/1m, 72000/1d", 1_000_000, 86_410),
    ] {
        let counter = WindowCounter::new(policy(text)).unwrap().with_used(Nanos::ZERO, used);
        let denied = counter.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
        assert_eq!(denied.retry_after_secs(), Some(seconds), "{text}, {used}");
    }
}

/// Beside what the counter has granted itself, or was told before, more than its limit is used: the longer quota must see it.
#[test]
fn what_was_used_beside_grants_is_not_lost() {
    for (text, granted, used, times) in [
        ("50/1m, 100/2m", 50, 50, 1),
        ("50/1m, 100/2m", 50, 40, 1),
        ("50/1m, 100/2m", 1, 50, 1),
        ("5/10s, 10/20s", 0, 5, 2),
        ("5/10s, 200/400s", 5, 5, 20),
        ("5/10s, 200/400s", 5, 95, 2),
        ("5/10s, 200/400s", 5, 23, 1),
    ] {
        let mut counter = WindowCounter::new(policy(text)).unwrap();
        counter.try_acquire_at(Nanos::ZERO, granted).unwrap();
        for _ in 0..times {
            counter = counter.with_used(Nanos::ZERO, used);
        }
        let longest = counter.policy().quotas()[1];
        let instants =
            (0..).map(Nanos::from_secs).take_while(|at| *at < Nanos::ZERO.saturating_add(longest.window()));
        let later = instants
            .map(|at| {
                (0..5)
                    .map(|_| {
                        u32::from(counter.try_acquire_at(at, 10).is_ok()) * 10
                            + u32::from(counter.try_acquire_at(at, 1).is_ok())
                    })
                    .sum::<u32>()
            })
            .sum::<u32>();
        let all = granted + used * times + later;
        assert!(
            later == 0 || all <= longest.limit(),
            "{text}: {granted}, {times} times {used}, then {later}"
        );
    }
}

/// What the counter has granted in an earlier sub-window leaves with that, and what was used since leaves later.
#[test]
fn what_was_used_beside_grants_leaves_after_them() {
    let counter = WindowCounter::new(RULE).unwrap();
    counter.try_acquire_at(Nanos::ZERO, 20).unwrap();
    let now = Nanos::from_secs(25);
    let counter = counter.with_used(now, 20);
    assert_eq!(counter.status_at(now).remaining(), 10);
    // The second sub-window has begun at 20.004683776 s. There are three in a window.
    for (n, sub_windows) in [(11, 4), (30, 4), (31, 5), (50, 5)] {
        let denied = counter.peek_at(now, n).unwrap_err();
        assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(sub_windows * 20_004_683_776)), "{n}");
    }
}

/// What was used now leaves last. Where permits that were granted before have no room beside it, they count as used now.
#[test]
fn what_was_used_last_leaves_last() {
    let cases = [
        ("50/1m", 1, 40, 50, 1),
        ("16380/1m", 1024, 16_000, 16_380, 1),
        // Eight units of those from before have room. A call for more than they give back must wait for the rest.
        ("16380/1m", 1024, 16_000, 8_000, 9_000),
    ];
    for (text, unit, granted, used, n) in cases {
        let counter = WindowCounter::new(policy(text)).unwrap();
        counter.try_acquire_at(Nanos::ZERO, granted).unwrap();
        let plan = *counter.plan();
        assert_eq!(plan.unit(), unit, "{text}");
        let now = 30_000_000_000;
        let counter = counter.with_used(Nanos::from_nanos(now), used);
        let sub_window = u64::try_from(plan.sub_window().as_nanos()).unwrap();
        let leaves = (now / sub_window + u64::from(plan.sub_windows()) + 1) * sub_window;
        let denied = counter.peek_at(Nanos::from_nanos(now), n).unwrap_err();
        assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(leaves)), "{text}, {used} used");
    }
}

/// On the default clock the windows are longer by its error, whichever algorithm it is.
#[test]
fn every_limiter_on_the_default_clock_keeps_true_time() {
    let exact = *RateLimiter::exact(RULE).unwrap().policy();
    assert_ne!(exact, RULE);
    assert_eq!(RateLimiter::strict(RULE).unwrap().policy(), &exact);
    assert_eq!(RateLimiter::counted(RULE).unwrap().policy(), &exact);
    assert_eq!(KeyedLimiter::strict(RULE, 8).unwrap().table().policy(), &exact);
}

/// More than a burst is used, so that the bucket holds the word in a later sub-window: no permit comes before its instant.
#[test]
fn what_was_used_of_the_longest_quota_comes_back_in_time() {
    let nanos = Duration::from_nanos;
    let cases = [
        (vec![(3, 29_811), (6, 59_624), (250, 29_811_002)], 0, 250, 29_811_088),
        (
            vec![(1, 420_034_117_384_074), (4, 2_100_170_586_920_372), (3, 1_260_102_352_152_222)],
            6_014_811_298_287,
            4,
            2_106_194_547_434_281,
        ),
    ];
    for (quotas, now, used, back) in cases {
        let quotas: Vec<_> =
            quotas.into_iter().map(|(limit, window)| Quota::new(limit, nanos(window))).collect();
        let counter = WindowCounter::new(Policy::new(&quotas).unwrap()).unwrap();
        let counter = counter.with_used(Nanos::from_nanos(now), used);
        let before = Nanos::from_nanos(back - 1);
        let denied = counter.try_acquire_at(before, 1).unwrap_err();
        assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(back)), "{quotas:?}");
        assert!(counter.try_acquire_at(Nanos::from_nanos(back), 1).is_ok(), "{quotas:?}");
    }
}

/// Where fine ticks cost a tenth of the rate, longer ones are taken.
#[test]
fn a_counter_looks_for_the_rate_that_a_word_can_keep() {
    let every = |nanos| Some(Duration::from_nanos(nanos));
    for (text, shape, interval) in [
        ("100000/1s, 5000000/1h", (1, 16_384, 244_898), every(734_694)),
        ("4096/1s, 8192/5m", (2, 512, 8_136_256), every(73_226_304)),
        ("32768/1m, 65536/1d", (2, 2048, 527_330_876), every(2_636_654_380)),
        ("1000000/10s, 10000000/1d", (1, 262_144, 9_600_000), every(9_600_000)),
    ] {
        let plan = CounterPlan::new(policy(text)).unwrap();
        let tick = u64::try_from(plan.tick().as_nanos()).unwrap();
        assert_eq!((plan.sub_windows(), plan.unit(), tick), shape, "{text}");
        assert_eq!(plan.interval(), interval, "{text}");
    }
}
