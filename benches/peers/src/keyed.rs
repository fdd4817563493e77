//! The limiters that keep a limit for each of many keys, each at the best configuration its crate offers, all on the
//! same clock and for the same burst and rate.

use std::collections::HashMap;
use std::hash::RandomState;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use tollgate::keyed::{KeyedLimiter, KeyedMap, KeyedTable, MapFull};
use tollgate::{Plan, RateLimiter, TokenBucket};

use crate::clock::{As, Hand, Time};

/// A limiter of keys together with the clock it reads.
pub trait Keyed: Send + Sync {
    /// Moves the hand of its clock on by `nanos`.
    fn advance(&self, nanos: u64);

    /// One call of each of these keys: how many were granted. The loop is compiled for each limiter.
    fn run(&self, keys: &[u64]) -> u64;

    /// One call for `n` permits.
    fn take(&self, key: u64, n: u32) -> bool;
}

struct Probe<D> {
    hand: Hand,
    decide: D,
}

impl<D: Fn(u64, u32) -> bool + Send + Sync> Keyed for Probe<D> {
    fn advance(&self, nanos: u64) {
        self.hand.advance(nanos);
    }

    fn run(&self, keys: &[u64]) -> u64 {
        keys.iter().map(|&key| u64::from((self.decide)(key, 1))).sum()
    }

    fn take(&self, key: u64, n: u32) -> bool {
        (self.decide)(key, n)
    }
}

/// What a contender is built for: how many keys it has room for at the least, and the burst and rate of each.
#[derive(Clone, Copy)]
pub struct Order {
    pub keys: usize,
    pub plan: Plan,
}

pub type Build = fn(&Order) -> Box<dyn Keyed>;

pub struct Contender {
    pub name: &'static str,
    /// How it bounds its memory.
    pub bound: &'static str,
    pub fixed: Build,
    pub real: Build,
}

/// Keeps the whole answer, so that nobody's retry instant is optimised away.
fn probe<R: 'static>(
    hand: Hand,
    call: impl Fn(u64, u32) -> R + Send + Sync + 'static,
    granted: impl Fn(&R) -> bool + Send + Sync + 'static,
) -> Box<dyn Keyed> {
    hand.set(1_000_000_000);
    Box::new(Probe {
        hand,
        decide: move |key, n| {
            let answer = call(key, n);
            black_box(&answer);
            granted(&answer)
        },
    })
}

/// Two slots for each key, as its documentation advises.
fn tollgate_table<T: Time>(order: &Order) -> Box<dyn Keyed> {
    tollgate_slots::<T>(order.plan, 2 * order.keys)
}

/// One slot for each key: in half of the memory, but where all keys are active at once, many newcomers inherit a debt.
fn tollgate_tight<T: Time>(order: &Order) -> Box<dyn Keyed> {
    tollgate_slots::<T>(order.plan, order.keys)
}

/// So many slots, whatever the number of keys.
pub fn tollgate_slots<T: Time>(plan: Plan, slots: usize) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let table = KeyedTable::new(plan, slots).expect("a table");
    let limiter = KeyedLimiter::new(table, RandomState::new(), As(T::new(&hand)));
    probe(hand, move |key, n| limiter.try_acquire_n(&key, n), Result::is_ok)
}

fn tollgate_map<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let (plan, clock) = (order.plan, As(T::new(&hand)));
    let map = KeyedMap::new(order.keys);
    let call = move |key: u64, n| {
        let make = || Ok::<_, MapFull>(RateLimiter::new(TokenBucket::from(plan), clock.clone()));
        map.get_or_insert(&key, make).map(|limiter| limiter.try_acquire_n(n))
    };
    probe(hand, call, |answer| matches!(answer, Ok(Ok(()))))
}

/// What people write themselves, and never clean up.
fn std_map<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let (plan, time) = (order.plan, T::new(&hand));
    let map = RwLock::new(HashMap::<u64, TokenBucket>::new());
    let call = move |key, n| {
        use tollgate::Algorithm;
        let now = tollgate::Nanos::from_nanos(time.nanos());
        if let Some(bucket) = map.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return bucket.try_acquire_at(now, n);
        }
        let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
        map.entry(key).or_insert_with(|| TokenBucket::from(plan)).try_acquire_at(now, n)
    };
    probe(hand, call, Result::is_ok)
}

fn quota(plan: &Plan) -> governor::Quota {
    let burst = NonZeroU32::new(plan.burst()).expect("a burst");
    governor::Quota::with_period(plan.interval()).expect("an interval").allow_burst(burst)
}

fn governor_dashmap<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let limiter = governor::RateLimiter::dashmap_with_clock(quota(&order.plan), As(T::new(&hand)));
    let call = move |key, n| match n {
        1 => limiter.check_key(&key).map_err(drop),
        n => match limiter.check_key_n(&key, NonZeroU32::new(n).expect("a number")) {
            Ok(Ok(())) => Ok(()),
            _ => Err(()),
        },
    };
    probe(hand, call, Result::is_ok)
}

fn governor_hashmap<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let limiter = governor::RateLimiter::hashmap_with_clock(quota(&order.plan), As(T::new(&hand)));
    let call = move |key, n| match n {
        1 => limiter.check_key(&key).map_err(drop),
        n => match limiter.check_key_n(&key, NonZeroU32::new(n).expect("a number")) {
            Ok(Ok(())) => Ok(()),
            _ => Err(()),
        },
    };
    probe(hand, call, Result::is_ok)
}

/// A burst, and as many permits in so long a time.
fn period(plan: &Plan) -> (u32, Duration) {
    (plan.burst(), plan.interval() * plan.burst())
}

fn rate_net<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let (limit, period) = period(&order.plan);
    let limiter = rate_net::RateLimiter::builder()
        .quota(limit, period)
        .burst(limit)
        .eviction(rate_net::Eviction::capacity(order.keys))
        .clock(As(T::new(&hand)))
        .try_build()
        .expect("a limiter");
    let call = move |key: u64, n| limiter.check_n_bytes(key.to_le_bytes(), n);
    probe(hand, call, |answer| matches!(answer, rate_net::Decision::Allow))
}

fn throttle_net<T: Time>(order: &Order) -> Box<dyn Keyed> {
    let hand = Hand::default();
    let (limit, period) = period(&order.plan);
    let limiter = throttle_net::PerKey::<u64>::builder()
        .rate(limit, period)
        .burst(limit)
        .eviction(throttle_net::Eviction::capacity(order.keys))
        .clock(As(T::new(&hand)))
        .try_build()
        .expect("a limiter");
    probe(hand, move |key, n| limiter.try_acquire_with_cost(&key, n), |granted| *granted)
}

macro_rules! contenders {
    ($($name:literal, $bound:literal, $build:ident;)*) => {
        vec![$(Contender {
            name: $name,
            bound: $bound,
            fixed: $build::<crate::clock::Fixed>,
            real: $build::<crate::clock::Tsc>,
        }),*]
    };
}

pub fn contenders() -> Vec<Contender> {
    contenders![
        "tollgate, keyed table", "fixed, forgets nobody", tollgate_table;
        "tollgate, one slot for a key", "fixed, forgets nobody", tollgate_tight;
        "governor, dashmap", "none", governor_dashmap;
        "governor, hashmap", "none", governor_hashmap;
        "rate-net", "a cap, and a ledger of debts", rate_net;
        "throttle-net, PerKey", "a cap, and a ledger of debts", throttle_net;
        "std map of tollgate's buckets", "none", std_map;
        "tollgate, KeyedMap of buckets", "a cap, forgets nobody", tollgate_map;
    ]
}
