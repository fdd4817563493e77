//! A flood of invented keys resets nobody, and the numbers tell of it.

use tollgate::keyed::KeyedTable;
use tollgate::{Nanos, Policy};

use crate::table::plan;

const SLOTS: usize = 1 << 14;

#[test]
fn a_flood_resets_nobody() {
    let table = KeyedTable::new(plan("50/1m, 1500/1h"), SLOTS).unwrap();
    let mut rng = fastrand::Rng::with_seed(1);
    let mut key = || rng.u64(..);
    let now = Nanos::from_secs(1);
    // A thousand callers who have used up their burst.
    let limited: Vec<u64> = (0..1_000).map(|_| key()).collect();
    for &key in &limited {
        assert!(table.try_acquire_at(now, key, 26).is_ok());
        assert!(table.try_acquire_at(now, key, 1).is_err());
    }
    let before = table.usage_at(now);
    assert_eq!((before.slots, before.sets, before.sets_in_debt), (SLOTS, SLOTS / 8, 0));
    assert_eq!((before.newcomers_in_debt(), before.newcomers_refused()), (0.0, 0.0));
    assert!((990..=1_000).contains(&before.in_debt), "{before:?}");

    // Ten hostile keys for each slot, one call each, at one instant.
    let granted = (0..10 * SLOTS).filter(|_| table.try_acquire_at(now, key(), 1).is_ok()).count();
    // Hardly any is refused: only in the few sets of which half the slots belong to limited callers.
    assert!(granted > 10 * SLOTS * 999 / 1_000, "{granted}");
    for &key in &limited {
        assert!(table.try_acquire_at(now, key, 1).is_err());
    }
    let after = table.usage_at(now);
    assert_eq!((after.in_debt, after.newcomers_in_debt()), (SLOTS, 1.0));
    assert!(after.newcomers_refused() < 0.001, "{after:?}");

    // A newcomer has a part of its burst left.
    let left: Vec<u32> = (0..1_000).map(|_| table.status_at(now, key()).remaining()).collect();
    let mean = left.iter().sum::<u32>() / 1_000;
    assert!((14..=17).contains(&mean), "{mean}");

    // Four times as many again fill every slot: now newcomers are refused, and the numbers say so.
    for _ in 0..40 * SLOTS {
        let _ = table.try_acquire_at(now, key(), 1);
    }
    let full = table.usage_at(now);
    assert!(full.newcomers_refused() > 0.99, "{full:?}");
    for &key in &limited {
        assert!(table.try_acquire_at(now, key, 1).is_err());
    }
    // All of it is over when the debts are, without anybody cleaning up.
    let later = Nanos::from_secs(1 + 26 * 3);
    assert_eq!(table.usage_at(later).in_debt, 0);
    assert!(limited.iter().all(|&key| table.try_acquire_at(later, key, 26).is_ok()));
    assert_eq!(table.policy(), &Policy::MICROSOFT_365_DEFENDER);
}
