//! What a `RateLimiter` adds to its algorithm: the clock, and pauses.

use std::sync::Arc;
use std::time::Duration;

use tollgate::{Clock, Denied, Manual, Nanos, Policy, RateLimiter, SlidingLog};

fn limiter(policy: &str) -> (RateLimiter<SlidingLog, Manual>, Manual) {
    let clock = Manual::new();
    let policy: Policy = policy.parse().unwrap();
    (RateLimiter::new(SlidingLog::new(policy).unwrap(), clock.clone()), clock)
}

fn told(denied: &Denied) -> (bool, usize, Option<Nanos>, u32) {
    (denied.is_paused(), denied.quota(), denied.retry_at(), denied.burst())
}

const fn seconds(seconds: u64) -> Nanos {
    Nanos::from_secs(seconds)
}

#[test]
fn a_pause_holds_for_every_clone_and_charges_nothing() {
    let (limiter, clock) = limiter("3/10s");
    let clone = limiter.clone();
    limiter.pause_until(seconds(5));
    assert_eq!(told(&clone.try_acquire().unwrap_err()), (true, 0, Some(seconds(5)), 3));
    assert_eq!(clone.status().remaining(), 3);
    assert_eq!(clone.try_acquire_n(0), Ok(()));
    clock.set(Nanos::from_nanos(4_999_999_999));
    assert!(clone.try_acquire().is_err());
    clock.set(seconds(5));
    assert_eq!(clone.try_acquire_n(3), Ok(()));
    assert!(!clone.try_acquire().unwrap_err().is_paused());
}

#[test]
fn of_two_pauses_the_later_end_holds() {
    let (limiter, clock) = limiter("3/10s");
    limiter.pause_for(Duration::from_secs(8));
    limiter.pause_until(seconds(2));
    clock.set(seconds(6));
    limiter.pause_for(Duration::from_secs(1));
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), Some(seconds(8)));
}

#[test]
fn a_retry_instant_heeds_pause_and_quota() {
    let (limiter, clock) = limiter("1/4s, 3/10s");
    for instant in [0, 4, 8] {
        clock.set(seconds(instant));
        limiter.try_acquire().unwrap();
    }
    // The first leaves the window of 10 s at 10 s, the last leaves that of 4 s at 12 s.
    limiter.pause_until(seconds(9));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (true, 0, Some(seconds(12)), 1));
    limiter.pause_until(seconds(20));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (true, 0, Some(seconds(20)), 1));
}

#[test]
fn a_refusal_in_a_pause_names_the_quota_that_refuses_after_it() {
    let (limiter, clock) = limiter("2/4s, 3/10s");
    for instant in [0, 4, 8] {
        clock.set(seconds(instant));
        limiter.try_acquire().unwrap();
    }
    // At 9 s, one of two is in the window of 4 s and three of three are in that of 10 s. The first leaves at 10 s.
    limiter.pause_until(seconds(9));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (true, 1, Some(seconds(10)), 2));
}

#[test]
fn what_is_never_granted_is_not_granted_after_a_pause() {
    let (limiter, _clock) = limiter("3/10s");
    limiter.pause_until(seconds(5));
    let denied = limiter.try_acquire_n(4).unwrap_err();
    assert_eq!(told(&denied), (true, 0, None, 3));
    limiter.pause_until(Nanos::MAX);
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), None);
}

#[test]
fn a_look_says_what_a_call_would_be_told() {
    let (limiter, _clock) = limiter("2/10s");
    assert_eq!(limiter.peek(), Ok(()));
    limiter.try_acquire_n(2).unwrap();
    let seen = limiter.peek().unwrap_err();
    assert_eq!(told(&seen), (false, 0, Some(seconds(10)), 2));
    assert_eq!(limiter.try_acquire().unwrap_err(), seen);
}

#[test]
fn a_clock_can_be_lent_boxed_and_shared() {
    let clock = Manual::new();
    clock.set(seconds(7));
    let log = || SlidingLog::new("1/10s".parse().unwrap()).unwrap();
    assert_eq!(RateLimiter::new(log(), &clock).status().at(), seconds(7));
    let boxed: Box<dyn Clock> = Box::new(clock.clone());
    assert_eq!(RateLimiter::new(log(), boxed).status().at(), seconds(7));
    let shared: Arc<dyn Clock> = Arc::new(clock);
    assert_eq!(RateLimiter::new(log(), shared).status().at(), seconds(7));
}

#[test]
fn a_pause_is_told_in_words() {
    let (limiter, _clock) = limiter("3/10s");
    limiter.pause_for(Duration::from_millis(1_500));
    assert_eq!(limiter.try_acquire().unwrap_err().to_string(), "paused; retry after 1.5s");
}
