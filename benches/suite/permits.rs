//! What does a call for n permits cost when it is granted, and when it can never be granted?

use criterion::{BenchmarkId, Criterion};
use tollgate::Policy;

use crate::subject::{PACE, each_subject, warm};
use crate::timing::{decisions, granted};

pub(crate) fn bench(c: &mut Criterion) {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let mut group = c.benchmark_group("permits");
    for n in [0, 1, 5, 25] {
        each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, n), |bencher| {
            let ready = || {
                let limiter = build(&policy);
                let now = warm(&limiter, PACE);
                (limiter, now)
            };
            decisions(bencher, ready, (n, PACE * u64::from(n)), granted);
        }));
    }
    each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, "never"), |bencher| {
        let ready = || {
            let limiter = build(&policy);
            let now = warm(&limiter, PACE);
            (limiter, now)
        };
        decisions(bencher, ready, (51, 1), |answer| answer.is_err_and(|denied| denied.retry_at().is_none()));
    }));
}
