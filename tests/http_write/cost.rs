//! What a response allocates: its own values, each once.

use std::hint::black_box;

use http::HeaderMap;
use tollgate::http::{Family, Fields};
use tollgate::{Algorithm, Nanos, Policy, SlidingLog, TokenBucket};

/// Allocations of `work`.
fn counted(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn a_response_allocates_its_values_alone() {
    assert_eq!(counted(|| drop(black_box(Box::new(1)))), 1, "the counter counts");
    let policy: Policy = "burst=50/1m, 1500/1h, 9000/1d".parse().unwrap();
    let (log, bucket) = (SlidingLog::new(policy).unwrap(), TokenBucket::strict(policy).unwrap());
    for limiter in [&log as &dyn Algorithm, &bucket] {
        let burst = limiter.peek_at(Nanos::ZERO, u32::MAX).unwrap_err().burst();
        limiter.try_acquire_at(Nanos::ZERO, burst).unwrap();
        let status = limiter.status_at(Nanos::ZERO);
        let denied = limiter.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
        let plain = Fields::of(limiter);
        let families = [
            (plain.clone().family(Family::Draft11), 1),
            (plain.clone().family(Family::Draft7), 1),
            (plain.clone().family(Family::XRateLimit), 3),
            (plain.clone().and(Family::XRateLimit), 4),
        ];
        for (fields, values) in families {
            let mut headers = HeaderMap::new();
            // The map gets its room, and the shared values their count of owners.
            fields.refusal(&denied, &status, 1).write(&mut headers);
            for n in 0..3 {
                assert_eq!(counted(|| fields.write(&mut headers, &status)), values, "{fields:?} {n}");
                let refusal = fields.refusal(&denied, &status, 1);
                assert_eq!(counted(|| refusal.write(&mut headers)), values + 1, "with a Retry-After");
                assert_eq!(counted(|| fields.write_for(b"0123456789abcdef", &mut headers, &status)), values);
            }
            let refusal = fields.refusal(&denied, &status, 1);
            let mut body = String::with_capacity(1000);
            let written = counted(|| {
                std::fmt::Write::write_fmt(&mut body, format_args!("{}", refusal.problem())).unwrap();
            });
            assert_eq!((written, body), (0, refusal.problem().to_string()));
        }
    }
}
