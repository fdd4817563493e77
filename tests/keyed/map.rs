//! The bounded map of limiters: whom it may drop, and whom never.

use std::cell::Cell;
use std::error::Error;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use tollgate::keyed::{KeyedMap, MapFull};
use tollgate::wait::FairLimiter;
use tollgate::{Manual, RateLimiter, SlidingLog};

type Limiter = RateLimiter<SlidingLog, Manual>;
type Failed = Box<dyn Error>;

fn limiter(clock: &Manual) -> Result<Limiter, Failed> {
    Ok(RateLimiter::new(SlidingLog::new("1/10s".parse()?)?, clock.clone()))
}

#[test]
fn one_limiter_for_each_key() -> Result<(), Failed> {
    let clock = Manual::new();
    let map = KeyedMap::<String, Limiter>::new(2);
    assert!(map.is_empty() && map.get("alice").is_none());
    let alice = map.get_or_insert(&"alice".into(), || limiter(&clock))?;
    alice.try_acquire()?;
    let again = map.get_or_insert(&"alice".into(), || -> Result<_, Failed> { panic!("there is one") })?;
    assert!(again.try_acquire().is_err() && map.get("alice").unwrap().try_acquire().is_err());
    assert!(map.get_or_insert(&"bob".into(), || limiter(&clock))?.try_acquire().is_ok());
    assert_eq!((map.len(), map.capacity()), (2, 2));
    // The error of `make` is the caller's.
    let roomy = KeyedMap::<u8, Limiter>::new(1);
    assert_eq!(roomy.get_or_insert(&1, || Err(Failed::from("no"))).unwrap_err().to_string(), "no");
    assert!(roomy.is_empty());
    assert!(format!("{map:?}").starts_with("KeyedMap { capacity: 2"));
    Ok(())
}

/// Charged, held or paused: any of these is a reason to stay.
#[test]
fn only_who_is_whole_and_held_by_nobody_is_dropped() -> Result<(), Failed> {
    let clock = Manual::new();
    let map = KeyedMap::<u8, Limiter>::new(1);
    let full = |map: &KeyedMap<u8, Limiter>, key| {
        let make = || -> Result<_, Failed> { panic!("a newcomer that is refused costs no limiter") };
        map.get_or_insert(&key, make).unwrap_err().to_string()
    };
    let said = "the map holds 1 limiters, as many as it may, and none was found that has recovered and is held by nobody";
    let held = map.get_or_insert(&0, || limiter(&clock))?;
    assert_eq!(full(&map, 1), said);
    held.try_acquire()?;
    drop(held);
    assert_eq!(full(&map, 1), said, "charged");
    clock.advance(Duration::from_secs(10) - Duration::from_nanos(1));
    assert_eq!(full(&map, 1), said, "charged still");
    clock.advance(Duration::from_nanos(1));
    map.get(&0).unwrap().pause_for(Duration::from_secs(5));
    assert_eq!(full(&map, 1), said, "paused");
    clock.advance(Duration::from_secs(5));
    let bob = map.get_or_insert(&1, || limiter(&clock))?;
    assert!(map.get(&0).is_none() && map.len() == 1);
    bob.try_acquire()?;
    assert!(map.get(&1).unwrap().try_acquire().is_err());
    Ok(())
}

#[test]
fn a_map_for_nobody() {
    let map = KeyedMap::<u8, Limiter>::new(0);
    let refused = map.get_or_insert(&0, || -> Result<_, MapFull> { panic!("no room") }).unwrap_err();
    assert_eq!(refused, MapFull { capacity: 0 });
}

/// A refusal costs a look at eight limiters; the next one looks at the next eight, so a free place is found.
#[test]
fn an_insertion_looks_at_eight_limiters() -> Result<(), Failed> {
    thread_local! {
        static LOOKS: Cell<u32> = const { Cell::new(0) };
    }
    #[derive(Clone)]
    struct Looked(bool);
    impl tollgate::keyed::Forgettable for Looked {
        fn is_forgettable(&mut self) -> bool {
            LOOKS.set(LOOKS.get() + 1);
            self.0
        }
    }
    let map = KeyedMap::<u32, Looked>::new(100);
    for key in 0..100 {
        map.get_or_insert(&key, || Ok::<_, Failed>(Looked(key == 77)))?;
    }
    assert_eq!(LOOKS.get(), 0);
    let mut refused = 0;
    while map.get_or_insert(&1_000, || Ok::<_, Failed>(Looked(false))).is_err() {
        refused += 1;
        assert_eq!(LOOKS.get(), refused * 8);
    }
    assert_eq!((refused, map.len()), (9, 100), "77 is among the tenth eight");
    assert!(map.get(&77).is_none() && (0..100).filter(|key| *key != 77).all(|key| map.get(&key).is_some()));
    assert!(map.get(&1_000).is_some());
    Ok(())
}

/// Far more keys than places, which come and go: each is found by its own name, and nobody loses a debt.
#[test]
fn a_map_under_churn_forgets_no_debt() {
    let clock = Manual::new();
    let map = KeyedMap::<u32, Limiter>::new(50);
    let mut rng = fastrand::Rng::with_seed(4);
    let mut since = vec![None; 400];
    let (mut now, mut granted, mut full) = (0_u64, 0, 0);
    for _ in 0..50_000 {
        let step = rng.u64(0..500);
        now += step;
        clock.advance(Duration::from_millis(step));
        let key = rng.u32(0..400);
        let Ok(limiter) = map.get_or_insert(&key, || limiter(&clock)) else {
            full += 1;
            continue;
        };
        let free = since[key as usize].is_none_or(|at| now - at >= 10_000);
        assert_eq!(limiter.try_acquire().is_ok(), free, "key {key} at {now}");
        if free {
            since[key as usize] = Some(now);
            granted += 1;
        }
        assert!(map.len() <= 50);
    }
    assert!(granted > 5_000 && full > 100, "{granted} {full}");
}

#[test]
fn a_queue_for_each_key() -> Result<(), Failed> {
    let clock = Manual::new();
    let map = KeyedMap::new(1);
    let make = || limiter(&clock).map(FairLimiter::blocking);
    let queue = map.get_or_insert(&"host", make)?;
    queue.acquire_blocking()?;
    drop(queue);
    assert!(map.get_or_insert(&"other", make).is_err());
    clock.advance(Duration::from_secs(10));
    let held = map.get(&"host");
    assert!(map.get_or_insert(&"other", make).is_err(), "somebody may wait");
    drop(held);
    assert!(map.get_or_insert(&"other", make).is_ok());
    Ok(())
}

/// Threads that ask for the same new key at once all get the same limiter.
#[test]
fn threads_get_one_limiter_for_one_key() {
    for _ in 0..200 {
        let clock = Manual::new();
        let map = KeyedMap::<u32, Limiter>::new(4);
        let granted: usize = thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (map, clock) = (&map, &clock);
                    scope.spawn(move || {
                        (0..4)
                            .filter(|key| {
                                let one = map.get_or_insert(key, || limiter(clock)).expect("room for four");
                                one.try_acquire().is_ok()
                            })
                            .count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!(granted, 4, "one for each key");
    }
}

/// A key that panics where it is hashed may leave the map unable to take anybody else, but never with a forgotten debt.
#[test]
fn a_key_that_panics_forgets_no_debt() -> Result<(), Failed> {
    thread_local! {
        static HASHES_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }
    #[derive(Clone, PartialEq, Eq)]
    struct Key(u32);
    impl Hash for Key {
        fn hash<H: Hasher>(&self, state: &mut H) {
            assert_ne!(HASHES_LEFT.get(), Some(0), "the hash that panics");
            HASHES_LEFT.set(HASHES_LEFT.get().map(|left| left - 1));
            self.0.hash(state);
        }
    }
    let mut refused = 0;
    for left in 0..9 {
        let clock = Manual::new();
        let map = KeyedMap::<Key, Limiter>::new(2);
        let get = |key| map.get_or_insert(&Key(key), || limiter(&clock));
        get(0)?.try_acquire()?;
        HASHES_LEFT.set(Some(left));
        let panicked = catch_unwind(AssertUnwindSafe(|| [1, 2, 3].map(|key| drop(get(key)))));
        HASHES_LEFT.set(None);
        assert!(panicked.is_err(), "{left}");
        assert!(get(0)?.try_acquire().is_err(), "{left}: who was there is there");
        let Ok(one) = get(1) else {
            refused += 1;
            continue;
        };
        one.try_acquire()?;
        drop(one);
        for key in 2..20 {
            let _ = get(key);
        }
        assert!(get(1).map_or(true, |one| one.try_acquire().is_err()), "{left}: the debt of 1");
    }
    assert!((1..9).contains(&refused), "{refused}");
    Ok(())
}
