//! What does a refusal cost, by the number of quotas?

use criterion::{BenchmarkId, Criterion};

use crate::subject::{PACE, each_subject, exhaust, quotas};
use crate::timing::{decisions, refused};

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("refusal");
    for count in [1, 2, 4, 8] {
        let policy = quotas(count);
        each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, count), |bencher| {
            let ready = || {
                let limiter = build(&policy);
                let now = exhaust(&limiter, PACE);
                (limiter, now)
            };
            decisions(bencher, ready, (1, 0), refused);
        }));
    }
}
