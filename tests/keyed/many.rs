//! Far more keys than slots: whatever is granted, the exact bucket and the rule would have granted too.

use std::collections::HashMap;

use tollgate::Nanos;
use tollgate::keyed::KeyedTable;

use crate::exact::Exact;
use crate::oracle::{Rule, busiest, effective};
use crate::table::plan;

/// Keys of very different popularity: the square of an even distribution.
fn popular(rng: &mut fastrand::Rng, keys: usize) -> usize {
    let share = rng.f64() * rng.f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let key = (share * keys as f64) as usize;
    key.min(keys - 1)
}

struct Seen {
    exact: Exact,
    granted: Vec<(u64, u32)>,
}

/// Calls of `keys` keys to a table of `slots` slots, with clocks that differ by up to `jitter`.
fn overload(policy: &str, (tick, bits): (u128, u32), slots: usize, keys: usize, calls: usize, jitter: u64) {
    let plan = plan(policy);
    let table = KeyedTable::new(plan, slots).unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let hashes: Vec<u64> = (0..keys).map(|_| rng.u64(..)).collect();
    let interval = u64::try_from(plan.interval().as_nanos()).unwrap();
    let mut seen: HashMap<usize, Seen> = HashMap::new();
    let (mut now, mut granted, mut refused, mut unjust) = (0, 0, 0, 0);
    for _ in 0..calls {
        // About twice as much as the slots can give back.
        now += rng.u64(0..interval / slots as u64);
        let at = now + rng.u64(0..=jitter);
        let key = popular(&mut rng, keys);
        let n = if rng.u8(..8) == 0 { rng.u32(1..=plan.burst()) } else { 1 };
        let seen = seen
            .entry(key)
            .or_insert_with(|| Seen { exact: Exact::new(&plan, tick, bits), granted: Vec::new() });
        let allowed = seen.exact.peek(Nanos::from_nanos(at), n).is_ok();
        if table.try_acquire_at(Nanos::from_nanos(at), hashes[key], n).is_ok() {
            assert!(allowed, "key {key} got {n} at {at}, which its own bucket refuses");
            seen.exact.take(Nanos::from_nanos(at), n).unwrap();
            seen.granted.push((at, n));
            granted += 1;
        } else {
            refused += 1;
            unjust += usize::from(allowed);
        }
        // What a key owes is never less than what it used.
        let left = table.status_at(Nanos::from_nanos(at), hashes[key]).remaining();
        assert!(u128::from(left) <= seen.exact.remaining(Nanos::from_nanos(at)));
    }
    println!("{granted} granted, {refused} refused, {unjust} of them for the debts of others");
    assert!(granted > calls / 50 && unjust > calls / 50, "not overloaded: {granted}, {unjust}");
    let rules: Vec<Rule> = plan
        .policy()
        .quotas()
        .iter()
        .map(|quota| Rule {
            limit: quota.limit(),
            window: u64::try_from((quota.window() + plan.policy().guard()).as_nanos()).unwrap(),
        })
        .collect();
    for Seen { granted, .. } in seen.values() {
        for rule in &rules {
            assert!(busiest(granted, rule.window) <= rule.limit.into());
            assert!(busiest(&effective(granted), rule.window) <= rule.limit.into());
        }
    }
}

#[test]
fn no_key_is_granted_more_than_its_own_bucket_would() {
    overload("50/1m, 1500/1h", (4096, 16), 4_096, 50_000, 600_000, 0);
}

#[test]
fn nor_where_clocks_are_stale_or_ahead() {
    overload("50/1m, 1500/1h", (4096, 16), 4_096, 50_000, 600_000, 5_000_000_000);
}

#[test]
fn nor_in_one_set_for_all() {
    overload("50/1m, 1500/1h", (4096, 16), 8, 60, 100_000, 1_000_000_000);
}

#[test]
fn nor_on_the_coarsest_grid() {
    overload("4900/1s", (8, 12), 1_024, 20_000, 400_000, 100_000);
}
