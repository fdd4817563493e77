//! A limiter with a queue, asked together with others.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use tollgate::wait::{FairLimiter, Undo};
use tollgate::{
    Algorithm, Denied, Grant, Manual, Nanos, Policy, RateLimiter, SlidingLog, Status, TokenBucket, TryGrant,
    try_acquire_all,
};

use crate::world::{World, policy, secs};

fn log(text: &str, clock: &Manual) -> RateLimiter<SlidingLog, Manual> {
    RateLimiter::new(SlidingLog::new(policy(text)).unwrap(), clock.clone())
}

#[test]
fn a_call_to_several_does_not_overtake() {
    let mut world = World::strict("1/10s");
    let limiter = world.limiter.clone();
    let address = log("9/1m", &world.timer.clock);
    assert_eq!(try_acquire_all(&[(&limiter, 1), (&address, 1)]), Ok(()));
    let task = world.wait(1, Nanos::MAX);
    world.live_until(secs(3));
    // The permit of second 10 is the waiter's.
    let refused = try_acquire_all(&[(&limiter, 1), (&address, 1)]).unwrap_err();
    assert_eq!((refused.limiter(), refused.forfeited()), (0, 0));
    assert_eq!(refused.denied().retry_after(), Some(Duration::from_secs(7)));
    world.set(secs(10));
    // The waiter was woken and did not run yet.
    assert!(try_acquire_all(&[(&address, 1), (&limiter, 1)]).is_err());
    assert_eq!(address.status().remaining(), 8);
    world.run();
    assert_eq!(world.granted(), [(task, 10)]);
    // More than can ever be granted, and nothing, are answered without the queue.
    assert_eq!(limiter.peek_n(2).unwrap_err().retry_at(), None);
    assert_eq!(limiter.peek_n(0), Ok(()));
    world.live_until(secs(20));
    assert_eq!(try_acquire_all(&[(&limiter, 1), (&address, 1)]), Ok(()));
    assert!(world.is_clean());
}

/// A look that asked the limiter alone would find a permit here.
#[test]
fn a_look_sees_the_queue_and_takes_nothing() {
    let mut world = World::exact("3/10s");
    let limiter = world.limiter.clone();
    let _permit = limiter.try_acquire_n(2).unwrap();
    let task = world.wait(2, Nanos::MAX);
    assert_eq!((limiter.limiter().peek_n(1), limiter.waiting()), (Ok(()), 1));
    let seen = limiter.peek_n(1).unwrap_err();
    assert_eq!(seen.retry_at(), Some(secs(10)));
    assert_eq!(limiter.try_grant_n(1).unwrap_err(), seen);
    world.set(secs(10));
    // Now there are permits for the waiter and for this call.
    assert_eq!((limiter.peek_n(1), limiter.peek_n(1)), (Ok(()), Ok(())));
    assert_eq!(limiter.status().remaining(), 3);
    assert!(limiter.try_grant_n(1).is_ok());
    world.run();
    assert_eq!((world.granted(), limiter.status().remaining()), (vec![(task, 10)], 0));
}

/// A waiter that does not come for its permits does not refuse the others for ever.
#[test]
fn looks_pass_over_a_waiter_that_does_not_come() {
    let mut world = World::exact("1/10s");
    let limiter = world.limiter.clone();
    assert!(limiter.try_acquire().is_ok());
    let task = world.wait(1, Nanos::MAX);
    world.put_to_sleep(task);
    world.live_until(secs(30));
    let list: [(&dyn TryGrant, u32); 1] = [(&limiter, 1)];
    let refused = try_acquire_all(&list).unwrap_err();
    let wait = refused.denied().retry_after().unwrap();
    assert_eq!(wait, Duration::from_millis(50));
    world.live_until(secs(30).saturating_add(wait));
    assert_eq!(try_acquire_all(&list), Ok(()));
}

#[test]
fn a_grant_that_is_undone_calls_the_head() {
    let world = World::strict("1/10s");
    let limiter = world.limiter.clone();
    let address = log("1/1m", &world.timer.clock);
    let (world, task) = (RefCell::new(world), Cell::new(None));
    // Between the two grants, somebody takes the address's permit, and somebody waits for ours.
    let raced = Raced {
        limiter: &address,
        other: &|| {
            address.try_acquire().unwrap();
            let mut world = world.borrow_mut();
            task.set(Some(world.wait(1, Nanos::MAX)));
            assert_eq!(world.timer.armed(), [secs(10)]);
        },
    };
    let refused = try_acquire_all(&[(&limiter, 1), (&raced, 1)]).unwrap_err();
    assert_eq!((refused.limiter(), refused.forfeited()), (1, 0));
    let mut world = world.into_inner();
    let task = task.get().unwrap();
    assert_eq!(world.wakes(task), 1);
    world.run();
    assert_eq!(world.granted(), [(task, 0)]);
    assert!(world.is_clean());
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

/// A bucket in an algorithm of one's own. Only the compiler knows which bucket its grants came from.
#[derive(Debug)]
struct Wrapper(TokenBucket);

impl Algorithm for Wrapper {
    fn policy(&self) -> &Policy {
        self.0.policy()
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.0.try_acquire_at(now, n)
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.0.peek_at(now, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.0.status_at(now)
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        self.0.try_grant_at(now, n)
    }
}

/// How many of four permits are left after one was taken and undone: as a permit that borrows, one that owns, and a grant.
fn left_after_undoing<A: Algorithm + 'static>(algorithm: impl Fn() -> A) -> [(bool, u32); 3] {
    let fresh = || FairLimiter::blocking(RateLimiter::new(algorithm(), Manual::new()));
    let limiters = [fresh(), fresh(), fresh()];
    let undone = [
        limiters[0].try_acquire().unwrap().undo() == Undo::Exact,
        limiters[1].acquire_owned().wait().unwrap().undo() == Undo::Exact,
        limiters[2].try_grant_n(1).unwrap().undo(),
    ];
    let mut left = limiters.iter().map(|limiter| limiter.status().remaining());
    undone.map(|undone| (undone, left.next().unwrap()))
}

#[test]
fn an_algorithm_of_ones_own_is_undone_by_the_permit_that_borrows_it() {
    let bucket = || TokenBucket::nominal(policy("4/1m")).unwrap();
    assert_eq!(left_after_undoing(bucket), [(true, 4); 3]);
    assert_eq!(left_after_undoing(|| Box::new(bucket()) as Box<dyn Algorithm>), [(true, 4); 3]);
    assert_eq!(left_after_undoing(|| Wrapper(bucket())), [(true, 4), (false, 3), (false, 3)]);
}
