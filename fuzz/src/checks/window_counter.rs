//! Every answer and every status of the window counter is the oracle's, and no window ever holds more than its limit.

use tollgate::{Algorithm, BuildError, CounterPlan, WindowCounter};

use super::bytes::Bytes;
use super::history::{History, policy};
use super::left::assert_left;
use crate::oracle::{Answer, ExactCounter, ExactLog, Grid, busiest, effective};
use crate::subjects::{at, call, rules, shape};

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
    while let Some((now, n)) = history.next() {
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
    assert!(plan.lasts().as_secs() >= 365 * 86_400 && (0.0..=1.0).contains(&plan.efficiency()), "{plan:?}");
}

/// The quota with the smallest limit, and of several the one with the longest window.
fn error_quota(policy: &tollgate::Policy) -> usize {
    let quotas = policy.quotas().iter().enumerate();
    quotas.min_by_key(|(_, quota)| (quota.limit(), std::cmp::Reverse(quota.window()))).unwrap().0
}
