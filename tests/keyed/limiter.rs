//! The handle: keys of any type, a hasher, a clock, and real threads.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};
use std::thread;
use std::time::Duration;

use tollgate::keyed::{KeyedError, KeyedLimiter, KeyedTable, Prefix};
use tollgate::{BuildError, Clock, Manual, Nanos, Policy, PolicyError, Quota};

use crate::table::plan;

#[test]
fn keys_of_any_type() {
    let clock = Manual::new();
    let table = KeyedTable::new(plan("1/10s"), 1 << 16).unwrap();
    let limiter = KeyedLimiter::new(table, RandomState::new(), clock.clone());
    assert!(limiter.try_acquire("alice").is_ok());
    assert!(limiter.clone().try_acquire(&String::from("alice")).is_err(), "a String is the str it holds");
    assert!(limiter.try_acquire(&7_u64).is_ok());
    assert!(limiter.try_acquire(&("alice", 7)).is_ok());
    assert!(limiter.try_acquire(&[1_u8, 2, 3][..]).is_ok());
    let address = |text: &str| Prefix::DEFAULT.of(text.parse().unwrap());
    assert!(limiter.try_acquire(&address("2001:db8::1")).is_ok());
    assert!(limiter.try_acquire(&address("2001:db8::2")).is_err());
    assert_eq!(limiter.usage().in_debt, 5);

    clock.advance(Duration::from_millis(10_001));
    assert_eq!(limiter.usage().in_debt, 0);
    assert!(limiter.peek("alice").is_ok());
    assert_eq!(limiter.status("alice").remaining(), 1);
    assert!(limiter.peek_n("alice", 2).is_err());
    let hash = limiter.hash("alice");
    assert!(limiter.table().try_acquire_at(limiter.clock().now(), hash, 1).is_ok());
    assert!(limiter.try_acquire("alice").is_err(), "the hash is the key");
}

/// The hasher may be any; one without a random key is the caller's own risk, and a limiter does not show its secret.
#[test]
fn a_hasher_of_the_callers_own() {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let table = KeyedTable::new(plan("1/1h"), 64).unwrap();
    let limiter = KeyedLimiter::new(table, hasher, Manual::new());
    assert_eq!(limiter.hash("alice"), BuildHasherDefault::<DefaultHasher>::default().hash_one("alice"));
    assert!(limiter.try_acquire("alice").is_ok());
    let shown = format!("{limiter:?}");
    assert!(shown.starts_with("KeyedLimiter { policy: ") && !shown.contains("asher"), "{shown}");
}

#[test]
fn the_default_limiter_is_made_of_a_policy() {
    let limiter = KeyedLimiter::strict("1/1h".parse().unwrap(), 100).unwrap();
    assert!(limiter.try_acquire("alice").is_ok());
    let denied = limiter.try_acquire("alice").unwrap_err();
    assert_eq!(denied.retry_after_secs(), Some(3601), "an hour and a tick");
    assert_eq!(limiter.table().slots(), 104);
}

/// A clock that can be wrong by ten milliseconds.
struct Wrong(Manual);

const ERROR: Duration = Duration::from_millis(10);

impl Clock for Wrong {
    fn now(&self) -> Nanos {
        self.0.now()
    }

    fn max_error(&self) -> Duration {
        ERROR
    }
}

#[test]
fn a_plan_that_a_limiter_fits_holds_in_true_time() {
    let clock = Manual::new();
    let table = KeyedTable::new(plan("100/1s"), 64).unwrap();
    let limiter = KeyedLimiter::new(table, RandomState::new(), Wrong(clock.clone()));
    let own = limiter.fit("1/1s".parse().unwrap()).unwrap();
    assert_eq!(own, limiter.table().fit(&plan("1/1s; guard 10ms")).unwrap());

    assert_eq!(limiter.peek_with("alice", 1, &own), Ok(()));
    assert_eq!(limiter.status_with("alice", &own).remaining(), 1);
    assert!(limiter.try_acquire_with("alice", 1, &own).is_ok());
    // 1.01 s are 3,945,313 ticks of 256 ns, rounded up, and one is added.
    let retry = Nanos::from_nanos(3_945_314 * 256);
    assert_eq!(limiter.peek_with("alice", 1, &own).unwrap_err().retry_at(), Some(retry));
    let status = limiter.status_with("alice", &own);
    assert_eq!((status.remaining(), status.next_at()), (0, retry));
    assert_eq!(limiter.status_with("bob", &own).remaining(), 1);
    clock.advance(Duration::from_nanos(retry.as_nanos() - 1));
    assert!(limiter.peek_with("alice", 1, &own).is_err());
    clock.advance(Duration::from_nanos(1));
    assert_eq!(limiter.peek_with("alice", 1, &own), Ok(()));

    // The limits of a policy and of the table, each as its own error.
    let longest = Policy::new(&[Quota::new(1, Policy::MAX_WINDOW)]).unwrap();
    let too_long = PolicyError::WindowTooLong { quota: 0, window: Policy::MAX_WINDOW, guard: ERROR };
    assert_eq!(limiter.fit(longest), Err(KeyedError::Plan(BuildError::Policy(too_long))));
    let error = limiter.fit("1000/1s".parse().unwrap()).unwrap_err();
    assert!(matches!(error, KeyedError::TooFine { .. }), "{error}");
}

/// Real threads at one instant: each of a few keys is granted its burst, no more and no less.
#[test]
fn threads_share_each_bucket() {
    const KEYS: u64 = 64;
    let clock = Manual::new();
    clock.set(Nanos::from_secs(5));
    let table = KeyedTable::new(plan("50/1m, 1500/1h"), 1 << 16).unwrap();
    let limiter = KeyedLimiter::new(table, RandomState::new(), clock);
    let granted: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|seed| {
                let limiter = limiter.clone();
                scope.spawn(move || {
                    let mut rng = fastrand::Rng::with_seed(seed);
                    (0..20_000).filter(|_| limiter.try_acquire(&rng.u64(0..KEYS)).is_ok()).count() as u64
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(granted.iter().sum::<u64>(), KEYS * 26);
}

/// Real threads and far more keys than slots, each thread's clock off by as much as it likes: no key above its burst.
#[test]
fn threads_in_an_overloaded_table_mint_nothing() {
    const KEYS: usize = 256;
    let plan = plan("50/1m, 1500/1h");
    let table = KeyedTable::new(plan, 64).unwrap();
    let mut rng = fastrand::Rng::with_seed(9);
    let hashes: Vec<u64> = (0..KEYS).map(|_| rng.u64(..)).collect();
    let counts: Vec<Vec<u32>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                let (table, hashes) = (&table, &hashes);
                scope.spawn(move || {
                    let mut rng = fastrand::Rng::with_seed(seed);
                    let mut counts = vec![0; KEYS];
                    for _ in 0..30_000 {
                        let key = rng.usize(0..KEYS);
                        // Within one interval, so that nothing comes back.
                        let now = Nanos::from_nanos(10_000_000_000 + rng.u64(0..2_000_000_000));
                        let n = rng.u32(1..4);
                        if table.try_acquire_at(now, hashes[key], n).is_ok() {
                            counts[key] += n;
                        }
                    }
                    counts
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let total = |key: usize| counts.iter().map(|counts| counts[key]).sum::<u32>();
    assert!((0..KEYS).all(|key| total(key) <= plan.burst()));
    assert!((0..KEYS).map(total).sum::<u32>() > 64 * 20, "hardly anything was granted");
}
