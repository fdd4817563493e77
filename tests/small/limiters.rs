//! Every small limiter, at the first instants and at the last ones.

use crate::algorithm::{SlidingLog, TokenBucket};
use crate::nanos::Nanos;
use crate::spec::{Call, Reply};
use crate::subject::perform;
use crate::walk::{Small, Span, visit};

/// `(limit, window)` for every limit and interval up to these.
fn rules(limits: u32, intervals: u64) -> Vec<(u32, u64)> {
    let limits = 1..=limits;
    limits
        .flat_map(|limit| (1..=intervals).map(move |interval| (limit, interval * u64::from(limit))))
        .collect()
}

/// Every ordered choice of two with different windows.
fn pairs(rules: &[(u32, u64)]) -> Vec<Vec<(u32, u64)>> {
    let pairs = rules.iter().flat_map(|&a| rules.iter().map(move |&b| vec![a, b]));
    pairs.filter(|pair| pair[0].1 != pair[1].1).collect()
}

/// Every nanosecond of `windows` windows; of a long one, those around its intervals.
fn offsets(small: &Small, windows: u64) -> Vec<u64> {
    if let Some(plan) = small.plan().filter(|_| small.longest() >= 100) {
        // Every tick and its neighbours.
        let tick = u64::try_from(plan.tick().as_nanos()).unwrap();
        let last = windows * small.longest() / tick + 1;
        return (0..=last).flat_map(|i| [i * tick, i * tick + 1, (i + 1) * tick - 1]).collect();
    }
    let mut offsets: Vec<u64> = match small.longest() {
        ..100 => (0..=windows * small.longest()).collect(),
        longest => (0..=2 * windows).flat_map(|i| (0..8).map(move |off| i * (longest / 2) + off)).collect(),
    };
    offsets.dedup();
    offsets
}

/// From the first nanosecond on.
fn beginning(small: &Small, windows: u64) -> Span {
    Span { from: 0, instants: offsets(small, windows), end: small.end() }
}

/// Up to the end of time, and past it.
fn ending(small: &Small, windows: u64) -> Span {
    let end = small.end();
    let offsets = offsets(small, windows);
    let from = (end - offsets[offsets.len() - 1]) / small.grid() * small.grid();
    let instants =
        offsets.into_iter().map(|off| end - off).chain([end.saturating_add(1), u64::MAX]).collect();
    Span { from, instants, end }
}

/// The number of states of all of `limiters`.
fn visit_all(limiters: impl IntoIterator<Item = Small>, windows: u64, one_spelling: bool) -> usize {
    let both = |small: &Small| {
        visit(small, &beginning(small, windows), one_spelling)
            + visit(small, &ending(small, windows), one_spelling)
    };
    let states = limiters.into_iter().map(|small| both(&small)).sum();
    println!("{states} states");
    states
}

#[test]
fn one_bucket() {
    let single = rules(6, 6).into_iter().map(|rule| Small::Nominal(vec![rule]));
    assert!(visit_all(single, 3, true) > 1_000);
}

#[test]
fn one_strict_bucket() {
    let policies = pairs(&rules(3, 3));
    let bursts = |rules: Vec<(u32, u64)>| {
        let burst = rules[0].0.min(rules[1].0);
        (1..=burst).map(move |burst| Small::Strict(burst, rules.clone()))
    };
    // The interval is whole in 512ths of a nanosecond, or no word can hold it.
    let fits = |small: &Small| {
        let Small::Strict(burst, rules) = small else { return false };
        rules.iter().all(|&(limit, window)| window * 512 % u64::from(limit + 1 - burst) == 0)
    };
    assert!(visit_all(policies.into_iter().flat_map(bursts).filter(fits), 3, true) > 1_000);
}

#[test]
fn two_buckets_in_a_word() {
    assert!(visit_all(pairs(&rules(4, 4)).into_iter().map(Small::Nominal), 2, true) > 1_000);
}

/// 10 s / 73 rounds up by exactly 1e-4 of itself on each grid on which a word lasts: that is too much.
#[test]
fn two_buckets_share_a_word_where_rounding_costs_less_than_1e_4() {
    const S: u64 = 1_000_000_000;
    let words = |limit| Small::Nominal(vec![(limit, 10 * S), (1, 20 * S)]).build().1.read().len();
    assert_eq!([72, 73].map(words), [1, 3]);
}

/// A second window so far away that no word holds both buckets; and three buckets.
#[test]
fn announced_buckets() {
    let far = (2, 1 << 40);
    let far = rules(2, 3).into_iter().flat_map(|rule| [vec![rule, far], vec![far, rule]]);
    let three = [vec![(1, 1), (2, 4), (3, 9)], vec![(3, 3), (2, 4), (2, 6)], vec![(2, 6), (1, 2), (2, 4)]];
    assert!(visit_all(far.chain(three).map(Small::Nominal), 2, false) > 1_000);
}

/// Every shape of a few sub-windows, counted singly and by twos, on ticks of a half and of a quarter.
#[test]
fn window_counters() {
    // So long that a word lasts a year.
    const UNIT: u64 = 1 << 14;
    let shapes = (1..=3).flat_map(|k| (0..=1).map(move |unit| (k, unit)));
    let single = shapes.clone().flat_map(|(k, unit)| {
        (1..=4).flat_map(move |limit| {
            (1..=7).map(move |window| Small::Counter([k, unit, 0], vec![(limit, window)]))
        })
    });
    let two = |(k, unit): (u32, u32)| {
        let policies = [
            [(2, 4), (3, 12)],
            [(4, 13), (3, 6)],
            [(2, 5), (5, 12)],
            [(3, 3), (4, 7)],
            [(2, 4), (2, 9)],
            [(2, 9), (9, 3)],
        ];
        let long = |rules: [(u32, u64); 2]| rules.map(|(limit, window)| (limit, window * UNIT)).to_vec();
        policies
            .into_iter()
            .flat_map(move |rules| (0..=2).map(move |ticks| Small::Counter([k, unit, ticks], long(rules))))
    };
    let fits = |small: &Small| small.plan().is_some();
    assert!(visit_all(single.filter(fits), 2, true) > 1_000);
    let two: Vec<Small> = shapes.flat_map(two).filter(fits).collect();
    assert!(
        two.iter().filter(|small| small.plan().is_some_and(|plan| plan.interval().is_some())).count() > 50
    );
    assert!(visit_all(two, 1, true) > 10_000);
}

#[test]
fn one_log() {
    let single = (1..=3).flat_map(|limit| (1..=3).map(move |window| (limit, window)));
    // Rings of 8 slots.
    let single = single.chain([(5, 1), (6, 1)]).map(|rule| Small::Log(vec![rule]));
    assert!(visit_all(single, 2, false) > 1_000);
}

#[test]
fn one_log_of_two_quotas() {
    let rules: Vec<(u32, u64)> =
        (1..=3).flat_map(|limit| (1..=3).map(move |window| (limit, window))).collect();
    assert!(visit_all(pairs(&rules).into_iter().map(Small::Log), 2, false) > 1_000);
}

/// What is remembered is written once, and only by a refusal.
#[test]
fn a_refusal_is_remembered() {
    let (log, words) = Small::Log(vec![(1, 2), (2, 9)]).build();
    let take = |now| perform(&*log, Call::Take { now, n: 1 });
    assert_eq!(take(0), Reply::Granted);
    let granted = words.read();
    assert_eq!(take(1), Reply::Denied { quota: 0, retry: Some(2) });
    let refused = words.read();
    let written = granted.iter().zip(&refused).filter(|(a, b)| a != b).count();
    assert_eq!(written, 2, "when, and at which end");
    assert_eq!(take(1), Reply::Denied { quota: 0, retry: Some(2) });
    assert_eq!(words.read(), refused);
}

/// A grant of one changes its slot, and the head only at the end of a group of four; a grant of several changes the head
/// wherever it begins.
#[test]
fn the_head_is_written_once_in_a_group() {
    let written = |sizes: &[u32]| -> Vec<usize> {
        let (log, words) = Small::Log(vec![(16, 1)]).build();
        let mut before = words.read();
        let grant = |&n: &u32| {
            assert_eq!(perform(&*log, Call::Take { now: 0, n }), Reply::Granted);
            let after = words.read();
            let written = before.iter().zip(&after).filter(|(a, b)| a != b).count();
            before = after;
            written
        };
        sizes.iter().map(grant).collect()
    };
    assert_eq!(written(&[1; 9]), [1, 1, 1, 2, 1, 1, 1, 2, 1]);
    assert_eq!(written(&[1, 3, 1, 1, 1, 1]), [1, 4, 1, 1, 1, 2]);
    assert_eq!(written(&[1, 1, 1, 2, 1, 1, 1]), [1, 1, 1, 3, 1, 1, 2]);
}

/// A start with permits used is a fresh start and a call for them, and what only some quotas allow is used of those.
#[test]
fn permits_used_before_the_start() {
    for rules in pairs(&rules(3, 3)) {
        let policy = Small::Nominal(rules.clone()).policy();
        for (now, n) in (0..4).flat_map(|now| (0..=4).map(move |n| (now, n))) {
            let bucket = TokenBucket::nominal(policy).unwrap().with_used(Nanos::from_nanos(now), n);
            let left = |&(limit, window): &(u32, u64)| {
                let used = n.min(limit);
                (u64::from(limit - used), now + window / u64::from(limit) * u64::from(used))
            };
            let left = Reply::Status(rules.iter().map(left).collect());
            assert_eq!(perform(&bucket, Call::Status { now }), left, "{n} of {policy} at {now}");
        }
    }
}

/// The same for a log, and what it has granted itself stays granted.
#[test]
fn permits_used_beside_a_log() {
    for rules in pairs(&rules(3, 3)) {
        let small = Small::Log(rules.clone());
        for (own, n) in (0..=small.burst()).flat_map(|own| (0..=4).map(move |n| (own, n))) {
            let log = SlidingLog::new(small.policy()).unwrap();
            assert_eq!(perform(&log, Call::Take { now: 2, n: own }), Reply::Granted);
            let log = log.with_used(Nanos::from_nanos(2), n);
            let left = |&(limit, window): &(u32, u64)| {
                (u64::from(limit.saturating_sub(own + n)), if own + n > 0 { 2 + window } else { 2 })
            };
            let left = Reply::Status(rules.iter().map(left).collect());
            assert_eq!(perform(&log, Call::Status { now: 2 }), left, "{own} and {n} of {rules:?}");
        }
    }
}
