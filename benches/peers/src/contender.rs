//! The limiters, each in the best configuration that its crate offers for the rule.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tollgate::reference::{BucketMachine, FixedWindow, LogMachine, SlidingWindowCounter};
use tollgate::reference::{Locked, Machine};
use tollgate::{Algorithm, Plan, Policy, RateLimiter, SlidingLog, TokenBucket, WindowCounter};

use crate::clock::{As, Fixed, Hand, Os, Time, Tsc};
use crate::locked;

/// A limiter together with the clock it reads.
pub trait Limiter: Send + Sync {
    /// Moves the hand of its clock to `nanos`.
    fn set(&self, nanos: u64);

    /// Moves the hand of its clock on by `nanos`.
    fn advance(&self, nanos: u64);

    /// One call for one permit: whether it was granted.
    fn decide(&self) -> bool;

    /// `calls` calls and the hand left alone: how many were granted.
    fn repeat(&self, calls: u64) -> u64;

    /// `calls` calls, the hand moved on by `step` before each: how many were granted. The loop is compiled for
    /// each limiter, so that what its crate allows to be inlined is.
    fn run(&self, start: u64, step: u64, calls: u64) -> u64;
}

struct Probe<D> {
    hand: Hand,
    decide: D,
}

impl<D: Fn() -> bool + Send + Sync> Limiter for Probe<D> {
    fn set(&self, nanos: u64) {
        self.hand.set(nanos);
    }

    fn advance(&self, nanos: u64) {
        self.hand.advance(nanos);
    }

    fn decide(&self) -> bool {
        (self.decide)()
    }

    fn repeat(&self, calls: u64) -> u64 {
        (0..calls).map(|_| u64::from((self.decide)())).sum()
    }

    fn run(&self, start: u64, step: u64, calls: u64) -> u64 {
        let (mut now, mut granted) = (start, 0);
        for _ in 0..calls {
            now += step;
            self.hand.set(now);
            granted += u64::from((self.decide)());
        }
        granted
    }
}

pub type Build = fn(&Policy) -> Box<dyn Limiter>;

/// Why a contender has no figure on the fixed clock.
pub const NO_CLOCK: &str = "no clock to inject";

pub struct Contender {
    pub name: &'static str,
    /// What it was told of the rule.
    pub told: &'static str,
    pub fixed: Option<Build>,
    pub real: Build,
    /// The clock that `real` reads: a key of the baselines.
    pub clock: &'static str,
    /// Whether its locks or its lack of them are of interest under contention.
    pub contends: bool,
}

/// A probe that keeps the whole answer, so that nobody's retry instant is optimised away.
fn probe<R: 'static>(
    hand: Hand,
    call: impl Fn() -> R + Send + Sync + 'static,
    granted: impl Fn(&R) -> bool + Send + Sync + 'static,
) -> Box<dyn Limiter> {
    Box::new(Probe {
        hand,
        decide: move || {
            // By reference: a copy of what has just been written in parts would stall, and stall some more than others.
            let answer = call();
            black_box(&answer);
            granted(&answer)
        },
    })
}

fn ours<T: Time, A: Algorithm + 'static>(algorithm: A) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let limiter = RateLimiter::new(algorithm, As(T::new(&hand)));
    probe(hand, move || limiter.try_acquire(), Result::is_ok)
}

fn strict<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    ours::<T, _>(TokenBucket::strict(*policy).expect("a strict bucket of the rule"))
}

fn counter<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    ours::<T, _>(WindowCounter::new(*policy).expect("a window counter of the rule"))
}

fn nominal<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    ours::<T, _>(TokenBucket::nominal(*policy).expect("a nominal bucket of the rule"))
}

fn log<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    ours::<T, _>(SlidingLog::new(*policy).expect("a log of the rule"))
}

fn reference<T: Time, M: Machine + 'static>(machine: M) -> Box<dyn Limiter> {
    ours::<T, _>(Locked::new(machine))
}

fn lean_bucket<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let (hand, bucket) = (Hand::default(), locked::Bucket::new(&plan(policy)));
    let time = T::new(&hand);
    probe(hand, move || bucket.try_acquire_at(time.nanos()), Result::is_ok)
}

fn lean_log<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let (hand, log) = (Hand::default(), locked::Log::new(policy));
    let time = T::new(&hand);
    probe(hand, move || log.try_acquire_at(time.nanos()), Result::is_ok)
}

type Governor<T> = governor::RateLimiter<
    governor::state::NotKeyed,
    governor::state::InMemoryState,
    As<T>,
    governor::middleware::NoOpMiddleware<governor::nanos::Nanos>,
>;

fn governor_of<T: Time>(hand: &Hand, burst: u32, interval: Duration) -> Governor<T> {
    let burst = NonZeroU32::new(burst).expect("a burst");
    let quota = governor::Quota::with_period(interval).expect("an interval").allow_burst(burst);
    governor::RateLimiter::direct_with_clock(quota, As(T::new(hand)))
}

fn governor_one<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let (limit, window) = quota(policy, 0);
    let limiter = governor_of::<T>(&hand, limit, window / limit);
    probe(hand, move || limiter.check(), Result::is_ok)
}

fn governor_planned<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let plan = plan(policy);
    let limiter = governor_of::<T>(&hand, plan.burst(), plan.interval());
    probe(hand, move || limiter.check(), Result::is_ok)
}

/// The tighter one first, so that most refusals cost one check. A permit of the first is lost when the second
/// refuses: the crate offers no way to give it back.
fn governor_chain<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let [minute, hour] = [0, 1].map(|place| {
        let (limit, window) = quota(policy, place);
        governor_of::<T>(&hand, limit, window / limit)
    });
    probe(hand, move || minute.check().and_then(|()| hour.check()), Result::is_ok)
}

fn ratelimit<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let (limit, window) = quota(policy, 0);
    let limit = u64::from(limit);
    let builder = ratelimit::Builder::with_clock(limit, As(T::new(&hand)));
    let builder = builder.period(window).max_tokens(limit).initial_available(limit);
    let limiter = builder.build().expect("a ratelimiter");
    probe(hand, move || limiter.try_wait(), Result::is_ok)
}

/// Its own map of keys is asynchronous and locks more; this is its state behind the cheapest lock.
fn gcra<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let time = T::new(&hand);
    let (limit, window) = quota(policy, 0);
    let rate = gcra::RateLimit::new(limit, window);
    let state = Mutex::new(gcra::GcraState::default());
    probe(hand, move || state.lock().check_and_modify_at(&rate, time.instant(), 1), Result::is_ok)
}

fn better_bucket<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let (limit, window) = quota(policy, 0);
    let config = better_bucket::BucketConfig::new(limit, limit, window, limit).expect("a bucket");
    let bucket = better_bucket::Bucket::with_config_and_clock(config, As(T::new(&hand)));
    probe(hand, move || bucket.acquire(1), better_bucket::Decision::is_allowed)
}

fn throttle_of<T: Time>(time: &T, (limit, window): (u32, Duration)) -> throttle_net::Throttle<As<T>> {
    throttle_net::Throttle::per_duration(limit, window).with_clock(As(time.clone()))
}

fn throttle<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let throttle = throttle_of(&T::new(&hand), quota(policy, 0));
    probe(hand, move || throttle.try_acquire(), |granted| *granted)
}

fn hybrid_buckets<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let time = T::new(&hand);
    let [minute, hour] = [0, 1].map(|place| throttle_of(&time, quota(policy, place)));
    let hybrid = throttle_net::Hybrid::builder().limiter(minute).limiter(hour).build();
    probe(hand, move || hybrid.try_acquire(), |granted| *granted)
}

fn hybrid_logs<T: Time>(policy: &Policy) -> Box<dyn Limiter> {
    let hand = Hand::default();
    let time = T::new(&hand);
    let [minute, hour] = [0, 1].map(|place| {
        let (limit, window) = quota(policy, place);
        throttle_net::SlidingWindowLog::new(limit, window).with_clock(As(time.clone()))
    });
    let hybrid = throttle_net::Hybrid::builder().limiter(minute).limiter(hour).build();
    probe(hand, move || hybrid.try_acquire(), |granted| *granted)
}

fn leaky_bucket(policy: &Policy) -> Box<dyn Limiter> {
    let (limit, window) = quota(policy, 0);
    // It counts in whole milliseconds: a permit at a time where that is slow enough, else what a millisecond brings.
    let interval = (window / limit).max(Duration::from_millis(1));
    let refill = f64::from(limit) * interval.as_secs_f64() / window.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
    let refill = refill.round() as usize;
    let permits = limit as usize;
    let mut builder = leaky_bucket::RateLimiter::builder();
    let limiter = builder.max(permits).initial(permits).refill(refill).interval(interval).build();
    probe(Hand::default(), move || limiter.try_acquire(1), |granted| *granted)
}

fn limitador(policy: &Policy) -> Box<dyn Limiter> {
    let limiter = limitador::RateLimiter::new(1_000);
    let namespace = limitador::limit::Namespace::from("rule");
    for quota in policy.quotas() {
        let (limit, seconds) = (u64::from(quota.limit()), quota.window().as_secs());
        assert!(seconds > 0, "limitador counts in whole seconds");
        limiter.add_limit(limitador::limit::Limit::new(namespace.clone(), limit, seconds, [], []));
    }
    let limiter = Arc::new(limiter);
    let call = move || {
        let context = limitador::limit::Context::default();
        limiter.check_rate_limited_and_update(&namespace, &context, 1)
    };
    probe(Hand::default(), call, |answer| answer.as_ref().is_ok_and(|check| !check.limited))
}

fn quota(policy: &Policy, place: usize) -> (u32, Duration) {
    let quota = policy.quotas()[place.min(policy.quotas().len() - 1)];
    (quota.limit(), quota.window())
}

fn plan(policy: &Policy) -> Plan {
    Plan::new(*policy).expect("a plan of the rule")
}

const BOTH: &str = "both quotas";
const FIRST: &str = "50/min only";

macro_rules! contender {
    ($name:expr, $told:expr, $build:ident, $clock:ty, $contends:expr) => {
        contender!(
            $name,
            $told,
            |policy| $build::<Fixed>(policy),
            |policy| $build::<$clock>(policy),
            $clock,
            $contends
        )
    };
    ($name:expr, $told:expr, $fixed:expr, $real:expr, $clock:ty, $contends:expr) => {
        Contender {
            name: $name,
            told: $told,
            fixed: Some($fixed),
            real: $real,
            clock: <$clock>::NAME,
            contends: $contends,
        }
    };
}

macro_rules! referenced {
    ($name:expr, $machine:ident) => {
        contender!(
            $name,
            BOTH,
            |policy| reference::<Fixed, _>($machine::new(*policy)),
            |policy| reference::<Tsc, _>($machine::new(*policy)),
            Tsc,
            false
        )
    };
}

/// The strict bucket comes first: all ratios are to it, on the same clock.
pub fn contenders() -> Vec<Contender> {
    vec![
        contender!("tollgate, strict bucket", BOTH, strict, Tsc, true),
        contender!("tollgate, strict bucket (Instant)", BOTH, strict, Os, false),
        contender!("tollgate, window counter", BOTH, counter, Tsc, true),
        contender!("tollgate, window counter (Instant)", BOTH, counter, Os, false),
        contender!("tollgate, nominal bucket", BOTH, nominal, Tsc, true),
        contender!("tollgate, exact log", BOTH, log, Tsc, true),
        contender!("tollgate, exact log (Instant)", BOTH, log, Os, false),
        contender!("parking_lot bucket, same plan", BOTH, lean_bucket, Tsc, true),
        contender!("parking_lot deque log", BOTH, lean_log, Tsc, true),
        referenced!("tollgate reference, locked log", LogMachine),
        referenced!("tollgate reference, locked buckets", BucketMachine),
        referenced!("tollgate reference, fixed window", FixedWindow),
        referenced!("tollgate reference, sliding counter", SlidingWindowCounter),
        contender!("governor", FIRST, governor_one, Tsc, true),
        contender!("governor, tollgate's plan", BOTH, governor_planned, Tsc, false),
        contender!("governor, two in a chain", BOTH, governor_chain, Tsc, true),
        contender!("ratelimit", FIRST, ratelimit, Tsc, true),
        contender!("better-bucket", FIRST, better_bucket, Os, true),
        contender!("gcra, in a parking_lot lock", FIRST, gcra, Os, false),
        contender!("throttle-net, Throttle", FIRST, throttle, Os, false),
        contender!("throttle-net, Hybrid of buckets", BOTH, hybrid_buckets, Os, true),
        contender!("throttle-net, Hybrid of logs", BOTH, hybrid_logs, Os, false),
        Contender {
            name: "leaky-bucket",
            told: FIRST,
            fixed: None,
            real: leaky_bucket,
            clock: Os::NAME,
            contends: false,
        },
        Contender {
            name: "limitador, in memory",
            told: BOTH,
            fixed: None,
            real: limitador,
            clock: Os::NAME,
            contends: false,
        },
    ]
}
