//! The hot decisions, one function each, so that callgrind can count one and nothing else: see `check`.
//!
//! `instructions NAME` brings a limiter to its state and makes `CALLS` decisions by the function of that name.

use std::hint::black_box;

use tollgate::{Algorithm, Nanos, Policy, SlidingLog, TokenBucket, WindowCounter};

const CALLS: u64 = 1_000;
/// Slower than 1500 an hour: every call is granted.
const PACE: u64 = 2_500_000_000;

/// Defines a function that only calls `$decide`. The number keeps the linker from folding two equal bodies into one,
/// which callgrind would then not find; it costs the same in each, and in `empty`, which is subtracted.
macro_rules! counted {
    ($($name:ident($limiter:ty, $number:literal);)*) => {$(
        #[inline(never)]
        fn $name(limiter: &$limiter, now: u64, n: u32) -> bool {
            black_box($number);
            limiter.try_acquire_at(Nanos::from_nanos(now), n).is_ok()
        }
    )*};
}

counted! {
    strict_grant(TokenBucket, 1);
    strict_refusal(TokenBucket, 2);
    nominal_grant(TokenBucket, 3);
    nominal_refusal(TokenBucket, 4);
    log_grant(SlidingLog, 5);
    log_grant_of_8(SlidingLog, 6);
    log_refusal(SlidingLog, 7);
    announced_grant(TokenBucket, 8);
    announced_refusal(TokenBucket, 9);
    counter_grant(WindowCounter, 11);
    counter_refusal(WindowCounter, 12);
}

#[inline(never)]
fn empty(_limiter: &TokenBucket, now: u64, n: u32) -> bool {
    black_box(10);
    black_box(now) > 0 && n > 0
}

/// As many grants at [`PACE`] as bring a log round its ring; then, for refusals, until the first.
fn prepared<A: Algorithm>(limiter: A, refuses: bool) -> (A, u64) {
    let mut now = 1_000_000_000;
    for _ in 0..5_000 {
        now += PACE;
        assert!(limiter.try_acquire_at(Nanos::from_nanos(now), 1).is_ok());
    }
    while refuses && limiter.try_acquire_at(Nanos::from_nanos(now), 1).is_ok() {}
    (limiter, now)
}

fn run<A: Algorithm>(limiter: A, decide: fn(&A, u64, u32) -> bool, n: u32, refuses: bool) {
    let (limiter, mut now) = prepared(limiter, refuses);
    let step = if refuses { 0 } else { PACE * u64::from(n) };
    for _ in 0..CALLS {
        now += step;
        assert_eq!(decide(black_box(&limiter), now, black_box(n)), !refuses, "not the expected decision");
    }
}

fn main() {
    let name = std::env::args().nth(1).unwrap_or_default();
    let two = Policy::MICROSOFT_365_DEFENDER;
    let three: Policy = "50/1m, 1500/1h, 36000/1d".parse().expect("a policy");
    let strict = || TokenBucket::strict(two).expect("a strict bucket");
    let nominal = |policy| TokenBucket::nominal(policy).expect("a nominal bucket");
    let counter = || WindowCounter::new(two).expect("a window counter");
    let log = || SlidingLog::new(two).expect("a log");
    match name.as_str() {
        "empty" => run(strict(), empty, 1, false),
        "strict_grant" => run(strict(), strict_grant, 1, false),
        "strict_refusal" => run(strict(), strict_refusal, 1, true),
        "nominal_grant" => run(nominal(two), nominal_grant, 1, false),
        "nominal_refusal" => run(nominal(two), nominal_refusal, 1, true),
        "log_grant" => run(log(), log_grant, 1, false),
        "log_grant_of_8" => run(log(), log_grant_of_8, 8, false),
        "log_refusal" => run(log(), log_refusal, 1, true),
        "counter_grant" => run(counter(), counter_grant, 1, false),
        "counter_refusal" => run(counter(), counter_refusal, 1, true),
        "announced_grant" => run(nominal(three), announced_grant, 1, false),
        "announced_refusal" => run(nominal(three), announced_refusal, 1, true),
        _ => panic!("no such decision: {name}"),
    }
}
