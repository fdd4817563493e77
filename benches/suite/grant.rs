//! What does a grant cost, by the number of quotas?

use criterion::{BenchmarkId, Criterion};

use crate::subject::{PACE, each_subject, quotas, warm};
use crate::timing::{decisions, granted};

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("grant");
    for count in [1, 2, 4, 8] {
        let policy = quotas(count);
        each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, count), |bencher| {
            let ready = || {
                let limiter = build(&policy);
                let now = warm(&limiter, PACE);
                (limiter, now)
            };
            decisions(bencher, ready, (1, PACE), granted);
        }));
    }
}
