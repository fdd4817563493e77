//! The limiters that are measured, and the policies they keep.

use std::time::Duration;

use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, SlidingWindowCounter};
use tollgate::{Algorithm, Nanos, Policy, Quota, SlidingLog, TokenBucket, WindowCounter};

/// Does `$work` with the constructor of every algorithm and every locked reference, each of its own type, so that
/// what can be inlined is.
macro_rules! each_subject {
    (|$name:ident, $build:ident| $work:expr) => {{
        use $crate::subject as s;
        each_subject!(@ $name, $build, $work;
            "strict" s::strict, "window counter" s::counter, "nominal" s::nominal, "log" s::log,
            "locked log" s::locked_log, "locked buckets" s::locked_buckets,
            "locked fixed window" s::locked_fixed_window,
            "locked sliding counter" s::locked_sliding_counter);
    }};
    (@ $name:ident, $build:ident, $work:expr; $($text:literal $path:path),*) => {
        $({
            let ($name, $build) = ($text, $path);
            $work;
        })*
    };
}
pub(crate) use each_subject;

pub(crate) fn strict(policy: &Policy) -> TokenBucket {
    TokenBucket::strict(*policy).expect("a strict bucket")
}

pub(crate) fn counter(policy: &Policy) -> WindowCounter {
    WindowCounter::new(*policy).expect("a window counter")
}

pub(crate) fn nominal(policy: &Policy) -> TokenBucket {
    TokenBucket::nominal(*policy).expect("a nominal bucket")
}

pub(crate) fn log(policy: &Policy) -> SlidingLog {
    SlidingLog::new(*policy).expect("a log")
}

pub(crate) fn locked_log(policy: &Policy) -> Locked<LogMachine> {
    Locked::new(LogMachine::new(*policy))
}

pub(crate) fn locked_buckets(policy: &Policy) -> Locked<BucketMachine> {
    Locked::new(BucketMachine::new(*policy))
}

pub(crate) fn locked_fixed_window(policy: &Policy) -> Locked<FixedWindow> {
    Locked::new(FixedWindow::new(*policy))
}

pub(crate) fn locked_sliding_counter(policy: &Policy) -> Locked<SlidingWindowCounter> {
    Locked::new(SlidingWindowCounter::new(*policy))
}

/// The first `count` of eight quotas, the first two of which are 50 a minute and 1500 an hour.
pub(crate) fn quotas(count: usize) -> Policy {
    const HOUR: u64 = 3600;
    let all = [(50, 60), (1_500, HOUR), (2_900, 2 * HOUR), (5_600, 4 * HOUR), (10_800, 8 * HOUR)];
    let more = [(20_800, 16 * HOUR), (40_000, 32 * HOUR), (76_800, 64 * HOUR)];
    let quota = |&(limit, secs): &(u32, u64)| Quota::new(limit, Duration::from_secs(secs));
    let quotas: Vec<_> = all.iter().chain(&more).map(quota).collect();
    Policy::new(&quotas[..count]).expect("a policy")
}

/// Slower than the rate of every policy of [`quotas`], in nanoseconds: at this pace every call is granted.
pub(crate) const PACE: u64 = 3_100_000_000;

/// Takes permits at `pace` until every log has been round its ring: the instant of the last.
pub(crate) fn warm(limiter: &impl Algorithm, pace: u64) -> u64 {
    let largest = limiter.policy().quotas().iter().map(Quota::limit).max().unwrap_or(0);
    let lap = u64::from(largest).next_power_of_two() + 1;
    let mut now = 1_000_000_000;
    for _ in 0..lap.max(4_096) {
        now += pace;
        assert!(limiter.try_acquire_at(Nanos::from_nanos(now), 1).is_ok());
    }
    now
}

/// As [`warm`], and then takes permits at one instant until one is refused there.
pub(crate) fn exhaust(limiter: &impl Algorithm, pace: u64) -> u64 {
    let now = warm(limiter, pace);
    while limiter.try_acquire_at(Nanos::from_nanos(now), 1).is_ok() {}
    now
}
