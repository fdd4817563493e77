//! What does a clock cost, and what does a limiter cost together with its clock? The parts are measured, too, because
//! the speed targets are stated in them.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion};
use parking_lot::Mutex;
use tollgate::{Algorithm, Clock, DefaultClock, Manual, Monotonic, Policy, Quanta, Quota, RateLimiter};

use crate::subject::{log, strict};

/// Never exhausted within a benchmark in real time: the burst alone is 80 million.
fn roomy() -> Policy {
    Policy::new(&[Quota::per_minute(2_000_000_000), Quota::per_hour(4_000_000_000)]).expect("a policy")
}

/// Refills faster than calls can be made, in a ring of the size of 50 a minute and 1500 an hour's.
fn rapid() -> Policy {
    let quotas = [(64, 400), (2_000, 10_000)];
    Policy::new(&quotas.map(|(limit, nanos)| Quota::new(limit, Duration::from_nanos(nanos))))
        .expect("a policy")
}

/// Takes a day to give back a permit.
fn slow() -> Policy {
    Policy::new(&[Quota::per_day(1), Quota::new(30, Duration::from_secs(40 * 86_400))]).expect("a policy")
}

pub(crate) fn bench(c: &mut Criterion) {
    let mut group = c.benchmark_group("clocks");
    parts(&mut group);
    each(&mut group, "Manual", &Manual::new());
    each(&mut group, "DefaultClock", &DefaultClock::new());
    each(&mut group, "Quanta", &Quanta::new());
    each(&mut group, "Monotonic", &Monotonic::new());
}

fn parts(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.bench_function("reading/Instant", |bencher| bencher.iter(Instant::now));
    let word = AtomicU64::new(0);
    group.bench_function("one load", |bencher| bencher.iter(|| black_box(&word).load(Relaxed)));
    group.bench_function("one CAS", |bencher| {
        let mut old = word.load(Relaxed);
        bencher.iter(|| {
            let swapped = black_box(&word).compare_exchange(old, old + 1, Relaxed, Relaxed);
            old += 1;
            assert!(swapped.is_ok());
        });
    });
    let lock = Mutex::new(0_u64);
    group.bench_function("one parking_lot lock", |bencher| bencher.iter(|| *black_box(&lock).lock() += 1));
}

fn each<C: Clock + Clone>(group: &mut BenchmarkGroup<'_, WallTime>, clock_name: &str, clock: &C) {
    group.bench_function(BenchmarkId::new("reading", clock_name), |bencher| bencher.iter(|| clock.now()));
    let word = AtomicU64::new(0);
    group.bench_function(BenchmarkId::new("reading and a CAS", clock_name), |bencher| {
        bencher.iter(|| {
            let (old, now) = (word.load(Relaxed), clock.now().as_nanos());
            assert!(black_box(&word).compare_exchange(old, now, Relaxed, Relaxed).is_ok());
        });
    });
    group.bench_function(BenchmarkId::new("reading and a load", clock_name), |bencher| {
        bencher.iter(|| clock.now().as_nanos() > black_box(&word).load(Relaxed));
    });
    let strict_roomy = || RateLimiter::new(strict(&roomy()), clock.clone());
    limiter(group, &format!("strict/grant/{clock_name}"), strict_roomy, true);
    // A log has room for so many grants only where time passes.
    if clock.now() != clock.now() {
        let log_rapid = || RateLimiter::new(log(&rapid()), clock.clone());
        limiter(group, &format!("log/grant/{clock_name}"), log_rapid, true);
    }
    let strict_slow = || RateLimiter::new(strict(&slow()), clock.clone());
    limiter(group, &format!("strict/refusal/{clock_name}"), strict_slow, false);
    let log_slow = || RateLimiter::new(log(&slow()), clock.clone());
    limiter(group, &format!("log/refusal/{clock_name}"), log_slow, false);
}

fn limiter<A: Algorithm, C: Clock>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    build: impl Fn() -> RateLimiter<A, C>,
    grants: bool,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|calls| {
            let limiter = build();
            for _ in 0..64 {
                let _ = limiter.try_acquire();
            }
            let mut as_expected = 0;
            let began = Instant::now();
            for _ in 0..calls {
                let answer = limiter.try_acquire();
                black_box(&answer);
                as_expected += u64::from(answer.is_ok() == grants);
            }
            let took = began.elapsed();
            assert_eq!(as_expected, calls, "decisions that were not the expected one");
            took
        });
    });
}
