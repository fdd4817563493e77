//! Does the cost depend on the limit? Each log has been filled once, so every page of its ring was touched. The largest
//! logs are larger than the caches.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion};
use tollgate::{Policy, Quota};

use crate::subject::{each_subject, exhaust, warm};
use crate::timing::{decisions, granted, refused};

const MINUTE: u64 = 60_000_000_000;

/// `limit` an hour and a thirtieth of it a minute: the proportions of 50 a minute and 1500 an hour. The larger
/// limit is what counts for a log, so it is the one that is named.
fn policy(limit: u32) -> Policy {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let small = (limit / 30).max(10);
    Policy::new(&[Quota::new(small, minute), Quota::new(limit, hour)]).expect("a policy")
}

pub(crate) fn bench(c: &mut Criterion) {
    for (title, grants) in [("limit, grant", true), ("limit, refusal", false)] {
        let mut group = c.benchmark_group(title);
        for limit in [50, 1_500, 50_000, 1_000_000] {
            let policy = policy(limit);
            // Slower than every algorithm: the window counter of 10 a minute and 50 an hour regains one per 88 s.
            let pace = 75 * MINUTE / u64::from(limit);
            each_subject!(|name, build| group.bench_function(BenchmarkId::new(name, limit), |bencher| {
                let ready = || {
                    let limiter = build(&policy);
                    let now = if grants { warm(&limiter, pace) } else { exhaust(&limiter, pace) };
                    (limiter, now)
                };
                if grants {
                    decisions(bencher, ready, (1, pace), granted);
                } else {
                    decisions(bencher, ready, (1, 0), refused);
                }
            }));
        }
    }
}
