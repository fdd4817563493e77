//! Criterion's view of the report: `cargo bench --bench peers` in this package, or `-- grant` for some.

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use tollgate::Policy;
use tollgate_peers::contender::contenders;

/// Slower than 1500 an hour: every call is granted.
const PACE: u64 = 2_500_000_000;
const START: u64 = 7_200_000_000_000;

/// On the fixed clock: the real ones are in the report, where they are paired.
fn peers(c: &mut Criterion) {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    for (title, grants) in [("grant", true), ("refusal", false)] {
        let mut group = c.benchmark_group(title);
        for one in contenders() {
            let Some(build) = one.fixed else { continue };
            if one.name.ends_with("(Instant)") {
                continue; // The same on the fixed clock.
            }
            let id = BenchmarkId::new(one.name, one.told);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|calls| {
                    let limiter = build(&policy);
                    assert_eq!(limiter.run(START, PACE, 5_000), 5_000, "{}", one.name);
                    let now = START + 5_000 * PACE;
                    if !grants {
                        while limiter.decide() {}
                    }
                    let began = Instant::now();
                    let granted = limiter.run(now, if grants { PACE } else { 0 }, calls);
                    let took = began.elapsed();
                    assert_eq!(granted, if grants { calls } else { 0 }, "{}", one.name);
                    took
                });
            });
        }
    }
}

criterion_group! {
    name = suite;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = peers
}
criterion_main!(suite);
