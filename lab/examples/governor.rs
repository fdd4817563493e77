//! Another crate's limiter beside those of tollgate: governor, one limiter for each quota, asked one after the other.
//!
//! It shows what such a chain costs: a call that the hour's limiter refuses has already taken a permit of the minute's
//! limiter, and a bucket lets almost twice the limit through in one window.
//!
//! ```sh
//! cargo run --release -p tollgate-lab --example governor
//! ```

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use tollgate::{Algorithm, Denied, Nanos, Policy, QuotaStatus, Status};
use tollgate_lab::{Answer, Comparison, Traffic, Workload};

/// A clock that shows what it is told. The lab replays in virtual time, so the limiter must not look at a real clock.
#[derive(Clone, Debug, Default)]
struct Hand(Arc<AtomicU64>);

impl Clock for Hand {
    type Instant = governor::nanos::Nanos;

    fn now(&self) -> Self::Instant {
        self.0.load(Ordering::Relaxed).into()
    }
}

type Governor = governor::RateLimiter<NotKeyed, InMemoryState, Hand, NoOpMiddleware<governor::nanos::Nanos>>;

/// One limiter of governor for each quota.
#[derive(Debug)]
struct Chain {
    policy: Policy,
    hand: Hand,
    links: Vec<Governor>,
}

impl Chain {
    /// A bucket of the limit for each quota, which regains one permit per window divided by the limit.
    fn new(policy: &Policy) -> Chain {
        let hand = Hand::default();
        let links = policy.quotas().iter().filter_map(|quota| {
            // Both are above zero in every policy, but for a window of fewer nanoseconds than permits.
            let limit = NonZeroU32::new(quota.limit())?;
            let bucket = governor::Quota::with_period(quota.window() / limit.get())?.allow_burst(limit);
            Some(Governor::direct_with_clock(bucket, hand.clone()))
        });
        Chain { policy: *policy, links: links.collect(), hand }
    }

    /// The most permits that one call can be granted.
    fn burst(&self) -> u32 {
        self.policy.quotas().iter().map(tollgate::Quota::limit).min().unwrap_or(0)
    }
}

impl Algorithm for Chain {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        let Some(permits) = NonZeroU32::new(n) else { return Ok(()) };
        if n > self.burst() {
            return Err(Denied::new(now, 0, None, self.burst()));
        }
        self.hand.0.store(now.as_nanos(), Ordering::Relaxed);
        for (quota, link) in self.links.iter().enumerate() {
            let retry = match link.check_n(permits) {
                Ok(Ok(())) => continue,
                Ok(Err(until)) => Some(Nanos::from_nanos(until.earliest_possible().into())),
                Err(_) => None,
            };
            return Err(Denied::new(now, quota, retry, self.burst()));
        }
        Ok(())
    }

    /// governor has no question that takes nothing, and the lab never asks one.
    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 { Ok(()) } else { Err(Denied::new(now, 0, None, self.burst())) }
    }

    /// As little as is sure: nothing.
    fn status_at(&self, now: Nanos) -> Status {
        Status::new(
            now,
            self.policy.quotas().iter().map(|_| QuotaStatus {
                remaining: 0,
                next_at: Nanos::MAX,
                reset_at: Nanos::MAX,
            }),
        )
    }
}

/// Every built-in strategy, and governor.
///
/// # Errors
///
/// If the policy is not understood.
pub(crate) fn compare(calls: u64) -> Result<Comparison, Box<dyn std::error::Error>> {
    let traffic = Traffic::new("bursty", &Workload::Bursty.events(1, calls), false);
    let policy: Policy = "50/1m, 1500/1h".parse()?;
    Ok(Comparison::of(traffic, &[policy]).with("governor", |policy| Ok(Chain::new(&policy))))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    compare(50_000)?.table(&mut io::stdout().lock())?;
    Ok(())
}
