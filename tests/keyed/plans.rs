//! Plans that come with the call, on one table.

use tollgate::keyed::{KeyedError, KeyedTable};
use tollgate::{Nanos, Plan};

use crate::exact::{Exact, told};
use crate::table::plan;

const KEY: u64 = 0x1b47_b6f1_5c3e_90d2;

/// A key that changes its plan at every call: what it was granted keeps its price.
#[test]
fn a_change_of_plan_keeps_what_was_granted() {
    let (free, pro) = (plan("10/1m"), plan("600/1m, 10000/1h"));
    let table = KeyedTable::new(free, 8).unwrap();
    let plans = [free, pro].map(|plan| (plan, table.fit(&plan).unwrap()));
    let mut exact = plans.map(|(plan, _)| Exact::new(&plan, 4096, 16));
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut now, mut granted) = (0, 0);
    for _ in 0..100_000 {
        now += rng.u64(0..1_000_000_000);
        let which = rng.usize(0..2);
        let at = Nanos::from_nanos(now);
        let n = rng.u32(1..=plans[which].0.burst() + 1);
        // One instant is all that is kept.
        let tat = exact[0].0.tat.max(exact[1].0.tat);
        exact[which].0.tat = tat;
        let answer = told(table.try_acquire_with(at, KEY, n, &plans[which].1));
        assert_eq!(answer, exact[which].take(at, n));
        granted += usize::from(answer.is_ok());
    }
    assert!((5_000..95_000).contains(&granted), "{granted}");
}

#[test]
fn what_a_table_cannot_keep_is_refused_when_it_is_fitted() {
    let table = KeyedTable::new(plan("50/1m, 1500/1h"), 8).unwrap();
    let error = table.fit(&plan("20/1s")).unwrap_err();
    let KeyedError::TooFine { least, .. } = error else { panic!("{error}") };
    assert_eq!(least.as_nanos(), 25_000 * 4096);
    // What the message says would do does.
    let fine = KeyedTable::new(plan("20/1s"), 8).unwrap();
    assert!(fine.fit(&plan("50/1m, 1500/1h")).is_ok());

    let finest = KeyedTable::new(plan("4900/1s"), 8).unwrap();
    let long = Plan::with_burst("1000/8760h".parse().unwrap(), 500).unwrap();
    let error = finest.fit(&long).unwrap_err();
    assert_eq!(error, KeyedError::TooLong { interval: long.interval(), burst: 500 });
    assert!(error.to_string().contains("build the table from the slowest of its plans"), "{error}");
}

/// A plan that was fitted to another table is never kept less strictly.
#[test]
fn a_plan_of_another_table_is_kept_or_refused() {
    let (coarse, fine) = (plan("50/1m, 1500/1h"), plan("4900/1s"));
    let tables = [coarse, fine].map(|plan| KeyedTable::new(plan, 8).unwrap());
    let fitted = [tables[0].fit(&coarse).unwrap(), tables[1].fit(&fine).unwrap()];
    assert_eq!((fitted[0].burst(), fitted[1].burst()), (26, fine.burst()));
    // The slow plan fits the fine grid, where it is the same to one part in ten thousand.
    let mut exact = Exact::new(&coarse, 8, 12);
    for now in [0, 1_000_000_000, 2_440_677_976, 3_000_000_000, u64::MAX] {
        for n in [0, 1, 26, 27] {
            let now = Nanos::from_nanos(now);
            assert_eq!(told(tables[1].try_acquire_with(now, KEY, n, &fitted[0])), exact.take(now, n));
        }
    }
    // The fast plan is slower on the coarse grid, as far as it can be told there.
    let mut exact = Exact::new(&fine, 4096, 16);
    for n in [1, fine.burst(), 1, fine.burst() + 1] {
        assert_eq!(
            told(tables[0].try_acquire_with(Nanos::ZERO, KEY, n, &fitted[1])),
            exact.take(Nanos::ZERO, n)
        );
    }
    // A span that no word of this grid holds: refused without a retry, and nothing is touched.
    let long = Plan::with_burst("1000/8760h".parse().unwrap(), 500).unwrap();
    let table = KeyedTable::new(long, 8).unwrap();
    let long = table.fit(&long).unwrap();
    let key = !KEY;
    assert_eq!(told(tables[1].try_acquire_with(Nanos::ZERO, key, 1, &long)), Err(None));
    assert_eq!(told(tables[1].try_acquire_with(Nanos::ZERO, key, 0, &long)), Ok(()));
    assert!(tables[1].try_acquire_at(Nanos::ZERO, key, fine.burst()).is_ok());
}
