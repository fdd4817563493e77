//! States of 8 bytes under one rule: nobody loses what he used, and a caller costs less than 64 bytes.

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use tollgate::keyed::{KeyedRule, MapFull, Refused};
use tollgate::{Manual, Nanos, Policy, RateLimiter, Rule, WindowCounter};

const RULE: Policy = Policy::MICROSOFT_365_DEFENDER;

fn callers(policy: &str, capacity: usize) -> (KeyedRule<u64, RandomState, Manual>, Manual) {
    let clock = Manual::new();
    let rule = Rule::counted(policy.parse().unwrap()).unwrap();
    (KeyedRule::new(rule, capacity, RandomState::new(), clock.clone()), clock)
}

#[test]
fn fifty_means_fifty_for_each_key() {
    let clock = Manual::new();
    let rule = Rule::counted(RULE).unwrap();
    let callers: KeyedRule<String, _, _> = KeyedRule::new(rule, 2, RandomState::new(), clock.clone());
    // Sub-windows take 20.004683776 s, and a window has three. The second comes later in the first of them.
    for (name, now, secs) in [("alice", 0, 81), ("bob", 20, 61)] {
        clock.advance(Duration::from_secs(now));
        assert_eq!((callers.status(name).remaining(), callers.peek(name)), (50, Ok(())));
        for _ in 0..50 {
            assert_eq!(callers.try_acquire(name), Ok(()));
        }
        let denied = callers.peek(name).unwrap_err();
        assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(4 * 20_004_683_776)));
        assert_eq!((denied.quota(), denied.retry_after_secs()), (0, Some(secs)));
        assert_eq!(callers.try_acquire(name), Err(Refused::Denied(denied)));
        assert_eq!(callers.status(name).remaining(), 0);
    }
    assert_eq!((callers.len(), callers.capacity()), (2, 2));
    assert!(!format!("{callers:?}").contains("alice"));
}

#[test]
fn only_a_state_that_is_reset_gives_its_place() {
    let (map, clock) = callers("5/10s", 1);
    assert!(map.is_empty());
    assert_eq!(map.try_acquire_n(&1, 0), Ok(()));
    assert!(matches!(map.try_acquire_n(&1, 6), Err(Refused::Denied(never)) if never.retry_at().is_none()));
    assert!(map.is_empty(), "what is granted nothing takes no place");
    assert_eq!(map.try_acquire_n(&1, 5), Ok(()));
    let full = Err(Refused::Full(MapFull { capacity: 1 }));
    assert_eq!(map.try_acquire(&2), full);
    let reset = map.status(&1).quotas()[0].reset_at;
    clock.advance(Duration::from_nanos(reset.as_nanos() - 1));
    assert_eq!(map.try_acquire(&2), full);
    clock.advance(Duration::from_nanos(1));
    assert_eq!(map.try_acquire(&2), Ok(()));
    assert_eq!((map.len(), map.status(&1).remaining(), map.status(&2).remaining()), (1, 5, 4));
    assert_eq!(map.try_acquire(&1), full);
    assert_eq!(callers("5/10s", 0).0.try_acquire(&1), Err(Refused::Full(MapFull { capacity: 0 })));
}

/// A clock that runs back does not undo that a state was dropped: its permits are in the windows before that.
#[test]
fn a_clock_that_runs_back_brings_no_new_burst() {
    let (map, clock) = callers("1/10s", 1);
    assert_eq!(map.try_acquire(&1), Ok(()));
    clock.advance(Duration::from_secs(100));
    assert_eq!(map.try_acquire(&2), Ok(()));
    clock.advance(Duration::from_secs(100));
    assert_eq!(map.try_acquire(&1), Ok(()));
    let denied = map.peek(&1).unwrap_err();
    clock.set(tollgate::Nanos::from_secs(5));
    assert_eq!(map.peek(&1).unwrap_err().retry_at(), denied.retry_at());
    assert!(map.try_acquire(&2).is_err());
    assert_eq!(map.status(&2).at(), tollgate::Nanos::from_secs(200));
}

/// Far more keys than places: every answer is that of a counter of its own which is never dropped.
#[test]
fn a_map_under_churn_forgets_no_permit() {
    let (map, clock) = callers("3/10s, 5/1m", 40);
    let mut own: HashMap<u64, RateLimiter<WindowCounter, Manual>> = HashMap::new();
    let mut rng = fastrand::Rng::with_seed(9);
    let (mut granted, mut denied, mut full) = (0, 0, 0);
    for _ in 0..60_000 {
        clock.advance(Duration::from_millis(rng.u64(0..900)));
        let (key, n) = (rng.u64(0..200), rng.u32(1..4));
        let exact = own.entry(key).or_insert_with(|| {
            RateLimiter::new(WindowCounter::new("3/10s, 5/1m".parse().unwrap()).unwrap(), clock.clone())
        });
        assert_eq!(map.peek_n(&key, n), exact.peek_n(n));
        match map.try_acquire_n(&key, n) {
            Err(Refused::Full(_)) => full += 1,
            Err(Refused::Denied(refusal)) => {
                assert_eq!(exact.try_acquire_n(n), Err(refusal));
                denied += 1;
            }
            Ok(()) => {
                assert_eq!(exact.try_acquire_n(n), Ok(()));
                granted += 1;
            }
        }
        assert!(map.len() <= 40);
    }
    assert!(granted > 1_000 && denied > 100 && full > 100, "{granted} {denied} {full}");
}

/// Threads decide on keys while others take their places.
#[test]
fn no_decision_is_lost_when_a_key_is_dropped_and_comes_back() {
    let (map, clock) = callers("1/10s", 2);
    let grants = Mutex::new(Vec::new());
    for round in 0..400_u64 {
        clock.set(tollgate::Nanos::from_secs(7 * round));
        thread::scope(|scope| {
            for thread in 0..3 {
                let (map, grants) = (&map, &grants);
                scope.spawn(move || {
                    for call in 0..12 {
                        let key = (thread + call) % 4;
                        if map.try_acquire(&key).is_ok() {
                            grants.lock().unwrap().push((key, 7 * round));
                        }
                    }
                });
            }
        });
    }
    let mut last = HashMap::new();
    let grants = grants.into_inner().unwrap();
    assert!(grants.len() > 200, "{}", grants.len());
    for (key, at) in grants {
        assert!(last.insert(key, at).is_none_or(|before| at - before >= 10), "key {key} at {at}");
    }
}

/// The worst numbers for the hash table: one more than fills it.
#[test]
fn a_caller_takes_less_than_64_bytes() {
    for callers_in_all in [7 << 13, (7 << 13) + 1, 100_000] {
        let measured = allocation_counter::measure(|| {
            let rule = Rule::counted(RULE).unwrap();
            let map = KeyedRule::<u64, _, _>::new(rule, callers_in_all, RandomState::new(), Manual::new());
            for key in 0..callers_in_all as u64 {
                map.try_acquire(&key).unwrap();
            }
            std::mem::forget(map);
        });
        let bytes = usize::try_from(measured.bytes_current).unwrap();
        println!("{bytes} bytes for {callers_in_all} callers");
        assert!(bytes <= 64 * callers_in_all, "{bytes}");
    }
}
