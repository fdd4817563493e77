//! Any responses, one after another, to a limiter of any algorithm: it grants nothing that it would not have granted without
//! them, each refusal is exact, what is written of its state agrees with it, and in the end it is as before.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use tollgate::http::{Feedback, Fields, Heed, Heeded};
use tollgate::{
    Algorithm, Clock, Manual, Nanos, Policy, RateLimiter, SlidingLog, TokenBucket, WindowCounter,
};

use crate::read;

const POLICIES: [&str; 6] = [
    "5/10s, 12/60s",
    "1/3s",
    "8/1m, 8/10s",
    "4/1m, 40/1h",
    "50/1m, 1500/1h; guard 1s",
    "2/1d, 5/2d, 1000/3d",
];

const RESPONSES: [(u16, &[(&str, &str)]); 14] = [
    (200, &[("x-ratelimit-remaining", "0")]),
    (200, &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "0")]),
    (200, &[("x-ratelimit-remaining", "2")]),
    (200, &[("x-ratelimit-remaining", "4")]),
    (200, &[("x-ratelimit-remaining", "4294967295")]),
    (200, &[("ratelimit", "\"a\";r=0;t=7")]),
    (200, &[("ratelimit", "\"a\";r=0;t=0, \"b\";r=3;t=9")]),
    (429, &[]),
    (429, &[("retry-after", "0")]),
    (429, &[("retry-after", "2.000000001")]),
    (429, &[("retry-after", "99999999999999999999")]),
    (503, &[("retry-after", "3")]),
    (403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "99999999999999999999")]),
    (202, &[("retry-after", "5")]),
];

const LONGEST: Duration = Duration::from_secs(20);
const HEED: Heed = Heed::new().with_longest_pause(LONGEST);

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Call(u32),
    Hear(usize),
    /// To the instant of the last refusal, or just before it.
    Retry(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![0..5_000_000_000_u64, (0_u32..38).prop_map(|bits| 1 << bits)];
    let step = prop_oneof![
        2 => wait.prop_map(Step::Wait),
        4 => prop_oneof![3 => Just(1), 1 => 1..10_u32].prop_map(Step::Call),
        3 => (0..RESPONSES.len()).prop_map(Step::Hear),
        1 => (0..2_u64).prop_map(Step::Retry),
    ];
    prop::collection::vec(step, 1..60)
}

type Limiter = RateLimiter<dyn Algorithm, Manual>;

fn limiters(policy: &Policy, clock: &Manual) -> [Limiter; 4] {
    [
        RateLimiter::new(SlidingLog::new(*policy).unwrap(), clock.clone()).erased(),
        RateLimiter::new(TokenBucket::strict(*policy).unwrap(), clock.clone()).erased(),
        RateLimiter::new(TokenBucket::nominal(*policy).unwrap(), clock.clone()).erased(),
        RateLimiter::new(WindowCounter::new(*policy).unwrap(), clock.clone()).erased(),
    ]
}

fn earlier(instant: Nanos, nanos: u64) -> Nanos {
    Nanos::from_nanos(instant.as_nanos() - nanos)
}

/// The instant from which a call for `n` is granted.
fn ready(limiter: &Limiter, clock: &Manual, n: u32) -> Nanos {
    limiter.peek_n(n).map_or_else(|denied| denied.retry_at().unwrap_or(Nanos::MAX), |()| clock.now())
}

/// What is said of the limiter, and the instant of the next call for `n`.
fn look(limiter: &Limiter, clock: &Manual, fields: &Fields, n: u32) -> Option<Nanos> {
    let (now, status) = (clock.now(), limiter.status());
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, &status);
    let own = Feedback::read(StatusCode::OK, &headers);
    assert_eq!(own.remaining(), Some(status.remaining().into()), "{headers:?}");
    if status.remaining() > 0 {
        // What it says itself is no news.
        assert_eq!(own.heed(limiter, &HEED), Heeded::default(), "{headers:?}");
    }
    let seconds = |instant: Nanos| instant.saturating_duration_since(now).as_nanos().div_ceil(1_000_000_000);
    let told = |said: &Feedback| said.retry_after().map(|after| u128::from(after.as_secs()));
    let wait = (status.remaining() == 0).then(|| seconds(ready(limiter, clock, 1)));
    assert_eq!(told(&own), wait, "{headers:?}");
    let Err(denied) = limiter.peek_n(n) else {
        assert!(status.remaining() >= n);
        return None;
    };
    assert!(status.remaining() < n);
    let refusal = fields.refusal(&denied, &status, n);
    refusal.write(&mut headers);
    let said = Feedback::read(refusal.status_code(), &headers);
    assert!(said.remaining().unwrap() < n.into(), "{headers:?}");
    if n > denied.burst() {
        assert_eq!((refusal.status_code(), denied.retry_at()), (StatusCode::BAD_REQUEST, None));
        return None;
    }
    let retry_at = denied.retry_at().unwrap();
    assert_eq!(told(&said), Some(seconds(retry_at)), "{headers:?}");
    assert!(
        said.quotas()
            .iter()
            .all(|quota| quota.remaining >= Some(n.into()) || quota.reset <= said.retry_after())
    );
    clock.set(earlier(retry_at, 1));
    assert!(limiter.peek_n(n).is_err());
    clock.set(retry_at);
    assert_eq!(limiter.peek_n(n), Ok(()));
    clock.set(now);
    Some(retry_at)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_series_of_responses_does_harm(policy in prop::sample::select(&POLICIES[..]), steps in steps()) {
        let policy: Policy = policy.parse().unwrap();
        let clock = Manual::new();
        // The second of each pair hears nothing, and is asked for what was granted to the first.
        for (limiter, free) in limiters(&policy, &clock).iter().zip(&limiters(&policy, &clock)) {
            clock.set(Nanos::from_secs(1000));
            let fields = Fields::of(limiter.algorithm());
            let mut retry_at = None;
            for &step in &steps {
                match step {
                    Step::Wait(nanos) => clock.advance(Duration::from_nanos(nanos)),
                    Step::Retry(nanos) => {
                        let instant = retry_at.map_or(clock.now(), |instant| earlier(instant, nanos));
                        clock.set(instant.max(clock.now()));
                    }
                    Step::Call(n) => {
                        retry_at = look(limiter, &clock, &fields, n);
                        if limiter.try_acquire_n(n).is_ok() {
                            prop_assert_eq!(free.try_acquire_n(n), Ok(()));
                        }
                    }
                    Step::Hear(response) => {
                        let (status, fields) = RESPONSES[response];
                        let burst = limiter.peek_n(u32::MAX).unwrap_err().burst();
                        let all = || [1, 2.min(burst), burst].map(|n| ready(limiter, &clock, n));
                        let (before, now) = (all(), clock.now());
                        read(status, fields).heed(limiter, &HEED);
                        let after = all();
                        prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
                        prop_assert!(after[0] <= before[0].max(now.saturating_add(LONGEST)));
                    }
                }
            }
            // Nothing is left of it after the cap and a window.
            let longest = policy.quotas().iter().map(|quota| quota.window() + policy.guard()).max().unwrap();
            clock.advance(LONGEST + longest + Duration::from_secs(1));
            let burst = free.peek_n(u32::MAX).unwrap_err().burst();
            prop_assert_eq!(free.try_acquire_n(burst).is_ok(), limiter.try_acquire_n(burst).is_ok());
        }
    }
}
