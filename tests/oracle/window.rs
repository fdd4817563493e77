//! Counting by brute force.

/// The most permits in any half-open window of `window` nanoseconds: one that starts at each grant is looked at.
pub fn busiest(grants: &[(u64, u32)], window: u64) -> u64 {
    let from = |start: u64| {
        let inside = |&&(at, _): &&(u64, u32)| at >= start && at - start < window;
        grants.iter().filter(inside).map(|&(_, n)| u64::from(n)).sum()
    };
    grants.iter().map(|&(start, _)| from(start)).max().unwrap_or(0)
}

/// The same grants at the instants at which they really took place, if each `now` was read late or early but
/// time itself never ran back: the newest `now` of any grant so far.
pub fn effective(grants: &[(u64, u32)]) -> Vec<(u64, u32)> {
    let mut newest = 0;
    let mut seen = Vec::new();
    for &(now, n) in grants {
        newest = newest.max(now);
        seen.push((newest, n));
    }
    seen
}
