//! How many requests a node makes.

use tollgate::{Nanos, Policy};

use super::world::{Bucket, ms, settle};
use crate::lease::refused::Refused;
use crate::lease::terms::{Leases, WhenAway};

/// 20,000 a second, at most 2,000 at once.
fn fast() -> Leases {
    let leases = Leases::new("20000/s".parse().unwrap(), WhenAway::Refuse).unwrap();
    leases.with_life(ms(200)).unwrap().with_burst(2_000).unwrap()
}

#[tokio::test(start_paused = true)]
async fn at_a_high_rate_there_are_a_hundred_calls_for_each_request() {
    let bucket = Bucket::of(&fast(), ms(2));
    let limiter = bucket.limiter(fast());
    let (mut granted, mut calls) = (0, 0);
    for _ in 0..10_000 {
        for _ in 0..8 {
            calls += 1;
            granted += u32::from(limiter.try_acquire().is_ok());
        }
        tokio::time::sleep(ms(1)).await;
    }
    // 740 calls for each request. Only the first milliseconds are short of permits.
    assert_eq!((calls, granted, bucket.requests()), (80_000, 79_888, 108));
}

#[tokio::test(start_paused = true)]
async fn above_the_limit_there_are_a_hundred_calls_for_each_request() {
    let bucket = Bucket::of(&fast(), ms(2));
    let limiter = bucket.limiter(fast());
    let (mut granted, mut calls) = (0, 0);
    for _ in 0..5_000 {
        for _ in 0..40 {
            calls += 1;
            granted += u32::from(limiter.try_acquire().is_ok());
        }
        tokio::time::sleep(ms(1)).await;
    }
    // 980 calls for each request.
    assert_eq!((calls, granted, bucket.requests()), (200_000, 76_338, 204));
    let plan = *fast().plan();
    let most = 2_000 + 5_000_000_000_u128 / plan.interval().as_nanos();
    assert!(u128::from(granted) * 100 >= most * 97, "{granted} of {most} that the store had");
}

fn slow() -> Leases {
    Leases::new(Policy::MICROSOFT_365_DEFENDER, WhenAway::Refuse).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refused_caller_costs_no_request_before_its_instant() {
    let bucket = Bucket::of(&slow(), ms(2));
    let limiter = bucket.limiter(slow());
    bucket.drain(26);
    assert!(limiter.decide(1).await.is_err());
    assert_eq!(bucket.requests(), 1);
    let interval = slow().plan().interval();
    for _ in 0..100 {
        for _ in 0..10 {
            let Err(Refused::Denied(denied)) = limiter.try_acquire() else { panic!("not denied") };
            assert!(denied.retry_after() > Some(ms(1)), "{denied}");
            assert_eq!(denied.burst(), 26);
        }
        tokio::time::sleep(ms(20)).await;
    }
    assert_eq!(bucket.requests(), 1);
    // A caller that comes back when it was told is granted.
    let Err(Refused::Denied(denied)) = limiter.try_acquire() else { panic!("not denied") };
    tokio::time::sleep(denied.retry_after().unwrap()).await;
    assert_eq!(limiter.decide(1).await, Ok(()));
    assert_eq!(bucket.requests(), 2);
    let told = denied.retry_at().unwrap();
    assert!(told <= Nanos::ZERO.saturating_add(interval + ms(6)), "{told}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_node_asks_nothing() {
    let bucket = Bucket::of(&slow(), ms(2));
    let limiter = bucket.limiter(slow());
    assert_eq!(limiter.decide(1).await, Ok(()));
    assert_eq!((bucket.requests(), limiter.counts().leased), (1, 1)); // a first lease is of one permit
    tokio::time::sleep(ms(3_600_000)).await;
    assert_eq!(bucket.requests(), 1);

    // A busy one that becomes idle stops, too.
    let bucket = Bucket::of(&fast(), ms(2));
    let limiter = bucket.limiter(fast());
    for _ in 0..1_000 {
        for _ in 0..8 {
            _ = limiter.try_acquire();
        }
        tokio::time::sleep(ms(1)).await;
    }
    tokio::time::sleep(ms(1_000)).await;
    let requests = bucket.requests();
    tokio::time::sleep(ms(3_600_000)).await;
    assert_eq!(bucket.requests(), requests);
}

#[tokio::test(start_paused = true)]
async fn near_the_limit_leases_are_of_one_permit() {
    let bucket = Bucket::of(&slow(), ms(2));
    let limiter = bucket.limiter(slow());
    bucket.drain(25);
    for _ in 0..10 {
        assert_eq!(limiter.acquire().await, Ok(()));
    }
    let granted: Vec<_> =
        bucket.log().iter().map(|&(_, granted)| granted).filter(|&granted| granted > 0).collect();
    assert_eq!(granted, [1; 10]);
}

#[tokio::test(start_paused = true)]
async fn a_call_for_several_permits_gets_all_or_none() {
    let bucket = Bucket::of(&slow(), ms(2));
    let limiter = bucket.limiter(slow());
    assert_eq!(limiter.decide(20).await, Ok(()));
    let Err(Refused::Denied(denied)) = limiter.decide(7).await else { panic!("not denied") };
    assert!(denied.retry_at().is_some());
    assert_eq!(limiter.decide(3).await, Ok(()));
    let Err(Refused::Denied(never)) = limiter.decide(27).await else { panic!("not denied") };
    assert_eq!((never.retry_at(), never.burst()), (None, 26));
    assert_eq!(limiter.decide(0).await, Ok(()));
    assert_eq!(limiter.try_acquire_n(0), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn leases_are_dropped_when_the_clock_jumps() {
    let time = super::world::TokioTime::new();
    let bucket = Bucket::of(&slow(), ms(2));
    let limiter = bucket.limiter_in(slow(), time.clone());
    assert_eq!(limiter.decide(1).await, Ok(()));
    bucket.drain(1);
    // Four permits come, of which one is used.
    let calls =
        async { tokio::join!(limiter.decide(1), limiter.decide(1), limiter.decide(1), limiter.decide(1)) };
    assert_eq!(calls.await, (Ok(()), Ok(()), Ok(()), Ok(())));
    time.jump();
    settle().await;
    assert_eq!(limiter.try_acquire(), Err(Refused::Asked));
}
