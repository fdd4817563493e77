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
        let own = &plans[which].1;
        assert_eq!(told(table.peek_with(at, KEY, n, own)), exact[which].peek(at, n));
        assert_eq!(u128::from(table.status_with(at, KEY, own).remaining()), exact[which].remaining(at));
        let answer = told(table.try_acquire_with(at, KEY, n, own));
        assert_eq!(answer, exact[which].take(at, n));
        granted += usize::from(answer.is_ok());
    }
    assert!((5_000..95_000).contains(&granted), "{granted}");
}

/// One slot, asked with three plans: each answers for itself, and nothing is changed.
#[test]
fn what_is_left_depends_on_the_plan_of_the_call() {
    let table = KeyedTable::new(plan("600/1m"), 8).unwrap();
    let [default, slow, fast] = ["600/1m", "2/1m", "600/1m"].map(plan).map(|plan| table.fit(&plan).unwrap());
    let at = Nanos::from_secs(1);
    table.try_acquire_with(at, KEY, 1, &slow).unwrap();
    // A burst of 1: the next permit comes back when the bucket is full again.
    let status = table.status_with(at, KEY, &slow);
    assert_eq!((status.remaining(), status.next_at()), (0, status.quotas()[0].reset_at));
    let denied = table.peek_with(at, KEY, 1, &slow).unwrap_err();
    assert_eq!((denied.retry_at(), denied.burst()), (Some(status.next_at()), 1));
    let earlier = Nanos::from_nanos(status.next_at().as_nanos() - 1);
    assert!(table.peek_with(earlier, KEY, 1, &slow).is_err());
    assert_eq!(table.peek_with(status.next_at(), KEY, 1, &slow), Ok(()));
    assert_eq!(table.peek_with(at, KEY, 2, &slow).unwrap_err().retry_at(), None, "above its burst");
    assert_eq!(table.peek_with(at, KEY, 0, &slow), Ok(()));
    // The same debt is many permits of the fast plan.
    for hash in [KEY, !KEY] {
        for n in [0, 1, 12, 13, 14, u32::MAX] {
            assert_eq!(table.peek_with(at, hash, n, &fast), table.peek_at(at, hash, n), "{n}");
        }
        assert_eq!(table.status_with(at, hash, &default), table.status_at(at, hash));
    }
    assert_eq!(table.status_with(at, KEY, &slow), status, "nothing was changed");
    assert_eq!(table.status_with(at, !KEY, &slow).remaining(), 1);
    assert_eq!(table.status_with(at, !KEY, &fast).remaining(), fast.burst());
    assert_eq!(table.usage_at(at).in_debt, 1);
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
    assert!(error.to_string().ends_with("give such callers a table or a limiter of their own"), "{error}");
    // What the message says would do does.
    assert!(KeyedTable::new(long, 8).is_ok());
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
            assert_eq!(told(tables[1].peek_with(now, KEY, n, &fitted[0])), exact.peek(now, n));
            let status = tables[1].status_with(now, KEY, &fitted[0]);
            assert_eq!(u128::from(status.remaining()), exact.remaining(now));
            assert_eq!(told(tables[1].try_acquire_with(now, KEY, n, &fitted[0])), exact.take(now, n));
        }
    }
    // The fast plan is slower on the coarse grid, as far as it can be kept there.
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
    assert_eq!(told(tables[1].peek_with(Nanos::ZERO, key, 1, &long)), Err(None));
    assert_eq!(told(tables[1].peek_with(Nanos::ZERO, key, 0, &long)), Ok(()));
    let status = tables[1].status_with(Nanos::ZERO, key, &long);
    assert_eq!(
        (status.remaining(), status.next_at(), status.quotas()[0].reset_at),
        (0, Nanos::MAX, Nanos::MAX)
    );
    assert!(tables[1].try_acquire_at(Nanos::ZERO, key, fine.burst()).is_ok());
}
