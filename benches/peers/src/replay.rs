//! Whether a limiter keeps the rule: the most permits that it let through in any window, when it is called in the ways that
//! show the usual mistakes.

use std::time::{Duration, Instant};

use tollgate::Policy;

use crate::contender::{Build, Limiter};

/// The most permits in any window of each quota, in virtual time. Every schedule starts on a fresh limiter.
pub fn worst_counts(build: Build, policy: &Policy) -> Vec<usize> {
    let mut worst = vec![0; policy.quotas().len()];
    for schedule in schedules(policy) {
        let limiter = build(policy);
        let granted = replay(&*limiter, &schedule);
        for (worst, quota) in worst.iter_mut().zip(policy.quotas()) {
            *worst = most_within(&granted, nanos(quota.window())).max(*worst);
        }
    }
    worst
}

/// The most permits in any window of `window` when calls come as fast as they can for three windows, in real time.
pub fn worst_count_live(limiter: &dyn Limiter, window: Duration) -> usize {
    let began = Instant::now();
    let mut granted = Vec::new();
    // One permit starts the window of those who count from the first call; the rest come at its end.
    let _ = limiter.decide().then(|| granted.push(0));
    std::thread::sleep(window * 19 / 20);
    while began.elapsed() < window * 3 {
        let now = nanos(began.elapsed());
        if limiter.decide() {
            granted.push(now);
        }
        std::thread::yield_now();
    }
    most_within(&granted, nanos(window))
}

/// A call is repeated until it is refused, or so often.
const AT_ONCE: usize = 4_000;

fn replay(limiter: &dyn Limiter, instants: &[u64]) -> Vec<u64> {
    let mut granted = Vec::new();
    for &now in instants {
        limiter.set(now);
        granted.extend((0..AT_ONCE).map_while(|_| limiter.decide().then_some(now)));
    }
    granted
}

/// Instants, in nanoseconds, at each of which everything there is to be had is taken.
fn schedules(policy: &Policy) -> Vec<Vec<u64>> {
    const SECOND: u64 = 1_000_000_000;
    const HOURS: u64 = 4 * 3600 * SECOND;
    let mut schedules = Vec::new();
    let start = 7_200 * SECOND;
    // A greedy client that asks four times a second, for hours.
    schedules.push((0..HOURS / (SECOND / 4)).map(|i| start + i * SECOND / 4).collect());
    for quota in policy.quotas() {
        let window = nanos(quota.window());
        // A burst at the end of a window counted from the origin, and then greed.
        let greedy = (0..HOURS / SECOND).map(|i| start + window - SECOND / 2 + i * SECOND);
        schedules.push(greedy.collect());
        // Burst, wait, burst.
        for wait in [window / 2, window - 1, window, window + 1] {
            schedules.push((0..40).map(|i| start + i * wait).collect());
        }
        // All in the last instant of one window and the first of the next.
        let edges = (1..40).flat_map(|i| [start + i * window - 1, start + i * window]);
        schedules.push(edges.collect());
    }
    schedules
}

/// Half-open windows: a permit at `s` counts at `t` while `t - s < window`.
fn most_within(granted: &[u64], window: u64) -> usize {
    let (mut first, mut most) = (0, 0);
    for (last, &now) in granted.iter().enumerate() {
        while now - granted[first] >= window {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

#[expect(clippy::cast_possible_truncation, reason = "hours")]
fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
