//! What a `RateLimiter` adds to its algorithm: the clock, pauses, and a type that does not name the algorithm.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tollgate::{
    Algorithm, BuildError, Cause, Clock, DefaultClock, Denied, Grant, Manual, Monotonic, Nanos, Policy,
    PolicyError, Quota, QuotaStatus, RateLimiter, Reclaim, SlidingLog, TokenBucket,
};

fn limiter(policy: &str) -> (RateLimiter<SlidingLog, Manual>, Manual) {
    let clock = Manual::new();
    let policy: Policy = policy.parse().unwrap();
    (RateLimiter::new(SlidingLog::new(policy).unwrap(), clock.clone()), clock)
}

fn told(denied: &Denied) -> (Cause, usize, Option<Nanos>, u32) {
    (denied.cause(), denied.quota(), denied.retry_at(), denied.burst())
}

const fn seconds(seconds: u64) -> Nanos {
    Nanos::from_secs(seconds)
}

const fn tenths(tenths: u64) -> Nanos {
    Nanos::from_nanos(tenths * 100_000_000)
}

#[test]
fn a_pause_holds_for_every_clone_and_charges_nothing() {
    let (limiter, clock) = limiter("4/10s");
    let clone = limiter.clone();
    limiter.pause_until(seconds(5));
    assert_eq!(told(&clone.try_acquire().unwrap_err()), (Cause::Pause, 0, Some(seconds(5)), 4));
    assert_eq!(clone.algorithm().status_at(seconds(0)).remaining(), 4);
    assert_eq!(clone.try_acquire_n(0), Ok(()));
    clock.set(Nanos::from_nanos(4_999_999_999));
    assert!(clone.try_acquire().is_err());
    assert_eq!(clone.try_acquire_n(0), Ok(()));
    clock.set(seconds(5));
    assert_eq!(clone.try_acquire(), Ok(()));
}

/// Empty at the end of the pause but for one permit, and one more per 2.5 s: each refusal exact on both sides.
#[test]
fn out_of_a_pause_permits_come_one_by_one() {
    let (limiter, clock) = limiter("4/10s");
    limiter.pause_until(seconds(5));
    for tenth in [50, 75, 100, 125, 150] {
        let refused = limiter.try_acquire().unwrap_err();
        assert_eq!(told(&refused), (Cause::Pause, 0, Some(tenths(tenth)), 4));
        clock.set(Nanos::from_nanos(tenth * 100_000_000 - 1));
        assert!(limiter.peek().is_err() && limiter.try_acquire().is_err());
        clock.set(tenths(tenth));
        assert_eq!(limiter.peek(), Ok(()));
        assert_eq!(limiter.try_acquire(), Ok(()));
    }
}

#[test]
fn out_of_a_pause_what_is_not_used_adds_up() {
    let (limiter, clock) = limiter("4/10s");
    limiter.pause_until(seconds(5));
    // For several permits, all of them are waited for.
    for (n, tenth) in [(1, 50), (2, 75), (3, 100), (4, 125)] {
        assert_eq!(limiter.try_acquire_n(n).unwrap_err().retry_at(), Some(tenths(tenth)), "{n}");
        assert_eq!(limiter.peek_n(n).unwrap_err().retry_at(), Some(tenths(tenth)), "{n}");
    }
    clock.set(tenths(100));
    assert_eq!(limiter.try_acquire_n(3), Ok(()));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 0, Some(tenths(125)), 4));
    // At 20 s the bucket is full again and forgotten; the policy alone decides.
    clock.set(seconds(20));
    assert_eq!(limiter.try_acquire_n(4), Ok(()));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Quota(0), 0, Some(seconds(30)), 4));
}

/// What the policy forbids on the way out of a pause is not charged there, and the policy is what is told.
#[test]
fn out_of_a_pause_the_policy_holds() {
    let (limiter, clock) = limiter("4/10s, 6/1m");
    limiter.try_acquire_n(4).unwrap();
    limiter.pause_until(seconds(20));
    clock.set(seconds(40));
    limiter.try_acquire_n(2).unwrap(); // Not affected: the bucket is full at 27.5 s.
    limiter.pause_until(seconds(50));
    clock.set(seconds(55)); // 3 permits by the pause.
    for _ in 0..3 {
        let denied = limiter.try_acquire_n(2).unwrap_err();
        assert_eq!(told(&denied), (Cause::Quota(1), 1, Some(seconds(60)), 4));
    }
    clock.set(seconds(60));
    assert_eq!(limiter.try_acquire_n(4), Ok(()));
}

#[test]
fn of_two_pauses_the_later_end_holds() {
    let (limiter, clock) = limiter("4/10s");
    limiter.pause_for(Duration::from_secs(8));
    limiter.pause_until(seconds(2));
    clock.set(seconds(6));
    limiter.pause_for(Duration::from_secs(1));
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), Some(seconds(8)));
    // What is charged on the way out of a pause counts in one that begins meanwhile, and no more than once.
    clock.set(seconds(8));
    limiter.try_acquire().unwrap();
    limiter.pause_for(Duration::from_secs(1));
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), Some(tenths(105)));
    limiter.pause_for(Duration::from_secs(3));
    assert_eq!(limiter.try_acquire().unwrap_err().retry_at(), Some(seconds(11)));
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
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 0, Some(seconds(12)), 1));
    limiter.pause_until(seconds(20));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 0, Some(seconds(20)), 1));
}

/// The quota that is exceeded when the pause is over, not always the first.
#[test]
fn in_a_pause_the_quota_is_the_one_that_remains() {
    let (limiter, clock) = limiter("2/4s, 3/1m");
    for instant in [0, 4, 8] {
        clock.set(seconds(instant));
        limiter.try_acquire().unwrap();
    }
    limiter.pause_until(seconds(30));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 1, Some(seconds(60)), 2));
    limiter.pause_until(seconds(70));
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 0, Some(seconds(70)), 2));
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
    assert_eq!(told(&limiter.try_acquire().unwrap_err()), (Cause::Pause, 1, Some(seconds(10)), 2));
}

#[test]
fn what_is_never_granted_is_not_granted_after_a_pause() {
    let (limiter, _clock) = limiter("3/10s");
    for until in [seconds(5), Nanos::MAX] {
        limiter.pause_until(until);
        assert_eq!(told(&limiter.try_acquire_n(4).unwrap_err()), (Cause::Quota(0), 0, None, 3));
    }
}

#[test]
fn a_pause_without_an_end_is_told_as_a_pause() {
    let (limiter, clock) = limiter("3/10s");
    limiter.try_acquire_n(3).unwrap();
    limiter.pause_until(Nanos::MAX);
    for now in [seconds(0), seconds(1 << 33), Nanos::from_nanos(u64::MAX - 1)] {
        clock.set(now);
        let denied = limiter.try_acquire().unwrap_err();
        assert_eq!(told(&denied), (Cause::Pause, 0, None, 3));
        assert_eq!(denied.to_string(), "paused until the limiter is resumed");
    }
    clock.set(seconds(10));
    assert_eq!(limiter.status().next_at(), Nanos::MAX);
    assert_eq!(limiter.resume(), Some(Nanos::MAX));
    assert_eq!(limiter.try_acquire_n(3), Ok(()));
}

/// At the end of time nothing wraps: what cannot be told is without an end.
#[test]
fn pauses_saturate() {
    let policy = "4294967295/4611686018427387904ns".parse().unwrap();
    let clock = Manual::new();
    let limiter = RateLimiter::new(TokenBucket::nominal(policy).unwrap(), clock.clone());
    clock.set(Nanos::from_nanos(u64::MAX - 1));
    limiter.pause_until(Nanos::from_nanos(u64::MAX - 2));
    assert_eq!(limiter.try_acquire().unwrap_err().cause(), Cause::Pause);
    limiter.pause_for(Duration::MAX);
    assert_eq!(limiter.resume(), Some(Nanos::MAX));
}

#[test]
fn a_resumption_ends_a_pause_and_the_spacing_after_it() {
    let (limiter, clock) = limiter("4/10s");
    assert_eq!(limiter.resume(), None);
    limiter.pause_until(seconds(60));
    assert_eq!(limiter.resume(), Some(seconds(60)));
    assert_eq!(limiter.try_acquire_n(4), Ok(()));
    clock.set(seconds(20));
    limiter.pause_until(seconds(30));
    clock.set(seconds(30));
    limiter.try_acquire().unwrap();
    assert_eq!(limiter.clone().resume(), Some(tenths(325)));
    assert_eq!(limiter.try_acquire_n(3), Ok(()));
    // A pause that is over holds nothing back.
    limiter.pause_until(seconds(30));
    clock.set(seconds(50));
    assert_eq!(limiter.resume(), None);
}

#[test]
fn no_pause_is_longer_than_the_longest() {
    let (limiter, clock) = limiter("4/10s");
    clock.set(seconds(100));
    limiter.set_longest_pause(Duration::from_secs(60));
    for pause in [
        |limiter: &RateLimiter<_, _>| limiter.pause_until(Nanos::MAX),
        |limiter: &RateLimiter<_, _>| limiter.pause_for(Duration::from_secs(61)),
        |limiter: &RateLimiter<_, _>| limiter.pause_for(Duration::MAX),
        |limiter: &RateLimiter<_, _>| limiter.pause_for_with_jitter(Duration::MAX, Duration::MAX),
        |limiter: &RateLimiter<SlidingLog, Manual>| limiter.pause_for(Duration::from_secs(60)),
    ] {
        pause(&limiter.clone());
        assert_eq!(limiter.resume(), Some(seconds(160)));
    }
    limiter.pause_for(Duration::from_nanos(59_999_999_999));
    assert_eq!(limiter.resume(), Some(Nanos::from_nanos(159_999_999_999)));
    // From now on, not before; and it can be lifted.
    limiter.set_longest_pause(Duration::MAX);
    limiter.pause_for(Duration::from_secs(3600));
    limiter.set_longest_pause(Duration::ZERO);
    assert_eq!(limiter.resume(), Some(seconds(3700)));
}

/// Between nothing and all of the jitter, and hardly ever twice the same.
#[test]
fn jitter_spreads_pauses() {
    let (limiter, _clock) = limiter("4/10s");
    let mut ends: Vec<Nanos> = (0..64)
        .map(|_| {
            limiter.pause_for_with_jitter(Duration::from_secs(5), Duration::from_secs(10));
            limiter.resume().unwrap()
        })
        .collect();
    assert!(ends.iter().all(|&end| (seconds(5)..=seconds(15)).contains(&end)), "{ends:?}");
    // A fair part in each half: all on one side once in 2^63 runs.
    assert!(ends.iter().any(|&end| end < seconds(10)) && ends.iter().any(|&end| end > seconds(10)));
    ends.sort_unstable();
    ends.dedup();
    assert!(ends.len() > 60, "{ends:?}");
    limiter.pause_for_with_jitter(Duration::from_secs(5), Duration::ZERO);
    assert_eq!(limiter.resume(), Some(seconds(5)));
}

#[test]
fn a_look_says_what_a_call_would_be_told() {
    let (limiter, _clock) = limiter("2/10s");
    assert_eq!(limiter.peek(), Ok(()));
    limiter.try_acquire_n(2).unwrap();
    let seen = limiter.peek().unwrap_err();
    assert_eq!(told(&seen), (Cause::Quota(0), 0, Some(seconds(10)), 2));
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
    let (limiter, clock) = limiter("3/10s");
    limiter.pause_for(Duration::from_millis(1_500));
    let denied = limiter.try_acquire().unwrap_err();
    assert_eq!(denied.to_string(), "paused; retry after 1.5s");
    assert_eq!(denied.explain(limiter.policy()).to_string(), "paused; retry after 1.5s");
    let algorithm = "SlidingLog { policy: Policy(3/10s), granted: 0, .. }";
    let debug = |clock, until| {
        format!(
            "RateLimiter {{ algorithm: {algorithm}, clock: Manual {{ now: {clock} }}, paused_until: {until} }}"
        )
    };
    assert_eq!(format!("{limiter:?}"), debug(0, "Some(Nanos(1500000000))"));
    clock.set(seconds(2));
    assert_eq!(format!("{:?}", limiter.erased()), debug(2_000_000_000, "None"));
    let boxed: RateLimiter<Box<dyn Algorithm>, Manual> =
        RateLimiter::new(Box::new(SlidingLog::new(*limiter.policy()).unwrap()), clock);
    assert_eq!(format!("{boxed:?}"), debug(2_000_000_000, "None"));
}

/// The status is what a call would be answered: in a pause, on the way out, and beside quotas that are used up.
#[test]
fn a_status_never_contradicts_a_refusal() {
    let (limiter, clock) = limiter("4/10s, 6/1m");
    limiter.try_acquire_n(3).unwrap();
    let left = |remaining, next_at, reset_at| QuotaStatus { remaining, next_at, reset_at };
    assert_eq!(
        limiter.status().quotas(),
        [left(1, seconds(0), seconds(10)), left(3, seconds(0), seconds(60))]
    );
    limiter.pause_until(seconds(20));
    assert_eq!(
        limiter.status().quotas(),
        [left(0, seconds(20), tenths(275)), left(0, seconds(20), seconds(60))]
    );
    clock.set(tenths(225));
    assert_eq!(
        limiter.status().quotas(),
        [left(2, tenths(225), tenths(275)), left(2, tenths(225), seconds(60))]
    );
    for tenth in 225..700 {
        clock.set(tenths(tenth));
        let status = limiter.status();
        assert_eq!(limiter.peek_n(status.remaining()), Ok(()));
        assert!(limiter.peek_n(status.remaining() + 1).is_err());
        match limiter.try_acquire() {
            Ok(()) => assert!(status.next_at() <= status.at()),
            Err(denied) => assert_eq!(denied.retry_at(), Some(status.next_at()), "at {tenth}"),
        }
    }
}

/// One state for all quotas is shown as one, and its refusal blames none of them.
#[test]
fn a_strict_bucket_has_a_pace_and_no_exceeded_quota() {
    let policy: Policy = "burst=50/1m, hourly=1500/1h".parse().unwrap();
    let limiter = RateLimiter::new(TokenBucket::strict(policy).unwrap(), Manual::new());
    limiter.try_acquire_n(26).unwrap();
    let denied = limiter.try_acquire().unwrap_err();
    let next = Nanos::from_nanos(2_440_677_967);
    assert_eq!(told(&denied), (Cause::Pace, 1, Some(next), 26));
    assert_eq!(
        denied.explain(&policy).to_string(),
        "calls are spaced to keep burst=50/1m, hourly=1500/1h; retry after 2.440677967s"
    );
    let status = limiter.status();
    assert!(status.is_joint());
    let reset_at = Nanos::from_nanos(26 * 2_440_677_967);
    assert_eq!(status.quotas(), [QuotaStatus { remaining: 0, next_at: next, reset_at }]);
    let never = limiter.try_acquire_n(27).unwrap_err();
    assert_eq!(told(&never), (Cause::Pace, 1, None, 26));

    // One bucket per quota: each has its own state, and a refusal names the one that is exceeded.
    let limiter = RateLimiter::new(TokenBucket::nominal(policy).unwrap(), Manual::new());
    limiter.try_acquire_n(50).unwrap();
    let denied = limiter.try_acquire().unwrap_err();
    assert_eq!(denied.explain(&policy).to_string(), "quota burst=50/1m is exceeded; retry after 1.2s");
    assert_eq!((limiter.status().is_joint(), limiter.status().quotas().len()), (false, 2));
}

#[test]
fn an_erased_limiter_is_the_same_limiter() {
    fn spend(limiter: &RateLimiter<dyn Algorithm, Manual>) {
        limiter.try_acquire_n(2).unwrap();
    }
    let (limiter, clock) = limiter("5/10s");
    let erased = limiter.erased();
    spend(&erased);
    spend(&limiter.clone().into());
    assert_eq!((limiter.status().remaining(), erased.status().remaining()), (1, 1));
    limiter.pause_until(seconds(20));
    assert!(erased.try_acquire().unwrap_err().is_paused());
    assert_eq!(erased.resume(), Some(seconds(20)));
    clock.set(seconds(10));
    assert_eq!(erased.clone().try_acquire_n(5), Ok(()));
    assert!(limiter.try_acquire().is_err());
    assert!(std::ptr::eq(erased.policy(), limiter.policy()));
    // A pointer, and two if the algorithm is erased.
    assert_eq!((size_of_val(&limiter), size_of_val(&erased)), (size_of::<usize>(), 2 * size_of::<usize>()));
}

/// Without a clock and without an algorithm in the type.
#[test]
fn a_struct_names_its_limiter() {
    struct Client {
        exact: RateLimiter<SlidingLog>,
        any: Vec<RateLimiter>,
    }
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let exact = RateLimiter::exact(policy).unwrap();
    let bucket = RateLimiter::new(TokenBucket::nominal(policy).unwrap(), DefaultClock::new());
    let any = vec![exact.erased(), RateLimiter::strict(policy).unwrap().into(), bucket.into()];
    let client = Client { exact, any };
    for (limiter, burst) in client.any.iter().zip([50, 26, 50]) {
        assert_eq!(limiter.try_acquire_n(u32::MAX).unwrap_err().burst(), burst);
    }
    client.any[0].try_acquire_n(50).unwrap();
    assert!(client.exact.try_acquire().is_err());
}

/// How a client fares whose policy is `policy` where the server's true limit is `truth`.
#[derive(Debug, PartialEq, Eq)]
struct Fare {
    /// Answers 200 and 429.
    served: u32,
    refused: u32,
}

/// In virtual time: calls are sent as soon as the limiter grants them, an answer is there 200 ms later, half of that after
/// the server has decided, and every `Retry-After` is heeded. `at_once`: nothing is spaced after a pause.
fn an_hour_of_calls(policy: &str, truth: &str, at_once: bool) -> Fare {
    const WAY: Duration = Duration::from_millis(100);
    let (limiter, clock) = limiter(policy);
    let server = SlidingLog::new(truth.parse().unwrap()).unwrap();
    let mut fare = Fare { served: 0, refused: 0 };
    let mut answers: VecDeque<(Nanos, Option<u64>)> = VecDeque::new();
    let mut paused_until = Nanos::ZERO;
    while clock.now() < seconds(3600) {
        let now = clock.now();
        while let Some(&(_, retry_after)) = answers.front().filter(|answer| answer.0 <= now) {
            answers.pop_front();
            let Some(secs) = retry_after else {
                fare.served += 1;
                continue;
            };
            fare.refused += 1;
            limiter.pause_for(Duration::from_secs(secs));
            paused_until = paused_until.max(now.saturating_add(Duration::from_secs(secs)));
        }
        if at_once && now >= paused_until {
            limiter.resume();
        }
        match limiter.try_acquire() {
            Ok(()) => {
                let decided = server.try_acquire_at(now.saturating_add(WAY), 1);
                let retry_after = decided.err().and_then(|denied| denied.retry_after_secs());
                answers.push_back((now.saturating_add(2 * WAY), retry_after));
            }
            Err(denied) => {
                let retry = denied.retry_at().unwrap();
                clock.set(answers.front().map_or(retry, |answer| answer.0.min(retry)));
            }
        }
    }
    fare
}

/// The policy is twice as high as the truth. If everything that has accrued goes at once, every second call is refused.
#[test]
fn a_client_whose_policy_is_too_high_is_refused_less() {
    let fare = |served, refused| Fare { served, refused };
    let table = [
        ("50/1m", "25/1m", fare(1500, 1500), fare(1500, 84)),
        ("50/1m, 1500/1h", "25/1m, 750/1h", fare(750, 750), fare(750, 54)),
        // A round trip is two permits long, and a `Retry-After` is no shorter than a second.
        ("10/1s, 600/1m", "5/1s, 300/1m", fare(15_000, 15_000), fare(10_004, 4_003)),
    ];
    for (policy, truth, before, after) in table {
        let got = (an_hour_of_calls(policy, truth, true), an_hour_of_calls(policy, truth, false));
        assert_eq!(got, (before, after), "{policy}");
    }
}

/// The type says whose grant it is, so it may go to any thread, and its limiter may be any pointer.
#[test]
fn a_grant_is_undone_by_any_thread_and_through_any_pointer() {
    let clock = Manual::new();
    let bucket: Box<dyn Algorithm> = Box::new(TokenBucket::strict("3/10s".parse().unwrap()).unwrap());
    let limiter = RateLimiter::new(Arc::new(bucket), clock);
    let burst = limiter.status().remaining();
    let (one, two) = (limiter.try_grant().unwrap(), limiter.clone());
    assert_eq!(two.status().remaining(), burst - 1);
    assert!(std::thread::scope(|scope| scope.spawn(|| one.undo()).join().unwrap()));
    assert_eq!(two.status().remaining(), burst);
    limiter.pause_for(Duration::from_secs(1));
    assert!(limiter.try_grant().unwrap_err().is_paused());
    // For nothing a grant is made even then, and there is nothing to undo.
    assert!(!limiter.try_grant_n(0).unwrap().undo());
}

#[test]
fn what_cannot_be_undone_says_so() {
    struct Always;
    impl Reclaim for Always {
        fn reclaim(&self, before: u64, after: u64) -> bool {
            assert_ne!(before, after, "asked for nothing");
            true
        }
    }
    assert!(!Grant::FINAL.undo());
    assert!(!Grant::new(&Always, 7, 7).undo());
    assert!(Grant::new(&Always, 7, 8).undo());
    let text = "Grant { receipt: Receipt { before: 7, after: 8 }, is_final: false }";
    assert_eq!(format!("{:?}", Grant::new(&Always, 7, 8)), text);
    // An algorithm that says nothing of undoing grants for good.
    let log = RateLimiter::new(SlidingLog::new("3/10s".parse().unwrap()).unwrap(), Manual::new());
    assert!(!log.try_grant_n(2).unwrap().undo());
    assert_eq!(log.status().remaining(), 1);
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
    assert_eq!(RateLimiter::counted(policy).unwrap().policy().guard(), guard);
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
        assert_eq!(RateLimiter::counted(policy).unwrap_err(), BuildError::Policy(too_long));
    }
}
