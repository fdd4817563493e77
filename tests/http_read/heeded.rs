//! What a server's word does to a limiter, to the nanosecond.

use std::time::Duration;

use tollgate::http::{Heed, Heeded};
use tollgate::{Algorithm, Clock, Manual, Policy, RateLimiter, SlidingLog, TokenBucket, WindowCounter};

use crate::read;

const RULE: Policy = Policy::MICROSOFT_365_DEFENDER;
const HEED: Heed = Heed::new();

fn log() -> (RateLimiter<SlidingLog, Manual>, Manual) {
    let clock = Manual::new();
    (RateLimiter::new(SlidingLog::new(RULE).unwrap(), clock.clone()), clock)
}

/// One limiter of each algorithm, at an instant that is not the origin of its clock.
fn each() -> Vec<(RateLimiter<dyn Algorithm, Manual>, Manual)> {
    fn at<A: Algorithm + 'static>(algorithm: A) -> (RateLimiter<dyn Algorithm, Manual>, Manual) {
        let clock = Manual::new();
        clock.advance(Duration::from_secs(1000));
        (RateLimiter::new(algorithm, clock.clone()).erased(), clock)
    }
    vec![
        at(SlidingLog::new(RULE).unwrap()),
        at(TokenBucket::strict(RULE).unwrap()),
        at(TokenBucket::nominal(RULE).unwrap()),
        at(WindowCounter::new(RULE).unwrap()),
    ]
}

fn wait<A: Algorithm + ?Sized, C: Clock>(limiter: &RateLimiter<A, C>) -> Duration {
    limiter.peek().err().map_or(Duration::ZERO, |denied| denied.retry_after().unwrap())
}

fn done(pause: Option<u64>, lowered_to: Option<u32>) -> (Option<Duration>, Option<u32>) {
    (pause.map(Duration::from_secs), lowered_to)
}

fn seen(heeded: Heeded) -> (Option<Duration>, Option<u32>) {
    (heeded.pause, heeded.lowered_to)
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_refusal_pauses_every_algorithm() {
    for (limiter, clock) in each() {
        limiter.try_acquire().unwrap();
        let feedback = read(429, &[("retry-after", "30")]);
        assert_eq!(seen(feedback.heed(&limiter, &HEED)), done(Some(30), None));
        assert_eq!(wait(&limiter), millis(30_000));
        clock.advance(millis(29_999));
        assert!(limiter.try_acquire().unwrap_err().is_paused());
        clock.advance(millis(1));
        assert!(limiter.try_acquire().is_ok());
        assert!(wait(&limiter) >= millis(1200)); // It comes out of the pause empty.
    }
}

#[test]
fn a_granted_call_that_was_the_last_one_pauses() {
    let (limiter, _) = log();
    let feedback = read(200, &[("ratelimit", "\"minute\";r=0;t=17, \"hour\";r=900;t=600")]);
    assert_eq!(seen(feedback.heed(&limiter, &HEED)), done(Some(17), None));
    assert_eq!(wait(&limiter), millis(17_000));
}

#[test]
fn a_server_that_has_fewer_lowers_every_algorithm() {
    for (limiter, clock) in each() {
        limiter.try_acquire().unwrap();
        let feedback = read(200, &[("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "60")]);
        assert_eq!(seen(feedback.heed(&limiter, &HEED)), done(None, Some(7)));
        assert_eq!(limiter.status().remaining(), 7);
        assert!(limiter.try_acquire_n(8).is_err());
        limiter.try_acquire_n(7).unwrap();
        assert_eq!(wait(&limiter), millis(1200)); // a minute's 50th part
        clock.advance(millis(1200));
        limiter.try_acquire().unwrap();
        assert_eq!(wait(&limiter), millis(1200));
        // After the time of all permits that were missing, the policy alone decides.
        clock.advance(Duration::from_secs(4000));
        let burst = limiter.peek_n(u32::MAX).unwrap_err().burst();
        assert!(limiter.try_acquire_n(burst).is_ok());
    }
}

#[test]
fn nothing_is_charged() {
    let (limiter, clock) = log();
    let feedback = read(200, &[("x-ratelimit-remaining", "2")]);
    for _ in 0..100 {
        feedback.heed(&limiter, &HEED);
    }
    assert_eq!(
        limiter.algorithm().status_at(clock.now()).quotas().iter().map(|q| q.remaining).collect::<Vec<_>>(),
        [50, 1500]
    );
    assert_eq!(limiter.status().remaining(), 2);
    // Forty-eight permits are missing: after their time all are there again.
    clock.advance(millis(48 * 1200 - 1));
    assert_eq!(limiter.status().remaining(), 49);
    clock.advance(millis(1));
    assert_eq!(limiter.status().remaining(), 50);
    assert!(limiter.try_acquire_n(50).is_ok());
}

#[test]
fn nothing_is_ever_raised() {
    let (limiter, clock) = log();
    limiter.try_acquire_n(45).unwrap();
    let rich =
        read(200, &[("ratelimit", "\"a\";r=1000000;t=1"), ("ratelimit-policy", "\"a\";q=1000000;w=1")]);
    assert_eq!(seen(rich.heed(&limiter, &HEED)), done(None, None));
    assert_eq!(limiter.status().remaining(), 5);
    // As many as we think, and one fewer.
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "5")]).heed(&limiter, &HEED)), done(None, None));
    clock.advance(Duration::from_secs(60));
    assert_eq!(limiter.status().remaining(), 50); // The window is over, and nothing was spaced.
    assert_eq!(
        seen(read(200, &[("x-ratelimit-remaining", "49")]).heed(&limiter, &HEED)),
        done(None, Some(49))
    );
    // A word that is weaker changes nothing, and a pause is not ended by a later one that is shorter.
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "50")]).heed(&limiter, &HEED)), done(None, None));
    read(429, &[("retry-after", "30")]).heed(&limiter, &HEED);
    read(429, &[("retry-after", "1")]).heed(&limiter, &HEED);
    rich.heed(&limiter, &HEED);
    assert_eq!(wait(&limiter), millis(30_000));
}

#[test]
fn the_burst_of_a_strict_bucket_counts_too() {
    let clock = Manual::new();
    let limiter = RateLimiter::new(TokenBucket::strict(RULE).unwrap(), clock.clone());
    // It grants 26 at once: 30 that are left are no news.
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "30")]).heed(&limiter, &HEED)), done(None, None));
    assert_eq!(
        seen(read(200, &[("x-ratelimit-remaining", "25")]).heed(&limiter, &HEED)),
        done(None, Some(25))
    );
    assert!(limiter.try_acquire_n(26).is_err());
    assert!(limiter.try_acquire_n(25).is_ok());
}

#[test]
fn nothing_left_without_a_reset_spaces_the_first_call_too() {
    let (limiter, _) = log();
    let feedback = read(200, &[("x-shopify-shop-api-call-limit", "40/40")]);
    assert_eq!(seen(feedback.heed(&limiter, &HEED)), done(None, Some(0)));
    assert_eq!(wait(&limiter), millis(1200));
}

#[test]
fn every_pause_is_capped() {
    let (limiter, _) = log();
    let never = read(429, &[("retry-after", "99999999999999999999")]);
    assert_eq!(seen(never.heed(&limiter, &HEED)), done(Some(300), None));
    assert_eq!(wait(&limiter), millis(300_000));

    let (limiter, _) = log();
    let heed = HEED.with_longest_pause(Duration::from_secs(3600));
    assert_eq!(seen(never.heed(&limiter, &heed)), done(Some(3600), None));
    assert_eq!(wait(&limiter), millis(3_600_000));

    let (limiter, _) = log();
    limiter.set_longest_pause(Duration::from_secs(20));
    never.heed(&limiter, &HEED);
    assert_eq!(wait(&limiter), millis(20_000));

    // The pace of two calls a day is no pause for a server to cause.
    let clock = Manual::new();
    let slow = RateLimiter::new(SlidingLog::new("2/1d".parse().unwrap()).unwrap(), clock.clone());
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "1")]).heed(&slow, &HEED)), done(None, None));
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "0")]).heed(&slow, &HEED)), done(None, None));
    let heed = HEED.with_longest_pause(Duration::from_secs(43_200));
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "1")]).heed(&slow, &heed)), done(None, Some(1)));
    let (limiter, _) = log();
    limiter.set_longest_pause(millis(1199));
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "1")]).heed(&limiter, &HEED)), done(None, None));
    limiter.set_longest_pause(millis(1200));
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "1")]).heed(&limiter, &HEED)), done(None, Some(1)));
}

#[test]
fn a_refusal_that_does_not_say_how_long_holds_for_the_default() {
    for fields in [&[][..], &[("retry-after", "0")], &[("retry-after", "nonsense")]] {
        let (limiter, _) = log();
        assert_eq!(seen(read(429, fields).heed(&limiter, &HEED)), done(Some(1), None));
        assert_eq!(wait(&limiter), millis(1000));
        let heed = HEED.with_default_pause(Duration::from_secs(5));
        assert_eq!(seen(read(429, fields).heed(&limiter, &heed)), done(Some(5), None));
        assert_eq!(wait(&limiter), millis(5000));
    }
}

#[test]
fn jitter_is_added_to_the_pause() {
    let heed = HEED.with_jitter(Duration::from_secs(10));
    let mut waits = Vec::new();
    for _ in 0..20 {
        let (limiter, _) = log();
        assert_eq!(seen(read(429, &[("retry-after", "30")]).heed(&limiter, &heed)), done(Some(30), None));
        waits.push(wait(&limiter));
    }
    assert!(waits.iter().all(|wait| (millis(30_000)..=millis(40_000)).contains(wait)));
    waits.sort();
    waits.dedup();
    assert!(waits.len() > 10, "{waits:?}");
}

#[test]
fn only_refusals_on_request() {
    let (limiter, _) = log();
    let heed = HEED.refusals_only();
    let spent = [("ratelimit", "\"a\";r=0;t=17")];
    assert_eq!(seen(read(200, &spent).heed(&limiter, &heed)), done(None, None));
    assert_eq!(seen(read(200, &[("x-ratelimit-remaining", "1")]).heed(&limiter, &heed)), done(None, None));
    assert!(limiter.try_acquire_n(50).is_ok());
    assert_eq!(seen(read(429, &spent).heed(&limiter, &heed)), done(Some(17), None));
}

#[test]
fn the_limit_of_others_only_pauses() {
    let (limiter, clock) = log();
    let fields = [("x-ratelimit-scope", "shared"), ("retry-after", "3"), ("x-ratelimit-remaining", "2")];
    assert_eq!(seen(read(429, &fields).heed(&limiter, &HEED)), done(Some(3), None));
    assert_eq!(limiter.algorithm().status_at(clock.now()).remaining(), 50);
}

/// A client beside another that spends the same quota, at a server with fixed windows of a minute. How many of its calls
/// are served, and how many refused.
fn beside_another(heeds: bool) -> (u32, u32) {
    let (limiter, clock) = log();
    clock.advance(Duration::from_secs(1000));
    let (mut window, mut used, mut served, mut refused) = (0, 0, 0, 0);
    for second in 1000..2000_u64 {
        if window != second / 60 {
            (window, used) = (second / 60, 0);
        }
        used = 50.min(used + u32::from(second % 2 == 0)); // the other client
        while limiter.try_acquire().is_ok() {
            let is_served = used < 50;
            used += u32::from(is_served);
            let (left, reset) = ((50 - used).to_string(), (60 - second % 60).to_string());
            let fields = [("ratelimit-remaining", &*left), ("ratelimit-reset", &*reset)];
            let feedback = read(if is_served { 200 } else { 429 }, &fields);
            if heeds {
                feedback.heed(&limiter, &HEED);
            }
            served += u32::from(is_served);
            refused += u32::from(!is_served);
        }
        clock.advance(Duration::from_secs(1));
    }
    (served, refused)
}

#[test]
fn a_client_that_heeds_is_not_refused_beside_another() {
    assert_eq!(beside_another(true), (557, 0));
    assert_eq!(beside_another(false), (513, 337));
}
