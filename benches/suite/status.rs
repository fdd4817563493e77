//! What does it cost to ask how much is left?

use std::hint::black_box;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion};
use tollgate::{Algorithm, Nanos};

use crate::subject::{PACE, each_subject, exhaust, quotas};

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("status");
    for count in [1, 2, 4, 8] {
        let policy = quotas(count);
        each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, count), |bencher| {
            bencher.iter_custom(|calls| {
                let limiter = build(&policy);
                let now = Nanos::from_nanos(exhaust(&limiter, PACE));
                let (limiter, mut left) = (black_box(&limiter), 0);
                let began = Instant::now();
                for _ in 0..calls {
                    left += u64::from(black_box(limiter.status_at(now)).remaining());
                }
                let took = began.elapsed();
                assert_eq!(left, 0, "permits left in an exhausted limiter");
                took
            });
        }));
    }
}
