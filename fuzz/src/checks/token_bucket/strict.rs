//! The strict bucket answers as the exact bucket of its plan, and no window ever holds more than its limit.

use tollgate::{BuildError, Plan, TokenBucket};

use super::single::Single;
use crate::checks::bytes::Bytes;
use crate::checks::history::{History, policy};
use crate::oracle::{ExactLog, Grid, Rule, burst, busiest, effective};
use crate::subjects::rules;

/// The first byte chooses the burst: below 128 the default.
pub fn token_bucket_strict(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let choice = bytes.byte();
    let policy = policy(&mut bytes);
    let rules = rules(&policy);
    let max = burst(&rules);
    let (burst, plan) = match choice.checked_sub(128) {
        None => (default_burst(&rules), Plan::new(policy)),
        Some(choice) => {
            let burst = u32::from(choice) % (max + 2);
            (burst, Plan::with_burst(policy, burst))
        }
    };
    if burst == 0 || burst > max {
        return assert_eq!(plan, Err(BuildError::BurstOutOfRange { burst, max }));
    }
    let rates: Vec<(u32, u64)> = rules.iter().map(|rule| (rule.limit - (burst - 1), rule.window)).collect();
    match (plan, Single::new(&rates, burst)) {
        (Ok(plan), Some(single)) => {
            assert_eq!(plan.burst(), burst, "{plan}");
            let mut history = History::new(&policy, bytes);
            let granted = single.check(&TokenBucket::from(plan), &mut history);
            check_windows(&plan, &rules, granted);
        }
        (Err(BuildError::Unrepresentable { .. }), None) => {}
        (plan, single) => panic!("{plan:?} though a word can hold it: {}", single.is_some()),
    }
}

/// The largest burst that leaves 98 % of what the slowest quota sustains; 1 if none does.
fn default_burst(rules: &[Rule]) -> u32 {
    let wide = |a: u32, b: u64| u128::from(a) * u128::from(b);
    let slower = |a: &Rule, b: &Rule| wide(a.limit, b.window).cmp(&wide(b.limit, a.window));
    let slowest = *rules.iter().min_by(|a, b| slower(a, b)).unwrap();
    let keeps = |burst: u32, rule: &Rule| {
        wide(rule.limit + 1 - burst, slowest.window) * 100 >= wide(slowest.limit, rule.window) * 98
    };
    let bursts = (1..=burst(rules)).rev();
    bursts.into_iter().find(|&burst| rules.iter().all(|rule| keeps(burst, rule))).unwrap_or(1)
}

/// By the instants given and by those at which the grants took place; and on any clock the exact log would
/// have granted the same.
fn check_windows(plan: &Plan, rules: &[Rule], granted: Vec<(u64, u32)>) {
    let mut exact = ExactLog::new(rules, Grid::NANOSECONDS);
    for &(now, n) in &granted {
        assert!(exact.admits(now, n), "too much at {now} for {n}: {plan}");
        exact.record(now, n);
    }
    for granted in [effective(&granted), granted] {
        for (quota, rule) in rules.iter().enumerate() {
            let worst = plan.worst_case(quota).unwrap();
            assert!(worst <= rule.limit, "{plan}");
            assert!(busiest(&granted, rule.window) <= worst.into(), "quota {quota}: {granted:?} of {plan}");
        }
    }
    assert!(!plan.to_string().is_empty() && (0.0..=1.0).contains(&plan.efficiency()), "{plan:?}");
}
