//! The edges of time, of `n`, of sizes, and every error.

use std::time::Duration;

use tollgate::keyed::{KeyedError, KeyedTable, Prefix};
use tollgate::{BuildError, Nanos, Plan, Policy, Quota};

use crate::exact::{Exact, interval, told};
use crate::oracle::ExactKey;
use crate::table::{GRIDS, plan};

const KEY: u64 = 0x1b47_b6f1_5c3e_90d2;

#[test]
fn no_permits_are_granted_and_change_nothing() {
    let table = KeyedTable::new(plan("3/1m"), 8).unwrap();
    let before = table.status_at(Nanos::ZERO, KEY);
    for now in [0, 1, u64::MAX] {
        assert_eq!(table.try_acquire_at(Nanos::from_nanos(now), KEY, 0), Ok(()));
        assert_eq!(table.peek_at(Nanos::from_nanos(now), KEY, 0), Ok(()));
    }
    assert_eq!(table.status_at(Nanos::ZERO, KEY), before);
    let table = KeyedTable::new(plan("1/1m"), 8).unwrap();
    table.try_acquire_at(Nanos::ZERO, KEY, 1).unwrap();
    assert_eq!(table.try_acquire_at(Nanos::ZERO, KEY, 0), Ok(()), "also where a permit is refused");
}

#[test]
fn more_than_the_burst_is_never_granted_and_touches_nothing() {
    let table = KeyedTable::new(plan("50/1m, 1500/1h"), 8).unwrap();
    for n in [27, 28, u32::MAX] {
        for denied in [table.try_acquire_at(Nanos::ZERO, KEY, n), table.peek_at(Nanos::ZERO, KEY, n)] {
            let denied = denied.unwrap_err();
            assert_eq!((denied.retry_at(), denied.burst(), denied.quota()), (None, 26, 1));
        }
    }
    assert_eq!(table.usage_at(Nanos::ZERO).in_debt, 0);
    assert!(table.try_acquire_at(Nanos::ZERO, KEY, 26).is_ok());
}

/// Past the last tick time stands still: what is left is granted once, and then nothing, for ever.
#[test]
fn past_its_last_tick_a_table_fails_closed() {
    for (policy, tick, bits) in GRIDS {
        let plan = plan(policy);
        let table = KeyedTable::new(plan, 8).unwrap();
        let mut exact = Exact::new(&plan, tick, bits);
        let last = u64::try_from(exact.0.last * tick).unwrap();
        assert!(last >= 365 * 86_400 * 1_000_000_000, "{policy}: a year");
        for now in [last - 1, last, last.saturating_add(1), u64::MAX, u64::MAX - 1, 0, u64::MAX] {
            let now = Nanos::from_nanos(now);
            for n in [1, plan.burst(), 1] {
                assert_eq!(told(table.try_acquire_at(now, KEY, n)), exact.take(now, n), "{policy} at {now}");
            }
        }
        while table.try_acquire_at(Nanos::MAX, KEY, 1).is_ok() {}
        let denied = table.try_acquire_at(Nanos::MAX, KEY, 1).unwrap_err();
        assert_eq!((denied.retry_at(), denied.at()), (None, Nanos::MAX), "{policy}");
        assert_eq!(table.status_at(Nanos::MAX, KEY).remaining(), 0, "{policy}");
        assert!(table.try_acquire_at(Nanos::ZERO, KEY, 1).is_err(), "{policy}");
        // Newcomers have a last burst, too.
        assert!(table.try_acquire_at(Nanos::MAX, !KEY, plan.burst()).is_ok(), "{policy}");
        assert!(table.try_acquire_at(Nanos::MAX, !KEY, 1).is_err(), "{policy}");
    }
}

/// The whole burst at once or one by one, off the grid as well as on it; and each permit comes back on its tick.
#[test]
fn a_burst_is_whole_at_any_instant_and_comes_back_exactly() {
    let plan = plan("50/1m, 1500/1h");
    for now in [0, 1, 4095, 4096, 4097, 987_654_321] {
        let table = KeyedTable::new(plan, 8).unwrap();
        for _ in 0..26 {
            table.try_acquire_at(Nanos::from_nanos(now), KEY, 1).unwrap();
        }
        // 2.440677967 s are 595,869 ticks of 4096 ns, rounded up, and one is added.
        let retry = (now / 4096 + 595_870) * 4096;
        let denied = table.try_acquire_at(Nanos::from_nanos(now), KEY, 1).unwrap_err();
        assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(retry)));
        assert!(table.try_acquire_at(Nanos::from_nanos(retry - 1), KEY, 1).is_err());
        assert!(table.try_acquire_at(Nanos::from_nanos(retry), KEY, 1).is_ok());
    }
}

/// Rounding costs less than one part in ten thousand of the rate, on every grid.
#[test]
fn rounding_costs_less_than_one_part_in_ten_thousand() {
    for (policy, tick, bits) in GRIDS {
        let plan = plan(policy);
        let exact = Exact::new(&plan, tick, bits);
        let (slow, fast) = (exact.0.interval * tick, plan.interval().as_nanos());
        assert_eq!(ExactKey::alone(interval(&plan), plan.burst()), Some(exact.0), "{policy}");
        assert!(slow > fast && (slow - fast) * 10_000 < fast, "{policy}: {slow} {fast}");
    }
}

#[test]
fn sizes_are_rounded_up_to_sets_and_measured() {
    let plan = plan("1/1s");
    for (slots, held) in [(1, 8), (8, 8), (9, 16), (1_000, 1_000), (1_001, 1_008)] {
        let table = KeyedTable::new(plan, slots).unwrap();
        assert_eq!((table.slots(), table.memory()), (held, held * 8));
    }
    for (bytes, held) in [(64, 8), (127, 8), (128, 16), (1_000_000, 125_000)] {
        assert_eq!(KeyedTable::with_memory(plan, bytes).unwrap().slots(), held);
    }
    let counted = allocation_counter::measure(|| {
        let table = KeyedTable::new(plan, 1_000_000).unwrap();
        assert_eq!(table.memory(), 8_000_000);
    });
    assert_eq!(
        (counted.count_total, counted.bytes_total),
        (1, 8_000_000),
        "8 bytes for each slot, and no more"
    );
}

#[test]
fn no_decision_allocates() {
    let table = KeyedTable::new(plan("50/1m, 1500/1h"), 1_024).unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let counted = allocation_counter::measure(|| {
        for step in 0..20_000 {
            let (now, key) = (Nanos::from_nanos(step * 1_000_000), rng.u64(..));
            let _ = table.try_acquire_at(now, key, rng.u32(0..30));
            let _ = table.peek_at(now, key, 1);
            let _ = table.status_at(now, key);
        }
        let _ = table.usage_at(Nanos::ZERO);
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn every_error_says_what_would_do() {
    let fine = Plan::new("10000000/1m".parse().unwrap()).unwrap();
    let error = KeyedTable::new(fine, 8).unwrap_err();
    let KeyedError::TooFine { interval, least } = error else { panic!("{error}") };
    assert_eq!((interval, least), (fine.interval(), Duration::from_micros(200)));
    assert_eq!(
        error.to_string(),
        format!(
            "the plan gives back one permit per {interval:?}, and the slots of this table need at least 200µs per \
             permit to last a year; build the table from the fastest of its plans, and if that is refused as \
             well, give such a caller a limiter of its own"
        )
    );
    // Slow, not fast: a burst that comes back in 583 years. A year more is all that 64 bits of nanoseconds hold.
    let year = Duration::from_secs(365 * 86_400);
    let policy = Policy::new(&[Quota::new(4, (Duration::from_nanos(u64::MAX) - year) / 4)]).unwrap();
    let long = Plan::with_burst(policy, 4).unwrap();
    let error = KeyedTable::new(long, 8).unwrap_err();
    let interval = long.interval();
    assert_eq!(error, KeyedError::TooLong { interval, burst: 4 });
    assert_eq!(
        error.to_string(),
        format!(
            "a burst of 4 that gives back one permit per {interval:?} takes longer to come back than the slots of this \
             table can hold; choose a smaller burst, or give such callers a table or a limiter of their own"
        )
    );
    assert!(KeyedTable::new(Plan::with_burst(policy, 3).unwrap(), 8).is_ok(), "a smaller burst does");
    assert_eq!(
        KeyedTable::new(plan("1/1s"), 0).unwrap_err().to_string(),
        "a keyed table has at least one slot; none was asked for"
    );
    assert_eq!(KeyedTable::with_memory(plan("1/1s"), 63).unwrap_err(), KeyedError::Empty);
    let slots = usize::MAX;
    let error = KeyedTable::new(plan("1/1s"), slots).unwrap_err();
    assert_eq!(error, KeyedError::TooLarge { slots });
    assert!(error.to_string().contains("that much memory cannot be had"), "{error}");
    let inner = BuildError::BurstOutOfRange { burst: 0, max: 1 };
    assert_eq!(KeyedError::from(inner).to_string(), inner.to_string());
    // The finest plan that a table keeps.
    assert!(KeyedTable::new(plan("4900/1s"), 8).is_ok());
}

#[test]
fn prefixes_of_addresses() {
    let of = |prefix: Prefix, text: &str| prefix.of(text.parse().unwrap()).to_string();
    for (v4, v6, address, key) in [
        (32, 64, "192.0.2.77", "192.0.2.77"),
        (24, 64, "192.0.2.77", "192.0.2.0"),
        (0, 64, "192.0.2.77", "0.0.0.0"),
        (200, 64, "192.0.2.77", "192.0.2.77"),
        (24, 64, "::ffff:192.0.2.77", "192.0.2.0"),
        (32, 64, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        (32, 56, "2001:db8:1:2ff:3:4:5:6", "2001:db8:1:200::"),
        (32, 48, "2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        (32, 128, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        (32, 255, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        (32, 0, "2001:db8:1:2:3:4:5:6", "::"),
        // Not mapped: the deprecated compatible form is IPv6.
        (32, 64, "::192.0.2.77", "::"),
    ] {
        assert_eq!(of(Prefix::new(v4, v6), address), key, "{v4} {v6} {address}");
    }
    assert_eq!(Prefix::default(), Prefix::new(32, 64));
}
