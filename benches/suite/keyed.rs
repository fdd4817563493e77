//! What does a decision on one of many keys cost, by how many there are and whether they are known?

use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use tollgate::keyed::KeyedTable;
use tollgate::{Nanos, Plan, Policy};

/// At this pace every call of a thousand keys is granted, whichever of them it is.
const PACE: u64 = 400_000_000;

fn table(slots: usize) -> KeyedTable {
    let plan = Plan::new(Policy::MICROSOFT_365_DEFENDER).expect("a plan");
    KeyedTable::new(plan, slots).expect("a table")
}

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("keyed");
    for keys in [1, 1_000, 1_000_000_u64] {
        let table = table(usize::try_from(2 * keys).expect("a size"));
        let mut now = 1_000_000_000;
        let mut rng = fastrand::Rng::with_seed(1);
        let sequence: Vec<u64> = (0..1_u64 << 20).map(|_| rng.u64(0..keys)).collect();
        // A hash by multiplication, so that it is the table that is measured.
        let hash = |key: u64| (key + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(20) ^ key;
        let pace = PACE.max(3_000_000_000 / keys);
        let mut next = 0;
        group.bench_function(BenchmarkId::new("grant", keys), |bencher| {
            bencher.iter_custom(|calls| {
                let mut granted = 0;
                let began = Instant::now();
                for _ in 0..calls {
                    now += pace;
                    next = (next + 1) % sequence.len();
                    let answer = table.try_acquire_at(Nanos::from_nanos(now), hash(sequence[next]), 1);
                    black_box(&answer);
                    granted += u64::from(answer.is_ok());
                }
                let took = began.elapsed();
                assert_eq!(granted, calls, "decisions that were not the expected one");
                took
            });
        });
    }
    let refusing = table(16);
    while refusing.try_acquire_at(Nanos::ZERO, 7, 1).is_ok() {}
    group.bench_function("refusal", |bencher| {
        bencher.iter(|| assert!(refusing.try_acquire_at(Nanos::ZERO, black_box(7), 1).is_err()));
    });
    let hasher = RandomState::new();
    let mut key = 0_u64;
    group.bench_function("the default hasher alone", |bencher| {
        bencher.iter(|| {
            key += 1;
            hasher.hash_one(black_box(key))
        });
    });
    group.bench_function("usage of a million slots", |bencher| {
        let table = table(1_000_000);
        bencher.iter(|| assert_eq!(table.usage_at(Nanos::ZERO).in_debt, 0));
    });
    group.bench_function("building a million slots", |bencher| bencher.iter(|| table(1_000_000)));
}
