//! A store in this process and tokio's paused time, for limiters that are run by their own task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::Instant;
use tollgate::Nanos;

use crate::StoreError;
use crate::lease::drive::Central;
use crate::lease::limiter::LeasedLimiter;
use crate::lease::node::Reply;
use crate::lease::reading::{NodeTime, Reading};
use crate::lease::terms::Leases;

/// Tokio's time, as the clock of a node. The tests say when it jumps.
#[derive(Clone, Debug)]
pub(super) struct TokioTime {
    origin: Instant,
    jumps: Arc<AtomicU64>,
}

impl TokioTime {
    pub(super) fn new() -> TokioTime {
        TokioTime { origin: Instant::now(), jumps: Arc::default() }
    }

    pub(super) fn jump(&self) {
        self.jumps.fetch_add(1, SeqCst);
    }
}

impl NodeTime for TokioTime {
    fn read(&self) -> Reading {
        Reading { at: Nanos::ZERO.saturating_add(self.origin.elapsed()), jumps: self.jumps.load(SeqCst) }
    }
}

/// A bucket that takes a while to answer, and can be away.
#[derive(Clone, Debug)]
pub(super) struct Bucket(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    origin: Instant,
    burst: u32,
    interval: u64,
    full_at: AtomicU64,
    trip: Duration,
    away: AtomicBool,
    /// All requests, and those that came since the store is away, with their instants.
    requests: AtomicU32,
    log: std::sync::Mutex<Vec<(Duration, u32)>>,
}

impl Bucket {
    pub(super) fn of(leases: &Leases, trip: Duration) -> Bucket {
        let plan = leases.plan();
        Bucket(Arc::new(Inner {
            origin: Instant::now(),
            burst: plan.burst(),
            interval: u64::try_from(plan.interval().as_nanos()).unwrap(),
            full_at: AtomicU64::new(0),
            trip,
            away: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            log: std::sync::Mutex::default(),
        }))
    }

    pub(super) fn set_away(&self, away: bool) {
        self.0.away.store(away, SeqCst);
    }

    pub(super) fn requests(&self) -> u32 {
        self.0.requests.load(SeqCst)
    }

    /// The instant of each request, and how many permits it was granted.
    pub(super) fn log(&self) -> Vec<(Duration, u32)> {
        self.0.log.lock().unwrap().clone()
    }

    /// Somebody else takes `n` permits.
    pub(super) fn drain(&self, n: u32) {
        self.decide(n, n);
    }

    fn decide(&self, least: u32, most: u32) -> Reply {
        let inner = &*self.0;
        let now = u64::try_from(inner.origin.elapsed().as_nanos()).unwrap();
        let full_at = inner.full_at.load(SeqCst).max(now);
        let there = u64::from(inner.burst) - (full_at - now).div_ceil(inner.interval);
        let granted = if there >= u64::from(least) { there.min(u64::from(most)) } else { 0 };
        let full_at = full_at + granted * inner.interval;
        inner.full_at.store(full_at, SeqCst);
        Reply { granted: u32::try_from(granted).unwrap(), full_in: Duration::from_nanos(full_at - now) }
    }

    #[expect(clippy::large_types_passed_by_value, reason = "as users hand them over")]
    pub(super) fn limiter(&self, leases: Leases) -> LeasedLimiter<TokioTime> {
        self.limiter_in(leases, TokioTime::new())
    }

    #[expect(clippy::large_types_passed_by_value, reason = "as users hand them over")]
    pub(super) fn limiter_in(&self, leases: Leases, time: TokioTime) -> LeasedLimiter<TokioTime> {
        LeasedLimiter::of(self.clone(), &leases, time).unwrap()
    }
}

impl Central for Bucket {
    async fn take(&self, least: u32, most: u32) -> Result<Reply, StoreError> {
        let inner = &*self.0;
        inner.requests.fetch_add(1, SeqCst);
        let at = inner.origin.elapsed();
        if inner.away.load(SeqCst) {
            inner.log.lock().unwrap().push((at, 0));
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(inner.trip / 2).await;
        let reply = self.decide(least, most);
        inner.log.lock().unwrap().push((at, reply.granted));
        tokio::time::sleep(inner.trip / 2).await;
        Ok(reply)
    }
}

pub(super) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Lets every task run that can.
pub(super) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}
