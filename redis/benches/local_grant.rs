//! What a grant from a lease costs, beside a grant of the strict bucket in this process: `cargo bench -p tollgate-redis --bench
//! local_grant`. No server is needed: the store grants whatever it is asked for.
#![allow(missing_docs)]

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tollgate::{Clock, DefaultClock, Manual, Nanos, RateLimiter, TokenBucket};
use tollgate_redis::{
    Call, LeasedLimiter, Leases, NodeClock, NodeTime, Reading, Store, StoreError, WhenAway,
};

/// Grants all that is asked for.
struct Generous;

impl Store for Generous {
    async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        let most = call.args()[4].parse().map_err(|_| StoreError::unexpected_reply())?;
        Ok(vec![most, 1, 1, 0])
    }

    async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.eval_sha(call).await
    }
}

/// A clock that can be stopped, to measure the limiter alone.
struct Stoppable {
    clock: NodeClock,
    stopped_at: AtomicU64,
}

impl Stoppable {
    fn new() -> Arc<Stoppable> {
        Arc::new(Stoppable {
            clock: NodeClock::new(Duration::from_millis(10)),
            stopped_at: AtomicU64::new(0),
        })
    }

    fn stop(&self) {
        self.stopped_at.store(self.clock.read().at.as_nanos(), Ordering::Relaxed);
    }
}

impl NodeTime for Stoppable {
    #[inline]
    fn read(&self) -> Reading {
        match self.stopped_at.load(Ordering::Relaxed) {
            0 => self.clock.read(),
            at => Reading { at: Nanos::from_nanos(at), jumps: 0 },
        }
    }

    fn max_unseen(&self) -> Duration {
        self.clock.max_unseen()
    }
}

const CALLS: u32 = 20_000;
const POLICY: &str = "1000000000/1h";
const BURST: u32 = 65_000;

/// The time of one of `CALLS` calls.
fn timed(call: impl Fn() -> bool) -> f64 {
    let start = Instant::now();
    for _ in 0..CALLS {
        assert!(black_box(call()), "every call is granted");
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}

/// Of a limiter that holds a lease of more permits than are used.
async fn leased<T: NodeTime>(time: T, then: impl Fn()) -> f64 {
    let leases = Leases::new(POLICY.parse().unwrap(), WhenAway::Refuse).unwrap().with_burst(BURST).unwrap();
    let limiter = LeasedLimiter::with_time(Generous, "key", leases, time).unwrap();
    // The next lease is for a node that uses so many.
    limiter.decide(CALLS).await.unwrap();
    tokio::time::sleep(Duration::from_millis(3)).await;
    then();
    timed(|| limiter.try_acquire().is_ok())
}

fn bucket<C: Clock>(clock: C) -> f64 {
    let bucket = TokenBucket::with_burst(POLICY.parse().unwrap(), BURST).unwrap();
    let limiter = RateLimiter::new(bucket, clock);
    timed(|| limiter.try_acquire().is_ok())
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut columns: [Vec<f64>; 4] = Default::default();
    // In turn, so that whatever slows the machine slows all of them.
    for _ in 0..101 {
        columns[0].push(bucket(Manual::new()));
        let clock = Stoppable::new();
        columns[1].push(runtime.block_on(leased(Arc::clone(&clock), || clock.stop())));
        columns[2].push(bucket(DefaultClock::new()));
        columns[3].push(runtime.block_on(leased(NodeClock::new(Duration::from_millis(10)), || ())));
    }
    let [fixed, leased_fixed, real, leased_real] = columns.map(|mut times| median(&mut times));
    println!("a grant                            strict bucket   from a lease   times");
    println!(
        "the clock stands still             {fixed:10.1} ns  {leased_fixed:10.1} ns   {:.2}",
        leased_fixed / fixed
    );
    println!(
        "the clock is read                  {real:10.1} ns  {leased_real:10.1} ns   {:.2}",
        leased_real / real
    );
}
