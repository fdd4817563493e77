//! A timer whose sleeps end at once. A waiter that is woken too early reads the clock and continues to wait, but not for
//! ever.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tollgate::wait::{AcquireError, FairLimiter, Timer};
use tollgate::{Manual, RateLimiter, SlidingLog};

use crate::world::{Woken, policy, secs};

struct Hasty;

struct Over;

impl Timer for Hasty {
    type Sleep = Over;

    fn sleep(&self, _: Duration) -> Over {
        Over
    }
}

impl Future for Over {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

#[test]
fn each_poll_is_one_wake_up_and_none_is_a_grant_too_early() {
    let clock = Manual::new();
    let log = SlidingLog::new(policy("1/10s")).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(log, clock.clone()), Hasty);
    limiter.try_acquire().unwrap();
    let woken: [Arc<Woken>; 3] = Default::default();
    let wakers = woken.clone().map(Waker::from);
    let times = || woken.each_ref().map(|woken| woken.times());
    let poll = |wait: &mut _, i: usize| {
        let mut context = Context::from_waker(&wakers[i]);
        Future::poll(Pin::<&mut _>::new(wait), &mut context).map(|result: Result<_, _>| result.map(drop))
    };
    let (mut head, mut next) = (limiter.acquire(), limiter.acquire());
    let mut third = limiter.acquire().by(secs(99));
    assert_eq!((poll(&mut head, 0), times()), (Poll::Pending, [1, 0, 0]));
    assert_eq!((poll(&mut head, 0), times()), (Poll::Pending, [1, 0, 0]));
    assert_eq!((poll(&mut next, 1), times()), (Poll::Pending, [0, 1, 0]));
    assert_eq!((poll(&mut third, 2), times()), (Poll::Pending, [0, 0, 1]));
    clock.set(secs(10));
    assert_eq!((poll(&mut head, 0), times()), (Poll::Ready(Ok(())), [0, 1, 0]));
    assert_eq!((poll(&mut next, 1), times()), (Poll::Pending, [0, 1, 0]));
    clock.set(secs(20));
    assert_eq!((poll(&mut next, 1), times()), (Poll::Ready(Ok(())), [0, 0, 1]));
    clock.set(secs(30));
    assert_eq!((poll(&mut third, 2), times()), (Poll::Ready(Ok(())), [0, 0, 0]));
}

/// Before it keeps a processor busy, it says so.
#[test]
fn it_ends_with_an_error() {
    let clock = Manual::new();
    let log = SlidingLog::new(policy("1/10s")).unwrap();
    let limiter = FairLimiter::new(RateLimiter::new(log, clock), Hasty);
    limiter.try_acquire().unwrap();
    let mut wait = limiter.acquire();
    let mut poll =
        || Pin::new(&mut wait).poll(&mut Context::from_waker(Waker::noop())).map(|result| result.map(drop));
    for _ in 1..64 {
        assert_eq!(poll(), Poll::Pending);
    }
    assert_eq!(poll(), Poll::Ready(Err(AcquireError::TimerTooFast)));
    assert_eq!(limiter.waiting(), 0);
    assert_eq!(
        AcquireError::TimerTooFast.to_string(),
        "the timer does not keep the time of the limiter's clock: its sleeps are over at once, as in tokio's paused \
         time with a clock of real time"
    );
}
