//! The timed loop, the same for every limiter.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Bencher;
use criterion::measurement::WallTime;
use tollgate::{Algorithm, Denied, Nanos};

/// A limiter, ready to be timed, and the instant of its last call.
pub(crate) type Ready<A> = (A, u64);

/// The calls to one limiter: 50 permits at a time last four years, and the nominal bucket's word eight.
const LIFETIME: u64 = 1 << 20;

/// Times calls for `n` permits, `now` moved on by `step` before each, and checks that `expected` holds for all.
pub(crate) fn decisions<A: Algorithm>(
    bencher: &mut Bencher<'_, WallTime>,
    ready: impl Fn() -> Ready<A>,
    (n, step): (u32, u64),
    expected: impl Fn(&Result<(), Denied>) -> bool,
) {
    bencher.iter_custom(|calls| {
        let mut took = Duration::ZERO;
        let mut left = calls;
        while left > 0 {
            let some = left.min(LIFETIME);
            left -= some;
            let (limiter, mut now) = ready();
            let (limiter, n) = (black_box(&limiter), black_box(n));
            let mut as_expected = 0;
            let began = Instant::now();
            for _ in 0..some {
                now += step;
                let answer = limiter.try_acquire_at(Nanos::from_nanos(now), n);
                black_box(&answer); // By reference: a copy of what was just written in parts would stall.
                as_expected += u64::from(expected(&answer));
            }
            took += began.elapsed();
            assert_eq!(as_expected, some, "decisions that were not the expected one");
        }
        took
    });
}

pub(crate) fn granted(answer: &Result<(), Denied>) -> bool {
    answer.is_ok()
}

pub(crate) fn refused(answer: &Result<(), Denied>) -> bool {
    answer.is_err()
}
