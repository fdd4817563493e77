//! What a `RateLimiter` adds to its algorithm: the clock, and pauses.

use std::sync::Arc;
use std::time::Duration;

use tollgate::{
    BuildError, Clock, DefaultClock, Denied, Manual, Monotonic, Nanos, Policy, PolicyError, Quota,
    RateLimiter, SlidingLog,
};

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
fn what_is_never_granted_is_not_granted_after_a_pause() {
    let (limiter, _clock) = limiter("3/10s");
    limiter.pause_until(seconds(5));
    let denied = limiter.try_acquire_n(4).unwrap_err();
    assert_eq!(told(&denied), (true, 0, None, 3));
    limiter.pause_until(Nanos::MAX);
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), None);
}

#[test]
fn a_pause_is_told_in_words() {
    let (limiter, _clock) = limiter("3/10s");
    limiter.pause_for(Duration::from_millis(1_500));
    assert_eq!(limiter.try_acquire().unwrap_err().to_string(), "paused; retry after 1.5s");
}

/// A clock whose readings may be wrong.
struct Wrong(Duration);

impl Clock for Wrong {
    fn now(&self) -> Nanos {
        Nanos::ZERO
    }

    fn max_error(&self) -> Duration {
        self.0
    }
}

#[test]
fn a_clock_widens_windows_by_its_error() {
    let policy: Policy = "50/1m, 1500/1h; guard 250ms".parse().unwrap();
    let clock = Wrong(Duration::from_millis(3));
    let wider = policy.with_guard(Duration::from_millis(253));
    assert_eq!(clock.widen(policy), wider);
    assert_eq!(Clock::widen(&&clock, policy), wider);
    assert_eq!((Box::new(&clock) as Box<dyn Clock>).widen(policy), wider);
    assert_eq!(Arc::new(&clock).max_error(), Duration::from_millis(3));
    assert_eq!(Manual::new().widen(policy), Ok(policy));
    assert_eq!(Monotonic::new().widen(policy), Ok(policy));
}

#[test]
fn the_default_clock_widens_windows_of_whoever_does_not_choose_one() {
    let policy: Policy = "50/1m; guard 1s".parse().unwrap();
    let guard = Duration::from_secs(1) + DefaultClock::new().max_error();
    assert_eq!(RateLimiter::exact(policy).unwrap().policy().guard(), guard);
    assert_eq!(RateLimiter::strict(policy).unwrap().policy().guard(), guard);
    assert!(DefaultClock::new().max_error() <= Duration::from_micros(1));
}

/// The sum is an error of the policy, like any other guard that is too long.
#[test]
fn a_window_that_cannot_be_wider_is_an_error() {
    let policy = Policy::new(&[Quota::new(1, Policy::MAX_WINDOW)]).unwrap();
    let error = Duration::from_nanos(1);
    let too_long = PolicyError::WindowTooLong { quota: 0, window: Policy::MAX_WINDOW, guard: error };
    assert_eq!(Wrong(error).widen(policy), Err(too_long));
    assert_eq!(BuildError::from(too_long).to_string(), too_long.to_string());
    assert!(Wrong(Duration::MAX).widen("1/1s".parse().unwrap()).is_err());

    let error = DefaultClock::new().max_error();
    if error > Duration::ZERO {
        let too_long = PolicyError::WindowTooLong { quota: 0, window: Policy::MAX_WINDOW, guard: error };
        assert_eq!(RateLimiter::exact(policy).unwrap_err(), BuildError::Policy(too_long));
        assert_eq!(RateLimiter::strict(policy).unwrap_err(), BuildError::Policy(too_long));
    }
}
