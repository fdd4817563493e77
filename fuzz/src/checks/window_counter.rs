//! Every answer and every status of the window counter is the oracle's, and no window ever holds more than its limit. A grant
//! that is undone leaves no trace, and permits that are used elsewhere count like its own.

use tollgate::{Algorithm, BuildError, CounterPlan, Quota, WindowCounter};

use super::bytes::Bytes;
use super::history::{History, policy};
use super::left::assert_left;
use crate::oracle::{Answer, ExactCounter, ExactLog, Grid, busiest, effective};
use crate::subjects::{at, call, rules, shape};

/// Well before the end of any counter, in nanoseconds.
const YEAR: u64 = 1 << 54;
/// After permits were used elsewhere.
const CALLS_AFTERWARDS: usize = 40;

pub fn window_counter(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let policy = policy(&mut bytes);
    let plan = match CounterPlan::new(policy) {
        Ok(plan) => plan,
        Err(error) => return assert_eq!(error, BuildError::NoCounterFits { quota: error_quota(&policy) }),
    };
    let (counter, shape) = (WindowCounter::from(plan), shape(&plan));
    let rules = rules(&policy);
    let mut exact = ExactCounter::new(&rules, shape);
    let mut history = History::new(&policy, bytes);
    let mut granted = Vec::new();
    let mut asked = 0;
    while let Some((now, n)) = history.next() {
        try_and_undo(&counter, now, n);
        asked = n;
        let answer = call(&counter, now, n);
        assert_eq!(answer, exact.call(now, n), "at {now} for {n} under {plan}");
        assert_left(&counter.status_at(at(now)), now, &exact.left(now), |instant| {
            u64::try_from(instant).ok().filter(|_| instant <= shape.end)
        });
        if answer == Answer::Granted && n > 0 {
            granted.push((now, n));
        }
        history.heard(answer);
    }
    let took_place = effective(&granted);
    let few = took_place.iter().map(|&(_, n)| u64::from(n)).sum::<u64>() < 10_000;
    let mut log = ExactLog::new(&rules, Grid::NANOSECONDS);
    for &(now, n) in took_place.iter().filter(|_| few) {
        assert!(log.admits(now, n), "too much at {now} for {n}: {plan}");
        log.record(now, n);
    }
    for (quota, rule) in rules.iter().enumerate() {
        let worst = plan.worst_case(quota).unwrap();
        assert!(worst <= rule.limit, "{plan}");
        assert!(busiest(&took_place, rule.window) <= worst.into(), "quota {quota}: {granted:?} of {plan}");
    }
    let newest = took_place.last().map_or(0, |&(now, _)| now);
    if few && newest < YEAR {
        used_elsewhere(counter, log, newest, asked);
        // The most, while no bucket is behind.
        used_elsewhere(WindowCounter::from(plan), ExactLog::new(&rules, Grid::NANOSECONDS), newest, u32::MAX);
    }
    assert!(plan.lasts().as_secs() >= 365 * 86_400 && (0.0..=1.0).contains(&plan.efficiency()), "{plan:?}");
}

/// Two grants that are undone, the later one first, leave no trace.
fn try_and_undo(counter: &WindowCounter, now: u64, n: u32) {
    let before = counter.status_at(at(now));
    if let Ok(first) = counter.try_grant_at(at(now), n) {
        if let Ok(second) = counter.try_grant_at(at(now), n) {
            assert_eq!(second.undo(), n > 0, "the second at {now} for {n}");
        }
        assert_eq!(first.undo(), n > 0, "the first at {now} for {n}");
    }
    assert_eq!(counter.status_at(at(now)), before, "undone at {now} for {n}");
}

/// After `n` permits were used beside those that `log` has, none is granted that the exact rule would refuse, and every
/// refusal ends when it says.
fn used_elsewhere(counter: WindowCounter, mut log: ExactLog, now: u64, n: u32) {
    let largest = counter.policy().quotas().iter().map(Quota::limit).max().unwrap();
    let n = n.min(largest);
    let before = counter.status_at(at(now));
    let counter = counter.with_used(at(now), n);
    for (before, after) in before.quotas().iter().zip(counter.status_at(at(now)).quotas()) {
        assert!(after.remaining <= before.remaining.saturating_sub(n), "{n} at {now}: {before:?}, {after:?}");
        assert!(after.reset_at >= before.reset_at, "{n} at {now}: {before:?}, {after:?}");
    }
    log.record(now, n);
    let (mut instant, mut told) = (now, false);
    for _ in 0..CALLS_AFTERWARDS {
        match call(&counter, instant, 1) {
            Answer::Granted => {
                assert!(
                    log.admits(instant, 1),
                    "too much at {instant} after {n} at {now}: {}",
                    counter.plan()
                );
                log.record(instant, 1);
                told = false;
            }
            Answer::Denied { retry_at: Some(retry_at), .. } => {
                assert!(!told, "refused at {instant}, though told to come then: {}", counter.plan());
                (instant, told) = (retry_at, true);
            }
            Answer::Denied { retry_at: None, .. } | Answer::Never { .. } => return,
        }
    }
}

/// The quota with the smallest limit, and of several the one with the longest window.
fn error_quota(policy: &tollgate::Policy) -> usize {
    let quotas = policy.quotas().iter().enumerate();
    quotas.min_by_key(|(_, quota)| (quota.limit(), std::cmp::Reverse(quota.window()))).unwrap().0
}
