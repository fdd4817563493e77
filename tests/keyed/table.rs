//! One key, or keys that do not meet: every answer is that of the exact bucket.

use std::collections::HashMap;

use proptest::prelude::*;
use tollgate::keyed::KeyedTable;
use tollgate::{Nanos, Plan};

use crate::exact::{Exact, told};

/// Policies, and the grid that a table takes for each: the tick in nanoseconds, and the bits of identity.
pub(crate) const GRIDS: [(&str, u128, u32); 7] = [
    // 36 years on the finest grid that leaves 16 bits.
    ("50/1m, 1500/1h", 4096, 16),
    ("1/1s", 4096, 16),
    // The coarsest tick that is fine enough: a 25,000th of the interval.
    ("20/1s; guard 1ms", 1024, 16),
    ("2000/1s, 100000/1m", 16, 13),
    ("4900/1s", 8, 12),
    // A span of 100 years, so a coarser grid for all 64 bits of nanoseconds.
    ("3/876000h", 16_384, 16),
    ("1/1ms; guard 1us", 32, 14),
];

pub(crate) fn plan(policy: &str) -> Plan {
    Plan::new(policy.parse().unwrap()).unwrap()
}

/// A step of one key: mostly small, now and then backwards, far ahead or to the edge.
fn instants() -> impl Strategy<Value = (u8, u64)> {
    (0..=9_u8, any::<u64>())
}

fn next((kind, size): (u8, u64), now: u64, interval: u64) -> u64 {
    match kind {
        0..=4 => now.saturating_add(size % interval.saturating_mul(2)),
        5 | 6 => now.saturating_add(size % interval.saturating_mul(30)),
        7 => now,
        8 => now.saturating_sub(size % interval.saturating_mul(5)),
        _ => size % interval.saturating_mul(100).saturating_add(now / 8),
    }
}

proptest! {
    /// Any `now`, any `n`: the decision, the retry instant and what remains.
    #[test]
    fn a_key_alone_is_the_exact_bucket_of_its_plan(
        which in 0..GRIDS.len(),
        hash: u64,
        steps in prop::collection::vec((instants(), 0..40_u32, 0..4_u8), 1..200),
    ) {
        let (policy, tick, bits) = GRIDS[which];
        let plan = plan(policy);
        let table = KeyedTable::new(plan, 64).unwrap();
        let mut exact = Exact::new(&plan, tick, bits);
        let interval = u64::try_from(plan.interval().as_nanos()).unwrap();
        let mut now = 0;
        for (step, n, call) in steps {
            now = next(step, now, interval);
            let (at, n) = (Nanos::from_nanos(now), n % (plan.burst() + 2));
            prop_assert_eq!(told(table.peek_at(at, hash, n)), exact.peek(at, n));
            if call == 0 {
                let status = table.status_at(at, hash);
                prop_assert_eq!(u128::from(status.remaining()), exact.remaining(at));
            } else {
                prop_assert_eq!(told(table.try_acquire_at(at, hash, n)), exact.take(at, n));
            }
        }
    }
}

/// By what is documented: the high bits choose the set, the low 16 are the identity.
fn keep_apart(hashes: &[u64], sets: u64) -> bool {
    let mut identities: HashMap<u128, Vec<u64>> = HashMap::new();
    hashes.iter().all(|hash| {
        let of_set = identities.entry((u128::from(*hash) * u128::from(sets)) >> 64).or_default();
        let new = !of_set.contains(&(hash & 0xffff)) && hash & 0xffff > 1;
        of_set.push(hash & 0xffff);
        new && of_set.len() <= 8
    })
}

/// Twenty thousand keys in a table with room for them, one exact bucket for each: every answer is the same.
#[test]
fn with_room_for_all_every_answer_is_the_exact_one() {
    const KEYS: usize = 20_000;
    let (policy, tick, bits) = GRIDS[0];
    let plan = plan(policy);
    let table = KeyedTable::new(plan, 16 * KEYS).unwrap();
    // The first seed for which no nine keys meet in a set of eight slots, and no two share an identity.
    let mut hashes = (0..).map(|seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        (0..KEYS).map(|_| rng.u64(..)).collect::<Vec<u64>>()
    });
    let hashes = hashes.find(|hashes| keep_apart(hashes, 2 * KEYS as u64)).unwrap();
    let mut rng = fastrand::Rng::with_seed(0);
    let mut exact = vec![Exact::new(&plan, tick, bits); KEYS];
    let (mut now, mut granted, mut denied) = (0, 0, 0);
    for _ in 0..1_000_000 {
        now += rng.u64(0..200_000);
        let key = rng.usize(0..KEYS);
        // The clocks of different threads differ by up to a second.
        let at = Nanos::from_nanos(now + rng.u64(0..1_000_000_000));
        let n = rng.u32(1..=10);
        let answer = told(table.try_acquire_at(at, hashes[key], n));
        assert_eq!(answer, exact[key].take(at, n));
        if answer.is_ok() { granted += 1 } else { denied += 1 }
    }
    assert!(granted > 200_000 && denied > 200_000, "one-sided: {granted} granted, {denied} denied");
}

/// The high bits choose the set: keys that agree in the low bits are different keys.
#[test]
fn keys_of_different_sets_do_not_share() {
    let plan = plan("1/1h");
    let table = KeyedTable::new(plan, 1 << 16).unwrap();
    let sets = 1 << 13;
    for set in 0..sets {
        let hash = (set << 51) | 0x4d;
        assert!(table.try_acquire_at(Nanos::ZERO, hash, 1).is_ok(), "{set}");
        assert!(table.try_acquire_at(Nanos::ZERO, hash, 1).is_err(), "{set}");
    }
    assert_eq!(table.usage_at(Nanos::ZERO).in_debt, 1 << 13);
}

/// Two keys of the same set and identity share one bucket.
#[test]
fn keys_that_share_an_identity_share_a_bucket() {
    let table = KeyedTable::new(plan("2/1h"), 64).unwrap();
    let (one, other) = (0x0000_1111_0000_beef, 0x0000_2222_0000_beef);
    assert!(table.try_acquire_at(Nanos::ZERO, one, 1).is_ok());
    let remaining = table.status_at(Nanos::ZERO, one).remaining();
    assert_eq!(table.status_at(Nanos::ZERO, other).remaining(), remaining);
    assert_eq!(table.identities(), 8 * 65_535);
}
