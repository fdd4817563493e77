//! What several limiters answer together: all or none, which limiter refuses, and what happens to the grants that were
//! made before another caller came between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::{
    Denied, DeniedBy, Grant, Manual, Nanos, RateLimiter, Reclaim, SlidingLog, TokenBucket, TryGrant,
    try_acquire_all,
};

type Bucket = RateLimiter<TokenBucket, Manual>;
type Log = RateLimiter<SlidingLog, Manual>;

fn bucket(policy: &str, clock: &Manual) -> Bucket {
    RateLimiter::new(TokenBucket::nominal(policy.parse().unwrap()).unwrap(), clock.clone())
}

fn log(policy: &str, clock: &Manual) -> Log {
    RateLimiter::new(SlidingLog::new(policy.parse().unwrap()).unwrap(), clock.clone())
}

/// Which limiter refused, in how many milliseconds to come back, and what is forfeited.
fn told(answer: Result<(), DeniedBy>) -> (usize, Option<u128>, u64) {
    let refused = answer.unwrap_err();
    (refused.limiter(), refused.denied().retry_after().map(|wait| wait.as_millis()), refused.forfeited())
}

/// A limiter that another caller reaches between the look and the grant.
struct Raced<'a> {
    limiter: &'a dyn TryGrant,
    other: &'a (dyn Fn() + 'a),
}

impl TryGrant for Raced<'_> {
    fn peek_n(&self, n: u32) -> Result<(), Denied> {
        self.limiter.peek_n(n)
    }

    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        (self.other)();
        self.limiter.try_grant_n(n)
    }
}

#[test]
fn all_are_charged_what_the_call_costs_there() {
    let (clock, other_clock) = (Manual::new(), Manual::new());
    other_clock.set(Nanos::from_secs(500));
    let (key, address) = (bucket("10/1s", &clock), log("5/1m", &other_clock));
    assert_eq!(try_acquire_all(&[(&key, 3), (&address, 2)]), Ok(()));
    assert_eq!((key.status().remaining(), address.status().remaining()), (7, 3));
    assert_eq!(try_acquire_all(&[(&key, 7), (&address, 3)]), Ok(()));
    assert_eq!((key.status().remaining(), address.status().remaining()), (0, 0));
}

#[test]
fn nobody_and_nothing_is_granted() {
    let clock = Manual::new();
    let (key, address) = (bucket("1/1s", &clock), log("1/1m", &clock));
    assert_eq!(try_acquire_all(&[]), Ok(()));
    assert_eq!(try_acquire_all(&[(&key, 1), (&address, 0)]), Ok(()));
    assert_eq!(try_acquire_all(&[(&key, 0), (&address, 1)]), Ok(()));
    assert_eq!(try_acquire_all(&[(&key, 0), (&address, 0)]), Ok(()));
    assert_eq!((key.status().remaining(), address.status().remaining()), (0, 0));
}

#[test]
fn a_refusal_charges_nobody() {
    let clock = Manual::new();
    let (key, address) = (bucket("10/1s", &clock), log("2/1m", &clock));
    address.try_acquire_n(2).unwrap();
    let before = (key.status(), address.status());
    for list in [[(&key as &dyn TryGrant, 10), (&address, 1)], [(&address, 1), (&key, 10)]] {
        let refused = try_acquire_all(&list).unwrap_err();
        assert_eq!(refused.limiter(), usize::from(list[0].1 == 10));
        assert_eq!(refused.denied(), &address.peek().unwrap_err());
        assert_eq!(refused.forfeited(), 0);
        assert_eq!((key.status(), address.status()), before);
    }
}

/// A log takes nothing back, so it would lose a permit if it were charged before the second limiter is looked at.
#[test]
fn all_are_looked_at_before_any_is_charged() {
    let clock = Manual::new();
    let (with_room, spent) = (log("2/1m", &clock), log("1/1m", &clock));
    spent.try_acquire().unwrap();
    let before = with_room.status();
    assert_eq!(told(try_acquire_all(&[(&with_room, 1), (&spent, 1)])), (1, Some(60_000), 0));
    assert_eq!(with_room.status(), before);
    // The same for more limiters than need no allocation.
    let mut many = [(&with_room as &dyn TryGrant, 0); 20];
    many[0].1 = 2;
    many[19] = (&spent, 1);
    assert_eq!(told(try_acquire_all(&many)), (19, Some(60_000), 0));
    assert_eq!(with_room.status(), before);
}

#[test]
fn the_longest_wait_is_told() {
    let (clock, ahead) = (Manual::new(), Manual::new());
    ahead.set(Nanos::from_secs(1_000));
    // 10 s on a clock that is far ahead, 60 s, 60 s again.
    let limiters = [log("1/10s", &ahead), log("1/1m", &clock), log("1/1m", &clock)];
    for limiter in &limiters {
        limiter.try_acquire().unwrap();
    }
    let list = |order: [usize; 3]| order.map(|i| (&limiters[i] as &dyn TryGrant, 1));
    assert_eq!(told(try_acquire_all(&list([0, 1, 2]))), (1, Some(60_000), 0));
    assert_eq!(told(try_acquire_all(&list([2, 0, 1]))), (0, Some(60_000), 0));
    assert_eq!(told(try_acquire_all(&list([0, 1, 2])[..1])), (0, Some(10_000), 0));
    // An undisturbed retry is granted then, and not before.
    clock.advance(Duration::from_secs(59));
    ahead.advance(Duration::from_secs(59));
    assert_eq!(told(try_acquire_all(&list([0, 1, 2]))), (1, Some(1_000), 0));
    clock.advance(Duration::from_secs(1));
    assert_eq!(try_acquire_all(&list([0, 1, 2])), Ok(()));
}

#[test]
fn never_comes_before_any_wait() {
    let clock = Manual::new();
    let (slow, small) = (log("1/1d", &clock), log("3/1s", &clock));
    slow.try_acquire().unwrap();
    assert_eq!(told(try_acquire_all(&[(&slow, 1), (&small, 4)])), (1, None, 0));
    assert_eq!(told(try_acquire_all(&[(&small, 4), (&slow, 1)])), (0, None, 0));
    assert_eq!(told(try_acquire_all(&[(&slow, 2), (&small, 4)])), (0, None, 0));
    assert_eq!(small.status().remaining(), 3);
}

#[test]
fn a_pause_refuses_for_all() {
    let clock = Manual::new();
    let (key, address) = (bucket("10/1s", &clock), log("2/1m", &clock));
    address.pause_for(Duration::from_secs(5));
    let refused = try_acquire_all(&[(&key, 1), (&address, 1)]).unwrap_err();
    assert!(refused.denied().is_paused());
    assert_eq!(told(Err(refused)), (1, Some(5_000), 0));
    assert_eq!(key.status().remaining(), 10);
}

#[test]
fn what_was_granted_before_a_race_is_undone() {
    let clock = Manual::new();
    let (key, tenant, address) = (bucket("10/1s", &clock), bucket("9/1s", &clock), log("2/1m", &clock));
    let other = || address.try_acquire_n(2).unwrap();
    let raced = Raced { limiter: &address, other: &other };
    assert_eq!(told(try_acquire_all(&[(&key, 3), (&tenant, 2), (&raced, 1)])), (2, Some(60_000), 0));
    assert_eq!((key.status().remaining(), tenant.status().remaining()), (10, 9));
    assert_eq!(address.status().remaining(), 0);
}

#[test]
fn what_cannot_be_undone_is_forfeited_and_counted() {
    let clock = Manual::new();
    let (first, key, tenant) = (log("7/1m", &clock), bucket("10/1s", &clock), bucket("9/1s", &clock));
    let address = log("2/1m", &clock);
    // The other caller takes the address's permits, and one of the key's after ours.
    let other = || {
        address.try_acquire_n(2).unwrap();
        key.try_acquire().unwrap();
    };
    let raced = Raced { limiter: &address, other: &other };
    let answer = try_acquire_all(&[(&first, 4), (&key, 3), (&tenant, 2), (&raced, 1)]);
    let text = "limiter 3, counted from 0: quota 0 (counted from 0) is exceeded; retry after 60s; \
                7 permits of other limiters stay charged";
    assert_eq!(answer.unwrap_err().to_string(), text);
    assert_eq!(told(answer), (3, Some(60_000), 7));
    assert_eq!(first.status().remaining(), 7 - 4, "a log takes nothing back");
    assert_eq!(key.status().remaining(), 10 - 3 - 1, "ours was no longer the latest grant");
    assert_eq!(tenant.status().remaining(), 9);
}

#[test]
fn after_a_race_the_longest_wait_is_told_too() {
    let clock = Manual::new();
    let (slow, address) = (log("1/1h", &clock), log("1/1m", &clock));
    let other = || address.try_acquire().unwrap();
    let raced = Raced { limiter: &address, other: &other };
    // Our own permit of the slow one is forfeited, so a retry has to wait for that.
    let refused = try_acquire_all(&[(&slow, 1), (&raced, 1)]).unwrap_err();
    assert_eq!(told(Err(refused)), (0, Some(3_600_000), 1));
    assert_eq!(refused.denied(), &slow.peek().unwrap_err());
    // A limiter after the one that refused counts as well.
    let (slow, address) = (log("1/1h", &clock), log("1/1m", &clock));
    let other = || {
        address.try_acquire().unwrap();
        slow.try_acquire().unwrap();
    };
    let raced = Raced { limiter: &address, other: &other };
    assert_eq!(told(try_acquire_all(&[(&raced, 1), (&slow, 1)])), (1, Some(3_600_000), 0));
}

#[test]
fn a_limiter_listed_twice_never_grants_too_much() {
    let clock = Manual::new();
    let key = bucket("3/3s", &clock);
    assert_eq!(try_acquire_all(&[(&key, 1), (&key, 1)]), Ok(()));
    // Each look finds the one permit that is left.
    assert_eq!(told(try_acquire_all(&[(&key, 1), (&key, 1)])), (1, Some(1_000), 0));
    assert_eq!(key.status().remaining(), 1);
}

/// Counts its permits, and writes down which are undone.
struct Noted<'a> {
    name: u32,
    granted: AtomicU64,
    undone: &'a Mutex<Vec<u32>>,
}

impl Reclaim for Noted<'_> {
    fn reclaim(&self, before: u64, after: u64) -> bool {
        self.undone.lock().unwrap().push(self.name);
        self.granted.compare_exchange(after, before, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl TryGrant for Noted<'_> {
    fn peek_n(&self, _: u32) -> Result<(), Denied> {
        Ok(())
    }

    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        let before = self.granted.fetch_add(u64::from(n), Ordering::Relaxed);
        Ok(Grant::new(self, before, before + u64::from(n)))
    }
}

#[test]
fn what_was_granted_before_a_limiter_panics_is_undone() {
    let clock = Manual::new();
    let (key, address) = (bucket("10/1s", &clock), log("7/1m", &clock));
    let panics = || std::panic::resume_unwind(Box::new("a limiter panics"));
    let broken = Raced { limiter: &key, other: &panics };
    for many in [0, 1, 8, 9] {
        let undone = Mutex::new(Vec::new());
        let noted: Vec<Noted<'_>> =
            (0..many).map(|name| Noted { name, granted: AtomicU64::new(5), undone: &undone }).collect();
        let mut list: Vec<(&dyn TryGrant, u32)> = vec![(&key, 3)];
        list.extend(noted.iter().map(|noted| (noted as &dyn TryGrant, 2)));
        list.extend([(&broken as &dyn TryGrant, 1), (&address, 1)]);
        let panicked = catch_unwind(AssertUnwindSafe(|| try_acquire_all(&list))).unwrap_err();
        assert_eq!(panicked.downcast_ref(), Some(&"a limiter panics"));
        assert_eq!((key.status().remaining(), address.status().remaining()), (10, 7));
        assert_eq!(*undone.lock().unwrap(), (0..many).rev().collect::<Vec<_>>());
        assert!(noted.iter().all(|noted| noted.granted.load(Ordering::Relaxed) == 5));
    }
}

/// A limiter whose grants cannot be undone without a panic.
struct Stuck;

impl Reclaim for Stuck {
    fn reclaim(&self, _: u64, _: u64) -> bool {
        std::panic::resume_unwind(Box::new("an undo panics"))
    }
}

impl TryGrant for Stuck {
    fn peek_n(&self, _: u32) -> Result<(), Denied> {
        Ok(())
    }

    fn try_grant_n(&self, _: u32) -> Result<Grant<'_>, Denied> {
        Ok(Grant::new(self, 0, 1))
    }
}

#[test]
fn an_undo_that_panics_keeps_no_other_from_being_undone() {
    let clock = Manual::new();
    let (key, tenant, address) = (bucket("10/1s", &clock), bucket("9/1s", &clock), log("2/1m", &clock));
    let other = || address.try_acquire_n(2).unwrap();
    let raced = Raced { limiter: &address, other: &other };
    let list: [(&dyn TryGrant, u32); 4] = [(&key, 3), (&Stuck, 1), (&tenant, 2), (&raced, 1)];
    let panicked = catch_unwind(AssertUnwindSafe(|| try_acquire_all(&list))).unwrap_err();
    assert_eq!(panicked.downcast_ref(), Some(&"an undo panics"));
    assert_eq!((key.status().remaining(), tenant.status().remaining()), (10, 9));
}

/// A pointer to a limiter is a limiter, of a known type or not, and its grants can be undone.
#[test]
fn pointers_to_limiters_can_be_listed() {
    let clock = Manual::new();
    let (key, spent) = (Arc::new(bucket("10/1s", &clock)), log("1/1m", &clock));
    let boxed: Box<dyn TryGrant> = Box::new(Arc::clone(&key));
    let shared: Arc<dyn TryGrant> = Arc::new(spent.clone());
    let borrowed: &dyn TryGrant = &&*key;
    assert_eq!(try_acquire_all(&[(&key, 1), (&boxed, 2), (&borrowed, 3), (&shared, 0)]), Ok(()));
    assert_eq!(key.status().remaining(), 10 - 1 - 2 - 3);
    let other = || spent.try_acquire().unwrap();
    let raced = Raced { limiter: &shared, other: &other };
    assert_eq!(
        told(try_acquire_all(&[(&boxed, 2), (&key, 1), (&borrowed, 1), (&raced, 1)])),
        (3, Some(60_000), 0)
    );
    assert_eq!(key.status().remaining(), 4);
    assert_eq!(told(try_acquire_all(&[(&boxed, 1), (&shared, 1)])), (1, Some(60_000), 0));
}

/// As many as need no allocation, and more.
#[test]
fn the_latest_is_undone_first_however_many_there_are() {
    let clock = Manual::new();
    for many in [1, 7, 8, 9, 100] {
        let undone = Mutex::new(Vec::new());
        let noted: Vec<Noted<'_>> =
            (0..many).map(|name| Noted { name, granted: AtomicU64::new(0), undone: &undone }).collect();
        let address = log("1/1m", &clock);
        let other = || address.try_acquire().unwrap();
        let raced = Raced { limiter: &address, other: &other };
        let mut list: Vec<(&dyn TryGrant, u32)> =
            noted.iter().map(|noted| (noted as &dyn TryGrant, 2)).collect();
        assert_eq!(try_acquire_all(&list), Ok(()));
        list.push((&raced, 1));
        assert_eq!(told(try_acquire_all(&list)), (list.len() - 1, Some(60_000), 0));
        assert_eq!(*undone.lock().unwrap(), (0..many).rev().collect::<Vec<_>>());
        assert!(noted.iter().all(|noted| noted.granted.load(Ordering::Relaxed) == 2));
    }
}

#[test]
fn a_few_need_no_allocation() {
    let clock = Manual::new();
    let limiters: Vec<Bucket> = (0..9).map(|_| bucket("1/1m", &clock)).collect();
    let list: Vec<(&dyn TryGrant, u32)> =
        limiters.iter().map(|limiter| (limiter as &dyn TryGrant, 1)).collect();
    let allocations = |few: usize| {
        let (mut first, mut second) = (Ok(()), Ok(()));
        let counted = allocation_counter::measure(|| {
            first = try_acquire_all(&list[..few]);
            second = try_acquire_all(&list[..few]);
        });
        assert_eq!((first, told(second)), (Ok(()), (0, Some(60_000), 0)));
        clock.advance(Duration::from_secs(60));
        counted.count_total
    };
    assert_eq!([1, 8, 9].map(allocations), [0, 0, 1]);
}
