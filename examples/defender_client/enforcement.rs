//! How do servers count?
//!
//! These are three ways that are in use. They do not use the crate, so that the crate is not checked by itself. Time is
//! in nanoseconds since the server started.

use std::collections::VecDeque;
use std::time::Duration;

use tollgate::Policy;

/// What a server counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    FixedWindow,
    SlidingLog,
    TokenBucket,
}

impl Kind {
    pub(crate) const ALL: [Kind; 3] = [Kind::FixedWindow, Kind::SlidingLog, Kind::TokenBucket];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::FixedWindow => "fixed",
            Kind::SlidingLog => "log",
            Kind::TokenBucket => "bucket",
        }
    }

    /// For `--help`.
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Kind::FixedWindow => "a count for each quota, which restarts with every full window",
            Kind::SlidingLog => {
                "the instants of all calls that still count, a call counting at both ends of its window"
            }
            Kind::TokenBucket => "a bucket of the limit for each quota, refilled evenly over its window",
        }
    }

    /// A count of `policy` as written: the guard is the client's business.
    pub(crate) fn enforcement(self, policy: &Policy) -> Box<dyn Enforcement> {
        let quotas = policy.quotas().iter().map(|quota| Quota {
            limit: u64::from(quota.limit()),
            window: u64::try_from(quota.window().as_nanos()).unwrap_or(u64::MAX),
        });
        let quotas: Vec<Quota> = quotas.collect();
        match self {
            Kind::FixedWindow => {
                Box::new(FixedWindow { counts: vec![Count::default(); quotas.len()], quotas })
            }
            Kind::SlidingLog => Box::new(SlidingLog { quotas, served: VecDeque::new() }),
            Kind::TokenBucket => {
                Box::new(TokenBucket { levels: quotas.iter().map(Quota::full).collect(), quotas, filled: 0 })
            }
        }
    }
}

/// A server's count.
pub(crate) trait Enforcement: Send {
    /// Serves a call at `now`, or returns after how many nanoseconds it would. `now` never goes back. A call that is refused
    /// is not counted.
    fn serve(&mut self, now: u64) -> Result<(), u64>;
}

/// The least time in which a client that knows how the server counts can make `calls` calls.
pub(crate) fn quickest(kind: Kind, policy: &Policy, calls: u64) -> Duration {
    let mut enforcement = kind.enforcement(policy);
    let mut now = 0;
    for _ in 0..calls {
        while let Err(later) = enforcement.serve(now) {
            now += later;
        }
    }
    Duration::from_nanos(now)
}

#[derive(Clone, Copy)]
struct Quota {
    limit: u64,
    window: u64,
}

impl Quota {
    /// A full bucket, in drops. A permit costs `window` drops, and `limit` drops come back in a nanosecond. So all numbers are
    /// integers.
    fn full(&self) -> u128 {
        u128::from(self.limit) * u128::from(self.window)
    }
}

struct FixedWindow {
    quotas: Vec<Quota>,
    counts: Vec<Count>,
}

#[derive(Clone, Default)]
struct Count {
    /// Which window, from the start.
    window: u64,
    served: u64,
}

impl Enforcement for FixedWindow {
    fn serve(&mut self, now: u64) -> Result<(), u64> {
        let mut later = None;
        for (quota, count) in self.quotas.iter().zip(&mut self.counts) {
            let window = now / quota.window;
            if window > count.window {
                *count = Count { window, served: 0 };
            }
            if count.served >= quota.limit {
                later = later.max(Some((window + 1) * quota.window - now));
            }
        }
        if let Some(later) = later {
            return Err(later);
        }
        for count in &mut self.counts {
            count.served += 1;
        }
        Ok(())
    }
}

struct SlidingLog {
    quotas: Vec<Quota>,
    /// The instants of the calls served, oldest first: as many as the largest limit.
    served: VecDeque<u64>,
}

impl Enforcement for SlidingLog {
    fn serve(&mut self, now: u64) -> Result<(), u64> {
        let mut later = None;
        let mut most = 0;
        for quota in &self.quotas {
            let limit = usize::try_from(quota.limit).unwrap_or(usize::MAX);
            let oldest = self.served.len().checked_sub(limit).map(|place| self.served[place]);
            // A call counts at both ends of its window, so it leaves one nanosecond after it.
            if let Some(oldest) = oldest.filter(|oldest| now - oldest <= quota.window) {
                later = later.max(Some(oldest + quota.window + 1 - now));
            }
            most = most.max(limit);
        }
        if let Some(later) = later {
            return Err(later);
        }
        if self.served.len() == most {
            self.served.pop_front();
        }
        self.served.push_back(now);
        Ok(())
    }
}

struct TokenBucket {
    quotas: Vec<Quota>,
    levels: Vec<u128>,
    filled: u64,
}

impl Enforcement for TokenBucket {
    fn serve(&mut self, now: u64) -> Result<(), u64> {
        let since = u128::from(now - self.filled);
        self.filled = now;
        let mut later = None;
        for (quota, level) in self.quotas.iter().zip(&mut self.levels) {
            *level = (*level + since * u128::from(quota.limit)).min(quota.full());
            if let Some(lacks) = u128::from(quota.window).checked_sub(*level).filter(|&lacks| lacks > 0) {
                let nanos = lacks.div_ceil(u128::from(quota.limit));
                later = later.max(Some(u64::try_from(nanos).unwrap_or(u64::MAX)));
            }
        }
        if let Some(later) = later {
            return Err(later);
        }
        for (quota, level) in self.quotas.iter().zip(&mut self.levels) {
            *level -= u128::from(quota.window);
        }
        Ok(())
    }
}
