//! A limiter of your own beside those of tollgate: the same traffic, the same table.
//!
//! ```sh
//! cargo run --release -p tollgate-lab --example own_strategy
//! ```

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use tollgate::{Algorithm, Denied, Nanos, Policy, Quota, QuotaStatus, Status};
use tollgate_lab::{Answer, Comparison, Traffic, Workload};

/// No bursts at all: two calls are never closer together than the slowest quota's window divided by its limit.
#[derive(Debug)]
struct Spaced {
    policy: Policy,
    /// Which quota is the slowest.
    slowest: usize,
    /// In nanoseconds.
    interval: u64,
    /// The first instant at which a call is granted. It only grows.
    next: AtomicU64,
}

impl Spaced {
    /// Spaces the calls so that every quota is kept.
    fn new(policy: &Policy) -> Spaced {
        let interval = |quota: &Quota| {
            let window = quota.window().saturating_add(policy.guard()).as_nanos();
            // Rounded up: a shorter interval would let one call too many into the window.
            u64::try_from(window.div_ceil(quota.limit().into())).unwrap_or(u64::MAX)
        };
        let intervals = policy.quotas().iter().map(interval).enumerate();
        let (slowest, interval) = intervals.max_by_key(|&(_, interval)| interval).unwrap_or((0, u64::MAX));
        Spaced { policy: *policy, slowest, interval, next: AtomicU64::new(0) }
    }

    /// The instant from which the next call is refused, if this one is granted at `now`.
    fn decide(&self, next: u64, now: Nanos, n: u32) -> Result<u64, Denied> {
        match n {
            0 => Ok(next),
            1 if next <= now.as_nanos() => Ok(now.as_nanos().saturating_add(self.interval)),
            1 => Err(Denied::new(now, self.slowest, Some(Nanos::from_nanos(next)), 1)),
            _ => Err(Denied::new(now, self.slowest, None, 1)),
        }
    }
}

impl Algorithm for Spaced {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        // Relaxed: the one word is all there is, and a compare-exchange always sees its newest value.
        let mut next = self.next.load(Ordering::Relaxed);
        loop {
            let new = self.decide(next, now, n)?;
            match self.next.compare_exchange_weak(next, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(newer) => next = newer,
            }
        }
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.decide(self.next.load(Ordering::Relaxed), now, n).map(drop)
    }

    fn status_at(&self, now: Nanos) -> Status {
        let next = Nanos::from_nanos(self.next.load(Ordering::Relaxed));
        let next_at = next.max(now);
        let quota = QuotaStatus { remaining: u32::from(next <= now), next_at, reset_at: next_at };
        Status::new(now, self.policy.quotas().iter().map(|_| quota))
    }
}

/// Every built-in strategy, and the one above.
///
/// # Errors
///
/// If the policy is not understood.
pub(crate) fn compare(calls: u64) -> Result<Comparison, Box<dyn std::error::Error>> {
    let traffic = Traffic::new("bursty", &Workload::Bursty.events(1, calls), false);
    let policy: Policy = "50/1m, 1500/1h".parse()?;
    // It promises to keep every limit on any traffic, so the advice may name it.
    Ok(Comparison::of(traffic, &[policy]).with_strict("spaced", |policy| Ok(Spaced::new(&policy))))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let comparison = compare(50_000)?;
    comparison.table(&mut io::stdout().lock())?;
    // The same as values; `comparison.json()` and `comparison.html()` are for programs and browsers.
    for (row, figures) in comparison.reports[0].figures() {
        println!("{:<24} kept {} of {} promises", row.name, figures.retry.kept, figures.retry.promised);
    }
    Ok(())
}
